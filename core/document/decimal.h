// Decimal128, IEEE 754-2008 in its binary-integer encoding, as BSON has it. Arithmetic by Intel's
// decimal library, rounding half to even. A plain value; no function fails but Parse.
#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "nexadb/abi.h"

namespace nexadb {

class Decimal {
 public:
  static constexpr int kDigitsMax = 34;

  constexpr Decimal() noexcept : Decimal(0x3040000000000000u, 0) {}  // 0
  constexpr Decimal(uint64_t high, uint64_t low) noexcept : high_(high), low_(low) {}
  // REQUIRES: sixteen bytes, as bson::Value::Decimal128 gives them.
  static Decimal FromBytes(BytesView bytes) noexcept;
  std::array<uint8_t, 16> ToBytes() const noexcept;

  // "1.5", "-3E+2", "Infinity", "-inf", "NaN". Digits past the 34th are rounded. False, and `out`
  // untouched, for anything else.
  static bool Parse(std::string_view text, Decimal& out) noexcept;
  // As MongoDB prints it: digits kept ("1.50"), an exponent when it is above 0 or the value is
  // below 1E-6.
  std::string ToString() const;

  static Decimal FromInt64(int64_t value) noexcept;
  // With 15 significant digits, as MongoDB converts: 0.1 becomes 0.100000000000000.
  static Decimal FromDouble(double value) noexcept;
  // With all the digits of the double that fit into 34; exact for comparisons up to that.
  static Decimal FromDoubleExact(double value) noexcept;
  double ToDouble() const noexcept;
  // Rounded toward zero. False for NaN, infinities and values out of range.
  bool ToInt64(int64_t& out) const noexcept;

  bool IsNaN() const noexcept;
  bool IsInfinite() const noexcept;
  bool IsNegative() const noexcept { return (high_ >> 63) != 0; }
  bool IsZero() const noexcept;
  // By value: 1.0 and 1.00 are equal, as are 0 and -0. NaN equals NaN and is below all others.
  static std::strong_ordering Compare(Decimal a, Decimal b) noexcept;

  friend Decimal operator+(Decimal a, Decimal b) noexcept;
  friend Decimal operator-(Decimal a, Decimal b) noexcept;
  friend Decimal operator*(Decimal a, Decimal b) noexcept;
  friend Decimal operator/(Decimal a, Decimal b) noexcept;
  // The remainder with the sign of `a`.
  static Decimal Mod(Decimal a, Decimal b) noexcept;
  static Decimal Abs(Decimal a) noexcept;
  static Decimal Negate(Decimal a) noexcept;
  static Decimal Floor(Decimal a) noexcept;
  static Decimal Ceil(Decimal a) noexcept;
  static Decimal Truncate(Decimal a) noexcept;
  static Decimal RoundHalfEven(Decimal a) noexcept;
  // `a` with the exponent of `like`, rounded half to even: Quantize(1.25, 0.1) is 1.2.
  static Decimal Quantize(Decimal a, Decimal like) noexcept;
  static Decimal Sqrt(Decimal a) noexcept;
  static Decimal Exp(Decimal a) noexcept;
  static Decimal Ln(Decimal a) noexcept;
  static Decimal Log10(Decimal a) noexcept;
  static Decimal Pow(Decimal a, Decimal b) noexcept;

  constexpr uint64_t high() const noexcept { return high_; }
  constexpr uint64_t low() const noexcept { return low_; }

 private:
  uint64_t high_;
  uint64_t low_;
};

}  // namespace nexadb
