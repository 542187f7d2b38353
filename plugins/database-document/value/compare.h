// The total order of BSON values, equality and hashing. Numbers of all four types compare by
// mathematical value, exactly; objects compare field by field (type, name, value), in order.
// All functions are pure, never fail, and take borrowed values. A missing value (kEnd) sorts
// directly below null, so callers for whom missing equals null replace it first.
#pragma once
#include <cstdint>
#include <string_view>

#include "nexadb/bson.h"

namespace nexadb::query {

// Rank of a type in the order; types of one rank compare with each other (numbers; string and
// symbol).
int TypeRank(bson::Type type) noexcept;

// Negative, zero or positive.
int CompareValues(const bson::Value& a, const bson::Value& b) noexcept;
int CompareDocuments(bson::Document a, bson::Document b) noexcept;

inline bool EqualValues(const bson::Value& a, const bson::Value& b) noexcept {
  return CompareValues(a, b) == 0;
}

// Equal values have equal hashes, whatever their numeric types.
uint64_t HashValue(const bson::Value& value) noexcept;

struct ValueHash {
  size_t operator()(const bson::Value& v) const noexcept {
    return static_cast<size_t>(HashValue(v));
  }
};
struct ValueEqual {
  bool operator()(const bson::Value& a, const bson::Value& b) const noexcept {
    return EqualValues(a, b);
  }
};

}  // namespace nexadb::query
