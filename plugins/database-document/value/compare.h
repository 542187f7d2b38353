// The total order of BSON values, equality and hashing. Numbers of all four types compare by
// mathematical value, exactly; objects compare field by field (type, name, value), in order.
// All functions are pure, never fail, and take borrowed values. A missing value (kEnd) sorts
// directly below null, so callers for whom missing equals null replace it first. With a collation
// (value/collation.h) strings compare by it, inside objects and arrays too; names of fields do not.
#pragma once
#include <cstdint>
#include <string_view>

#include "nexadb/bson.h"

namespace nexadb::query {

class Collation;

// Rank of a type in the order; types of one rank compare with each other (numbers; string and
// symbol).
int TypeRank(bson::Type type) noexcept;

// Negative, zero or positive.
int CompareValues(const bson::Value& a, const bson::Value& b,
                  const Collation* collation = nullptr) noexcept;
int CompareDocuments(bson::Document a, bson::Document b,
                     const Collation* collation = nullptr) noexcept;

inline bool EqualValues(const bson::Value& a, const bson::Value& b,
                        const Collation* collation = nullptr) noexcept {
  return CompareValues(a, b, collation) == 0;
}

// Equal values have equal hashes, whatever their numeric types.
uint64_t HashValue(const bson::Value& value, const Collation* collation = nullptr);

// The same for algorithms.
struct ValueEqual {
  const Collation* collation = nullptr;
  bool operator()(const bson::Value& a, const bson::Value& b) const noexcept {
    return EqualValues(a, b, collation);
  }
};
struct ValueLess {
  const Collation* collation = nullptr;
  bool operator()(const bson::Value& a, const bson::Value& b) const noexcept {
    return CompareValues(a, b, collation) < 0;
  }
};

}  // namespace nexadb::query
