// The functions of $setWindowFields: accumulators over frames, ranks, neighbours, slopes, areas,
// covariances, moving averages and the fillers.
#include <algorithm>
#include <cmath>
#include <optional>

#include "plugins/database-document/expression/arithmetic.h"
#include "plugins/database-document/expression/calendar.h"
#include "plugins/database-document/stage/accumulator.h"
#include "plugins/database-document/stage/stage.h"
#include "plugins/database-document/stage/window.h"
#include "plugins/database-document/value/compare.h"
#include "plugins/database-document/value/meter.h"
#include "plugins/database-document/value/number.h"

namespace nexadb::query {
namespace {

constexpr int kRankTakesNoWindow = 5371601;
constexpr int kRankNeedsOrder = 5371602;
constexpr int kRankTakesNothing = 5371603;

constexpr std::string_view kWindowFunctions[] = {"$addToSet",
                                                 "$avg",
                                                 "$bottom",
                                                 "$bottomN",
                                                 "$concatArrays",
                                                 "$count",
                                                 "$covariancePop",
                                                 "$covarianceSamp",
                                                 "$denseRank",
                                                 "$derivative",
                                                 "$documentNumber",
                                                 "$expMovingAvg",
                                                 "$first",
                                                 "$firstN",
                                                 "$integral",
                                                 "$last",
                                                 "$lastN",
                                                 "$linearFill",
                                                 "$locf",
                                                 "$max",
                                                 "$maxN",
                                                 "$median",
                                                 "$mergeObjects",
                                                 "$min",
                                                 "$minN",
                                                 "$percentile",
                                                 "$push",
                                                 "$rank",
                                                 "$setUnion",
                                                 "$shift",
                                                 "$stdDevPop",
                                                 "$stdDevSamp",
                                                 "$sum",
                                                 "$top",
                                                 "$topN"};

using Values = std::vector<OwnedValue>;
using ExpressionPtr = std::unique_ptr<Expression>;

Values Evaluate(const Expression& expression, Partition rows) {
  Values out;
  out.reserve(rows.size());
  for (const WindowRow& row : rows) out.push_back(Unwrap(expression.Evaluate(row.view())));
  return out;
}

// A function's results, one for each row, within the query's memory.
class Column {
 public:
  explicit Column(PipelineContext& context) : context_(context) {}
  void Add(OwnedValue v) {
    bytes_ += v.size() + sizeof(v);
    CheckMemory(bytes_, context_, "$setWindowFields");
    values_.push_back(std::move(v));
  }
  Values Take() { return std::move(values_); }

 private:
  PipelineContext& context_;
  Values values_;
  size_t bytes_ = 0;
};

// A row looked at.
void Step() { Meter::Work(1); }

class AccumulatorFunction final : public WindowFunction {
 public:
  AccumulatorFunction(std::unique_ptr<Accumulator> accumulator, Window window)
      : accumulator_(std::move(accumulator)), window_(std::move(window)) {}

  Values Compute(Partition rows, const WindowOrder& order,
                 PipelineContext& context) const override {
    const std::vector<Frame> frames = window_.Of(rows, order);
    Column given(context);
    for (const WindowRow& row : rows) given.Add(accumulator_->Argument(row.view()));
    const Values arguments = given.Take();
    if (window_.kind() == Window::Kind::kWhole) {
      return Values(rows.size(), Over(arguments, frames.front()));
    }
    Column out(context);
    auto state = accumulator_->NewState();
    size_t added = 0;
    for (const Frame& frame : frames) {
      // A frame that only grows goes on from the one before.
      if (!window_.StartsAtFirst() || !state->Resumable()) {
        out.Add(Over(arguments, frame));
        continue;
      }
      for (; added < frame.end; ++added, Step()) state->Add(arguments[added]);
      out.Add(state->Finish());
    }
    return out.Take();
  }

 private:
  OwnedValue Over(const Values& arguments, Frame frame) const {
    auto state = accumulator_->NewState();
    for (size_t i = frame.begin; i < frame.end; ++i, Step()) state->Add(arguments[i]);
    return state->Finish();
  }

  std::unique_ptr<Accumulator> accumulator_;
  Window window_;
};

enum class Ranking { kNumber, kRank, kDense };

class RankFunction final : public WindowFunction {
 public:
  explicit RankFunction(Ranking ranking) : ranking_(ranking) {}
  Values Compute(Partition rows, const WindowOrder&, PipelineContext&) const override {
    Values out;
    int32_t rank = 0;
    for (size_t i = 0; i < rows.size(); ++i) {
      const bool tie = i != 0 && rows[i].order == rows[i - 1].order;
      if (ranking_ != Ranking::kDense && (ranking_ == Ranking::kNumber || !tie)) {
        rank = static_cast<int32_t>(i + 1);
      }
      if (ranking_ == Ranking::kDense && !tie) ++rank;
      out.push_back(OwnedValue::Int32(rank));
    }
    return out;
  }

 private:
  Ranking ranking_;
};

class ShiftFunction final : public WindowFunction {
 public:
  ShiftFunction(ExpressionPtr output, int64_t by, OwnedValue otherwise)
      : output_(std::move(output)), by_(by), otherwise_(std::move(otherwise)) {}
  Values Compute(Partition rows, const WindowOrder&, PipelineContext&) const override {
    const auto size = static_cast<int64_t>(rows.size());
    Values out;
    for (int64_t i = 0; i < size; ++i) {
      const bool inside = by_ >= -i && by_ < size - i;
      if (!inside) {
        out.push_back(otherwise_);
        continue;
      }
      const OwnedValue v = Unwrap(output_->Evaluate(rows[static_cast<size_t>(i + by_)].view()));
      out.push_back(v.IsMissing() ? OwnedValue::Null() : v);
    }
    return out;
  }

 private:
  ExpressionPtr output_;
  int64_t by_;
  OwnedValue otherwise_;
};

// Pairs [x, y]; those that are not both numbers are left out. Welford's update.
class CovarianceFunction final : public WindowFunction {
 public:
  CovarianceFunction(ExpressionPtr pair, Window window, bool sample)
      : pair_(std::move(pair)), window_(std::move(window)), sample_(sample) {}

  Values Compute(Partition rows, const WindowOrder& order, PipelineContext&) const override {
    const std::vector<Frame> frames = window_.Of(rows, order);
    const Values pairs = Evaluate(*pair_, rows);
    Values out;
    for (const Frame& frame : frames) {
      if (window_.kind() == Window::Kind::kWhole && !out.empty()) {
        out.push_back(out.front());
        continue;
      }
      State state;
      for (size_t i = frame.begin; i < frame.end; ++i, Step()) Add(pairs[i], &state);
      out.push_back(Result(state));
    }
    return out;
  }

 private:
  struct State {
    double count = 0;
    double mean_x = 0;
    double mean_y = 0;
    double product = 0;
    bool decimal = false;
  };

  static void Add(const OwnedValue& pair, State* state) {
    if (pair.type() != bson::Type::kArray || pair.view().Doc().CountElements() != 2) return;
    auto at = pair.view().Doc().begin();
    const bson::Value first = (*at).value();
    ++at;
    const bson::Value second = (*at).value();
    if (!first.IsNumber() || !second.IsNumber()) return;
    state->decimal |=
        first.type() == bson::Type::kDecimal128 || second.type() == bson::Type::kDecimal128;
    const double x = ToDouble(first);
    const double y = ToDouble(second);
    state->count += 1;
    const double delta = x - state->mean_x;
    state->mean_x += delta / state->count;
    state->mean_y += (y - state->mean_y) / state->count;
    state->product += delta * (y - state->mean_y);
  }

  OwnedValue Result(const State& state) const {
    const double divisor = sample_ ? state.count - 1 : state.count;
    if (divisor <= 0) return OwnedValue::Null();
    const OwnedValue value = OwnedValue::Double(state.product / divisor);
    return state.decimal ? FromDecimal(ToDecimal(value.view())) : value;
  }

  ExpressionPtr pair_;
  Window window_;
  bool sample_;
};

class MovingAverageFunction final : public WindowFunction {
 public:
  MovingAverageFunction(ExpressionPtr input, double alpha)
      : input_(std::move(input)), alpha_(alpha) {}
  Values Compute(Partition rows, const WindowOrder&, PipelineContext&) const override {
    Values out;
    std::optional<double> average;
    for (const OwnedValue& v : Evaluate(*input_, rows)) {
      if (v.view().IsNumber()) {
        const double x = ToDouble(v.view());
        average = average ? alpha_ * x + (1 - alpha_) * *average : x;
      }
      out.push_back(average ? OwnedValue::Double(*average) : OwnedValue::Null());
    }
    return out;
  }

 private:
  ExpressionPtr input_;
  double alpha_;
};

// A place on the sort axis as a number; dates in milliseconds.
double Place(const OwnedValue& v, bool date, std::string_view op) {
  if (date ? v.type() == bson::Type::kDate : v.view().IsNumber()) {
    return date ? static_cast<double>(v.view().DateMs()) : ToDouble(v.view());
  }
  Fail(date ? 5624900 : 5624901, std::string(op) + (date ? " with unit expects the sortBy field "
                                                           "to be a Date"
                                                         : " where the sortBy is a Date requires "
                                                           "a unit; it must be a number"));
}

// $derivative: the slope between a frame's ends. $integral: trapezoids over a frame.
class CalculusFunction final : public WindowFunction {
 public:
  CalculusFunction(ExpressionPtr input, Window window, double unit_ms, bool integral)
      : input_(std::move(input)),
        window_(std::move(window)),
        unit_ms_(unit_ms),
        integral_(integral) {}

  Values Compute(Partition rows, const WindowOrder& order, PipelineContext&) const override {
    const std::vector<Frame> frames = window_.Of(rows, order);
    const std::string_view op = integral_ ? "$integral" : "$derivative";
    const Values values = Evaluate(*input_, rows);
    const bool date = unit_ms_ != 0;
    std::vector<double> x;
    for (const OwnedValue& v : Evaluate(*order.first, rows)) {
      x.push_back(Place(v, date, op) / (date ? unit_ms_ : 1));
    }
    Values out;
    for (const Frame& f : frames) {
      Step();
      out.push_back(integral_ ? Area(values, x, f) : Slope(values, x, f));
    }
    return out;
  }

 private:
  static OwnedValue Slope(const Values& values, const std::vector<double>& x, Frame f) {
    if (f.end - f.begin < 2) return OwnedValue::Null();
    const OwnedValue& first = values[f.begin];
    const OwnedValue& last = values[f.end - 1];
    const double run = x[f.end - 1] - x[f.begin];
    if (!first.view().IsNumber() || !last.view().IsNumber() || run == 0) {
      return OwnedValue::Null();
    }
    return OwnedValue::Double((ToDouble(last.view()) - ToDouble(first.view())) / run);
  }

  static OwnedValue Area(const Values& values, const std::vector<double>& x, Frame f) {
    double area = 0;
    bool any = false;
    std::optional<size_t> before;
    for (size_t i = f.begin; i < f.end; ++i, Step()) {
      if (!values[i].view().IsNumber()) continue;
      any = true;
      if (before) {
        area += (ToDouble(values[i].view()) + ToDouble(values[*before].view())) *
                (x[i] - x[*before]) / 2;
      }
      before = i;
    }
    return any ? OwnedValue::Double(area) : OwnedValue::Null();
  }

  ExpressionPtr input_;
  Window window_;
  double unit_ms_;
  bool integral_;
};

// The last value that was not null.
class CarryFunction final : public WindowFunction {
 public:
  explicit CarryFunction(ExpressionPtr input) : input_(std::move(input)) {}
  Values Compute(Partition rows, const WindowOrder&, PipelineContext&) const override {
    Values out;
    OwnedValue last = OwnedValue::Null();
    for (const OwnedValue& v : Evaluate(*input_, rows)) {
      if (!v.IsNullish()) last = v;
      out.push_back(last);
    }
    return out;
  }

 private:
  ExpressionPtr input_;
};

// Between two values, in proportion to the sort axis; null outside.
class LinearFillFunction final : public WindowFunction {
 public:
  explicit LinearFillFunction(ExpressionPtr input) : input_(std::move(input)) {}
  Values Compute(Partition rows, const WindowOrder& order, PipelineContext&) const override {
    Values out = Evaluate(*input_, rows);
    const Values places = Evaluate(*order.first, rows);
    std::optional<size_t> left;
    for (size_t i = 0; i < out.size(); ++i) {
      if (i != 0 && rows[i].order == rows[i - 1].order) {
        Fail(6050106, "There can be no repeated values in the sort field");
      }
      if (out[i].IsNullish()) {
        out[i] = OwnedValue::Null();
        continue;
      }
      if (!out[i].view().IsNumber()) {
        Fail(code::kTypeMismatch, "Value to be filled must be numeric or nullish");
      }
      if (left) Between(places, *left, i, &out);
      left = i;
    }
    return out;
  }

 private:
  static void Between(const Values& places, size_t left, size_t right, Values* out) {
    const bool date = places[left].type() == bson::Type::kDate;
    const double x0 = Place(places[left], date, "$linearFill");
    const double x1 = Place(places[right], date, "$linearFill");
    const double y0 = ToDouble((*out)[left].view());
    const double y1 = ToDouble((*out)[right].view());
    for (size_t i = left + 1; i < right; ++i) {
      const double x = Place(places[i], date, "$linearFill");
      (*out)[i] = OwnedValue::Double(y0 + (x - x0) * ((y1 - y0) / (x1 - x0)));
    }
  }

  ExpressionPtr input_;
};

struct ParseCall {
  std::string_view op;
  const bson::Value& argument;
  const bson::Value& window;
  const WindowOrder& order;
  const ParseOptions& options;

  [[noreturn]] void Refuse(std::string_view what) const {
    Fail(code::kFailedToParse, std::string(op) + " " + std::string(what));
  }
  ExpressionPtr ParseExpression(const bson::Value& v) const {
    return Unwrap(Expression::Parse(v, options));
  }
  void NoWindow() const {
    if (window) Refuse("does not accept a 'window' field");
  }
  void NeedsOneOrder() const {
    if (order.fields != 1) Refuse("requires a sortBy with exactly one field");
  }
  // Members of an object argument, each of which must be known.
  bson::Document Members(std::initializer_list<std::string_view> known) const {
    if (argument.type() != bson::Type::kObject) Refuse("expects an object");
    for (const bson::Element& e : argument.Doc()) {
      if (std::find(known.begin(), known.end(), e.name()) == known.end()) {
        Refuse("got unexpected argument: " + std::string(e.name()));
      }
    }
    return argument.Doc();
  }
};

using FunctionPtr = std::unique_ptr<WindowFunction>;

FunctionPtr ParseRank(const ParseCall& call) {
  if (call.window) Fail(kRankTakesNoWindow, "Rank style window functions take no other arguments");
  if (call.order.fields == 0 || (call.op != "$documentNumber" && call.order.fields != 1)) {
    Fail(kRankNeedsOrder, std::string(call.op) +
                              " must be specified with a top level sortBy expression with exactly "
                              "one element");
  }
  if (call.argument.type() != bson::Type::kObject || !call.argument.Doc().empty()) {
    Fail(kRankTakesNothing, std::string(call.op) + " must be specified with '{}' as the value");
  }
  return std::make_unique<RankFunction>(call.op == "$rank"        ? Ranking::kRank
                                        : call.op == "$denseRank" ? Ranking::kDense
                                                                  : Ranking::kNumber);
}

FunctionPtr ParseShift(const ParseCall& call) {
  const bson::Document members = call.Members({"output", "by", "default"});
  call.NoWindow();
  if (call.order.fields == 0) call.Refuse("requires a sortBy");
  const bson::Value by = members["by"].value();
  const auto steps = by.IsNumber() ? ExactInt64(by) : std::nullopt;
  if (!members["output"] || !members["by"]) call.Refuse("requires 'output' and 'by'");
  if (!steps) call.Refuse("expects 'by' to be an integer");
  OwnedValue otherwise = OwnedValue::Null();
  if (const bson::Element e = members["default"]) {
    const ExpressionPtr expression = call.ParseExpression(e.value());
    if (!expression->IsConstant()) call.Refuse("expects 'default' to be constant");
    otherwise = Unwrap(expression->Evaluate(bson::Document())).Keep();
  }
  return std::make_unique<ShiftFunction>(call.ParseExpression(members["output"].value()), *steps,
                                         otherwise);
}

FunctionPtr ParseCovariance(const ParseCall& call) {
  return std::make_unique<CovarianceFunction>(call.ParseExpression(call.argument),
                                              Window::Parse(call.window, call.order),
                                              call.op == "$covarianceSamp");
}

FunctionPtr ParseMovingAverage(const ParseCall& call) {
  const bson::Document members = call.Members({"input", "N", "alpha"});
  call.NoWindow();
  if (call.order.fields == 0) call.Refuse("requires an explicit 'sortBy'");
  const bson::Value n = members["N"].value();
  const bson::Value alpha = members["alpha"].value();
  if (!members["input"] || static_cast<bool>(n) == static_cast<bool>(alpha)) {
    call.Refuse("requires 'input' and either 'N' or 'alpha'");
  }
  double weight = 0;
  if (n) {
    const auto whole = n.IsNumber() ? ExactInt64(n) : std::nullopt;
    if (!whole || *whole <= 0) call.Refuse("'N' must be an integer greater than 0");
    weight = 2.0 / (static_cast<double>(*whole) + 1);
  } else {
    weight = alpha.IsNumber() ? ToDouble(alpha) : 0;
    if (!(weight > 0 && weight < 1)) call.Refuse("'alpha' must be between 0 and 1 (exclusive)");
  }
  return std::make_unique<MovingAverageFunction>(call.ParseExpression(members["input"].value()),
                                                 weight);
}

// The length of a unit whose length is fixed; 0 when there is none.
double FixedUnitMs(std::string_view unit) {
  if (unit == "week") return static_cast<double>(7 * kDayMs);
  if (unit == "day") return static_cast<double>(kDayMs);
  if (unit == "hour") return static_cast<double>(kHourMs);
  if (unit == "minute") return static_cast<double>(kMinuteMs);
  if (unit == "second") return static_cast<double>(kSecondMs);
  return unit == "millisecond" ? 1 : 0;
}

FunctionPtr ParseCalculus(const ParseCall& call) {
  const bool integral = call.op == "$integral";
  const bson::Document members = call.Members({"input", "unit"});
  if (!members["input"]) call.Refuse("requires an 'input' expression");
  call.NeedsOneOrder();
  if (!integral && !call.window) call.Refuse("requires explicit window bounds");
  double unit_ms = 0;
  if (const bson::Element unit = members["unit"]) {
    if (unit.type() == bson::Type::kString) unit_ms = FixedUnitMs(unit.value().Text());
    if (unit_ms == 0) call.Refuse("'unit' must be 'week' or smaller");
  }
  return std::make_unique<CalculusFunction>(call.ParseExpression(members["input"].value()),
                                            Window::Parse(call.window, call.order), unit_ms,
                                            integral);
}

FunctionPtr ParseAccumulatorFunction(const ParseCall& call) {
  bson::Builder spec;
  spec.Value(call.op, call.argument);
  const std::string bytes = spec.Finish();
  auto accumulator = ParseAccumulator(
      "value", bson::Document(AsBytes(bytes)).AsValue(bson::Type::kObject), call.options);
  return std::make_unique<AccumulatorFunction>(std::move(accumulator),
                                               Window::Parse(call.window, call.order));
}

}  // namespace

std::unique_ptr<WindowFunction> ParseWindowFunction(std::string_view op,
                                                    const bson::Value& argument,
                                                    const bson::Value& window,
                                                    const WindowOrder& order,
                                                    const ParseOptions& options) {
  const ParseCall call{op, argument, window, order, options};
  if (std::find(std::begin(kWindowFunctions), std::end(kWindowFunctions), op) ==
      std::end(kWindowFunctions)) {
    FailUnknown(code::kFailedToParse, "Unrecognized window function, " + std::string(op), op,
                kWindowFunctions, std::size(kWindowFunctions),
                std::string(options.pointer) + "/$setWindowFields");
  }
  if (op == "$rank" || op == "$denseRank" || op == "$documentNumber") return ParseRank(call);
  if (op == "$shift") return ParseShift(call);
  if (op == "$covariancePop" || op == "$covarianceSamp") return ParseCovariance(call);
  if (op == "$expMovingAvg") return ParseMovingAverage(call);
  if (op == "$derivative" || op == "$integral") return ParseCalculus(call);
  if (op == "$locf") {
    call.NoWindow();
    return std::make_unique<CarryFunction>(call.ParseExpression(argument));
  }
  if (op == "$linearFill") {
    call.NoWindow();
    call.NeedsOneOrder();
    return std::make_unique<LinearFillFunction>(call.ParseExpression(argument));
  }
  return ParseAccumulatorFunction(call);
}

}  // namespace nexadb::query
