#include "plugins/database-document/expression/expression.h"

#include <charconv>

#include "plugins/database-document/expression/node.h"
#include "plugins/database-document/value/number.h"

namespace nexadb::query {

Expression::Expression() = default;
Expression::~Expression() = default;

Result<std::unique_ptr<Expression>> Expression::Parse(const bson::Value& spec,
                                                      const ParseOptions& options) {
  return Catch<std::unique_ptr<Expression>>([&] {
    const EvaluationScope scope(EvaluationScope::Kind::kParse);
    std::unique_ptr<Expression> expression(new Expression());
    ExpressionParser parser(options);
    expression->root_ = parser.Parse(spec);
    expression->slots_ = parser.slot_count();
    expression->collation_ = options.collation;
    return expression;
  });
}

Result<OwnedValue> Expression::Evaluate(bson::Document root) const {
  try {
    const EvaluationScope scope;
    EvalContext context;
    context.root = OwnedValue::Borrow(root.AsValue(bson::Type::kObject));
    context.collation = collation_.get();
    if (slots_ != 0) context.slots.resize(slots_);
    return root_->Eval(context);
  } catch (QueryError& e) {
    return std::move(e.status);
  }
}

Status Expression::CheckLet(const ParseOptions& options) {
  return Catch<bool>([&] {
           const EvaluationScope scope(EvaluationScope::Kind::kParse);
           ParseOptions without_let = options;
           without_let.let = {};
           for (const bson::Element& e : options.let) {
             if (!IsVariableName(e.name())) {
               Fail(code::kFailedToParse,
                    "'" + std::string(e.name()) + "' is not a valid variable name");
             }
             ExpressionParser parser(without_let);
             const ExprPtr value = parser.Parse(e.value());
             if (parser.reads_document()) {
               Fail(4890500, "Command let Expression does not evaluate to a constant");
             }
             EvalContext context;
             context.collation = options.collation.get();
             context.slots.resize(parser.slot_count());
             value->Eval(context);
           }
           return true;
         })
      .status();
}

bool Expression::IsConstant() const noexcept { return root_->IsConstant(); }

bool IsTruthy(const bson::Value& value) noexcept {
  switch (value.type()) {
    case bson::Type::kEnd:
    case bson::Type::kNull:
    case bson::Type::kUndefined: return false;
    case bson::Type::kBool: return value.Bool();
    case bson::Type::kInt32: return value.Int32() != 0;
    case bson::Type::kInt64: return value.Int64() != 0;
    case bson::Type::kDouble: return value.Double() != 0;  // NaN is true
    case bson::Type::kDecimal128: {
      const DecimalParts parts = SplitDecimal(value.bytes().data());
      return parts.kind != DecimalParts::Kind::kFinite || parts.coefficient != 0;
    }
    default: return true;
  }
}

void ArrayBuilder::Add(const bson::Value& value) {
  const size_t size = builder_.size() + value.bytes().size();
  OwnedValue::CheckSize(size);
  if (size >= charge_at_) {
    charge_.Raise(size);
    charge_at_ = size + kChargeStep;
  }
  char name[20];
  const auto end = std::to_chars(name, name + sizeof(name), count_++).ptr;
  const std::string_view text(name, static_cast<size_t>(end - name));
  if (value) {
    builder_.Value(text, value);
  } else {
    builder_.Null(text);
  }
}

OwnedValue FollowPath(const OwnedValue& from, const std::vector<PathComponent>& path, size_t at) {
  bson::Value v = from.view();
  for (; at < path.size(); ++at) {
    if (v.type() == bson::Type::kObject) {
      v = v.Doc()[path[at].name].value();
      continue;
    }
    if (v.type() != bson::Type::kArray) return {};
    ArrayBuilder found;
    for (const bson::Element& e : v.Doc()) {
      if (e.type() != bson::Type::kObject) continue;
      const OwnedValue part = FollowPath(OwnedValue::Borrow(e.value()), path, at);
      if (!part.IsMissing()) found.Add(part.view());
    }
    return found.Finish();
  }
  return from.Inside(v);
}

}  // namespace nexadb::query
