#include "plugins/database-document/expression/arithmetic.h"

#include <cmath>

#include "plugins/database-document/expression/node.h"
#include "plugins/database-document/value/number.h"

namespace nexadb::query {
namespace {

bool Is(const bson::Value& v, bson::Type type) { return v.type() == type; }
bool Either(const bson::Value& a, const bson::Value& b, bson::Type type) {
  return Is(a, type) || Is(b, type);
}
int64_t Integer(const bson::Value& v) { return Is(v, bson::Type::kInt32) ? v.Int32() : v.Int64(); }

// The narrowest type that holds the exact result: int32 only when both operands were.
OwnedValue Narrow(int64_t exact, const bson::Value& a, const bson::Value& b) {
  const bool small = !Either(a, b, bson::Type::kInt64);
  if (small && exact >= INT32_MIN && exact <= INT32_MAX) {
    return OwnedValue::Int32(static_cast<int32_t>(exact));
  }
  return OwnedValue::Int64(exact);
}

enum class Operation { kAdd, kSubtract, kMultiply };

template <class T>
T Apply(Operation op, T a, T b) {
  return op == Operation::kAdd ? a + b : (op == Operation::kSubtract ? a - b : a * b);
}

OwnedValue Combine(Operation op, const bson::Value& a, const bson::Value& b) {
  if (Either(a, b, bson::Type::kDecimal128)) {
    return FromDecimal(Apply(op, ToDecimal(a), ToDecimal(b)));
  }
  if (Either(a, b, bson::Type::kDouble)) {
    return OwnedValue::Double(Apply(op, ToDouble(a), ToDouble(b)));
  }
  int64_t exact = 0;
  const int64_t x = Integer(a);
  const int64_t y = Integer(b);
  const bool overflow = op == Operation::kAdd        ? __builtin_add_overflow(x, y, &exact)
                        : op == Operation::kSubtract ? __builtin_sub_overflow(x, y, &exact)
                                                     : __builtin_mul_overflow(x, y, &exact);
  if (!overflow) return Narrow(exact, a, b);
  return OwnedValue::Double(Apply(op, static_cast<double>(x), static_cast<double>(y)));
}

[[noreturn]] void FailType(std::string_view op, std::string_view kinds, const bson::Value& v) {
  Fail(code::kTypeMismatch, std::string(op) + " only supports " + std::string(kinds) +
                                " types, not " + std::string(TypeName(v.type())));
}

// Milliseconds of a number added to a date, rounded to the nearest.
int64_t Milliseconds(const bson::Value& v) {
  if (Is(v, bson::Type::kInt32) || Is(v, bson::Type::kInt64)) return Integer(v);
  if (Is(v, bson::Type::kDecimal128)) {
    int64_t ms = 0;
    if (!Decimal::RoundHalfEven(ToDecimal(v)).ToInt64(ms)) Fail(code::kOverflow, "date overflow");
    return ms;
  }
  const double d = std::round(v.Double());
  if (!(d < 0x1p63 && d >= -0x1p63)) Fail(code::kOverflow, "date overflow");
  return static_cast<int64_t>(d);
}

OwnedValue DatePlus(int64_t date, int64_t ms) {
  int64_t sum = 0;
  if (__builtin_add_overflow(date, ms, &sum)) Fail(code::kOverflow, "date overflow in $add");
  return OwnedValue::Date(sum);
}

OwnedValue Add(const Args& args) {
  bool has_date = false;
  int64_t date = 0;
  bool nullish = false;
  Sum sum;
  for (size_t i = 0; i < args.size(); ++i) {
    const bson::Value v = args[i];
    if (v.IsNumber()) {
      sum.Add(v);
    } else if (Is(v, bson::Type::kDate)) {
      if (has_date) Fail(16612, "only one date allowed in an $add expression");
      has_date = true;
      date = v.DateMs();
    } else if (v.IsNullish()) {
      nullish = true;
    } else {
      FailType("$add", "numeric or date", v);
    }
  }
  if (nullish) return OwnedValue::Null();
  const OwnedValue total = sum.Total();
  return has_date ? DatePlus(date, Milliseconds(total.view())) : total;
}

OwnedValue Subtract(const Args& args) {
  const bson::Value a = args[0];
  const bson::Value b = args[1];
  if (a.IsNullish() || b.IsNullish()) return OwnedValue::Null();
  if (a.IsNumber() && b.IsNumber()) return SubtractNumbers(a, b);
  if (Is(a, bson::Type::kDate) && Is(b, bson::Type::kDate)) {
    int64_t ms = 0;
    if (__builtin_sub_overflow(a.DateMs(), b.DateMs(), &ms)) {
      Fail(code::kOverflow, "date overflow in $subtract");
    }
    return OwnedValue::Int64(ms);
  }
  if (Is(a, bson::Type::kDate) && b.IsNumber()) {
    int64_t ms = 0;
    if (__builtin_sub_overflow(a.DateMs(), Milliseconds(b), &ms)) {
      Fail(code::kOverflow, "date overflow in $subtract");
    }
    return OwnedValue::Date(ms);
  }
  Fail(code::kTypeMismatch, "can't $subtract " + std::string(TypeName(b.type())) + " from " +
                                std::string(TypeName(a.type())));
}

OwnedValue Multiply(const Args& args) {
  OwnedValue product = OwnedValue::Int32(1);
  bool nullish = false;
  for (size_t i = 0; i < args.size(); ++i) {
    const bson::Value v = args[i];
    if (v.IsNullish()) {
      nullish = true;
    } else if (!v.IsNumber()) {
      FailType("$multiply", "numeric", v);
    } else {
      product = MultiplyNumbers(product.view(), v);
    }
  }
  return nullish ? OwnedValue::Null() : product;
}

OwnedValue Divide(const Args& args) {
  const bson::Value a = args[0];
  const bson::Value b = args[1];
  if (a.IsNullish() || b.IsNullish()) return OwnedValue::Null();
  if (!a.IsNumber() || !b.IsNumber()) FailType("$divide", "numeric", a.IsNumber() ? b : a);
  if (Either(a, b, bson::Type::kDecimal128)) {
    const Decimal divisor = ToDecimal(b);
    if (divisor.IsZero()) Fail(code::kBadValue, "can't $divide by zero");
    return FromDecimal(ToDecimal(a) / divisor);
  }
  const double divisor = ToDouble(b);
  if (divisor == 0) Fail(code::kBadValue, "can't $divide by zero");
  return OwnedValue::Double(ToDouble(a) / divisor);
}

OwnedValue Mod(const Args& args) {
  const bson::Value a = args[0];
  const bson::Value b = args[1];
  if (a.IsNullish() || b.IsNullish()) return OwnedValue::Null();
  if (!a.IsNumber() || !b.IsNumber()) {
    Fail(16611, "$mod only supports numeric types, not " + std::string(TypeName(a.type())) +
                    " and " + std::string(TypeName(b.type())));
  }
  if (Either(a, b, bson::Type::kDecimal128)) {
    const Decimal divisor = ToDecimal(b);
    if (divisor.IsZero()) Fail(16610, "can't $mod by zero");
    return FromDecimal(Decimal::Mod(ToDecimal(a), divisor));
  }
  if (ToDouble(b) == 0) Fail(16610, "can't $mod by zero");
  if (Either(a, b, bson::Type::kDouble)) {
    return OwnedValue::Double(std::fmod(ToDouble(a), ToDouble(b)));
  }
  const int64_t divisor = Integer(b);
  return Narrow(divisor == -1 ? 0 : Integer(a) % divisor, a, b);
}

constexpr PlainOperator kOperators[] = {
    {"$add", 0, -1, Add},      {"$subtract", 2, 2, Subtract}, {"$multiply", 0, -1, Multiply},
    {"$divide", 2, 2, Divide}, {"$mod", 2, 2, Mod},
};

}  // namespace

OwnedValue AddNumbers(const bson::Value& a, const bson::Value& b) {
  return Combine(Operation::kAdd, a, b);
}
OwnedValue SubtractNumbers(const bson::Value& a, const bson::Value& b) {
  return Combine(Operation::kSubtract, a, b);
}
OwnedValue MultiplyNumbers(const bson::Value& a, const bson::Value& b) {
  return Combine(Operation::kMultiply, a, b);
}

Decimal ToDecimal(const bson::Value& number) {
  switch (number.type()) {
    case bson::Type::kInt32: return Decimal::FromInt64(number.Int32());
    case bson::Type::kInt64: return Decimal::FromInt64(number.Int64());
    case bson::Type::kDouble: return Decimal::FromDouble(number.Double());
    default: return Decimal::FromBytes(number.Decimal128());
  }
}

OwnedValue FromDecimal(Decimal value) { return OwnedValue::Decimal128(value.ToBytes().data()); }

void Sum::AddOther(const bson::Value& value) {
  if (!value.IsNumber()) return;
  ++count_;
  switch (value.type()) {
    case bson::Type::kInt64:
      if (type_ == bson::Type::kInt32) type_ = bson::Type::kInt64;
      integer_ += value.Int64();
      break;
    case bson::Type::kDouble: {
      if (type_ != bson::Type::kDecimal128) type_ = bson::Type::kDouble;
      const double d = value.Double();
      if (!std::isfinite(d)) {
        has_special_ = true;
        special_ += d;
        break;
      }
      AddDouble(d);
      break;
    }
    default:
      type_ = bson::Type::kDecimal128;
      decimal_ = decimal_ + Decimal::FromBytes(value.Decimal128());
  }
}

// Neumaier's compensated summation.
void Sum::AddDouble(double value) {
  const double next = double_ + value;
  compensation_ +=
      std::fabs(double_) >= std::fabs(value) ? (double_ - next) + value : (value - next) + double_;
  double_ = next;
}

void Sum::Join(const Sum& other) {
  constexpr bson::Type kByRank[] = {bson::Type::kDecimal128, bson::Type::kDouble,
                                    bson::Type::kInt64};
  for (const bson::Type type : kByRank) {
    if (type_ != type && other.type_ != type) continue;
    type_ = type;
    break;
  }
  count_ += other.count_;
  integer_ += other.integer_;
  AddDouble(other.double_);
  compensation_ += other.compensation_;
  has_special_ = has_special_ || other.has_special_;
  special_ += other.special_;
  if (other.type_ == bson::Type::kDecimal128) decimal_ = decimal_ + other.decimal_;
}

namespace {

__extension__ typedef __int128 Int128;

Decimal DecimalOf(Int128 n) {
  constexpr int64_t kHalf = 1'000'000'000'000'000'000;
  const Decimal high = Decimal::FromInt64(static_cast<int64_t>(n / kHalf));
  const Decimal low = Decimal::FromInt64(static_cast<int64_t>(n % kHalf));
  return high * Decimal::FromInt64(kHalf) + low;
}

}  // namespace

double Sum::DoubleTotal() const {
  if (has_special_) return special_;
  if (!std::isfinite(double_)) return double_;
  if (integer_ == 0) return double_ + compensation_;
  // The integers join as two doubles that hold them without loss.
  const auto high = static_cast<double>(integer_);
  const auto low = static_cast<double>(integer_ - static_cast<Int128>(high));
  const double sum = double_ + high;
  const double lost =
      std::fabs(double_) >= std::fabs(high) ? (double_ - sum) + high : (high - sum) + double_;
  return sum + (lost + compensation_ + low);
}

OwnedValue Sum::Total() const {
  if (type_ == bson::Type::kDecimal128) {
    // What is no decimal joins without loss, as far as 34 digits go.
    Decimal total = decimal_;
    if (integer_ != 0) total = total + DecimalOf(integer_);
    if (has_special_) {
      total = total + Decimal::FromDoubleExact(special_);
    } else if (double_ != 0 || compensation_ != 0) {
      total = total + Decimal::FromDoubleExact(double_) + Decimal::FromDoubleExact(compensation_);
    }
    return FromDecimal(total);
  }
  if (type_ == bson::Type::kDouble) return OwnedValue::Double(DoubleTotal());
  if (integer_ > INT64_MAX || integer_ < INT64_MIN) {
    return OwnedValue::Double(static_cast<double>(integer_));
  }
  const auto total = static_cast<int64_t>(integer_);
  if (type_ == bson::Type::kInt32 && total >= INT32_MIN && total <= INT32_MAX) {
    return OwnedValue::Int32(static_cast<int32_t>(total));
  }
  return OwnedValue::Int64(total);
}

OwnedValue Sum::Average() const {
  if (count_ == 0) return OwnedValue::Null();
  if (type_ == bson::Type::kDecimal128) {
    return FromDecimal(ToDecimal(Total().view()) / Decimal::FromInt64(count_));
  }
  return OwnedValue::Double(DoubleTotal() / static_cast<double>(count_));
}

std::span<const PlainOperator> ArithmeticOperators() { return kOperators; }

}  // namespace nexadb::query
