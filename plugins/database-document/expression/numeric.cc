// Operators of one number: rounding, roots, logarithms, trigonometry, bits.
#include <cmath>
#include <numbers>

#include "plugins/database-document/expression/arithmetic.h"
#include "plugins/database-document/expression/node.h"
#include "plugins/database-document/value/number.h"

namespace nexadb::query {
namespace {

bool IsDecimal(const bson::Value& v) { return v.type() == bson::Type::kDecimal128; }
bool IsInteger(const bson::Value& v) {
  return v.type() == bson::Type::kInt32 || v.type() == bson::Type::kInt64;
}

void RequireNumber(const bson::Value& v, int number, std::string_view op) {
  if (v.IsNumber()) return;
  Fail(number,
       std::string(op) + " only supports numeric types, not " + std::string(TypeName(v.type())));
}

constexpr int kNotNumeric = 28765;

// The usual shape: null for nothing, decimal for decimals, double for the rest.
template <class OnDouble, class OnDecimal>
OwnedValue Real(const Args& a, std::string_view op, OnDouble on_double, OnDecimal on_decimal) {
  if (a[0].IsNullish()) return OwnedValue::Null();
  RequireNumber(a[0], kNotNumeric, op);
  if (IsDecimal(a[0])) return FromDecimal(on_decimal(ToDecimal(a[0])));
  return OwnedValue::Double(on_double(ToDouble(a[0])));
}

OwnedValue Abs(const Args& a) {
  const bson::Value v = a[0];
  if (v.IsNullish()) return OwnedValue::Null();
  RequireNumber(v, kNotNumeric, "$abs");
  if (v.type() == bson::Type::kInt32) {
    const int64_t size = v.Int32() < 0 ? -int64_t{v.Int32()} : v.Int32();
    return size > INT32_MAX ? OwnedValue::Int64(size)
                            : OwnedValue::Int32(static_cast<int32_t>(size));
  }
  if (v.type() == bson::Type::kInt64) {
    if (v.Int64() == INT64_MIN) Fail(28680, "can't take $abs of long long min");
    return OwnedValue::Int64(v.Int64() < 0 ? -v.Int64() : v.Int64());
  }
  if (IsDecimal(v)) return FromDecimal(Decimal::Abs(ToDecimal(v)));
  return OwnedValue::Double(std::fabs(v.Double()));
}

OwnedValue Ceil(const Args& a) {
  if (IsInteger(a[0])) return a.owned(0);
  return Real(
      a, "$ceil", [](double d) { return std::ceil(d); }, Decimal::Ceil);
}
OwnedValue Floor(const Args& a) {
  if (IsInteger(a[0])) return a.owned(0);
  return Real(
      a, "$floor", [](double d) { return std::floor(d); }, Decimal::Floor);
}
OwnedValue Exp(const Args& a) {
  return Real(
      a, "$exp", [](double d) { return std::exp(d); }, Decimal::Exp);
}

bool IsNegative(const bson::Value& v) {
  static const int32_t kZero = 0;
  const bson::Value zero(bson::Type::kInt32, reinterpret_cast<const uint8_t*>(&kZero), 4);
  return !IsNan(v) && CompareNumbers(v, zero) < 0;
}
bool IsZero(const bson::Value& v) {
  static const int32_t kZero = 0;
  const bson::Value zero(bson::Type::kInt32, reinterpret_cast<const uint8_t*>(&kZero), 4);
  return !IsNan(v) && CompareNumbers(v, zero) == 0;
}

OwnedValue Sqrt(const Args& a) {
  if (a[0].IsNumber() && IsNegative(a[0])) {
    Fail(28714, "$sqrt's argument must be greater than or equal to 0");
  }
  return Real(
      a, "$sqrt", [](double d) { return std::sqrt(d); }, Decimal::Sqrt);
}
OwnedValue Ln(const Args& a) {
  if (a[0].IsNumber() && (IsNegative(a[0]) || IsZero(a[0]))) {
    Fail(28766, "$ln's argument must be a positive number");
  }
  return Real(
      a, "$ln", [](double d) { return std::log(d); }, Decimal::Ln);
}
OwnedValue Log10(const Args& a) {
  if (a[0].IsNumber() && (IsNegative(a[0]) || IsZero(a[0]))) {
    Fail(28761, "$log10's argument must be a positive number");
  }
  return Real(
      a, "$log10", [](double d) { return std::log10(d); }, Decimal::Log10);
}

OwnedValue Log(const Args& a) {
  if (a.AnyNullish()) return OwnedValue::Null();
  RequireNumber(a[0], 28756, "$log's argument");
  RequireNumber(a[1], 28757, "$log's base");
  if (IsNegative(a[0]) || IsZero(a[0])) {
    Fail(28758, "$log's argument must be a positive number");
  }
  const double base = ToDouble(a[1]);
  if (!std::isnan(base) && (base <= 0 || base == 1)) {
    Fail(28759, "$log's base must be a positive number not equal to 1");
  }
  if (IsDecimal(a[0]) || IsDecimal(a[1])) {
    return FromDecimal(Decimal::Ln(ToDecimal(a[0])) / Decimal::Ln(ToDecimal(a[1])));
  }
  return OwnedValue::Double(std::log(ToDouble(a[0])) / std::log(base));
}

// An integer power that fits into 64 bits, or none.
bool IntegerPower(int64_t base, int64_t exponent, int64_t* out) {
  int64_t result = 1;
  for (; exponent > 0; exponent >>= 1) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) return false;
    if (exponent > 1 && __builtin_mul_overflow(base, base, &base)) return false;
  }
  *out = result;
  return true;
}

OwnedValue Pow(const Args& a) {
  if (a.AnyNullish()) return OwnedValue::Null();
  RequireNumber(a[0], 28762, "$pow's base");
  RequireNumber(a[1], 28763, "$pow's exponent");
  if (IsZero(a[0]) && IsNegative(a[1])) {
    Fail(28764, "$pow cannot take a base of 0 and a negative exponent");
  }
  if (IsDecimal(a[0]) || IsDecimal(a[1])) {
    return FromDecimal(Decimal::Pow(ToDecimal(a[0]), ToDecimal(a[1])));
  }
  if (IsInteger(a[0]) && IsInteger(a[1])) {
    const int64_t base = *ExactInt64(a[0]);
    const int64_t exponent = *ExactInt64(a[1]);
    int64_t exact = 0;
    bool fits = exponent >= 0 && IntegerPower(base, exponent, &exact);
    if (exponent < 0 && (base == 1 || base == -1)) {
      exact = base == 1 || (exponent & 1) == 0 ? 1 : -1;
      fits = true;
    }
    if (fits) {
      const bool small = a[0].type() == bson::Type::kInt32 && a[1].type() == bson::Type::kInt32;
      if (small && exact >= INT32_MIN && exact <= INT32_MAX) {
        return OwnedValue::Int32(static_cast<int32_t>(exact));
      }
      return OwnedValue::Int64(exact);
    }
  }
  return OwnedValue::Double(std::pow(ToDouble(a[0]), ToDouble(a[1])));
}

enum class Rounding { kHalfEven, kTowardZero };

int64_t RoundInteger(int64_t v, int64_t place, Rounding how, bool* overflow) {
  *overflow = false;
  if (place >= 0) return v;
  if (place < -18) return 0;
  int64_t unit = 1;
  for (int64_t i = 0; i > place; --i) unit *= 10;
  const int64_t rest = v % unit;
  int64_t result = v - rest;
  if (how == Rounding::kTowardZero) return result;
  const int64_t size = rest < 0 ? -rest : rest;
  const bool odd = ((result / unit) & 1) != 0;
  if (size > unit / 2 || (size == unit / 2 && unit > 1 && odd)) {
    *overflow = __builtin_add_overflow(result, v < 0 ? -unit : unit, &result);
  }
  return result;
}

Decimal PowerOfTen(int64_t exponent) {
  Decimal d;
  Decimal::Parse("1E" + std::to_string(exponent), d);
  return d;
}

Decimal RoundDecimal(Decimal v, int64_t place, Rounding how) {
  if (v.IsNaN() || v.IsInfinite()) return v;
  const Decimal unit = PowerOfTen(-place);
  if (how == Rounding::kHalfEven) {
    const Decimal r = Decimal::Quantize(v, unit);
    return r.IsNaN() ? v : r;
  }
  const Decimal scaled = Decimal::Truncate(v * PowerOfTen(place));
  const Decimal r = Decimal::Quantize(scaled * unit, unit);
  return r.IsNaN() ? v : r;
}

double RoundDouble(double v, int64_t place, Rounding how) {
  if (!std::isfinite(v)) return v;
  if (place == 0) return how == Rounding::kHalfEven ? std::nearbyint(v) : std::trunc(v);
  // In decimal, from all of the double's digits: no error from scaling by an inexact power.
  const Decimal exact = Decimal::FromDoubleExact(v);
  const double r = RoundDecimal(exact, place, how).ToDouble();
  return r == 0 ? std::copysign(0.0, v) : r;
}

OwnedValue RoundTo(const Args& a, Rounding how, std::string_view op) {
  const bson::Value v = a[0];
  if (v.IsNullish()) return OwnedValue::Null();
  int64_t place = 0;
  if (a.size() > 1) {
    if (a[1].IsNullish()) return OwnedValue::Null();
    RequireNumber(v, 51081, op);
    if (!a[1].IsNumber()) {
      Fail(16004, "can't convert from BSON type " + std::string(TypeName(a[1].type())) +
                      " to long (" + std::string(op) + " place)");
    }
    const std::optional<int64_t> exact = ExactInt64(a[1]);
    if (!exact) Fail(51082, std::string(op) + " requires an integral precision");
    place = *exact;
    constexpr int64_t kPlaceMin = -20;
    constexpr int64_t kPlaceMax = 100;
    if (place < kPlaceMin || place > kPlaceMax) {
      Fail(51083, "cannot apply " + std::string(op) + " with precision value " +
                      std::to_string(place) + " value must be in [-20, 100]");
    }
  }
  RequireNumber(v, 51081, op);
  if (IsDecimal(v)) return FromDecimal(RoundDecimal(ToDecimal(v), place, how));
  if (v.type() == bson::Type::kDouble) {
    return OwnedValue::Double(RoundDouble(v.Double(), place, how));
  }
  bool overflow = false;
  const int64_t r = RoundInteger(*ExactInt64(v), place, how, &overflow);
  if (overflow) Fail(51080, "invalid conversion from Decimal128 result in " + std::string(op));
  if (v.type() == bson::Type::kInt32 && r >= INT32_MIN && r <= INT32_MAX) {
    return OwnedValue::Int32(static_cast<int32_t>(r));
  }
  return OwnedValue::Int64(r);
}

OwnedValue Sigmoid(const Args& a) {
  return Real(
      a, "$sigmoid", [](double d) { return 1 / (1 + std::exp(-d)); },
      [](Decimal d) {
        const Decimal one = Decimal::FromInt64(1);
        return one / (one + Decimal::Exp(Decimal::Negate(d)));
      });
}

// Trigonometry: decimals are computed as doubles, in 15 digits.
template <double (*kFunction)(double)>
Decimal Through(Decimal d) {
  return Decimal::FromDouble(kFunction(d.ToDouble()));
}
template <double (*kFunction)(double)>
OwnedValue Trig(const Args& a, std::string_view op, double low, double high) {
  if (a[0].IsNumber()) {
    const double d = ToDouble(a[0]);
    if (!std::isnan(d) && (d < low || d > high)) {
      Fail(50989, "cannot apply " + std::string(op) + " to " + std::to_string(d));
    }
  }
  return Real(a, op, kFunction, Through<kFunction>);
}

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kFiniteMax = std::numeric_limits<double>::max();

double Radians(double degrees) { return degrees * std::numbers::pi / 180; }
double Degrees(double radians) { return radians * 180 / std::numbers::pi; }

OwnedValue Atan2(const Args& a) {
  if (a.AnyNullish()) return OwnedValue::Null();
  RequireNumber(a[0], 51044, "$atan2");
  RequireNumber(a[1], 51045, "$atan2");
  const double r = std::atan2(ToDouble(a[0]), ToDouble(a[1]));
  if (IsDecimal(a[0]) || IsDecimal(a[1])) return FromDecimal(Decimal::FromDouble(r));
  return OwnedValue::Double(r);
}

template <class Combine>
OwnedValue Bits(const Args& a, std::string_view op, int64_t start, Combine combine) {
  int64_t bits = start;
  bool wide = false;
  bool nullish = false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].IsNullish()) {
      nullish = true;
    } else if (!IsInteger(a[i])) {
      Fail(code::kTypeMismatch, std::string(op) + " only supports int and long operands.");
    } else {
      wide = wide || a[i].type() == bson::Type::kInt64;
      bits = combine(bits, *ExactInt64(a[i]));
    }
  }
  if (nullish) return OwnedValue::Null();
  return wide ? OwnedValue::Int64(bits) : OwnedValue::Int32(static_cast<int32_t>(bits));
}

OwnedValue BitNot(const Args& a) {
  if (a[0].IsNullish()) return OwnedValue::Null();
  if (a[0].type() == bson::Type::kInt32) return OwnedValue::Int32(~a[0].Int32());
  if (a[0].type() == bson::Type::kInt64) return OwnedValue::Int64(~a[0].Int64());
  Fail(kNotNumeric,
       "$bitNot only supports int and long, not: " + std::string(TypeName(a[0].type())) + ".");
}

constexpr PlainOperator kOperators[] = {
    {"$abs", 1, 1, Abs},
    {"$ceil", 1, 1, Ceil},
    {"$floor", 1, 1, Floor},
    {"$exp", 1, 1, Exp},
    {"$sqrt", 1, 1, Sqrt},
    {"$ln", 1, 1, Ln},
    {"$log10", 1, 1, Log10},
    {"$log", 2, 2, Log},
    {"$pow", 2, 2, Pow},
    {"$round", 1, 2, [](const Args& a) { return RoundTo(a, Rounding::kHalfEven, "$round"); }},
    {"$trunc", 1, 2, [](const Args& a) { return RoundTo(a, Rounding::kTowardZero, "$trunc"); }},
    {"$sigmoid", 1, 1, Sigmoid},
    {"$sin", 1, 1,
     [](const Args& a) { return Trig<std::sin>(a, "$sin", -kFiniteMax, kFiniteMax); }},
    {"$cos", 1, 1,
     [](const Args& a) { return Trig<std::cos>(a, "$cos", -kFiniteMax, kFiniteMax); }},
    {"$tan", 1, 1,
     [](const Args& a) { return Trig<std::tan>(a, "$tan", -kFiniteMax, kFiniteMax); }},
    {"$asin", 1, 1, [](const Args& a) { return Trig<std::asin>(a, "$asin", -1, 1); }},
    {"$acos", 1, 1, [](const Args& a) { return Trig<std::acos>(a, "$acos", -1, 1); }},
    {"$atan", 1, 1,
     [](const Args& a) { return Trig<std::atan>(a, "$atan", -kInfinity, kInfinity); }},
    {"$sinh", 1, 1,
     [](const Args& a) { return Trig<std::sinh>(a, "$sinh", -kInfinity, kInfinity); }},
    {"$cosh", 1, 1,
     [](const Args& a) { return Trig<std::cosh>(a, "$cosh", -kInfinity, kInfinity); }},
    {"$tanh", 1, 1,
     [](const Args& a) { return Trig<std::tanh>(a, "$tanh", -kInfinity, kInfinity); }},
    {"$asinh", 1, 1,
     [](const Args& a) { return Trig<std::asinh>(a, "$asinh", -kInfinity, kInfinity); }},
    {"$acosh", 1, 1, [](const Args& a) { return Trig<std::acosh>(a, "$acosh", 1, kInfinity); }},
    {"$atanh", 1, 1, [](const Args& a) { return Trig<std::atanh>(a, "$atanh", -1, 1); }},
    {"$atan2", 2, 2, Atan2},
    {"$degreesToRadians", 1, 1,
     [](const Args& a) { return Real(a, "$degreesToRadians", Radians, Through<Radians>); }},
    {"$radiansToDegrees", 1, 1,
     [](const Args& a) { return Real(a, "$radiansToDegrees", Degrees, Through<Degrees>); }},
    {"$bitAnd", 0, -1,
     [](const Args& a) {
       return Bits(a, "$bitAnd", -1, [](int64_t x, int64_t y) { return x & y; });
     }},
    {"$bitOr", 0, -1,
     [](const Args& a) {
       return Bits(a, "$bitOr", 0, [](int64_t x, int64_t y) { return x | y; });
     }},
    {"$bitXor", 0, -1,
     [](const Args& a) {
       return Bits(a, "$bitXor", 0, [](int64_t x, int64_t y) { return x ^ y; });
     }},
    {"$bitNot", 1, 1, BitNot},
};

}  // namespace

std::span<const PlainOperator> NumericOperators() { return kOperators; }

}  // namespace nexadb::query
