#include "plugins/database-document/value/number.h"

#include <boost/multiprecision/cpp_int.hpp>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace nexadb::query {
namespace {

using BigInt = boost::multiprecision::cpp_int;

constexpr int kDecimalBias = 6176;
// 10^34 - 1: larger coefficients are non-canonical and read as zero.
constexpr Uint128 kCoefficientMax =
    static_cast<Uint128>(10'000'000'000'000'000ull) * 1'000'000'000'000'000'000ull - 1;

template <class T>
int Order(T a, T b) {
  return a < b ? -1 : (a > b ? 1 : 0);
}

// A finite number as integer * 2^twos * 10^tens.
struct Exact {
  BigInt value;
  int twos = 0;
  int tens = 0;
};

Exact ExactOf(const bson::Value& v) {
  Exact e;
  switch (v.type()) {
    case bson::Type::kInt32: e.value = v.Int32(); break;
    case bson::Type::kInt64: e.value = v.Int64(); break;
    case bson::Type::kDouble: {
      int exponent = 0;
      const double mantissa = std::frexp(v.Double(), &exponent);
      e.value = static_cast<int64_t>(std::ldexp(mantissa, 53));
      e.twos = exponent - 53;
      break;
    }
    default: {
      const DecimalParts parts = SplitDecimal(v.bytes().data());
      e.value = BigInt(static_cast<uint64_t>(parts.coefficient >> 64));
      e.value <<= 64;
      e.value += static_cast<uint64_t>(parts.coefficient);
      if (parts.negative) e.value = -e.value;
      e.tens = parts.exponent;
    }
  }
  return e;
}

BigInt PowerOfTen(int n) {
  return boost::multiprecision::pow(BigInt(10), static_cast<unsigned>(n));
}

int CompareExact(Exact a, Exact b) {
  const int sign_a = a.value.sign();
  const int sign_b = b.value.sign();
  if (sign_a != sign_b || sign_a == 0) return Order(sign_a, sign_b);
  const int tens = std::min(a.tens, b.tens);
  const int twos = std::min(a.twos, b.twos);
  if (a.tens > tens) a.value *= PowerOfTen(a.tens - tens);
  if (b.tens > tens) b.value *= PowerOfTen(b.tens - tens);
  if (a.twos > twos) a.value <<= static_cast<unsigned>(a.twos - twos);
  if (b.twos > twos) b.value <<= static_cast<unsigned>(b.twos - twos);
  return Order(a.value.compare(b.value), 0);
}

// -1, +1 for infinities, 0 otherwise.
int InfinitySign(const bson::Value& v) {
  if (v.type() == bson::Type::kDouble) {
    return std::isinf(v.Double()) ? (v.Double() < 0 ? -1 : 1) : 0;
  }
  if (v.type() != bson::Type::kDecimal128) return 0;
  const DecimalParts parts = SplitDecimal(v.bytes().data());
  return parts.kind == DecimalParts::Kind::kInfinity ? (parts.negative ? -1 : 1) : 0;
}

int CompareInt64Double(int64_t i, double d) {
  // Below 2^63 in size a double's integer part fits; what is left decides a tie.
  if (d >= 0x1p63) return -1;
  if (d < -0x1p63) return 1;
  const double whole = std::trunc(d);
  const int order = Order(i, static_cast<int64_t>(whole));
  return order != 0 ? order : Order(whole, d);
}

bool IsInteger(bson::Type type) { return type == bson::Type::kInt32 || type == bson::Type::kInt64; }
int64_t IntegerOf(const bson::Value& v) {
  return v.type() == bson::Type::kInt32 ? v.Int32() : v.Int64();
}

}  // namespace

DecimalParts SplitDecimal(const uint8_t* sixteen_bytes) noexcept {
  const uint64_t low = bson::Load<uint64_t>(sixteen_bytes);
  const uint64_t high = bson::Load<uint64_t>(sixteen_bytes + 8);
  DecimalParts parts;
  parts.negative = (high >> 63) != 0;
  const uint64_t combination = (high >> 58) & 0x1f;
  if (combination == 0x1f) {
    parts.kind = DecimalParts::Kind::kNan;
  } else if (combination == 0x1e) {
    parts.kind = DecimalParts::Kind::kInfinity;
  } else if (((high >> 61) & 3) == 3) {
    parts.exponent = static_cast<int>((high >> 47) & 0x3fff) - kDecimalBias;  // non-canonical: 0
  } else {
    parts.exponent = static_cast<int>((high >> 49) & 0x3fff) - kDecimalBias;
    const Uint128 coefficient = (static_cast<Uint128>(high & 0x1ffffffffffffull) << 64) | low;
    parts.coefficient = coefficient > kCoefficientMax ? 0 : coefficient;
  }
  return parts;
}

std::string DecimalDigits(Uint128 coefficient) {
  if (coefficient == 0) return "0";
  std::string digits;
  for (; coefficient != 0; coefficient /= 10) {
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(coefficient % 10)));
  }
  return digits;
}

bool IsNan(const bson::Value& number) noexcept {
  if (number.type() == bson::Type::kDouble) return std::isnan(number.Double());
  return number.type() == bson::Type::kDecimal128 &&
         SplitDecimal(number.bytes().data()).kind == DecimalParts::Kind::kNan;
}

int CompareNumbers(const bson::Value& a, const bson::Value& b) noexcept {
  const bool a_integer = IsInteger(a.type());
  const bool b_integer = IsInteger(b.type());
  if (a_integer && b_integer) return Order(IntegerOf(a), IntegerOf(b));
  const bool a_nan = IsNan(a);
  const bool b_nan = IsNan(b);
  if (a_nan || b_nan) return Order(static_cast<int>(b_nan), static_cast<int>(a_nan));
  if (a.type() == bson::Type::kDouble && b.type() == bson::Type::kDouble) {
    return Order(a.Double(), b.Double());
  }
  if (a_integer && b.type() == bson::Type::kDouble) {
    return CompareInt64Double(IntegerOf(a), b.Double());
  }
  if (b_integer && a.type() == bson::Type::kDouble) {
    return -CompareInt64Double(IntegerOf(b), a.Double());
  }
  const int a_infinity = InfinitySign(a);
  const int b_infinity = InfinitySign(b);
  if (a_infinity != 0 || b_infinity != 0) return Order(a_infinity, b_infinity);
  return CompareExact(ExactOf(a), ExactOf(b));
}

double ToDouble(const bson::Value& number) noexcept {
  switch (number.type()) {
    case bson::Type::kInt32: return number.Int32();
    case bson::Type::kInt64: return static_cast<double>(number.Int64());
    case bson::Type::kDouble: return number.Double();
    default: break;
  }
  const DecimalParts parts = SplitDecimal(number.bytes().data());
  double d = 0;
  if (parts.kind == DecimalParts::Kind::kNan) return std::numeric_limits<double>::quiet_NaN();
  if (parts.kind == DecimalParts::Kind::kInfinity) {
    d = std::numeric_limits<double>::infinity();
  } else {
    const std::string text =
        DecimalDigits(parts.coefficient) + "e" + std::to_string(parts.exponent);
    d = std::strtod(text.c_str(), nullptr);  // digits and an exponent: no locale's point
  }
  return parts.negative ? -d : d;
}

double TruncateToDouble(const bson::Value& number) noexcept {
  double d = ToDouble(number);
  if (number.type() == bson::Type::kDouble || number.type() == bson::Type::kInt32) return d;
  if (std::isnan(d) || InfinitySign(number) != 0) return d;
  const auto size_order = [&](double candidate) {
    const bson::Value v(bson::Type::kDouble, reinterpret_cast<const uint8_t*>(&candidate), 8);
    const int order = CompareNumbers(v, number);
    return candidate < 0 ? -order : order;
  };
  if (d != 0 && size_order(d) > 0) d = std::nextafter(d, 0.0);
  return d;
}

std::optional<int64_t> ExactInt64(const bson::Value& number) noexcept {
  if (IsInteger(number.type())) return IntegerOf(number);
  if (IsNan(number) || InfinitySign(number) != 0) return std::nullopt;
  const double d = TruncateToDouble(number);
  if (d >= 0x1p63 || d < -0x1p63) return std::nullopt;
  int64_t guess = static_cast<int64_t>(d);
  if (number.type() == bson::Type::kDecimal128) {
    // Beyond 2^53 the double has lost digits that the decimal may have.
    const DecimalParts parts = SplitDecimal(number.bytes().data());
    Uint128 size = parts.coefficient;
    int exponent = parts.exponent;
    for (; exponent < 0 && size % 10 == 0 && size != 0; ++exponent) size /= 10;
    if (size == 0) return 0;
    if (exponent < 0) return std::nullopt;
    for (; exponent > 0 && size < (static_cast<Uint128>(1) << 64); --exponent) size *= 10;
    const Uint128 limit = (static_cast<Uint128>(1) << 63) - (parts.negative ? 0 : 1);
    if (exponent > 0 || size > limit) return std::nullopt;
    const uint64_t bits = static_cast<uint64_t>(size);
    return static_cast<int64_t>(parts.negative ? 0 - bits : bits);
  }
  if (static_cast<double>(guess) != d) return std::nullopt;
  return guess;
}

}  // namespace nexadb::query
