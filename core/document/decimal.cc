#include "core/document/decimal.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

// The flavour of the library that takes the rounding mode and the flags as arguments.
#define DECIMAL_CALL_BY_REFERENCE 0
#define DECIMAL_GLOBAL_ROUNDING 0
#define DECIMAL_GLOBAL_EXCEPTION_FLAGS 0
#include <bid_conf.h>
// The order matters: the functions are declared by the macros of the configuration.
#include <bid_functions.h>

namespace nexadb {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr unsigned kHalfEven = 0;  // BID_ROUNDING_TO_NEAREST
constexpr int kExponentBias = 6176;
constexpr uint64_t kInfinity = 0x7800000000000000u;
constexpr uint64_t kNaN = 0x7C00000000000000u;
// Digits handed to the library. Past them only "is there anything but zeros" can matter.
constexpr size_t kParsedDigitsMax = 80;
// Beyond the format's own exponents even with every digit that a text can have.
constexpr int64_t kExponentClamp = 1'000'000'000;

BID_UINT128 ToBid(Decimal d) {
  BID_UINT128 bid;
  bid.w[0] = d.low();
  bid.w[1] = d.high();
  return bid;
}
Decimal FromBid(BID_UINT128 bid) { return {bid.w[1], bid.w[0]}; }

// 10^34 - 1, the greatest coefficient.
constexpr Wide CoefficientMax() {
  Wide max = 1;
  for (int i = 0; i < Decimal::kDigitsMax; ++i) max *= 10;
  return max - 1;
}

bool EqualsIgnoringCase(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  });
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The digits of a number's text without leading zeros, and the exponent of the last of them.
struct Digits {
  std::string text;
  int64_t exponent = 0;
};

// "12.50" → "1250", -2. Returns what follows, or nullptr when there is no digit at all.
const char* ReadDigits(const char* at, const char* end, Digits& out) {
  bool any = false;
  bool point = false;
  bool dropped = false;
  for (; at < end && (IsDigit(*at) || (*at == '.' && !point)); ++at) {
    if (*at == '.') {
      point = true;
      continue;
    }
    any = true;
    if (point) --out.exponent;
    if (out.text.empty() && *at == '0') continue;
    if (out.text.size() < kParsedDigitsMax) {
      out.text += *at;
    } else {
      dropped = dropped || *at != '0';
      ++out.exponent;
    }
  }
  if (!any) return nullptr;
  if (out.text.empty()) out.text.push_back('0');
  // Keeps a number just above a half from being rounded as if it were the half.
  if (dropped)
    out.text.back() = out.text.back() == '0' || out.text.back() == '5'
                          ? static_cast<char>(out.text.back() + 1)
                          : out.text.back();
  return at;
}

// "E-3" at the end of a number. False when there is something else.
bool ReadExponent(const char* at, const char* end, int64_t& exponent) {
  if (at == end) return true;
  if (*at != 'e' && *at != 'E') return false;
  ++at;
  bool negative = false;
  if (at < end && (*at == '+' || *at == '-')) negative = *at++ == '-';
  if (at == end) return false;
  int64_t value = 0;
  for (; at < end; ++at) {
    if (!IsDigit(*at)) return false;
    value = std::min(value * 10 + (*at - '0'), kExponentClamp);
  }
  exponent += negative ? -value : value;
  return true;
}

}  // namespace

Decimal Decimal::FromBytes(BytesView bytes) noexcept {
  uint64_t words[2];
  std::memcpy(words, bytes.data(), sizeof(words));
  return {words[1], words[0]};
}

std::array<uint8_t, 16> Decimal::ToBytes() const noexcept {
  std::array<uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), &low_, sizeof(low_));
  std::memcpy(bytes.data() + sizeof(low_), &high_, sizeof(high_));
  return bytes;
}

bool Decimal::Parse(std::string_view text, Decimal& out) noexcept {
  const char* at = text.data();
  const char* end = at + text.size();
  bool negative = false;
  if (at < end && (*at == '+' || *at == '-')) negative = *at++ == '-';
  const std::string_view rest(at, static_cast<size_t>(end - at));
  if (EqualsIgnoringCase(rest, "infinity") || EqualsIgnoringCase(rest, "inf")) {
    out = Decimal(kInfinity | (negative ? uint64_t{1} << 63 : 0), 0);
    return true;
  }
  if (EqualsIgnoringCase(rest, "nan")) {
    out = Decimal(kNaN, 0);
    return true;
  }
  Digits digits;
  at = ReadDigits(at, end, digits);
  if (at == nullptr || !ReadExponent(at, end, digits.exponent)) return false;
  digits.exponent = std::clamp(digits.exponent, int64_t{-20'000}, int64_t{20'000});
  std::string normal(negative ? 1 : 0, '-');
  normal.append(digits.text).append("E").append(std::to_string(digits.exponent));
  unsigned flags = 0;
  out = FromBid(bid128_from_string(normal.data(), kHalfEven, &flags));
  return true;
}

std::string Decimal::ToString() const {
  if (IsNaN()) return "NaN";
  std::string out(IsNegative() ? 1 : 0, '-');
  if (IsInfinite()) return out.append("Infinity");
  const bool steered = (high_ >> 61 & 3) == 3;  // coefficients above 10^34: read as zero
  const int shift = steered ? 47 : 49;
  const int exponent = static_cast<int>(high_ >> shift & 0x3FFF) - kExponentBias;
  Wide coefficient = steered ? 0 : static_cast<Wide>(high_ & 0x1FFFFFFFFFFFFu) << 64 | low_;
  if (coefficient > CoefficientMax()) coefficient = 0;
  std::string digits;
  do {
    digits += static_cast<char>('0' + static_cast<int>(coefficient % 10));
    coefficient /= 10;
  } while (coefficient != 0);
  std::reverse(digits.begin(), digits.end());
  const int count = static_cast<int>(digits.size());
  const int leading = exponent + count - 1;  // the exponent of the first digit
  if (exponent > 0 || leading < -6) {
    out += digits[0];
    if (count > 1) out.append(".").append(digits, 1);
    out.append(leading < 0 ? "E" : "E+").append(std::to_string(leading));
  } else if (exponent == 0) {
    out += digits;
  } else if (leading >= 0) {
    out.append(digits, 0, static_cast<size_t>(leading + 1)).append(".");
    out.append(digits, static_cast<size_t>(leading + 1));
  } else {
    out.append("0.").append(static_cast<size_t>(-leading - 1), '0').append(digits);
  }
  return out;
}

Decimal Decimal::FromInt64(int64_t value) noexcept { return FromBid(bid128_from_int64(value)); }

Decimal Decimal::FromDouble(double value) noexcept {
  if (value == 0 || !std::isfinite(value)) return FromDoubleExact(value);
  char text[32];
  const auto end = std::to_chars(text, text + sizeof(text), value, std::chars_format::scientific,
                                 14 /* digits after the first: 15 in all */);
  Decimal d;
  Parse({text, static_cast<size_t>(end.ptr - text)}, d);
  return d;
}

Decimal Decimal::FromDoubleExact(double value) noexcept {
  if (value == 0) return Decimal(Decimal().high() | std::bit_cast<uint64_t>(value), 0);
  if (std::isnan(value)) return Decimal(kNaN, 0);
  unsigned flags = 0;
  return FromBid(binary64_to_bid128(value, kHalfEven, &flags));
}

double Decimal::ToDouble() const noexcept {
  unsigned flags = 0;
  return bid128_to_binary64(ToBid(*this), kHalfEven, &flags);
}

bool Decimal::ToInt64(int64_t& out) const noexcept {
  unsigned flags = 0;
  const auto value = bid128_to_int64_int(ToBid(*this), &flags);
  if ((flags & 1u) != 0) return false;  // BID_INVALID_EXCEPTION
  out = value;
  return true;
}

bool Decimal::IsNaN() const noexcept { return (high_ & kNaN) == kNaN; }
bool Decimal::IsInfinite() const noexcept { return (high_ & kNaN) == kInfinity; }
bool Decimal::IsZero() const noexcept { return bid128_isZero(ToBid(*this)) != 0; }

std::strong_ordering Decimal::Compare(Decimal a, Decimal b) noexcept {
  if (a.IsNaN() || b.IsNaN()) {
    return static_cast<int>(b.IsNaN()) <=> static_cast<int>(a.IsNaN());
  }
  unsigned flags = 0;
  if (bid128_quiet_less(ToBid(a), ToBid(b), &flags) != 0) return std::strong_ordering::less;
  if (bid128_quiet_equal(ToBid(a), ToBid(b), &flags) != 0) return std::strong_ordering::equal;
  return std::strong_ordering::greater;
}

Decimal operator+(Decimal a, Decimal b) noexcept {
  unsigned flags = 0;
  return FromBid(bid128_add(ToBid(a), ToBid(b), kHalfEven, &flags));
}
Decimal operator-(Decimal a, Decimal b) noexcept {
  unsigned flags = 0;
  return FromBid(bid128_sub(ToBid(a), ToBid(b), kHalfEven, &flags));
}
Decimal operator*(Decimal a, Decimal b) noexcept {
  unsigned flags = 0;
  return FromBid(bid128_mul(ToBid(a), ToBid(b), kHalfEven, &flags));
}
Decimal operator/(Decimal a, Decimal b) noexcept {
  unsigned flags = 0;
  return FromBid(bid128_div(ToBid(a), ToBid(b), kHalfEven, &flags));
}

Decimal Decimal::Mod(Decimal a, Decimal b) noexcept {
  unsigned flags = 0;
  return FromBid(bid128_fmod(ToBid(a), ToBid(b), &flags));
}
Decimal Decimal::Abs(Decimal a) noexcept { return {a.high_ & ~(uint64_t{1} << 63), a.low_}; }
Decimal Decimal::Negate(Decimal a) noexcept { return {a.high_ ^ uint64_t{1} << 63, a.low_}; }
Decimal Decimal::Floor(Decimal a) noexcept {
  unsigned flags = 0;
  return FromBid(bid128_round_integral_negative(ToBid(a), &flags));
}
Decimal Decimal::Ceil(Decimal a) noexcept {
  unsigned flags = 0;
  return FromBid(bid128_round_integral_positive(ToBid(a), &flags));
}
Decimal Decimal::Truncate(Decimal a) noexcept {
  unsigned flags = 0;
  return FromBid(bid128_round_integral_zero(ToBid(a), &flags));
}
Decimal Decimal::RoundHalfEven(Decimal a) noexcept {
  unsigned flags = 0;
  return FromBid(bid128_round_integral_nearest_even(ToBid(a), &flags));
}
Decimal Decimal::Quantize(Decimal a, Decimal like) noexcept {
  unsigned flags = 0;
  return FromBid(bid128_quantize(ToBid(a), ToBid(like), kHalfEven, &flags));
}
Decimal Decimal::Sqrt(Decimal a) noexcept {
  unsigned flags = 0;
  return FromBid(bid128_sqrt(ToBid(a), kHalfEven, &flags));
}
Decimal Decimal::Exp(Decimal a) noexcept {
  unsigned flags = 0;
  return FromBid(bid128_exp(ToBid(a), kHalfEven, &flags));
}
Decimal Decimal::Ln(Decimal a) noexcept {
  unsigned flags = 0;
  return FromBid(bid128_log(ToBid(a), kHalfEven, &flags));
}
Decimal Decimal::Log10(Decimal a) noexcept {
  unsigned flags = 0;
  return FromBid(bid128_log10(ToBid(a), kHalfEven, &flags));
}
Decimal Decimal::Pow(Decimal a, Decimal b) noexcept {
  unsigned flags = 0;
  return FromBid(bid128_pow(ToBid(a), ToBid(b), kHalfEven, &flags));
}

}  // namespace nexadb
