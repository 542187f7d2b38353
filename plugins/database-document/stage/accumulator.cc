#include "plugins/database-document/stage/accumulator.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <unordered_map>

#include "plugins/database-document/expression/arithmetic.h"
#include "plugins/database-document/expression/node.h"
#include "plugins/database-document/expression/percentile.h"
#include "plugins/database-document/project/sort.h"
#include "plugins/database-document/value/compare.h"
#include "plugins/database-document/value/number.h"

namespace nexadb::query {
namespace {

std::string NameOf(const OwnedValue& v) { return std::string(TypeName(v.type())); }
size_t BytesOf(const OwnedValue& v) { return v.view().bytes().size() + sizeof(OwnedValue); }

class SumState final : public AccumulatorState {
 public:
  explicit SumState(bool average) : average_(average) {}
  void Add(const OwnedValue& v) override { sum_.Add(v.view()); }
  OwnedValue Finish() override { return average_ ? sum_.Average() : sum_.Total(); }

 private:
  Sum sum_;
  bool average_;
};

class ExtremeState final : public AccumulatorState {
 public:
  ExtremeState(bool most, CollationPtr collation) : collation_(std::move(collation)), most_(most) {}
  void Add(const OwnedValue& v) override {
    if (v.IsNullish()) return;
    if (!best_.IsMissing()) {
      const int order = CompareValues(v.view(), best_.view(), collation_.get());
      if (most_ ? order <= 0 : order >= 0) return;
    }
    best_ = v.Keep();
  }
  OwnedValue Finish() override { return best_.IsMissing() ? OwnedValue::Null() : best_; }
  bool Joins() const override { return true; }
  void Join(AccumulatorState& later) override { Add(static_cast<ExtremeState&>(later).best_); }
  size_t bytes() const override { return BytesOf(best_); }

 private:
  OwnedValue best_;
  CollationPtr collation_;
  bool most_;
};

class EndState final : public AccumulatorState {
 public:
  explicit EndState(bool last) : last_(last) {}
  void Add(const OwnedValue& v) override {
    if (any_ && !last_) return;
    any_ = true;
    value_ = v.Keep();
  }
  OwnedValue Finish() override { return value_.IsMissing() ? OwnedValue::Null() : value_; }
  bool Joins() const override { return true; }
  void Join(AccumulatorState& later) override {
    const auto& end = static_cast<EndState&>(later);
    if (end.any_) Add(end.value_);
  }
  size_t bytes() const override { return BytesOf(value_); }

 private:
  OwnedValue value_;
  bool any_ = false;
  bool last_;
};

class PushState final : public AccumulatorState {
 public:
  void Add(const OwnedValue& v) override {
    if (v.IsMissing()) return;
    out_.Add(v.view());
    bytes_ += v.view().bytes().size() + 8;
  }
  OwnedValue Finish() override { return out_.Finish(); }
  bool Resumable() const override { return false; }
  size_t bytes() const override { return bytes_; }

 private:
  ArrayBuilder out_;
  size_t bytes_ = 64;
};

// $addToSet, $setUnion: distinct values in the order they came.
class SetState final : public AccumulatorState {
 public:
  SetState(bool of_arrays, CollationPtr collation)
      : collation_(std::move(collation)), of_arrays_(of_arrays) {}
  void Add(const OwnedValue& v) override {
    if (v.IsMissing()) return;
    if (!of_arrays_) return One(v);
    if (v.type() != bson::Type::kArray) {
      Fail(code::kTypeMismatch, "$setUnion requires an array, not " + NameOf(v));
    }
    for (const bson::Element& e : v.view().Doc()) One(OwnedValue::Borrow(e.value()));
  }
  OwnedValue Finish() override {
    ArrayBuilder out;
    for (const auto& v : values_) out.Add(v->view());
    return out.Finish();
  }
  size_t bytes() const override { return bytes_; }

 private:
  void One(const OwnedValue& v) {
    const uint64_t hash = HashValue(v.view(), collation_.get());
    const auto [first, last] = index_.equal_range(hash);
    for (auto it = first; it != last; ++it) {
      if (EqualValues(values_[it->second]->view(), v.view(), collation_.get())) return;
    }
    index_.emplace(hash, values_.size());
    values_.push_back(std::make_unique<OwnedValue>(v.Keep()));
    bytes_ += BytesOf(v) + 48;
  }
  std::vector<std::unique_ptr<OwnedValue>> values_;
  std::unordered_multimap<uint64_t, size_t> index_;
  size_t bytes_ = 64;
  CollationPtr collation_;
  bool of_arrays_;
};

class ConcatArraysState final : public AccumulatorState {
 public:
  void Add(const OwnedValue& v) override {
    if (v.IsMissing()) return;
    if (v.type() != bson::Type::kArray) {
      Fail(code::kTypeMismatch, "$concatArrays requires an array, not " + NameOf(v));
    }
    for (const bson::Element& e : v.view().Doc()) out_.Add(e.value());
    bytes_ += v.view().bytes().size();
  }
  OwnedValue Finish() override { return out_.Finish(); }
  bool Resumable() const override { return false; }
  size_t bytes() const override { return bytes_; }

 private:
  ArrayBuilder out_;
  size_t bytes_ = 64;
};

class MergeObjectsState final : public AccumulatorState {
 public:
  void Add(const OwnedValue& v) override {
    if (v.IsNullish()) return;
    if (v.type() != bson::Type::kObject) {
      Fail(5911200, "$mergeObjects only supports objects, not " + NameOf(v));
    }
    bson::Builder out;
    for (const bson::Element& e : bson::Document(AsBytes(merged_))) {
      const bson::Element newer = v.view().Doc()[e.name()];
      out.Element(newer ? newer : e);
    }
    for (const bson::Element& e : v.view().Doc()) {
      if (!bson::Document(AsBytes(merged_))[e.name()]) out.Element(e);
    }
    merged_ = out.Finish();
  }
  OwnedValue Finish() override { return OwnedValue::Object(merged_); }
  size_t bytes() const override { return merged_.size(); }

 private:
  std::string merged_ = bson::Builder().Finish();
};

// Welford's one-pass variance.
class DeviationState final : public AccumulatorState {
 public:
  explicit DeviationState(bool sample) : sample_(sample) {}
  void Add(const OwnedValue& v) override {
    if (!v.view().IsNumber()) return;
    const double x = ToDouble(v.view());
    n_ += 1;
    const double delta = x - mean_;
    mean_ += delta / n_;
    squares_ += delta * (x - mean_);
  }
  OwnedValue Finish() override {
    if (n_ < (sample_ ? 2 : 1)) return OwnedValue::Null();
    return OwnedValue::Double(std::sqrt(squares_ / (sample_ ? n_ - 1 : n_)));
  }

 private:
  double n_ = 0;
  double mean_ = 0;
  double squares_ = 0;
  bool sample_;
};

enum class Pick { kFirst, kLast, kMin, kMax };

// $firstN, $lastN, $minN, $maxN.
class PickState final : public AccumulatorState {
 public:
  PickState(Pick pick, size_t n, CollationPtr collation)
      : collation_(std::move(collation)), pick_(pick), n_(n) {}
  void Add(const OwnedValue& v) override {
    const bool ordered = pick_ == Pick::kMin || pick_ == Pick::kMax;
    if (ordered && v.IsNullish()) return;
    if (pick_ == Pick::kFirst && kept_.size() == n_) return;
    const OwnedValue value = v.IsMissing() ? OwnedValue::Null() : v.Keep();
    auto at = kept_.end();
    if (ordered) {
      at = std::upper_bound(kept_.begin(), kept_.end(), value,
                            [&](const OwnedValue& a, const OwnedValue& b) {
                              const int order = CompareValues(a.view(), b.view(), collation_.get());
                              return pick_ == Pick::kMin ? order < 0 : order > 0;
                            });
    }
    kept_.insert(at, value);
    if (kept_.size() > n_) kept_.erase(pick_ == Pick::kLast ? kept_.begin() : kept_.end() - 1);
  }
  OwnedValue Finish() override {
    ArrayBuilder out;
    for (const OwnedValue& v : kept_) out.Add(v.view());
    return out.Finish();
  }
  size_t bytes() const override {
    size_t total = 64;
    for (const OwnedValue& v : kept_) total += BytesOf(v);
    return total;
  }

 private:
  std::vector<OwnedValue> kept_;
  CollationPtr collation_;
  Pick pick_;
  size_t n_;
};

// $top, $bottom, $topN, $bottomN: the argument is {k: sort key, v: output}.
class TopState final : public AccumulatorState {
 public:
  TopState(bool bottom, bool single, size_t n) : bottom_(bottom), single_(single), n_(n) {}
  void Add(const OwnedValue& v) override {
    const bson::Document pair = v.view().Doc();
    const BytesView bytes = pair["k"].value().Binary();
    std::string key(AsText(bytes));
    const bson::Value output = pair["v"].value();
    const auto less = [](const auto& a, const auto& b) { return a.first < b.first; };
    std::pair<std::string, OwnedValue> row{std::move(key),
                                           output ? OwnedValue::Copy(output) : OwnedValue::Null()};
    kept_.insert(std::upper_bound(kept_.begin(), kept_.end(), row, less), std::move(row));
    if (kept_.size() > n_) kept_.erase(bottom_ ? kept_.begin() : kept_.end() - 1);
  }
  OwnedValue Finish() override {
    if (single_) return kept_.empty() ? OwnedValue::Null() : kept_.front().second;
    ArrayBuilder out;
    for (const auto& row : kept_) out.Add(row.second.view());
    return out.Finish();
  }
  size_t bytes() const override {
    size_t total = 64;
    for (const auto& row : kept_) total += row.first.size() + BytesOf(row.second);
    return total;
  }

 private:
  std::vector<std::pair<std::string, OwnedValue>> kept_;
  bool bottom_;
  bool single_;
  size_t n_;
};

// $median and $percentile, exactly, over all numbers of the group.
class PercentileState final : public AccumulatorState {
 public:
  PercentileState(std::vector<double> p, bool median) : p_(std::move(p)), median_(median) {}
  void Add(const OwnedValue& v) override {
    if (v.view().IsNumber()) values_.push_back(ToDouble(v.view()));
  }
  OwnedValue Finish() override {
    std::sort(values_.begin(), values_.end());
    if (median_) return NearestRank(values_, 0.5);
    ArrayBuilder out;
    for (const double p : p_) out.Add(NearestRank(values_, p).view());
    return out.Finish();
  }
  size_t bytes() const override { return 64 + values_.size() * sizeof(double); }

 private:
  std::vector<double> p_;
  std::vector<double> values_;
  bool median_;
};

using Factory = std::function<std::unique_ptr<AccumulatorState>()>;

class SimpleAccumulator final : public Accumulator {
 public:
  SimpleAccumulator(std::unique_ptr<Expression> argument, Factory factory)
      : argument_(std::move(argument)), factory_(std::move(factory)) {}
  std::unique_ptr<AccumulatorState> NewState() const override { return factory_(); }
  OwnedValue Argument(bson::Document doc) const override {
    return Unwrap(argument_->Evaluate(doc));
  }

 private:
  std::unique_ptr<Expression> argument_;
  Factory factory_;
};

class TopAccumulator final : public Accumulator {
 public:
  TopAccumulator(std::unique_ptr<Expression> output, SortPattern pattern, Factory factory)
      : output_(std::move(output)), pattern_(std::move(pattern)), factory_(std::move(factory)) {}
  std::unique_ptr<AccumulatorState> NewState() const override { return factory_(); }
  OwnedValue Argument(bson::Document doc) const override {
    std::string key;
    Require(pattern_.AppendKey(doc, &key));
    bson::Builder pair;
    pair.Binary("k", 0, AsBytes(key));
    const OwnedValue v = Unwrap(output_->Evaluate(doc));
    if (!v.IsMissing()) pair.Value("v", v.view());
    return OwnedValue::Object(pair.Finish());
  }

 private:
  std::unique_ptr<Expression> output_;
  SortPattern pattern_;
  Factory factory_;
};

template <class State, class... Arguments>
Factory Make(Arguments... arguments) {
  return [=] { return std::make_unique<State>(arguments...); };
}

Factory SimpleFactory(std::string_view op, const CollationPtr& collation) {
  if (op == "$sum") return Make<SumState>(false);
  if (op == "$avg") return Make<SumState>(true);
  if (op == "$min") return Make<ExtremeState>(false, collation);
  if (op == "$max") return Make<ExtremeState>(true, collation);
  if (op == "$first") return Make<EndState>(false);
  if (op == "$last") return Make<EndState>(true);
  if (op == "$push") return Make<PushState>();
  if (op == "$addToSet") return Make<SetState>(false, collation);
  if (op == "$setUnion") return Make<SetState>(true, collation);
  if (op == "$concatArrays") return Make<ConcatArraysState>();
  if (op == "$mergeObjects") return Make<MergeObjectsState>();
  if (op == "$stdDevPop") return Make<DeviationState>(false);
  if (op == "$stdDevSamp") return Make<DeviationState>(true);
  return {};
}

// n is an expression without fields.
size_t CountOf(const bson::Value& v, const ParseOptions& options) {
  const auto expression = Unwrap(Expression::Parse(v, options));
  const OwnedValue n = Unwrap(expression->Evaluate(bson::Document()));
  const auto whole = n.view().IsNumber() ? ExactInt64(n.view()) : std::nullopt;
  if (!n.view().IsNumber()) Fail(5787902, "Value for 'n' must be of integral type");
  if (!whole) Fail(5787903, "Value for 'n' must be of integral type");
  if (*whole <= 0) Fail(7548606, "'n' must be greater than 0");
  return static_cast<size_t>(*whole);
}

std::unique_ptr<Accumulator> ParsePick(std::string_view op, const bson::Value& spec,
                                       const ParseOptions& options) {
  if (spec.type() != bson::Type::kObject) Fail(5787900, "specification must be an object");
  bson::Value n, input;
  for (const bson::Element& e : spec.Doc()) {
    if (e.name() == "n") {
      n = e.value();
    } else if (e.name() == "input") {
      input = e.value();
    } else {
      Fail(5787901, "Unknown argument for " + std::string(op) + ": " + std::string(e.name()));
    }
  }
  if (!n) Fail(5787906, "Missing value for 'n'");
  if (!input) Fail(5787907, "Missing value for 'input'");
  const Pick pick = op == "$firstN"  ? Pick::kFirst
                    : op == "$lastN" ? Pick::kLast
                    : op == "$minN"  ? Pick::kMin
                                     : Pick::kMax;
  return std::make_unique<SimpleAccumulator>(
      Unwrap(Expression::Parse(input, options)),
      Make<PickState>(pick, CountOf(n, options), options.collation));
}

std::unique_ptr<Accumulator> ParseTop(std::string_view op, const bson::Value& spec,
                                      const ParseOptions& options) {
  const bool bottom = op.starts_with("$bottom");
  const bool single = !op.ends_with('N');
  if (spec.type() != bson::Type::kObject) Fail(5788001, "specification must be an object");
  bson::Value n, sort_by, output;
  for (const bson::Element& e : spec.Doc()) {
    if (e.name() == "n" && !single) {
      n = e.value();
    } else if (e.name() == "sortBy") {
      sort_by = e.value();
    } else if (e.name() == "output") {
      output = e.value();
    } else {
      Fail(5788002, "Unknown argument to " + std::string(op) + ": " + std::string(e.name()));
    }
  }
  if (!single && !n) Fail(5788003, "Missing value for 'n'");
  if (!output) Fail(5788004, "Missing value for 'output'");
  if (!sort_by) Fail(5788005, "Missing value for 'sortBy'");
  if (sort_by.type() != bson::Type::kObject) Fail(5788604, "'sortBy' must be an object");
  const size_t count = single ? 1 : CountOf(n, options);
  return std::make_unique<TopAccumulator>(
      Unwrap(Expression::Parse(output, options)),
      Unwrap(SortPattern::Parse(sort_by.Doc(), options.collation.get())),
      Make<TopState>(bottom, single, count));
}

std::unique_ptr<Accumulator> ParsePercentile(std::string_view op, const bson::Value& spec,
                                             const ParseOptions& options) {
  const bool median = op == "$median";
  if (spec.type() != bson::Type::kObject) Fail(7429703, "specification must be an object");
  bson::Value input, p, method;
  for (const bson::Element& e : spec.Doc()) {
    if (e.name() == "input") {
      input = e.value();
    } else if (e.name() == "p" && !median) {
      p = e.value();
    } else if (e.name() == "method") {
      method = e.value();
    } else {
      Fail(code::kUnknownField, "BSON field '" + std::string(op) + "." + std::string(e.name()) +
                                    "' is an unknown field.");
    }
  }
  if (!input || !method || (!median && !p)) {
    Fail(code::kMissingField,
         std::string(op) + " needs 'input', 'method'" + (median ? "" : " and 'p'"));
  }
  CheckPercentileMethod(method);
  std::vector<double> ps;
  if (!median) {
    const auto expression = Unwrap(Expression::Parse(p, options));
    const OwnedValue list = Unwrap(expression->Evaluate(bson::Document()));
    ps = PercentileShares(list.view());
  }
  return std::make_unique<SimpleAccumulator>(Unwrap(Expression::Parse(input, options)),
                                             Make<PercentileState>(ps, median));
}

std::unique_ptr<Accumulator> ParseCountAccumulator(const bson::Value& spec) {
  if (spec.type() != bson::Type::kObject || !spec.Doc().empty()) {
    Fail(code::kTypeMismatch, "$count takes no arguments, i.e. $count:{}");
  }
  const OwnedValue one = OwnedValue::Int32(1);
  return std::make_unique<SimpleAccumulator>(Unwrap(Expression::Parse(one.view(), {})),
                                             Make<SumState>(false));
}

}  // namespace

std::unique_ptr<Accumulator> ParseAccumulator(std::string_view field, const bson::Value& spec,
                                              const ParseOptions& options) {
  if (field.find('.') != std::string_view::npos) {
    Fail(40235, "The field name '" + std::string(field) + "' cannot contain '.'");
  }
  if (field.starts_with('$')) {
    Fail(40236, "The field name '" + std::string(field) + "' cannot be an operator name");
  }
  if (spec.type() != bson::Type::kObject) {
    Fail(40234, "The field '" + std::string(field) + "' must be an accumulator object");
  }
  if (spec.Doc().CountElements() != 1) {
    Fail(40238, "The field '" + std::string(field) + "' must specify one accumulator");
  }
  const bson::Element e = *spec.Doc().begin();
  const std::string_view op = e.name();
  std::unique_ptr<Accumulator> accumulator;
  if (Factory factory = SimpleFactory(op, options.collation)) {
    bson::Value argument = e.value();
    if (argument.type() == bson::Type::kArray) {
      if (argument.Doc().CountElements() != 1) {
        Fail(40237, "The " + std::string(op) + " accumulator is a unary operator");
      }
      argument = argument.Doc().begin()->value();
    }
    accumulator = std::make_unique<SimpleAccumulator>(Unwrap(Expression::Parse(argument, options)),
                                                      std::move(factory));
  } else if (op == "$count") {
    accumulator = ParseCountAccumulator(e.value());
  } else if (op == "$firstN" || op == "$lastN" || op == "$minN" || op == "$maxN") {
    accumulator = ParsePick(op, e.value(), options);
  } else if (op == "$top" || op == "$bottom" || op == "$topN" || op == "$bottomN") {
    accumulator = ParseTop(op, e.value(), options);
  } else if (op == "$percentile" || op == "$median") {
    accumulator = ParsePercentile(op, e.value(), options);
  } else {
    Fail(15952, "unknown group operator '" + std::string(op) + "'");
  }
  accumulator->field = field;
  return accumulator;
}

}  // namespace nexadb::query
