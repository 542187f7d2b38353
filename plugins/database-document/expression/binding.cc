// Operators that bind variables: $let, $map, $filter, $reduce.
#include <algorithm>

#include "plugins/database-document/expression/expression.h"
#include "plugins/database-document/expression/node.h"
#include "plugins/database-document/value/number.h"

namespace nexadb::query {
namespace {

class LetExpr final : public ExpressionNode {
 public:
  LetExpr(size_t first_slot, std::vector<ExprPtr> values, ExprPtr in)
      : first_slot_(first_slot), values_(std::move(values)), in_(std::move(in)) {}
  OwnedValue Eval(EvalContext& context) const override {
    // Every value is computed before any is visible.
    std::vector<OwnedValue> values;
    values.reserve(values_.size());
    for (const ExprPtr& v : values_) values.push_back(v->Eval(context));
    for (size_t i = 0; i < values.size(); ++i) {
      context.slots[first_slot_ + i] = std::move(values[i]);
    }
    return in_->Eval(context);
  }

 private:
  size_t first_slot_;
  std::vector<ExprPtr> values_;
  ExprPtr in_;
};

ExprPtr ParseLet(ExpressionParser& parser, const bson::Value& operand) {
  if (operand.type() != bson::Type::kObject) Fail(16874, "$let only supports an object");
  bson::Value vars;
  bson::Value in;
  for (const bson::Element& e : operand.Doc()) {
    if (e.name() == "vars") {
      vars = e.value();
    } else if (e.name() == "in") {
      in = e.value();
    } else {
      Fail(16875, "Unrecognized parameter to $let: " + std::string(e.name()));
    }
  }
  if (!vars) Fail(16876, "Missing 'vars' parameter to $let");
  if (!in) Fail(16877, "Missing 'in' parameter to $let");
  if (vars.type() != bson::Type::kObject) {
    Fail(10065, "invalid parameter: expected an object (vars)");
  }
  // Slots of the values' own inner variables overlap the new ones; LetExpr stores afterwards.
  std::vector<ExprPtr> values;
  for (const bson::Element& e : vars.Doc()) values.push_back(parser.Parse(e.value()));
  const size_t first = parser.next_slot();
  for (const bson::Element& e : vars.Doc()) parser.Push(e.name());
  ExprPtr body = parser.Parse(in);
  parser.Pop(values.size());
  return std::make_unique<LetExpr>(first, std::move(values), std::move(body));
}

class MapExpr final : public ExpressionNode {
 public:
  MapExpr(size_t slot, ExprPtr input, ExprPtr in)
      : slot_(slot), input_(std::move(input)), in_(std::move(in)) {}
  OwnedValue Eval(EvalContext& context) const override {
    const OwnedValue input = input_->Eval(context);
    if (input.IsNullish()) return OwnedValue::Null();
    if (input.type() != bson::Type::kArray) {
      Fail(16883, "input to $map must be an array not " + std::string(TypeName(input.type())));
    }
    ArrayBuilder out;
    for (const bson::Element& e : input.view().Doc()) {
      context.Work(1);
      context.slots[slot_] = input.Inside(e.value());
      out.Add(in_->Eval(context).view());
    }
    return out.Finish();
  }

 private:
  size_t slot_;
  ExprPtr input_;
  ExprPtr in_;
};

std::string VariableName(const bson::Value& v, std::string_view fallback) {
  if (!v) return std::string(fallback);
  if (v.type() != bson::Type::kString) {
    Fail(code::kFailedToParse, "the name given by 'as' must be a string");
  }
  if (v.Text().empty()) Fail(code::kFailedToParse, "empty variable names are not allowed");
  return std::string(v.Text());
}

ExprPtr ParseMap(ExpressionParser& parser, const bson::Value& operand) {
  if (operand.type() != bson::Type::kObject) Fail(16878, "$map only supports an object");
  bson::Value input, as, in;
  for (const bson::Element& e : operand.Doc()) {
    if (e.name() == "input") {
      input = e.value();
    } else if (e.name() == "as") {
      as = e.value();
    } else if (e.name() == "in") {
      in = e.value();
    } else {
      Fail(16879, "Unrecognized parameter to $map: " + std::string(e.name()));
    }
  }
  if (!input) Fail(16880, "Missing 'input' parameter to $map");
  if (!in) Fail(16882, "Missing 'in' parameter to $map");
  ExprPtr from = parser.Parse(input);
  const size_t slot = parser.Push(VariableName(as, "this"));
  ExprPtr body = parser.Parse(in);
  parser.Pop(1);
  return std::make_unique<MapExpr>(slot, std::move(from), std::move(body));
}

class FilterExpr final : public ExpressionNode {
 public:
  FilterExpr(size_t slot, ExprPtr input, ExprPtr cond, ExprPtr limit)
      : slot_(slot), input_(std::move(input)), cond_(std::move(cond)), limit_(std::move(limit)) {}
  OwnedValue Eval(EvalContext& context) const override {
    const OwnedValue input = input_->Eval(context);
    if (input.IsNullish()) return OwnedValue::Null();
    if (input.type() != bson::Type::kArray) {
      Fail(28651, "input to $filter must be an array not " + std::string(TypeName(input.type())));
    }
    const int64_t limit = Limit(context);
    ArrayBuilder out;
    for (const bson::Element& e : input.view().Doc()) {
      context.Work(1);
      context.slots[slot_] = input.Inside(e.value());
      if (!IsTruthy(cond_->Eval(context).view())) continue;
      out.Add(e.value());
      if (static_cast<int64_t>(out.size()) >= limit) break;
    }
    return out.Finish();
  }

 private:
  int64_t Limit(EvalContext& context) const {
    if (limit_ == nullptr) return INT64_MAX;
    const OwnedValue v = limit_->Eval(context);
    if (v.IsNullish()) return INT64_MAX;
    const auto n = v.view().IsNumber() ? ExactInt64(v.view()) : std::nullopt;
    if (!n || *n > INT32_MAX || *n < INT32_MIN) {
      Fail(327391, "$filter: limit must be represented as a 32-bit integral value");
    }
    if (*n <= 0) Fail(327392, "$filter: limit must be greater than 0");
    return *n;
  }
  size_t slot_;
  ExprPtr input_;
  ExprPtr cond_;
  ExprPtr limit_;
};

ExprPtr ParseFilterExpr(ExpressionParser& parser, const bson::Value& operand) {
  if (operand.type() != bson::Type::kObject) Fail(28646, "$filter only supports an object");
  bson::Value input, as, cond, limit;
  for (const bson::Element& e : operand.Doc()) {
    if (e.name() == "input") {
      input = e.value();
    } else if (e.name() == "as") {
      as = e.value();
    } else if (e.name() == "cond") {
      cond = e.value();
    } else if (e.name() == "limit") {
      limit = e.value();
    } else {
      Fail(28647, "Unrecognized parameter to $filter: " + std::string(e.name()));
    }
  }
  if (!input) Fail(28648, "Missing 'input' parameter to $filter");
  if (!cond) Fail(28650, "Missing 'cond' parameter to $filter");
  ExprPtr from = parser.Parse(input);
  ExprPtr most = limit ? parser.Parse(limit) : nullptr;
  const size_t slot = parser.Push(VariableName(as, "this"));
  ExprPtr test = parser.Parse(cond);
  parser.Pop(1);
  return std::make_unique<FilterExpr>(slot, std::move(from), std::move(test), std::move(most));
}

class ReduceExpr final : public ExpressionNode {
 public:
  ReduceExpr(size_t slot, ExprPtr input, ExprPtr start, ExprPtr in)
      : slot_(slot), input_(std::move(input)), start_(std::move(start)), in_(std::move(in)) {}
  OwnedValue Eval(EvalContext& context) const override {
    const OwnedValue input = input_->Eval(context);
    if (input.IsNullish()) return OwnedValue::Null();
    if (input.type() != bson::Type::kArray) {
      Fail(40080, "$reduce requires that 'input' be an array, found: " +
                      std::string(TypeName(input.type())));
    }
    OwnedValue value = start_->Eval(context);
    for (const bson::Element& e : input.view().Doc()) {
      context.Work(1);
      context.slots[slot_] = input.Inside(e.value());
      context.slots[slot_ + 1] = value;
      value = in_->Eval(context);
    }
    return value;
  }

 private:
  size_t slot_;
  ExprPtr input_;
  ExprPtr start_;
  ExprPtr in_;
};

ExprPtr ParseReduce(ExpressionParser& parser, const bson::Value& operand) {
  if (operand.type() != bson::Type::kObject) {
    Fail(40075, "$reduce requires an object as an argument");
  }
  bson::Value input, start, in;
  for (const bson::Element& e : operand.Doc()) {
    if (e.name() == "input") {
      input = e.value();
    } else if (e.name() == "initialValue") {
      start = e.value();
    } else if (e.name() == "in") {
      in = e.value();
    } else {
      Fail(40076, "$reduce found an unknown argument: " + std::string(e.name()));
    }
  }
  if (!input) Fail(40077, "$reduce requires 'input' to be specified");
  if (!start) Fail(40078, "$reduce requires 'initialValue' to be specified");
  if (!in) Fail(40079, "$reduce requires 'in' to be specified");
  ExprPtr from = parser.Parse(input);
  ExprPtr first = parser.Parse(start);
  const size_t slot = parser.Push("this");
  parser.Push("value");
  ExprPtr body = parser.Parse(in);
  parser.Pop(2);
  return std::make_unique<ReduceExpr>(slot, std::move(from), std::move(first), std::move(body));
}

constexpr SpecialOperator kOperators[] = {
    {"$let", ParseLet},
    {"$map", ParseMap},
    {"$filter", ParseFilterExpr},
    {"$reduce", ParseReduce},
};

}  // namespace

std::span<const SpecialOperator> BindingOperators() { return kOperators; }

}  // namespace nexadb::query
