// Exact views of BSON numbers: decimal128 taken apart, and numbers of any two types compared by
// mathematical value without rounding. Pure functions.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "nexadb/bson.h"

namespace nexadb::query {

__extension__ typedef unsigned __int128 Uint128;

// A decimal128 in its binary encoding: (-1)^negative * coefficient * 10^exponent.
struct DecimalParts {
  enum class Kind { kFinite, kInfinity, kNan };
  Kind kind = Kind::kFinite;
  bool negative = false;
  Uint128 coefficient = 0;
  int exponent = 0;
};
DecimalParts SplitDecimal(const uint8_t* sixteen_bytes) noexcept;

// The digits of a coefficient, "0" for zero.
std::string DecimalDigits(Uint128 coefficient);

bool IsNan(const bson::Value& number) noexcept;

// Negative, zero or positive. NaN equals NaN and lies below every other number.
// REQUIRES: both are numbers.
int CompareNumbers(const bson::Value& a, const bson::Value& b) noexcept;

// The number as a double, rounded toward zero; beyond the range the largest finite double.
double TruncateToDouble(const bson::Value& number) noexcept;
// The number as the nearest double.
double ToDouble(const bson::Value& number) noexcept;
// The number when it is an integer of 64 bits, of whatever type (3.0 is one).
std::optional<int64_t> ExactInt64(const bson::Value& number) noexcept;

}  // namespace nexadb::query
