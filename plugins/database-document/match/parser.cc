#include "plugins/database-document/match/parser.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "core/document/error.h"
#include "core/document/limits.h"
#include "plugins/database-document/expression/expression.h"
#include "plugins/database-document/match/json_schema.h"
#include "plugins/database-document/value/compare.h"
#include "plugins/database-document/value/failure.h"
#include "plugins/database-document/value/number.h"

namespace nexadb::query {
namespace {

constexpr std::string_view kOperators[] = {
    "$eq",         "$ne",           "$gt",           "$gte",     "$lt",     "$lte",
    "$in",         "$nin",          "$regex",        "$options", "$exists", "$type",
    "$not",        "$all",          "$elemMatch",    "$size",    "$mod",    "$bitsAllSet",
    "$bitsAnySet", "$bitsAllClear", "$bitsAnyClear",
};
constexpr std::string_view kTopOperators[] = {"$and",        "$or",         "$nor",
                                              "$expr",       "$comment",    "$jsonSchema",
                                              "$sampleRate", "$alwaysTrue", "$alwaysFalse"};

class ExprNode final : public MatchNode {
 public:
  explicit ExprNode(std::unique_ptr<Expression> expression) : expression_(std::move(expression)) {}
  bool Match(bson::Document doc, MatchDetails&) const override {
    return IsTruthy(Unwrap(expression_->Evaluate(doc)).view());
  }
  bool MatchValue(const bson::Value&, Expand) const override {
    Fail(code::kBadValue, "$expr can only be applied to the top-level document");
  }

 private:
  std::unique_ptr<Expression> expression_;
};

class SampleNode final : public MatchNode {
 public:
  explicit SampleNode(double rate) : rate_(rate), random_(std::random_device{}()) {}
  bool Match(bson::Document, MatchDetails&) const override {
    return std::uniform_real_distribution<double>(0, 1)(random_) < rate_;
  }
  bool MatchValue(const bson::Value&, Expand) const override {
    MatchDetails ignored;
    return Match({}, ignored);
  }

 private:
  double rate_;
  mutable std::mt19937_64 random_;
};

// A filter over an element that is itself a document, as $pull has it.
class ObjectValueNode final : public MatchNode {
 public:
  explicit ObjectValueNode(NodePtr child) : child_(std::move(child)) {}
  bool Match(bson::Document doc, MatchDetails& details) const override {
    return child_->Match(doc, details);
  }
  bool MatchValue(const bson::Value& value, Expand) const override {
    MatchDetails ignored;
    return value.type() == bson::Type::kObject && child_->Match(value.Doc(), ignored);
  }

 private:
  NodePtr child_;
};

class Parser {
 public:
  explicit Parser(const ParseOptions& options) : options_(options) {}

  NodePtr Document(bson::Document filter, size_t depth, bool top) {
    if (depth > kFilterDepthMax) {
      Require(LimitError(ErrorId::kFilterTooComplex, "filter_depth", kFilterDepthMax,
                         static_cast<int64_t>(depth)));
    }
    std::vector<NodePtr> children;
    for (const bson::Element& e : filter) {
      Count();
      if (e.name().starts_with('$')) {
        if (NodePtr node = TopOperator(e, depth, top)) children.push_back(std::move(node));
      } else {
        Field(e, depth, &children);
      }
    }
    return Join(std::move(children));
  }

  NodePtr ValueOperators(bson::Document operators, const Path& path, size_t depth) {
    std::vector<NodePtr> children;
    Operators(operators, path, depth, &children);
    return Join(std::move(children));
  }

 private:
  static NodePtr Join(std::vector<NodePtr> children) {
    if (children.size() == 1) return std::move(children.front());
    return std::make_unique<AndNode>(std::move(children));
  }
  static NodePtr Not(NodePtr child) { return std::make_unique<NotNode>(std::move(child)); }
  static NodePtr Leaf(const Path& path, TestPtr test) {
    return std::make_unique<LeafNode>(path, std::move(test));
  }

  void Count() {
    if (++nodes_ > kFilterNodesMax) {
      Require(LimitError(ErrorId::kFilterTooComplex, "filter_nodes", kFilterNodesMax, nodes_));
    }
  }

  std::string Pointer(std::string_view name) const {
    return std::string(options_.pointer) + "/" + std::string(name);
  }

  NodePtr TopOperator(const bson::Element& e, size_t depth, bool top) {
    const std::string_view name = e.name();
    if (name == "$and" || name == "$or" || name == "$nor") return Logical(e, depth, top);
    if (name == "$comment") return nullptr;
    if (name == "$expr") {
      return std::make_unique<ExprNode>(Unwrap(Expression::Parse(e.value(), options_)));
    }
    if (name == "$jsonSchema") {
      if (e.type() != bson::Type::kObject) {
        Fail(code::kTypeMismatch, "$jsonSchema must be an object");
      }
      return ParseJsonSchema(e.value().Doc());
    }
    if (name == "$sampleRate") return SampleRate(e.value());
    if (name == "$alwaysTrue" || name == "$alwaysFalse") {
      if (!e.value().IsNumber() || ExactInt64(e.value()) != 1) {
        Fail(code::kFailedToParse, std::string(name) + " must be 1");
      }
      return std::make_unique<ConstantNode>(name == "$alwaysTrue");
    }
    if (name == "$where" || name == "$text") {
      Fail(code::kBadValue, std::string(name) + " is not supported by this server");
    }
    FailUnknown(code::kBadValue, "unknown top level operator: " + std::string(name), name,
                kTopOperators, std::size(kTopOperators), Pointer(name));
  }

  NodePtr Logical(const bson::Element& e, size_t depth, bool top) {
    const std::string name(e.name());
    if (e.type() != bson::Type::kArray) Fail(code::kBadValue, name + " must be an array");
    std::vector<NodePtr> children;
    for (const bson::Element& child : e.value().Doc()) {
      if (child.type() != bson::Type::kObject) {
        Fail(code::kBadValue, name + " entries must be objects");
      }
      children.push_back(Document(child.value().Doc(), depth + 1, top));
    }
    if (children.empty()) Fail(code::kBadValue, name + " must be a nonempty array");
    if (name == "$and") return Join(std::move(children));
    NodePtr either = std::make_unique<OrNode>(std::move(children));
    return name == "$or" ? std::move(either) : Not(std::move(either));
  }

  static NodePtr SampleRate(const bson::Value& v) {
    if (!v.IsNumber()) Fail(code::kBadValue, "argument to $sampleRate must be a numeric type");
    const double rate = ToDouble(v);
    if (!(rate >= 0 && rate <= 1)) {
      Fail(code::kBadValue, "numeric argument to $sampleRate must be in [0, 1]");
    }
    if (rate == 0 || rate == 1) return std::make_unique<ConstantNode>(rate == 1);
    return std::make_unique<SampleNode>(rate);
  }

  void Field(const bson::Element& e, size_t depth, std::vector<NodePtr>* out) {
    const Path path(e.name());
    if (path.size() > kPathComponentsMax) {
      Fail(code::kBadValue, "the path in a filter has too many components");
    }
    if (e.type() == bson::Type::kRegex) {
      out->push_back(Leaf(path, RegexOf(e.value().RegexPattern(), e.value().RegexFlags())));
    } else if (e.type() == bson::Type::kUndefined) {
      Fail(code::kBadValue, "cannot compare to undefined");
    } else if (IsOperatorObject(e.value())) {
      Operators(e.value().Doc(), path, depth, out);
    } else {
      out->push_back(Leaf(path, Compare(Comparison::kEqual, e.value())));
    }
  }

  void Operators(bson::Document operators, const Path& path, size_t depth,
                 std::vector<NodePtr>* out) {
    for (const bson::Element& e : operators) {
      Count();
      if (NodePtr node = Operator(e, operators, path, depth)) out->push_back(std::move(node));
    }
  }

  TestPtr Compare(Comparison comparison, const bson::Value& v) const {
    return std::make_unique<CompareTest>(comparison, v, options_.collation);
  }
  static TestPtr RegexOf(std::string_view pattern, std::string_view flags) {
    return std::make_unique<RegexTest>(Regex(pattern, flags, 51108));
  }

  NodePtr Operator(const bson::Element& e, bson::Document all, const Path& path, size_t depth) {
    const std::string_view name = e.name();
    const bson::Value& v = e.value();
    if (name == "$eq") return Leaf(path, Compare(Comparison::kEqual, Comparable(e)));
    if (name == "$ne") {
      if (v.type() == bson::Type::kRegex) Fail(code::kBadValue, "Can't have regex as arg to $ne.");
      return Not(Leaf(path, Compare(Comparison::kEqual, Comparable(e))));
    }
    if (name == "$gt") return Leaf(path, Compare(Comparison::kGreater, Ordered(e)));
    if (name == "$gte") return Leaf(path, Compare(Comparison::kGreaterOrEqual, Ordered(e)));
    if (name == "$lt") return Leaf(path, Compare(Comparison::kLess, Ordered(e)));
    if (name == "$lte") return Leaf(path, Compare(Comparison::kLessOrEqual, Ordered(e)));
    if (name == "$in") return Leaf(path, In(e));
    if (name == "$nin") return Not(Leaf(path, In(e)));
    if (name == "$regex") return RegexOperator(all, path);
    if (name == "$options") {
      if (!all["$regex"]) Fail(code::kBadValue, "$options needs a $regex");
      return nullptr;
    }
    if (name == "$exists") {
      NodePtr exists = Leaf(path, std::make_unique<ExistsTest>());
      return IsTruthy(v) ? std::move(exists) : Not(std::move(exists));
    }
    if (name == "$type") return TypeOperator(v, path);
    if (name == "$not") return NotOperator(v, path, depth);
    if (name == "$all") return All(v, path, depth);
    if (name == "$elemMatch") return ElemMatch(v, path, depth);
    if (name == "$size") return Size(v, path);
    if (name == "$mod") return Mod(v, path);
    if (name.starts_with("$bits")) return Bits(e, path);
    if (name == "$comment") return nullptr;
    FailUnknown(code::kBadValue, "unknown operator: " + std::string(name), name, kOperators,
                std::size(kOperators), Pointer(path.text()) + "/" + std::string(name));
  }

  static bson::Value Comparable(const bson::Element& e) {
    if (e.type() == bson::Type::kUndefined) {
      Fail(code::kBadValue, "cannot compare to undefined");
    }
    return e.value();
  }
  static bson::Value Ordered(const bson::Element& e) {
    if (e.type() == bson::Type::kRegex) {
      Fail(code::kBadValue,
           "Can't have RegEx as arg to predicate over field '" + std::string(e.name()) + "'.");
    }
    return Comparable(e);
  }

  TestPtr In(const bson::Element& e) const {
    if (e.type() != bson::Type::kArray) {
      Fail(code::kBadValue, std::string(e.name()) + " needs an array");
    }
    std::vector<bson::Value> values;
    std::vector<Regex> regexes;
    for (const bson::Element& item : e.value().Doc()) {
      if (IsOperatorObject(item.value())) {
        Fail(code::kBadValue, "cannot nest $ under " + std::string(e.name()));
      }
      if (item.type() == bson::Type::kUndefined) {
        Fail(code::kBadValue, "InMatchExpression equality cannot be undefined");
      }
      if (item.type() == bson::Type::kRegex) {
        regexes.emplace_back(item.value().RegexPattern(), item.value().RegexFlags(), 51108);
      }
      values.push_back(item.value());
    }
    const auto count = static_cast<int64_t>(values.size());
    if (count > kInValuesMax) {
      Require(LimitError(ErrorId::kTooManyValues, "in_values", kInValuesMax, count));
    }
    return std::make_unique<InTest>(e.value().Doc(), std::move(values), std::move(regexes),
                                    options_.collation);
  }

  static NodePtr RegexOperator(bson::Document all, const Path& path) {
    const bson::Value pattern = all["$regex"].value();
    const bson::Value options = all["$options"].value();
    std::string_view text;
    std::string_view flags;
    if (pattern.type() == bson::Type::kRegex) {
      text = pattern.RegexPattern();
      flags = pattern.RegexFlags();
    } else if (pattern.type() == bson::Type::kString) {
      text = pattern.Text();
    } else {
      Fail(code::kBadValue, "$regex has to be a string");
    }
    if (options) {
      if (options.type() != bson::Type::kString) {
        Fail(code::kBadValue, "$options has to be a string");
      }
      if (!flags.empty()) Fail(51074, "options set in both $regex and $options");
      flags = options.Text();
    }
    if (text.find('\0') != std::string_view::npos) {
      Fail(51091, "Regular expression cannot contain an embedded null byte");
    }
    if (flags.find('\0') != std::string_view::npos) {
      Fail(51108, "Regular expression options string cannot contain an embedded null byte");
    }
    return Leaf(path, RegexOf(text, flags));
  }

  static void AddType(const bson::Value& v, std::vector<bson::Type>* types, bool* array) {
    bson::Type type = bson::Type::kEnd;
    if (v.type() == bson::Type::kString) {
      if (v.Text() == "number") {
        types->insert(types->end(), {bson::Type::kInt32, bson::Type::kInt64, bson::Type::kDouble,
                                     bson::Type::kDecimal128});
        return;
      }
      type = TypeNamed(v.Text());
      if (type == bson::Type::kEnd) {
        Fail(code::kBadValue, "Unknown type name alias: " + std::string(v.Text()));
      }
    } else if (v.IsNumber()) {
      const std::optional<int64_t> number = ExactInt64(v);
      const bool known =
          number && (*number == -1 || *number == 127 || (*number >= 1 && *number <= 19));
      if (!known) Fail(code::kBadValue, "Invalid numerical type code");
      type = static_cast<bson::Type>(*number & 0xFF);
    } else {
      Fail(code::kTypeMismatch, "type must be represented as a number or a string");
    }
    if (type == bson::Type::kArray) *array = true;
    types->push_back(type);
  }

  static NodePtr TypeOperator(const bson::Value& v, const Path& path) {
    std::vector<bson::Type> types;
    bool array = false;
    if (v.type() == bson::Type::kArray) {
      for (const bson::Element& e : v.Doc()) AddType(e.value(), &types, &array);
      if (types.empty()) Fail(code::kFailedToParse, "$type must match at least one type");
    } else {
      AddType(v, &types, &array);
    }
    NodePtr elements = Leaf(path, std::make_unique<TypeTest>(types));
    if (!array) return elements;
    // "array" asks about the field itself; the other types also about its elements.
    std::erase(types, bson::Type::kArray);
    std::vector<NodePtr> either;
    either.push_back(Leaf(path, std::make_unique<IsArrayTest>()));
    if (!types.empty()) either.push_back(Leaf(path, std::make_unique<TypeTest>(types)));
    return std::make_unique<OrNode>(std::move(either));
  }

  NodePtr NotOperator(const bson::Value& v, const Path& path, size_t depth) {
    if (v.type() == bson::Type::kRegex) {
      return Not(Leaf(path, RegexOf(v.RegexPattern(), v.RegexFlags())));
    }
    if (v.type() != bson::Type::kObject) Fail(code::kBadValue, "$not needs a regex or a document");
    if (v.Doc().empty()) Fail(code::kBadValue, "$not cannot be empty");
    for (const bson::Element& e : v.Doc()) {
      if (!e.name().starts_with('$')) {
        FailUnknown(code::kBadValue, "unknown operator: " + std::string(e.name()), e.name(),
                    kOperators, std::size(kOperators), Pointer(path.text()) + "/$not");
      }
    }
    CheckDepth(depth);
    return Not(ValueOperators(v.Doc(), path, depth + 1));
  }

  void CheckDepth(size_t depth) const {
    if (depth < kFilterDepthMax) return;
    Require(LimitError(ErrorId::kFilterTooComplex, "filter_depth", kFilterDepthMax,
                       static_cast<int64_t>(depth)));
  }

  NodePtr All(const bson::Value& v, const Path& path, size_t depth) {
    if (v.type() != bson::Type::kArray) Fail(code::kBadValue, "$all needs an array");
    std::vector<NodePtr> children;
    bool elem_match = false;
    for (const bson::Element& e : v.Doc()) {
      Count();
      const bson::Value& item = e.value();
      const bool object = IsOperatorObject(item);
      const bool first_is_match = object && item.Doc().begin()->name() == "$elemMatch";
      if (children.empty()) elem_match = first_is_match;
      if (elem_match) {
        if (!first_is_match) Fail(code::kBadValue, "$all/$elemMatch has to be consistent");
        children.push_back(ElemMatch(item.Doc().begin()->value(), path, depth));
        continue;
      }
      if (object) Fail(code::kBadValue, "no $ expressions in $all");
      children.push_back(Leaf(path, item.type() == bson::Type::kRegex
                                        ? RegexOf(item.RegexPattern(), item.RegexFlags())
                                        : Compare(Comparison::kEqual, item)));
    }
    if (children.empty()) return std::make_unique<ConstantNode>(false);
    return Join(std::move(children));
  }

  NodePtr ElemMatch(const bson::Value& v, const Path& path, size_t depth) {
    if (v.type() != bson::Type::kObject) Fail(code::kBadValue, "$elemMatch needs an Object");
    CheckDepth(depth);
    static constexpr std::string_view kObjectOperators[] = {
        "$and", "$or", "$nor", "$expr", "$jsonSchema", "$where", "$comment"};
    bool values = IsOperatorObject(v);
    if (values) {
      const std::string_view first = v.Doc().begin()->name();
      for (const std::string_view name : kObjectOperators) values = values && first != name;
    }
    if (values) {
      return Leaf(
          path, std::make_unique<ElemMatchValueTest>(ValueOperators(v.Doc(), Path(""), depth + 1)));
    }
    for (const bson::Element& e : v.Doc()) {
      if (e.name() == "$expr" || e.name() == "$where") {
        Fail(code::kBadValue,
             std::string(e.name()) + " can only be applied to the top-level document");
      }
    }
    return Leaf(path, std::make_unique<ElemMatchObjectTest>(Document(v.Doc(), depth + 1, false)));
  }

  static NodePtr Size(const bson::Value& v, const Path& path) {
    if (!v.IsNumber()) Fail(code::kBadValue, "$size needs a number");
    const std::optional<int64_t> size = ExactInt64(v);
    if (!size) Fail(code::kBadValue, "$size must be a whole number");
    if (*size < 0) Fail(code::kBadValue, "$size may not be negative");
    return Leaf(path, std::make_unique<SizeTest>(*size));
  }

  static int64_t ModOperand(const bson::Value& v, std::string_view what) {
    if (!v.IsNumber()) {
      Fail(code::kBadValue, "malformed mod, " + std::string(what) + " not a number");
    }
    if (v.type() == bson::Type::kInt64) return v.Int64();
    const double d = TruncateToDouble(v);
    if (!(d < 0x1p63 && d >= -0x1p63)) {
      Fail(code::kBadValue, "malformed mod, " + std::string(what) + " value is invalid");
    }
    return static_cast<int64_t>(d);
  }

  static NodePtr Mod(const bson::Value& v, const Path& path) {
    if (v.type() != bson::Type::kArray)
      Fail(code::kBadValue, "malformed mod, needs to be an array");
    const size_t count = v.Doc().CountElements();
    if (count < 2) Fail(code::kBadValue, "malformed mod, not enough elements");
    if (count > 2) Fail(code::kBadValue, "malformed mod, too many elements");
    const int64_t divisor = ModOperand(ElementAt(v.Doc(), 0), "divisor");
    const int64_t remainder = ModOperand(ElementAt(v.Doc(), 1), "remainder");
    if (divisor == 0) Fail(code::kBadValue, "divisor cannot be 0");
    return Leaf(path, std::make_unique<ModTest>(divisor, remainder));
  }

  static std::vector<uint64_t> BitPositions(const bson::Element& e) {
    const bson::Value& v = e.value();
    const std::string name(e.name());
    std::vector<uint64_t> positions;
    if (v.type() == bson::Type::kArray) {
      for (const bson::Element& item : v.Doc()) {
        const auto position = item.value().IsNumber() ? ExactInt64(item.value()) : std::nullopt;
        if (!position || *position < 0 || *position > INT32_MAX) {
          Fail(code::kBadValue, "bit positions of " + name + " must be integers >= 0");
        }
        positions.push_back(static_cast<uint64_t>(*position));
      }
    } else if (v.type() == bson::Type::kBinary) {
      for (size_t i = 0; i < v.Binary().size() * 8; ++i) {
        if ((v.Binary()[i / 8] >> (i % 8)) & 1) positions.push_back(i);
      }
    } else if (v.IsNumber()) {
      const std::optional<int64_t> mask = ExactInt64(v);
      if (!mask || *mask < 0) {
        Fail(code::kFailedToParse, name + " takes a mask that is an integer of 64 bits, >= 0");
      }
      for (uint64_t i = 0; i < 64; ++i) {
        if ((static_cast<uint64_t>(*mask) >> i) & 1) positions.push_back(i);
      }
    } else {
      Fail(code::kBadValue, name + " takes an Array, a number, or a BinData");
    }
    return positions;
  }

  NodePtr Bits(const bson::Element& e, const Path& path) {
    BitsQuestion question = BitsQuestion::kAllSet;
    if (e.name() == "$bitsAllClear") {
      question = BitsQuestion::kAllClear;
    } else if (e.name() == "$bitsAnySet") {
      question = BitsQuestion::kAnySet;
    } else if (e.name() == "$bitsAnyClear") {
      question = BitsQuestion::kAnyClear;
    } else if (e.name() != "$bitsAllSet") {
      FailUnknown(code::kBadValue, "unknown operator: " + std::string(e.name()), e.name(),
                  kOperators, std::size(kOperators), Pointer(path.text()));
    }
    return Leaf(path, std::make_unique<BitsTest>(question, BitPositions(e)));
  }

  const ParseOptions& options_;
  int64_t nodes_ = 0;
};

}  // namespace

bool IsOperatorObject(const bson::Value& value) {
  if (value.type() != bson::Type::kObject) return false;
  const auto first = value.Doc().begin();
  if (!*first || !first->name().starts_with('$')) return false;
  return first->name() != "$ref" && first->name() != "$id" && first->name() != "$db";
}

NodePtr ParseFilter(bson::Document filter, const ParseOptions& options) {
  return Parser(options).Document(filter, 0, true);
}

NodePtr ParseValueFilter(const bson::Value& predicate, const ParseOptions& options) {
  if (predicate.type() == bson::Type::kRegex) {
    return std::make_unique<LeafNode>(
        Path(""), std::make_unique<RegexTest>(
                      Regex(predicate.RegexPattern(), predicate.RegexFlags(), 51108)));
  }
  if (IsOperatorObject(predicate)) {
    return Parser(options).ValueOperators(predicate.Doc(), Path(""), 0);
  }
  if (predicate.type() == bson::Type::kObject) {
    return std::make_unique<ObjectValueNode>(Parser(options).Document(predicate.Doc(), 0, false));
  }
  return std::make_unique<LeafNode>(
      Path(""), std::make_unique<CompareTest>(Comparison::kEqual, predicate, options.collation));
}

}  // namespace nexadb::query
