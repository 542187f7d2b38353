// The compiled form of an expression, and the tables of operators it is built from. Evaluators
// throw QueryError.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/database-document/value/collation.h"
#include "plugins/database-document/value/failure.h"
#include "plugins/database-document/value/meter.h"
#include "plugins/database-document/value/owned.h"
#include "plugins/database-document/value/parse_options.h"
#include "plugins/database-document/value/path.h"

namespace nexadb::query {

// What an evaluation carries: the document, a slot for each variable in scope, and how strings
// compare.
struct EvalContext {
  OwnedValue root;
  std::vector<OwnedValue> slots;
  const Collation* collation = nullptr;
  Meter* meter = Meter::Current();

  // Every node says what it does, in steps of value/meter.h.
  void Work(size_t steps) {
    if (meter != nullptr) meter->Step(steps);
  }
};

class ExpressionNode {
 public:
  virtual ~ExpressionNode() = default;
  virtual OwnedValue Eval(EvalContext& context) const = 0;
  virtual bool IsConstant() const { return false; }
};
using ExprPtr = std::unique_ptr<ExpressionNode>;

class ConstantExpr final : public ExpressionNode {
 public:
  explicit ConstantExpr(OwnedValue value) : value_(value.Keep()) {}
  OwnedValue Eval(EvalContext& context) const override {
    context.Work(1);
    return value_;
  }
  bool IsConstant() const override { return true; }
  const OwnedValue& value() const { return value_; }

 private:
  OwnedValue value_;
};

// Evaluated arguments of an operator. Named arguments that were not written are missing.
class Args {
 public:
  Args(std::span<const OwnedValue> values, uint32_t given, const Collation* collation = nullptr)
      : values_(values), given_(given), collation_(collation) {}
  size_t size() const { return values_.size(); }
  bson::Value operator[](size_t i) const { return values_[i].view(); }
  const OwnedValue& owned(size_t i) const { return values_[i]; }
  bool Given(size_t i) const { return ((given_ >> i) & 1) != 0; }
  // For operators that compare.
  const Collation* collation() const { return collation_; }
  bool AnyNullish() const {
    for (const OwnedValue& v : values_) {
      if (v.IsNullish()) return true;
    }
    return false;
  }

 private:
  std::span<const OwnedValue> values_;
  uint32_t given_;
  const Collation* collation_;
};

using OperatorFunction = OwnedValue (*)(const Args&);

// An operator whose arguments are all evaluated first, written {$op: [a, b]} or {$op: a}.
struct PlainOperator {
  std::string_view name;
  int least;
  int most;  // -1: any number
  OperatorFunction function;
};

struct NamedArgument {
  std::string_view name;
  int missing_code = 0;  // not 0: required
};

// An operator with named arguments, {$op: {a: …, b: …}}.
struct NamedOperator {
  std::string_view name;
  int not_object_code;
  int unknown_code;
  std::span<const NamedArgument> arguments;
  OperatorFunction function;
};

std::span<const PlainOperator> ArithmeticOperators();
std::span<const PlainOperator> NumericOperators();
std::span<const PlainOperator> ComparisonOperators();
std::span<const PlainOperator> StringOperators();
std::span<const NamedOperator> StringNamedOperators();
std::span<const NamedOperator> RegexOperators();
std::span<const PlainOperator> ArrayOperators();
std::span<const NamedOperator> ArrayNamedOperators();
std::span<const PlainOperator> ObjectOperators();
std::span<const PlainOperator> SetOperators();
std::span<const PlainOperator> ConvertOperators();
std::span<const NamedOperator> DateNamedOperators();
std::span<const NamedOperator> PercentileOperators();
std::span<const PlainOperator> AccumulatorOperators();

class ExpressionParser;
using SpecialParser = ExprPtr (*)(ExpressionParser&, const bson::Value& operand);
struct SpecialOperator {
  std::string_view name;
  SpecialParser parse;
};
// Operators with variables, branches, or arguments that are not evaluated.
std::span<const SpecialOperator> SpecialOperators();
std::span<const SpecialOperator> BindingOperators();
std::span<const SpecialOperator> ArraySpecialOperators();
std::span<const SpecialOperator> ConvertSpecialOperators();
std::span<const SpecialOperator> DatePartOperators();
std::span<const SpecialOperator> DateConversionOperators();

class ExpressionParser {
 public:
  explicit ExpressionParser(const ParseOptions& options) : options_(options) {}
  // Any expression.
  ExprPtr Parse(const bson::Value& spec);
  // "$a.b", "$$ROOT.x". REQUIRES: begins with '$'.
  ExprPtr ParsePath(std::string_view text);
  // An object that is no operator: its fields are expressions.
  ExprPtr ParseObject(bson::Document spec);

  // Declares a variable for what is parsed until the matching Pop; returns its slot. Names are
  // checked: 9 for a bad one.
  size_t Push(std::string_view name);
  void Pop(size_t count);
  size_t slot_count() const { return slots_max_; }
  const ParseOptions& options() const { return options_; }
  size_t next_slot() const { return scope_.size(); }
  // Whether anything parsed so far looks at the document.
  bool reads_document() const { return reads_document_; }

  // The node, or its constant value when all `parts` are constant.
  ExprPtr Fold(ExprPtr node, bool constant) const;

 private:
  ExprPtr ParseOperator(const bson::Element& e);
  ExprPtr ParsePlain(const PlainOperator& op, const bson::Value& operand);
  ExprPtr ParseNamed(const NamedOperator& op, const bson::Value& operand);
  ExprPtr Variable(std::string_view name);

  const ParseOptions& options_;
  std::vector<std::string> scope_;  // slot i is variable scope_[i]
  size_t slots_max_ = 0;
  size_t depth_ = 0;
  bool reads_document_ = false;
};

// A variable that users may name: a lower-case letter, then letters, digits and '_'.
bool IsVariableName(std::string_view name);

// Checks a field path's components: 15998 empty, 40353 trailing dot, 16410 '$', 16411 NUL.
void CheckFieldPath(std::string_view path);

// Follows a path by the rule of expressions: an array on the way maps to the array of what its
// objects have.
OwnedValue FollowPath(const OwnedValue& from, const std::vector<PathComponent>& path, size_t at);

// Arrays, built element by element.
class ArrayBuilder {
 public:
  void Add(const bson::Value& value);
  size_t size() const { return count_; }
  size_t bytes() const { return builder_.size(); }
  OwnedValue Finish() {
    charge_.Drop();  // the value has a charge of its own
    return OwnedValue::Array(builder_.Finish());
  }

 private:
  // Arrays under construction are charged in steps of so many bytes.
  static constexpr size_t kChargeStep = 64u << 10;
  bson::Builder builder_;
  size_t count_ = 0;
  size_t charge_at_ = kChargeStep;
  Charge charge_;
};

inline OwnedValue Truth(bool v) { return OwnedValue::Bool(v); }

}  // namespace nexadb::query
