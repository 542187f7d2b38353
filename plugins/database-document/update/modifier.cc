#include "plugins/database-document/update/modifier.h"

#include <algorithm>
#include <optional>

#include "plugins/database-document/expression/arithmetic.h"
#include "plugins/database-document/expression/expression.h"
#include "plugins/database-document/update/array_modifiers.h"
#include "plugins/database-document/value/compare.h"
#include "plugins/database-document/value/failure.h"
#include "plugins/database-document/value/number.h"

namespace nexadb::query {
namespace {

std::string NameOf(const bson::Value& v) { return std::string(TypeName(v.type())); }

class SetModifier final : public Modifier {
 public:
  explicit SetModifier(OwnedValue value) : value_(std::move(value)) {}
  OwnedValue Apply(const bson::Value&, std::string_view) const override { return value_; }

 private:
  OwnedValue value_;
};

class UnsetModifier final : public Modifier {
 public:
  OwnedValue Apply(const bson::Value&, std::string_view) const override { return {}; }
  IfAbsent if_absent() const override { return IfAbsent::kLeaveAlone; }
};

// $inc and $mul.
class ArithmeticModifier final : public Modifier {
 public:
  ArithmeticModifier(OwnedValue operand, bool multiply)
      : operand_(std::move(operand)), multiply_(multiply) {}
  OwnedValue Apply(const bson::Value& old, std::string_view path) const override {
    const bson::Value by = operand_.view();
    if (!old) {
      if (!multiply_) return operand_;
      return MultiplyNumbers(by, OwnedValue::Int32(0).view());
    }
    if (!old.IsNumber()) {
      Fail(code::kTypeMismatch, std::string("Cannot apply ") + (multiply_ ? "$mul" : "$inc") +
                                    " to a value of non-numeric type. The field '" +
                                    std::string(path) + "' is of type " + NameOf(old));
    }
    OwnedValue result = multiply_ ? MultiplyNumbers(old, by) : AddNumbers(old, by);
    const bool integers = IsInteger(old) && IsInteger(by);
    if (integers && result.type() == bson::Type::kDouble) {
      Fail(code::kBadValue, "Failed to apply " + std::string(multiply_ ? "$mul" : "$inc") +
                                " operations to current value of '" + std::string(path) +
                                "': 64 bits overflow");
    }
    return result;
  }

 private:
  static bool IsInteger(const bson::Value& v) {
    return v.type() == bson::Type::kInt32 || v.type() == bson::Type::kInt64;
  }
  OwnedValue operand_;
  bool multiply_;
};

class ExtremeModifier final : public Modifier {
 public:
  ExtremeModifier(OwnedValue operand, bool most, CollationPtr collation)
      : operand_(std::move(operand)), most_(most), collation_(std::move(collation)) {}
  OwnedValue Apply(const bson::Value& old, std::string_view) const override {
    if (!old) return operand_;
    const int order = CompareValues(operand_.view(), old, collation_.get());
    return (most_ ? order > 0 : order < 0) ? operand_ : OwnedValue::Borrow(old);
  }

 private:
  OwnedValue operand_;
  bool most_;
  CollationPtr collation_;
};

class BitModifier final : public Modifier {
 public:
  explicit BitModifier(const bson::Element& operand) {
    if (operand.type() != bson::Type::kObject) {
      Fail(code::kBadValue, "The $bit modifier is not compatible with a " +
                                NameOf(operand.value()) +
                                ". You must pass in an embedded document");
    }
    for (const bson::Element& e : operand.value().Doc()) {
      if (e.name() != "and" && e.name() != "or" && e.name() != "xor") {
        Fail(code::kBadValue, "The $bit modifier only supports 'and', 'or', and 'xor', not '" +
                                  std::string(e.name()) + "'");
      }
      if (e.type() != bson::Type::kInt32 && e.type() != bson::Type::kInt64) {
        Fail(code::kBadValue, "The $bit modifier field must be an Integer(32/64 bit)");
      }
      steps_.push_back({e.name()[0], *ExactInt64(e.value()), e.type() == bson::Type::kInt64});
    }
    if (steps_.empty()) {
      Fail(code::kBadValue, "You must pass in at least one bitwise operation");
    }
  }
  OwnedValue Apply(const bson::Value& old, std::string_view path) const override {
    int64_t bits = 0;
    bool wide = false;
    if (old) {
      if (old.type() != bson::Type::kInt32 && old.type() != bson::Type::kInt64) {
        Fail(code::kBadValue, "Cannot apply $bit to a value of non-integral type. The field '" +
                                  std::string(path) + "' is of type " + NameOf(old));
      }
      bits = *ExactInt64(old);
      wide = old.type() == bson::Type::kInt64;
    }
    for (const Step& step : steps_) {
      wide = wide || step.wide;
      bits = step.op == 'a'   ? bits & step.bits
             : step.op == 'o' ? bits | step.bits
                              : bits ^ step.bits;
    }
    return wide ? OwnedValue::Int64(bits) : OwnedValue::Int32(static_cast<int32_t>(bits));
  }

 private:
  struct Step {
    char op;
    int64_t bits;
    bool wide;
  };
  std::vector<Step> steps_;
};

std::unique_ptr<Modifier> CurrentDate(const bson::Element& operand, const ParseOptions& options) {
  const uint64_t now = static_cast<uint64_t>(options.now_ms / 1000) << 32 | 1;
  const auto set = [](OwnedValue v) { return std::make_unique<SetModifier>(std::move(v)); };
  if (operand.type() == bson::Type::kBool) return set(OwnedValue::Date(options.now_ms));
  if (operand.type() != bson::Type::kObject) {
    Fail(code::kBadValue, NameOf(operand.value()) +
                              " is not valid type for $currentDate. Please use a boolean "
                              "('true') or a $type expression");
  }
  const bson::Value type = operand.value().Doc()["$type"].value();
  for (const bson::Element& e : operand.value().Doc()) {
    if (e.name() != "$type") {
      Fail(code::kBadValue, "Unrecognized $currentDate option: " + std::string(e.name()));
    }
  }
  const bool text = type.type() == bson::Type::kString;
  if (text && type.Text() == "date") return set(OwnedValue::Date(options.now_ms));
  if (text && type.Text() == "timestamp") return set(OwnedValue::Timestamp(now));
  Fail(code::kBadValue, "The '$type' string field is required to be 'date' or 'timestamp'");
}

void RequireNumber(std::string_view op, const bson::Element& operand) {
  if (operand.value().IsNumber()) return;
  Fail(code::kTypeMismatch, "Cannot " + std::string(op == "$inc" ? "increment" : "multiply") +
                                " with non-numeric argument: {" + std::string(operand.name()) +
                                ": " + NameOf(operand.value()) + "}");
}

}  // namespace

std::unique_ptr<Modifier> ParseModifier(std::string_view op, const bson::Element& operand,
                                        const ParseOptions& options) {
  OwnedValue value = OwnedValue::Copy(operand.value());
  if (op == "$set" || op == "$setOnInsert") return std::make_unique<SetModifier>(std::move(value));
  if (op == "$unset") return std::make_unique<UnsetModifier>();
  if (op == "$inc" || op == "$mul") {
    RequireNumber(op, operand);
    return std::make_unique<ArithmeticModifier>(std::move(value), op == "$mul");
  }
  if (op == "$min" || op == "$max") {
    return std::make_unique<ExtremeModifier>(std::move(value), op == "$max", options.collation);
  }
  if (op == "$bit") return std::make_unique<BitModifier>(operand);
  if (op == "$currentDate") return CurrentDate(operand, options);
  return ParseArrayModifier(op, operand, options);
}

}  // namespace nexadb::query
