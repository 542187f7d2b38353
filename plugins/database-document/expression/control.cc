// Operators that do not evaluate all their arguments: boolean and conditional ones, and those
// whose operands are taken literally.
#include <algorithm>
#include <random>

#include "plugins/database-document/expression/expression.h"
#include "plugins/database-document/expression/node.h"
#include "plugins/database-document/value/compare.h"
#include "plugins/database-document/value/metadata.h"
#include "plugins/database-document/value/number.h"

namespace nexadb::query {
namespace {

std::vector<ExprPtr> ParseList(ExpressionParser& parser, const bson::Value& operand) {
  std::vector<ExprPtr> list;
  if (operand.type() == bson::Type::kArray) {
    for (const bson::Element& e : operand.Doc()) list.push_back(parser.Parse(e.value()));
  } else {
    list.push_back(parser.Parse(operand));
  }
  return list;
}

bool AllConstant(const std::vector<ExprPtr>& list) {
  return std::all_of(list.begin(), list.end(), [](const ExprPtr& e) { return e->IsConstant(); });
}

// $and is "none is false", $or "not all are false": one stops where the other does, negated.
class LogicalExpr final : public ExpressionNode {
 public:
  LogicalExpr(std::vector<ExprPtr> list, bool stop_at)
      : list_(std::move(list)), stop_at_(stop_at) {}
  OwnedValue Eval(EvalContext& context) const override {
    for (const ExprPtr& e : list_) {
      if (IsTruthy(e->Eval(context).view()) == stop_at_) return Truth(stop_at_);
    }
    return Truth(!stop_at_);
  }

 private:
  std::vector<ExprPtr> list_;
  bool stop_at_;
};

template <bool kStopAt>
ExprPtr ParseLogical(ExpressionParser& parser, const bson::Value& operand) {
  std::vector<ExprPtr> list = ParseList(parser, operand);
  const bool constant = AllConstant(list);
  return parser.Fold(std::make_unique<LogicalExpr>(std::move(list), kStopAt), constant);
}

class CondExpr final : public ExpressionNode {
 public:
  CondExpr(ExprPtr test, ExprPtr yes, ExprPtr no)
      : test_(std::move(test)), yes_(std::move(yes)), no_(std::move(no)) {}
  OwnedValue Eval(EvalContext& context) const override {
    return (IsTruthy(test_->Eval(context).view()) ? yes_ : no_)->Eval(context);
  }

 private:
  ExprPtr test_, yes_, no_;
};

ExprPtr ParseCond(ExpressionParser& parser, const bson::Value& operand) {
  ExprPtr parts[3];
  if (operand.type() == bson::Type::kObject) {
    for (const bson::Element& e : operand.Doc()) {
      if (e.name() == "if") {
        parts[0] = parser.Parse(e.value());
      } else if (e.name() == "then") {
        parts[1] = parser.Parse(e.value());
      } else if (e.name() == "else") {
        parts[2] = parser.Parse(e.value());
      } else {
        Fail(17083, "Unrecognized parameter to $cond: " + std::string(e.name()));
      }
    }
    if (parts[0] == nullptr) Fail(17080, "Missing 'if' parameter to $cond");
    if (parts[1] == nullptr) Fail(17081, "Missing 'then' parameter to $cond");
    if (parts[2] == nullptr) Fail(17082, "Missing 'else' parameter to $cond");
  } else {
    std::vector<ExprPtr> list = ParseList(parser, operand);
    if (list.size() != 3) {
      Fail(code::kExpressionArity, "Expression $cond takes exactly 3 arguments. " +
                                       std::to_string(list.size()) + " were passed in.");
    }
    std::move(list.begin(), list.end(), parts);
  }
  const bool constant = parts[0]->IsConstant() && parts[1]->IsConstant() && parts[2]->IsConstant();
  return parser.Fold(
      std::make_unique<CondExpr>(std::move(parts[0]), std::move(parts[1]), std::move(parts[2])),
      constant);
}

class IfNullExpr final : public ExpressionNode {
 public:
  explicit IfNullExpr(std::vector<ExprPtr> list) : list_(std::move(list)) {}
  OwnedValue Eval(EvalContext& context) const override {
    OwnedValue v;
    for (const ExprPtr& e : list_) {
      v = e->Eval(context);
      if (!v.IsNullish()) break;
    }
    return v;
  }

 private:
  std::vector<ExprPtr> list_;
};

ExprPtr ParseIfNull(ExpressionParser& parser, const bson::Value& operand) {
  std::vector<ExprPtr> list = ParseList(parser, operand);
  if (list.size() < 2) {
    Fail(1257300, "$ifNull needs at least two arguments, had: " + std::to_string(list.size()));
  }
  const bool constant = AllConstant(list);
  return parser.Fold(std::make_unique<IfNullExpr>(std::move(list)), constant);
}

class SwitchExpr final : public ExpressionNode {
 public:
  SwitchExpr(std::vector<std::pair<ExprPtr, ExprPtr>> branches, ExprPtr otherwise)
      : branches_(std::move(branches)), otherwise_(std::move(otherwise)) {}
  OwnedValue Eval(EvalContext& context) const override {
    for (const auto& [test, result] : branches_) {
      if (IsTruthy(test->Eval(context).view())) return result->Eval(context);
    }
    if (otherwise_ == nullptr) {
      Fail(40066,
           "$switch could not find a matching branch for an input, and no default was specified.");
    }
    return otherwise_->Eval(context);
  }

 private:
  std::vector<std::pair<ExprPtr, ExprPtr>> branches_;
  ExprPtr otherwise_;
};

std::pair<ExprPtr, ExprPtr> ParseBranch(ExpressionParser& parser, const bson::Value& branch) {
  if (branch.type() != bson::Type::kObject) {
    Fail(40062, "$switch expected each branch to be an object");
  }
  std::pair<ExprPtr, ExprPtr> out;
  for (const bson::Element& e : branch.Doc()) {
    if (e.name() == "case") {
      out.first = parser.Parse(e.value());
    } else if (e.name() == "then") {
      out.second = parser.Parse(e.value());
    } else {
      Fail(40063, "$switch found an unknown argument to a branch: " + std::string(e.name()));
    }
  }
  if (out.first == nullptr) Fail(40064, "$switch requires each branch have a 'case' expression");
  if (out.second == nullptr) Fail(40065, "$switch requires each branch have a 'then' expression.");
  return out;
}

ExprPtr ParseSwitch(ExpressionParser& parser, const bson::Value& operand) {
  if (operand.type() != bson::Type::kObject) {
    Fail(40060, "$switch requires an object as an argument");
  }
  std::vector<std::pair<ExprPtr, ExprPtr>> branches;
  ExprPtr otherwise;
  for (const bson::Element& e : operand.Doc()) {
    if (e.name() == "branches") {
      if (e.type() != bson::Type::kArray) {
        Fail(40061, "$switch expected an array for 'branches'");
      }
      for (const bson::Element& b : e.value().Doc()) {
        branches.push_back(ParseBranch(parser, b.value()));
      }
    } else if (e.name() == "default") {
      otherwise = parser.Parse(e.value());
    } else {
      Fail(40067, "$switch found an unknown argument: " + std::string(e.name()));
    }
  }
  if (branches.empty()) Fail(40068, "$switch requires at least one branch.");
  bool all_constant = otherwise == nullptr || otherwise->IsConstant();
  bool all_false = true;
  EvalContext nothing;
  for (const auto& [test, result] : branches) {
    all_constant = all_constant && test->IsConstant() && result->IsConstant();
    all_false = all_false && test->IsConstant() && !IsTruthy(test->Eval(nothing).view());
  }
  if (all_false && otherwise == nullptr) {
    Fail(40069,
         "Cannot execute a switch statement where all the cases evaluate to false without "
         "a default.");
  }
  return parser.Fold(std::make_unique<SwitchExpr>(std::move(branches), std::move(otherwise)),
                     all_constant);
}

ExprPtr ParseLiteral(ExpressionParser&, const bson::Value& operand) {
  return std::make_unique<ConstantExpr>(OwnedValue::Copy(operand));
}

// A fresh number for every document; the state is the expression's own.
class RandExpr final : public ExpressionNode {
 public:
  RandExpr() : random_(std::random_device{}()) {}
  OwnedValue Eval(EvalContext&) const override {
    return OwnedValue::Double(std::uniform_real_distribution<double>(0, 1)(random_));
  }

 private:
  mutable std::mt19937_64 random_;
};

ExprPtr ParseRand(ExpressionParser&, const bson::Value& operand) {
  const bool container =
      operand.type() == bson::Type::kObject || operand.type() == bson::Type::kArray;
  if (!container) Fail(10065, "invalid parameter: expected an object ($rand)");
  if (!operand.Doc().empty()) Fail(3040501, "$rand does not currently accept arguments");
  return std::make_unique<RandExpr>();
}

class SampleRateExpr final : public ExpressionNode {
 public:
  explicit SampleRateExpr(double rate) : rate_(rate), random_(std::random_device{}()) {}
  OwnedValue Eval(EvalContext&) const override {
    return Truth(std::uniform_real_distribution<double>(0, 1)(random_) < rate_);
  }

 private:
  double rate_;
  mutable std::mt19937_64 random_;
};

ExprPtr ParseSampleRate(ExpressionParser&, const bson::Value& operand) {
  if (!operand.IsNumber()) Fail(code::kBadValue, "$sampleRate needs a number");
  const double rate = ToDouble(operand);
  if (!(rate >= 0 && rate <= 1)) Fail(code::kBadValue, "$sampleRate must be in [0, 1]");
  return std::make_unique<SampleRateExpr>(rate);
}

class ScoreExpr final : public ExpressionNode {
 public:
  OwnedValue Eval(EvalContext& context) const override {
    context.Work(1);
    const bson::Element score = context.root.view().Doc()[kScoreMember];
    return score ? context.root.Inside(score.value()) : OwnedValue::Missing();
  }
};

class ScoreDetailsExpr final : public ExpressionNode {
 public:
  OwnedValue Eval(EvalContext& context) const override {
    context.Work(1);
    const bson::Element details = context.root.view().Doc()[kScoreDetailsMember];
    if (!details || details.type() != bson::Type::kBinary) return {};
    return OwnedValue::Object(std::string(AsText(details.value().Binary())));
  }
};

ExprPtr ParseMeta(ExpressionParser& parser, const bson::Value& operand) {
  if (operand.type() != bson::Type::kString) {
    Fail(17307, "$meta only supports string arguments");
  }
  static constexpr std::string_view kKnown[] = {"textScore",         "randVal",
                                                "searchScore",       "searchHighlights",
                                                "geoNearDistance",   "geoNearPoint",
                                                "recordId",          "indexKey",
                                                "sortKey",           "searchScoreDetails",
                                                "vectorSearchScore", "score",
                                                "scoreDetails",      "searchSequenceToken"};
  if (std::find(std::begin(kKnown), std::end(kKnown), operand.Text()) == std::end(kKnown)) {
    Fail(17308, "Unsupported argument to $meta: " + std::string(operand.Text()));
  }
  if (operand.Text() == "textScore") {
    Fail(40218, "query requires text score metadata, but it is not available");
  }
  if (parser.options().metadata && operand.Text() == "score") {
    return std::make_unique<ScoreExpr>();
  }
  if (parser.options().metadata && operand.Text() == "scoreDetails") {
    return std::make_unique<ScoreDetailsExpr>();
  }
  return std::make_unique<ConstantExpr>(OwnedValue::Missing());
}

class GetFieldExpr final : public ExpressionNode {
 public:
  GetFieldExpr(ExprPtr field, ExprPtr input) : field_(std::move(field)), input_(std::move(input)) {}
  OwnedValue Eval(EvalContext& context) const override {
    const OwnedValue field = field_->Eval(context);
    if (field.type() != bson::Type::kString) {
      Fail(3041704, "$getField requires 'field' to evaluate to type String, but got " +
                        std::string(TypeName(field.type())));
    }
    const OwnedValue input = input_->Eval(context);
    if (input.type() == bson::Type::kNull || input.type() == bson::Type::kUndefined) {
      return OwnedValue::Null();
    }
    if (input.type() != bson::Type::kObject) return {};
    return input.Inside(input.view().Doc()[field.view().Text()].value());
  }

 private:
  ExprPtr field_;
  ExprPtr input_;
};

ExprPtr ParseGetField(ExpressionParser& parser, const bson::Value& operand) {
  ExprPtr field;
  ExprPtr input;
  const bool named = operand.type() == bson::Type::kObject && !operand.Doc().empty() &&
                     !operand.Doc().begin()->name().starts_with('$');
  if (named) {
    for (const bson::Element& e : operand.Doc()) {
      if (e.name() == "field") {
        field = parser.Parse(e.value());
      } else if (e.name() == "input") {
        input = parser.Parse(e.value());
      } else {
        Fail(3041701, "$getField found an unknown argument: " + std::string(e.name()));
      }
    }
    if (field == nullptr) Fail(3041702, "$getField requires 'field' to be specified");
    if (input == nullptr) Fail(3041703, "$getField requires 'input' to be specified");
  } else {
    field = parser.Parse(operand);
    input = parser.ParsePath("$$CURRENT");
  }
  EvalContext nothing;
  if (field->IsConstant() && field->Eval(nothing).type() != bson::Type::kString) {
    Fail(3041704, "$getField requires 'field' to evaluate to type String");
  }
  const bool constant = field->IsConstant() && input->IsConstant();
  return parser.Fold(std::make_unique<GetFieldExpr>(std::move(field), std::move(input)), constant);
}

class SetFieldExpr final : public ExpressionNode {
 public:
  SetFieldExpr(std::string field, ExprPtr input, ExprPtr value)
      : field_(std::move(field)), input_(std::move(input)), value_(std::move(value)) {}
  OwnedValue Eval(EvalContext& context) const override {
    const OwnedValue input = input_->Eval(context);
    if (input.IsNullish()) return OwnedValue::Null();
    if (input.type() != bson::Type::kObject) {
      Fail(4161105, "$setField requires 'input' to evaluate to type Object");
    }
    const OwnedValue value = value_ != nullptr ? value_->Eval(context) : OwnedValue::Missing();
    bson::Builder b;
    bool placed = false;
    for (const bson::Element& e : input.view().Doc()) {
      if (e.name() != field_) {
        b.Element(e);
      } else {
        if (!value.IsMissing()) b.Value(field_, value.view());
        placed = true;
      }
    }
    if (!placed && !value.IsMissing()) b.Value(field_, value.view());
    return OwnedValue::Object(b.Finish());
  }

 private:
  std::string field_;
  ExprPtr input_;
  ExprPtr value_;  // null removes
};

std::string ConstantFieldName(ExpressionParser& parser, const bson::Value& v,
                              const std::string& op) {
  const ExprPtr parsed = parser.Parse(v);
  if (!parsed->IsConstant()) {
    const bool path = v.type() == bson::Type::kString;
    Fail(path ? 4161108 : 4161106, op + " requires 'field' to evaluate to a constant");
  }
  EvalContext nothing;
  const OwnedValue name = parsed->Eval(nothing);
  if (name.type() != bson::Type::kString) {
    Fail(4161107, op + " requires 'field' to evaluate to type String");
  }
  if (name.view().Text().find('\0') != std::string_view::npos) {
    Fail(9534700, op + " 'field' must not contain a NUL");
  }
  return std::string(name.view().Text());
}

template <bool kUnset>
ExprPtr ParseSetField(ExpressionParser& parser, const bson::Value& operand) {
  const std::string op = kUnset ? "$unsetField" : "$setField";
  if (operand.type() != bson::Type::kObject) {
    Fail(4161100, op + " only supports an object as its argument");
  }
  bson::Value field;
  ExprPtr input;
  ExprPtr value;
  for (const bson::Element& e : operand.Doc()) {
    if (e.name() == "field") {
      field = e.value();
    } else if (e.name() == "input") {
      input = parser.Parse(e.value());
    } else if (e.name() == "value" && !kUnset) {
      value = parser.Parse(e.value());
    } else {
      Fail(4161101, op + " found an unknown argument: " + std::string(e.name()));
    }
  }
  if (!field) Fail(4161102, op + " requires 'field' to be specified");
  if (value == nullptr && !kUnset) Fail(4161103, op + " requires 'value' to be specified");
  if (input == nullptr) Fail(4161109, op + " requires 'input' to be specified");
  std::string name = ConstantFieldName(parser, field, op);
  const bool constant = input->IsConstant() && (value == nullptr || value->IsConstant());
  return parser.Fold(
      std::make_unique<SetFieldExpr>(std::move(name), std::move(input), std::move(value)),
      constant);
}

constexpr SpecialOperator kOperators[] = {
    {"$and", ParseLogical<false>},
    {"$or", ParseLogical<true>},
    {"$cond", ParseCond},
    {"$ifNull", ParseIfNull},
    {"$switch", ParseSwitch},
    {"$literal", ParseLiteral},
    {"$const", ParseLiteral},
    {"$rand", ParseRand},
    {"$sampleRate", ParseSampleRate},
    {"$meta", ParseMeta},
    {"$getField", ParseGetField},
    {"$setField", ParseSetField<false>},
    {"$unsetField", ParseSetField<true>},
};

OwnedValue Compare(const Args& a, bool (*decide)(int)) {
  return Truth(decide(CompareValues(a[0], a[1], a.collation())));
}

constexpr PlainOperator kComparisons[] = {
    {"$cmp", 2, 2,
     [](const Args& a) {
       const int order = CompareValues(a[0], a[1], a.collation());
       return OwnedValue::Int32(order < 0 ? -1 : (order > 0 ? 1 : 0));
     }},
    {"$eq", 2, 2, [](const Args& a) { return Compare(a, [](int o) { return o == 0; }); }},
    {"$ne", 2, 2, [](const Args& a) { return Compare(a, [](int o) { return o != 0; }); }},
    {"$gt", 2, 2, [](const Args& a) { return Compare(a, [](int o) { return o > 0; }); }},
    {"$gte", 2, 2, [](const Args& a) { return Compare(a, [](int o) { return o >= 0; }); }},
    {"$lt", 2, 2, [](const Args& a) { return Compare(a, [](int o) { return o < 0; }); }},
    {"$lte", 2, 2, [](const Args& a) { return Compare(a, [](int o) { return o <= 0; }); }},
    {"$not", 1, 1, [](const Args& a) { return Truth(!IsTruthy(a[0])); }},
};

}  // namespace

std::span<const SpecialOperator> SpecialOperators() { return kOperators; }
std::span<const PlainOperator> ComparisonOperators() { return kComparisons; }

}  // namespace nexadb::query
