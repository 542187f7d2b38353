// Array operators.
#include <algorithm>
#include <unordered_map>

#include "plugins/database-document/expression/expression.h"
#include "plugins/database-document/expression/node.h"
#include "plugins/database-document/project/sort.h"
#include "plugins/database-document/value/compare.h"
#include "plugins/database-document/value/number.h"

namespace nexadb::query {
namespace {

bool IsArray(const bson::Value& v) { return v.type() == bson::Type::kArray; }
std::string NameOf(const bson::Value& v) { return std::string(TypeName(v.type())); }

std::vector<bson::Value> Items(const bson::Value& array) {
  std::vector<bson::Value> items;
  for (const bson::Element& e : array.Doc()) items.push_back(e.value());
  return items;
}

OwnedValue Build(const std::vector<bson::Value>& items) {
  ArrayBuilder out;
  for (const bson::Value& v : items) out.Add(v);
  return out.Finish();
}

std::optional<int64_t> Int32Of(const bson::Value& v) {
  const std::optional<int64_t> n = v.IsNumber() ? ExactInt64(v) : std::nullopt;
  if (!n || *n > INT32_MAX || *n < INT32_MIN) return std::nullopt;
  return n;
}

OwnedValue At(const Args& a, int64_t index) {
  const auto size = static_cast<int64_t>(a[0].Doc().CountElements());
  if (index < 0) index += size;
  if (index < 0 || index >= size) return {};
  return a.owned(0).Inside(ElementAt(a[0].Doc(), index));
}

OwnedValue ArrayElemAt(const Args& a) {
  if (a.AnyNullish()) return OwnedValue::Null();
  if (!IsArray(a[0])) {
    Fail(28689, "$arrayElemAt's first argument must be an array, but is " + NameOf(a[0]));
  }
  if (!a[1].IsNumber()) {
    Fail(28690, "$arrayElemAt's second argument must be a numeric value, but is " + NameOf(a[1]));
  }
  const std::optional<int64_t> index = Int32Of(a[1]);
  if (!index) {
    Fail(28691, "$arrayElemAt's second argument must be representable as a 32-bit integer");
  }
  return At(a, *index);
}

OwnedValue EndOf(const Args& a, int64_t index, std::string_view op) {
  if (a[0].IsNullish()) return OwnedValue::Null();
  if (!IsArray(a[0])) {
    Fail(28689, std::string(op) + "'s argument must be an array, but is " + NameOf(a[0]));
  }
  return At(a, index);
}

OwnedValue ConcatArrays(const Args& a) {
  ArrayBuilder out;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].IsNullish()) return OwnedValue::Null();
    if (!IsArray(a[i])) Fail(28664, "$concatArrays only supports arrays, not " + NameOf(a[i]));
    for (const bson::Element& e : a[i].Doc()) out.Add(e.value());
  }
  return out.Finish();
}

OwnedValue In(const Args& a) {
  if (!IsArray(a[1])) {
    Fail(40081, "$in requires an array as a second argument, found: " + NameOf(a[1]));
  }
  for (const bson::Element& e : a[1].Doc()) {
    if (EqualValues(e.value(), a[0], a.collation())) return Truth(true);
  }
  return Truth(false);
}

int64_t SearchBound(const bson::Value& v, int number) {
  const std::optional<int64_t> n = Int32Of(v);
  if (!n) Fail(number, "$indexOfArray requires an integral index, found: " + NameOf(v));
  if (*n < 0) Fail(number, "$indexOfArray requires a nonnegative index");
  return *n;
}

OwnedValue IndexOfArray(const Args& a) {
  if (a[0].IsNullish()) return OwnedValue::Null();
  if (!IsArray(a[0])) {
    Fail(40090, "$indexOfArray requires an array as a first argument, found: " + NameOf(a[0]));
  }
  const int64_t start = a.size() > 2 ? SearchBound(a[2], 9711600) : 0;
  const int64_t end = a.size() > 3 ? SearchBound(a[3], 9711601) : INT64_MAX;
  int64_t i = 0;
  for (const bson::Element& e : a[0].Doc()) {
    if (i >= start && i < end && EqualValues(e.value(), a[1], a.collation())) {
      return OwnedValue::Int32(static_cast<int32_t>(i));
    }
    ++i;
  }
  return OwnedValue::Int32(-1);
}

int64_t RangeBound(const bson::Value& v, int type_code, int integral_code, const char* what) {
  if (!v.IsNumber()) Fail(type_code, std::string("$range requires a numeric ") + what);
  const std::optional<int64_t> n = Int32Of(v);
  if (!n) {
    Fail(integral_code, std::string("$range requires a ") + what + " that is a 32-bit integer");
  }
  return *n;
}

OwnedValue Range(const Args& a) {
  const int64_t start = RangeBound(a[0], 34443, 34444, "starting value");
  const int64_t end = RangeBound(a[1], 34445, 34446, "ending value");
  int64_t step = 1;
  if (a.size() > 2) {
    step = RangeBound(a[2], 34447, 34448, "step value");
    if (step == 0) Fail(34449, "$range requires a non-zero step value");
  }
  constexpr int64_t kRangeValuesMax = 1'000'000;  // 8 MiB of values and their names
  const int64_t span = step > 0 ? end - start : start - end;
  if (span > 0 && span / (step > 0 ? step : -step) > kRangeValuesMax) {
    Fail(146, "$range would use too much memory: more than 1000000 values");
  }
  ArrayBuilder out;
  for (int64_t v = start; step > 0 ? v < end : v > end; v += step) {
    out.Add(OwnedValue::Int32(static_cast<int32_t>(v)).view());
  }
  return out.Finish();
}

OwnedValue Reverse(const Args& a) {
  if (a[0].IsNullish()) return OwnedValue::Null();
  if (!IsArray(a[0])) {
    Fail(34435, "The argument to $reverseArray must be an array, but was of type: " + NameOf(a[0]));
  }
  std::vector<bson::Value> items = Items(a[0]);
  std::reverse(items.begin(), items.end());
  return Build(items);
}

OwnedValue Size(const Args& a) {
  if (!IsArray(a[0])) {
    Fail(17124, "The argument to $size must be an array, but was of type: " + NameOf(a[0]));
  }
  return OwnedValue::Int32(static_cast<int32_t>(a[0].Doc().CountElements()));
}

OwnedValue Slice(const Args& a) {
  if (a.AnyNullish()) return OwnedValue::Null();
  if (!IsArray(a[0])) {
    Fail(28724, "First argument to $slice must be an array, but is of type: " + NameOf(a[0]));
  }
  if (!a[1].IsNumber()) {
    Fail(28725,
         "Second argument to $slice must be a numeric value, but is of type: " + NameOf(a[1]));
  }
  const std::optional<int64_t> second = Int32Of(a[1]);
  if (!second) Fail(28726, "Second argument to $slice can't be represented as a 32-bit integer");
  const auto size = static_cast<int64_t>(a[0].Doc().CountElements());
  int64_t start = 0;
  int64_t count = *second;
  if (a.size() == 2) {
    start = count >= 0 ? 0 : std::max<int64_t>(0, size + count);
    count = count >= 0 ? count : size;
  } else {
    if (!a[2].IsNumber()) {
      Fail(28727, "Third argument to $slice must be numeric, but is of type: " + NameOf(a[2]));
    }
    const std::optional<int64_t> third = Int32Of(a[2]);
    if (!third) Fail(28728, "Third argument to $slice can't be represented as a 32-bit integer");
    if (*third <= 0) Fail(28729, "Third argument to $slice must be positive");
    start = *second >= 0 ? *second : std::max<int64_t>(0, size + *second);
    count = *third;
  }
  ArrayBuilder out;
  int64_t i = 0;
  for (const bson::Element& e : a[0].Doc()) {
    if (i >= start && i - start < count) out.Add(e.value());
    ++i;
  }
  return out.Finish();
}

OwnedValue ArrayToObject(const Args& a) {
  if (a[0].IsNullish()) return OwnedValue::Null();
  if (!IsArray(a[0])) {
    Fail(40386, "$arrayToObject requires an array input, found: " + NameOf(a[0]));
  }
  // A later value of a name takes the earlier one's place.
  std::vector<std::pair<std::string_view, bson::Value>> fields;
  std::unordered_map<std::string_view, size_t> places;
  const auto put = [&](const bson::Value& name, const bson::Value& value, int number) {
    if (name.Text().find('\0') != std::string_view::npos) {
      Fail(number, "Key field cannot contain an embedded null byte");
    }
    const auto [at, fresh] = places.try_emplace(name.Text(), fields.size());
    if (fresh) {
      fields.emplace_back(name.Text(), value);
    } else {
      fields[at->second].second = value;
    }
  };
  bool pairs = false;
  bool first = true;
  for (const bson::Element& e : a[0].Doc()) {
    if (first) {
      pairs = IsArray(e.value());
      if (!pairs && e.type() != bson::Type::kObject) {
        Fail(40398, "Unrecognised input type format for $arrayToObject: " + NameOf(e.value()));
      }
      first = false;
    }
    if (pairs) {
      if (!IsArray(e.value())) Fail(40396, "$arrayToObject requires a consistent input format");
      const std::vector<bson::Value> pair = Items(e.value());
      if (pair.size() != 2) Fail(40397, "$arrayToObject requires arrays of size 2");
      if (pair[0].type() != bson::Type::kString) {
        Fail(40395, "$arrayToObject requires keys of type string, found: " + NameOf(pair[0]));
      }
      put(pair[0], pair[1], 4940400);
    } else {
      if (e.type() != bson::Type::kObject) {
        Fail(40391, "$arrayToObject requires a consistent input format");
      }
      const bson::Document pair = e.value().Doc();
      if (pair.CountElements() != 2) {
        Fail(40392, "$arrayToObject requires an object with keys 'k' and 'v'");
      }
      const bson::Value k = pair["k"].value();
      const bson::Value v = pair["v"].value();
      if (!k || !v) Fail(40393, "$arrayToObject requires an object with keys 'k' and 'v'");
      if (k.type() != bson::Type::kString) {
        Fail(40394, "$arrayToObject requires keys of type string, found: " + NameOf(k));
      }
      put(k, v, 4940401);
    }
  }
  bson::Builder b;
  for (const auto& [name, value] : fields) b.Value(name, value);
  return OwnedValue::Object(b.Finish());
}

OwnedValue SortArray(const Args& a) {
  if (a[0].IsNullish()) return OwnedValue::Null();
  if (!IsArray(a[0])) {
    Fail(2942504,
         "The input argument to $sortArray must be an array, but was of type: " + NameOf(a[0]));
  }
  std::vector<bson::Value> items = Items(a[0]);
  const bson::Value by = a[1];
  if (by.IsNumber()) {
    const bool descending = *ExactInt64(by) < 0;
    std::stable_sort(items.begin(), items.end(), [&](const auto& x, const auto& y) {
      Meter::Work(1);
      const int order = CompareValues(x, y, a.collation());
      return descending ? order > 0 : order < 0;
    });
    return Build(items);
  }
  const SortPattern pattern = Unwrap(SortPattern::Parse(by.Doc(), a.collation()));
  std::vector<std::pair<std::string, bson::Value>> keyed;
  for (const bson::Value& v : items) {
    std::string key;
    const bson::Document doc = v.type() == bson::Type::kObject ? v.Doc() : bson::Document();
    Require(pattern.AppendKey(doc, &key));
    keyed.emplace_back(std::move(key), v);
  }
  std::stable_sort(keyed.begin(), keyed.end(), [](const auto& x, const auto& y) {
    Meter::Work(1);
    return x.first < y.first;
  });
  ArrayBuilder out;
  for (const auto& item : keyed) out.Add(item.second);
  return out.Finish();
}

OwnedValue Zip(const Args& a) {
  const bson::Value inputs = a[0];
  if (inputs.IsNullish()) return OwnedValue::Null();
  std::vector<std::vector<bson::Value>> lists;
  for (const bson::Element& e : inputs.Doc()) {
    if (e.value().IsNullish()) return OwnedValue::Null();
    if (!IsArray(e.value())) {
      Fail(34468, "$zip found a non-array expression in input: " + NameOf(e.value()));
    }
    lists.push_back(Items(e.value()));
  }
  const bool longest = a.Given(1) && a[1].Bool();
  std::vector<bson::Value> defaults;
  if (a.Given(2)) defaults = Items(a[2]);
  size_t rows = longest ? 0 : SIZE_MAX;
  for (const auto& list : lists) {
    rows = longest ? std::max(rows, list.size()) : std::min(rows, list.size());
  }
  ArrayBuilder out;
  for (size_t row = 0; row < rows; ++row) {
    ArrayBuilder tuple;
    for (size_t i = 0; i < lists.size(); ++i) {
      tuple.Add(row < lists[i].size() ? lists[i][row]
                : i < defaults.size() ? defaults[i]
                                      : bson::Value());
    }
    out.Add(tuple.Finish().view());
  }
  return out.Finish();
}

OwnedValue FirstN(const Args& a, bool last) {
  const std::optional<int64_t> n = a[0].IsNumber() ? ExactInt64(a[0]) : std::nullopt;
  if (!n) Fail(5787902, "'n' must be an integer that fits into 64 bits");
  if (*n <= 0) Fail(5787908, "'n' must be greater than 0");
  if (!IsArray(a[1])) Fail(5788200, "Input must be an array");
  const auto size = static_cast<int64_t>(a[1].Doc().CountElements());
  ArrayBuilder out;
  int64_t i = 0;
  for (const bson::Element& e : a[1].Doc()) {
    if (last ? i >= size - *n : i < *n) out.Add(e.value());
    ++i;
  }
  return out.Finish();
}

OwnedValue ExtremeN(const Args& a, bool most) {
  const std::optional<int64_t> n = a[0].IsNumber() ? ExactInt64(a[0]) : std::nullopt;
  if (!n) Fail(5787902, "'n' must be an integer that fits into 64 bits");
  if (*n <= 0) Fail(5787908, "'n' must be greater than 0");
  if (!IsArray(a[1])) Fail(5788200, "Input must be an array");
  std::vector<bson::Value> items;
  for (const bson::Value& v : Items(a[1])) {
    if (!v.IsNullish()) items.push_back(v);
  }
  std::stable_sort(items.begin(), items.end(), [&](const auto& x, const auto& y) {
    Meter::Work(1);
    const int order = CompareValues(x, y, a.collation());
    return most ? order > 0 : order < 0;
  });
  if (items.size() > static_cast<size_t>(*n)) items.resize(static_cast<size_t>(*n));
  return Build(items);
}

// $sortArray and $zip look at how their operands are written before any document comes.
class CheckedCall final : public ExpressionNode {
 public:
  CheckedCall(OperatorFunction function, std::vector<ExprPtr> arguments, uint32_t given)
      : function_(function), arguments_(std::move(arguments)), given_(given) {}
  OwnedValue Eval(EvalContext& context) const override {
    std::vector<OwnedValue> values(arguments_.size());
    for (size_t i = 0; i < values.size(); ++i) {
      if (arguments_[i] != nullptr) values[i] = arguments_[i]->Eval(context);
      context.Work(1 + values[i].size() / Meter::kBytesPerStep);
    }
    return function_(Args(values, given_, context.collation));
  }

 private:
  OperatorFunction function_;
  std::vector<ExprPtr> arguments_;
  uint32_t given_;
};

ExprPtr ParseSortArray(ExpressionParser& parser, const bson::Value& operand) {
  if (operand.type() != bson::Type::kObject) {
    Fail(2942500, "$sortArray requires an object as an argument, found: " + NameOf(operand));
  }
  bson::Value input, by;
  for (const bson::Element& e : operand.Doc()) {
    if (e.name() == "input") {
      input = e.value();
    } else if (e.name() == "sortBy") {
      by = e.value();
    } else {
      Fail(2942501, "$sortArray found an unknown argument: " + std::string(e.name()));
    }
  }
  if (!input) Fail(2942502, "$sortArray requires 'input' to be specified");
  if (!by) Fail(2942503, "$sortArray requires 'sortBy' to be specified");
  if (by.IsNumber()) {
    const std::optional<int64_t> order = ExactInt64(by);
    if (order != 1 && order != -1) {
      Fail(2942506, "Invalid sort order for $sortArray: 1 or -1 is allowed");
    }
  } else if (by.type() != bson::Type::kObject) {
    Fail(2942507, "The $sort element value must be either a number or an object");
  } else {
    Unwrap(SortPattern::Parse(by.Doc(), nullptr));
  }
  std::vector<ExprPtr> arguments;
  arguments.push_back(parser.Parse(input));
  const bool constant = arguments[0]->IsConstant();
  arguments.push_back(std::make_unique<ConstantExpr>(OwnedValue::Copy(by)));
  return parser.Fold(std::make_unique<CheckedCall>(SortArray, std::move(arguments), 3), constant);
}

ExprPtr ParseZip(ExpressionParser& parser, const bson::Value& operand) {
  if (operand.type() != bson::Type::kObject) {
    Fail(34460, "$zip only supports an object as an argument, found " + NameOf(operand));
  }
  std::vector<ExprPtr> arguments(3);
  bool longest = false;
  uint32_t given = 0;
  for (const bson::Element& e : operand.Doc()) {
    if (e.name() == "inputs") {
      if (!IsArray(e.value())) Fail(34461, "inputs must be an array of expressions");
      if (e.value().Doc().empty()) Fail(34465, "$zip requires at least one input array");
      arguments[0] = parser.Parse(e.value());
      given |= 1;
    } else if (e.name() == "useLongestLength") {
      if (e.type() != bson::Type::kBool) Fail(34463, "useLongestLength must be a bool");
      longest = e.value().Bool();
      arguments[1] = std::make_unique<ConstantExpr>(OwnedValue::Bool(longest));
      given |= 2;
    } else if (e.name() == "defaults") {
      if (!IsArray(e.value())) Fail(34462, "defaults must be an array of expressions");
      arguments[2] = parser.Parse(e.value());
      if (!e.value().Doc().empty() && operand.Doc()["inputs"] &&
          e.value().Doc().CountElements() !=
              operand.Doc()["inputs"].value().Doc().CountElements()) {
        Fail(34467, "defaults and inputs must have the same length");
      }
      given |= 4;
    } else {
      Fail(34464, "$zip found an unknown argument: " + std::string(e.name()));
    }
  }
  if ((given & 1) == 0) Fail(34465, "$zip requires at least one input array");
  if ((given & 4) != 0 && !longest) {
    Fail(34466, "cannot specify defaults unless useLongestLength is true");
  }
  const bool constant =
      arguments[0]->IsConstant() && (arguments[2] == nullptr || arguments[2]->IsConstant());
  return parser.Fold(std::make_unique<CheckedCall>(Zip, std::move(arguments), given), constant);
}

constexpr PlainOperator kOperators[] = {
    {"$arrayElemAt", 2, 2, ArrayElemAt},
    {"$first", 1, 1, [](const Args& a) { return EndOf(a, 0, "$first"); }},
    {"$last", 1, 1, [](const Args& a) { return EndOf(a, -1, "$last"); }},
    {"$concatArrays", 0, -1, ConcatArrays},
    {"$in", 2, 2, In},
    {"$indexOfArray", 2, 4, IndexOfArray},
    {"$isArray", 1, 1, [](const Args& a) { return Truth(IsArray(a[0])); }},
    {"$range", 2, 3, Range},
    {"$reverseArray", 1, 1, Reverse},
    {"$size", 1, 1, Size},
    {"$slice", 2, 3, Slice},
    {"$arrayToObject", 1, 1, ArrayToObject},
};

constexpr NamedArgument kFirstNArguments[] = {{"n", 5787906}, {"input", 5787907}};
constexpr NamedOperator kNamedOperators[] = {
    {"$firstN", 5787900, 5787901, kFirstNArguments, [](const Args& a) { return FirstN(a, false); }},
    {"$lastN", 5787900, 5787901, kFirstNArguments, [](const Args& a) { return FirstN(a, true); }},
    {"$minN", 5787900, 5787901, kFirstNArguments, [](const Args& a) { return ExtremeN(a, false); }},
    {"$maxN", 5787900, 5787901, kFirstNArguments, [](const Args& a) { return ExtremeN(a, true); }},
};

constexpr SpecialOperator kSpecial[] = {{"$sortArray", ParseSortArray}, {"$zip", ParseZip}};

}  // namespace

std::span<const PlainOperator> ArrayOperators() { return kOperators; }
std::span<const NamedOperator> ArrayNamedOperators() { return kNamedOperators; }
std::span<const SpecialOperator> ArraySpecialOperators() { return kSpecial; }

}  // namespace nexadb::query
