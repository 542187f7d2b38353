// Expressions: from BSON to a tree of nodes, each bound to its operator.
#include <algorithm>
#include <array>

#include "core/document/error.h"
#include "plugins/database-document/expression/node.h"
#include "plugins/database-document/value/metadata.h"

namespace nexadb::query {
namespace {

// BSON itself may nest as deep.
constexpr size_t kExpressionDepthMax = 200;
constexpr size_t kInlineArguments = 4;

class PathExpr final : public ExpressionNode {
 public:
  explicit PathExpr(std::string_view path) : path_(path) {}
  OwnedValue Eval(EvalContext& context) const override {
    context.Work(1 + context.root.size() / Meter::kBytesPerStep);
    return FollowPath(context.root, path_.components(), 0);
  }

 private:
  Path path_;
};

class RootExpr final : public ExpressionNode {
 public:
  OwnedValue Eval(EvalContext& context) const override {
    context.Work(1);
    return context.root;
  }
};

// Of documents that may have metadata.
class PlainRootExpr final : public ExpressionNode {
 public:
  OwnedValue Eval(EvalContext& context) const override {
    const bson::Document doc = context.root.view().Doc();
    context.Work(1);
    return HasMetadata(doc) ? OwnedValue::Object(WithoutMetadata(doc)) : context.root;
  }
};

class SlotExpr final : public ExpressionNode {
 public:
  explicit SlotExpr(size_t slot) : slot_(slot) {}
  OwnedValue Eval(EvalContext& context) const override {
    context.Work(1);
    return context.slots[slot_];
  }

 private:
  size_t slot_;
};

class CellExpr final : public ExpressionNode {
 public:
  explicit CellExpr(VariableCell cell) : cell_(std::move(cell)) {}
  OwnedValue Eval(EvalContext& context) const override {
    context.Work(1);
    return *cell_;
  }

 private:
  VariableCell cell_;
};

// $$name.a.b
class FollowExpr final : public ExpressionNode {
 public:
  FollowExpr(ExprPtr from, std::string_view path) : from_(std::move(from)), path_(path) {}
  OwnedValue Eval(EvalContext& context) const override {
    const OwnedValue from = from_->Eval(context);
    context.Work(1 + from.size() / Meter::kBytesPerStep);
    return FollowPath(from, path_.components(), 0);
  }

 private:
  ExprPtr from_;
  Path path_;
};

class ObjectExpr final : public ExpressionNode {
 public:
  explicit ObjectExpr(std::vector<std::pair<std::string, ExprPtr>> fields)
      : fields_(std::move(fields)) {}
  OwnedValue Eval(EvalContext& context) const override {
    bson::Builder b;
    Charge charge;
    for (const auto& [name, expression] : fields_) {
      const OwnedValue v = expression->Eval(context);
      if (v.IsMissing()) continue;
      const size_t size = b.size() + v.size();
      OwnedValue::CheckSize(size);
      if (size >= Meter::kChargedBytesMin) charge.Raise(size);
      b.Value(name, v.view());
    }
    charge.Drop();  // the value has a charge of its own
    return OwnedValue::Object(b.Finish());
  }

 private:
  std::vector<std::pair<std::string, ExprPtr>> fields_;
};

class ArrayExpr final : public ExpressionNode {
 public:
  explicit ArrayExpr(std::vector<ExprPtr> items) : items_(std::move(items)) {}
  OwnedValue Eval(EvalContext& context) const override {
    ArrayBuilder b;
    for (const ExprPtr& item : items_) b.Add(item->Eval(context).view());
    return b.Finish();
  }

 private:
  std::vector<ExprPtr> items_;
};

class CallExpr final : public ExpressionNode {
 public:
  CallExpr(OperatorFunction function, std::vector<ExprPtr> arguments, uint32_t given)
      : function_(function), arguments_(std::move(arguments)), given_(given) {}
  OwnedValue Eval(EvalContext& context) const override {
    if (arguments_.size() <= kInlineArguments) {
      std::array<OwnedValue, kInlineArguments> values;
      return Call(context, {values.data(), arguments_.size()});
    }
    std::vector<OwnedValue> values(arguments_.size());
    return Call(context, values);
  }

 private:
  OwnedValue Call(EvalContext& context, std::span<OwnedValue> values) const {
    size_t steps = 1;
    for (size_t i = 0; i < arguments_.size(); ++i) {
      if (arguments_[i] != nullptr) values[i] = arguments_[i]->Eval(context);
      steps += values[i].size() / Meter::kBytesPerStep;
    }
    context.Work(steps);
    return function_(Args(values, given_, context.collation));
  }
  OperatorFunction function_;
  std::vector<ExprPtr> arguments_;
  uint32_t given_;
};

bool AllConstant(const std::vector<ExprPtr>& parts) {
  return std::all_of(parts.begin(), parts.end(),
                     [](const ExprPtr& p) { return p == nullptr || p->IsConstant(); });
}

template <class Table>
auto* FindIn(Table table, std::string_view name) {
  const auto at =
      std::find_if(table.begin(), table.end(), [&](const auto& op) { return op.name == name; });
  return at != table.end() ? &*at : nullptr;
}

const PlainOperator* FindPlain(std::string_view name) {
  for (const auto table : {ArithmeticOperators(), NumericOperators(), ComparisonOperators(),
                           StringOperators(), ArrayOperators(), ObjectOperators(), SetOperators(),
                           ConvertOperators(), AccumulatorOperators()}) {
    if (const PlainOperator* op = FindIn(table, name)) return op;
  }
  return nullptr;
}

const NamedOperator* FindNamed(std::string_view name) {
  for (const auto table : {StringNamedOperators(), RegexOperators(), ArrayNamedOperators(),
                           DateNamedOperators(), PercentileOperators()}) {
    if (const NamedOperator* op = FindIn(table, name)) return op;
  }
  return nullptr;
}

const SpecialOperator* FindSpecial(std::string_view name) {
  for (const auto table :
       {SpecialOperators(), BindingOperators(), ArraySpecialOperators(), ConvertSpecialOperators(),
        DatePartOperators(), DateConversionOperators()}) {
    if (const SpecialOperator* op = FindIn(table, name)) return op;
  }
  return nullptr;
}

[[noreturn]] void FailArity(const PlainOperator& op, size_t got) {
  const std::string name(op.name);
  if (op.least == op.most) {
    Fail(code::kExpressionArity, "Expression " + name + " takes exactly " +
                                     std::to_string(op.least) + " arguments. " +
                                     std::to_string(got) + " were passed in.");
  }
  Fail(28667, "Expression " + name + " takes at least " + std::to_string(op.least) +
                  " arguments, and at most " + std::to_string(op.most) + ", but " +
                  std::to_string(got) + " were passed in.");
}

}  // namespace

bool IsVariableName(std::string_view name) {
  if (name.empty()) return false;
  const auto first = static_cast<unsigned char>(name[0]);
  if (!((first >= 'a' && first <= 'z') || first >= 0x80)) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return (u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z') || (u >= '0' && u <= '9') || u == '_' ||
           u >= 0x80;
  });
}

void CheckFieldPath(std::string_view path) {
  if (path.empty()) Fail(40352, "FieldPath cannot be constructed with empty string");
  if (path.back() == '.') Fail(40353, "FieldPath must not end with a '.'.");
  const Path parts(path);
  for (const PathComponent& c : parts.components()) {
    if (c.name.empty()) Fail(15998, "FieldPath field names may not be empty strings.");
    if (c.name[0] == '$') {
      Fail(16410,
           "FieldPath field names may not start with '$'. Consider using $getField or "
           "$setField.");
    }
    if (c.name.find('\0') != std::string::npos) {
      Fail(16411, "FieldPath field names may not contain '\\0'.");
    }
  }
}

ExprPtr ExpressionParser::Fold(ExprPtr node, bool constant) const {
  if (!constant) return node;
  EvalContext nothing;
  nothing.collation = options_.collation.get();
  return std::make_unique<ConstantExpr>(node->Eval(nothing));
}

size_t ExpressionParser::Push(std::string_view name) {
  const bool system = name == "CURRENT";
  if (!system && !IsVariableName(name)) {
    Fail(
        code::kFailedToParse,
        "'" + std::string(name) +
            "' is not a valid variable name: it begins with a lower-case letter and holds letters, "
            "digits and '_'");
  }
  scope_.emplace_back(name);
  slots_max_ = std::max(slots_max_, scope_.size());
  return scope_.size() - 1;
}

void ExpressionParser::Pop(size_t count) { scope_.resize(scope_.size() - count); }

ExprPtr ExpressionParser::Parse(const bson::Value& spec) {
  if (depth_ >= kExpressionDepthMax) Fail(15998, "the expression is nested too deeply");
  ++depth_;
  ExprPtr node;
  if (spec.type() == bson::Type::kString && spec.Text().starts_with('$')) {
    node = ParsePath(spec.Text());
  } else if (spec.type() == bson::Type::kObject) {
    node = ParseObject(spec.Doc());
  } else if (spec.type() == bson::Type::kArray) {
    std::vector<ExprPtr> items;
    for (const bson::Element& e : spec.Doc()) items.push_back(Parse(e.value()));
    const bool constant = AllConstant(items);
    node = Fold(std::make_unique<ArrayExpr>(std::move(items)), constant);
  } else {
    node = std::make_unique<ConstantExpr>(OwnedValue::Copy(spec));
  }
  --depth_;
  return node;
}

ExprPtr ExpressionParser::ParseObject(bson::Document spec) {
  const auto first = spec.begin();
  if (*first && first->name().starts_with('$')) {
    if (spec.CountElements() != 1) {
      Fail(15983, "An object representing an expression must have exactly one field");
    }
    return ParseOperator(*first);
  }
  std::vector<std::pair<std::string, ExprPtr>> fields;
  bool constant = true;
  for (const bson::Element& e : spec) {
    const std::string_view name = e.name();
    if (name.starts_with('$')) {
      Fail(16410,
           "FieldPath field names may not start with '$'. Consider using $getField or "
           "$setField.");
    }
    if (name.find('.') != std::string_view::npos) {
      Fail(16412,
           "FieldPath field names may not contain '.'. Consider using $getField or "
           "$setField.");
    }
    for (const auto& field : fields) {
      if (field.first == name) Fail(16406, "duplicate field name specified in object literal");
    }
    ExprPtr value = Parse(e.value());
    constant = constant && value->IsConstant();
    fields.emplace_back(name, std::move(value));
  }
  return Fold(std::make_unique<ObjectExpr>(std::move(fields)), constant);
}

ExprPtr ExpressionParser::ParseOperator(const bson::Element& e) {
  if (const SpecialOperator* op = FindSpecial(e.name())) return op->parse(*this, e.value());
  if (const PlainOperator* op = FindPlain(e.name())) return ParsePlain(*op, e.value());
  if (const NamedOperator* op = FindNamed(e.name())) return ParseNamed(*op, e.value());
  std::vector<std::string_view> known;
  const auto add = [&](auto table) {
    for (const auto& op : table) known.push_back(op.name);
  };
  for (const auto table :
       {ArithmeticOperators(), NumericOperators(), ComparisonOperators(), StringOperators(),
        ArrayOperators(), ObjectOperators(), SetOperators(), ConvertOperators()}) {
    add(table);
  }
  add(SpecialOperators());
  add(DateNamedOperators());
  FailUnknown(168, "Unrecognized expression '" + std::string(e.name()) + "'", e.name(),
              known.data(), known.size(),
              std::string(options_.pointer) + "/" + std::string(e.name()));
}

ExprPtr ExpressionParser::ParsePlain(const PlainOperator& op, const bson::Value& operand) {
  std::vector<ExprPtr> arguments;
  if (operand.type() == bson::Type::kArray) {
    for (const bson::Element& e : operand.Doc()) arguments.push_back(Parse(e.value()));
  } else {
    arguments.push_back(Parse(operand));
  }
  const int count = static_cast<int>(arguments.size());
  if (count < op.least || (op.most >= 0 && count > op.most)) FailArity(op, arguments.size());
  const bool constant = AllConstant(arguments);
  return Fold(std::make_unique<CallExpr>(op.function, std::move(arguments), ~uint32_t{0}),
              constant);
}

ExprPtr ExpressionParser::ParseNamed(const NamedOperator& op, const bson::Value& operand) {
  const std::string name(op.name);
  if (operand.type() != bson::Type::kObject) {
    Fail(op.not_object_code, name + " requires an object as an argument, found: " +
                                 std::string(TypeName(operand.type())));
  }
  std::vector<ExprPtr> arguments(op.arguments.size());
  uint32_t given = 0;
  for (const bson::Element& e : operand.Doc()) {
    const auto at = std::find_if(op.arguments.begin(), op.arguments.end(),
                                 [&](const NamedArgument& a) { return a.name == e.name(); });
    if (at == op.arguments.end()) {
      Fail(op.unknown_code, name + " found an unknown argument: " + std::string(e.name()));
    }
    const auto i = static_cast<size_t>(at - op.arguments.begin());
    arguments[i] = Parse(e.value());
    given |= uint32_t{1} << i;
  }
  for (size_t i = 0; i < op.arguments.size(); ++i) {
    if (op.arguments[i].missing_code != 0 && arguments[i] == nullptr) {
      Fail(op.arguments[i].missing_code,
           name + " requires '" + std::string(op.arguments[i].name) + "' to be specified");
    }
  }
  const bool constant = AllConstant(arguments);
  return Fold(std::make_unique<CallExpr>(op.function, std::move(arguments), given), constant);
}

ExprPtr ExpressionParser::Variable(std::string_view name) {
  for (size_t i = scope_.size(); i-- > 0;) {
    if (scope_[i] == name) return std::make_unique<SlotExpr>(i);
  }
  if (const auto cell = options_.variables.find(name); cell != options_.variables.end()) {
    return std::make_unique<CellExpr>(cell->second);
  }
  if (name == "ROOT" || name == "CURRENT") {
    reads_document_ = true;
    if (options_.metadata) return std::make_unique<PlainRootExpr>();
    return std::make_unique<RootExpr>();
  }
  const auto constant = [](OwnedValue v) { return std::make_unique<ConstantExpr>(std::move(v)); };
  if (name == "REMOVE") return constant(OwnedValue::Missing());
  if (name == "NOW") return constant(OwnedValue::Date(options_.now_ms));
  if (name == "CLUSTER_TIME") return constant(OwnedValue::Timestamp(options_.cluster_time));
  if (name == "KEEP" || name == "PRUNE" || name == "DESCEND") {
    return constant(OwnedValue::Text(name == "KEEP"    ? "keep"
                                     : name == "PRUNE" ? "prune"
                                                       : "descend"));
  }
  if (const bson::Element let = options_.let[name]) {
    ParseOptions without_let = options_;
    without_let.let = {};
    ExpressionParser parser(without_let);
    const ExprPtr value = parser.Parse(let.value());
    EvalContext nothing;
    nothing.collation = options_.collation.get();
    nothing.slots.resize(parser.slot_count());
    nothing.root = OwnedValue::Object(bson::Builder().Finish());
    return constant(value->Eval(nothing));
  }
  Fail(17276, "Use of undefined variable: " + std::string(name));
}

ExprPtr ExpressionParser::ParsePath(std::string_view text) {
  if (text == "$") Fail(16872, "'$' by itself is not a valid FieldPath");
  if (text.find('\0') != std::string_view::npos) {
    Fail(16411, "FieldPath field names may not contain '\\0'.");
  }
  if (!text.starts_with("$$")) {
    const std::string_view path = text.substr(1);
    CheckFieldPath(path);
    if (std::find(scope_.begin(), scope_.end(), "CURRENT") != scope_.end()) {
      return std::make_unique<FollowExpr>(Variable("CURRENT"), path);
    }
    reads_document_ = true;
    return std::make_unique<PathExpr>(path);
  }
  const std::string_view rest = text.substr(2);
  const size_t dot = rest.find('.');
  const std::string_view name = rest.substr(0, dot);
  if (name.empty()) Fail(code::kFailedToParse, "empty variable names are not allowed");
  const bool system = name[0] >= 'A' && name[0] <= 'Z';
  if (!system && !IsVariableName(name)) {
    Fail(code::kFailedToParse, "'" + std::string(name) + "' is not a valid variable name");
  }
  if (dot != std::string_view::npos) CheckFieldPath(rest.substr(dot + 1));
  ExprPtr variable = Variable(name);
  if (dot == std::string_view::npos) return variable;
  const bool constant = variable->IsConstant();
  return Fold(std::make_unique<FollowExpr>(std::move(variable), rest.substr(dot + 1)), constant);
}

}  // namespace nexadb::query
