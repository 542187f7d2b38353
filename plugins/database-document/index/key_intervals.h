// KeyIntervals: a set of values, as intervals of their order-preserving encodings
// (value/key_encoding.h). What a filter demands of one path, and so which part of an index is
// worth reading. Intervals are half open, sorted and disjoint.
//
// Bounds are cuts between encodings: a value's encoding is the cut below it, PrefixEnd of the
// encoding the cut above it. No encoding begins with another one, so a cut never lies within a
// value. With a collation strings are there by its sort keys. Pure; throws bad_alloc only.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "nexadb/bson.h"

namespace nexadb::query {
class Collation;
}

namespace nexadb::database {

struct KeyInterval {
  std::string begin, end;  // [begin, end)
  bool point = false;      // one value: begin is its encoding
  bool operator==(const KeyInterval&) const = default;
};

// The least key above all that begin with `prefix`. REQUIRES: a byte of it is below 0xFF.
std::string PrefixEnd(std::string prefix);

class KeyIntervals {
 public:
  static KeyIntervals None() { return {}; }
  static KeyIntervals All();
  static KeyIntervals Point(const bson::Value& value, const query::Collation* collation = nullptr);
  // Every value of the type that `operand` has: numbers of all types, NaN among them, are one.
  static KeyIntervals SameType(const bson::Value& operand);
  // Strings that begin with `prefix`.
  static KeyIntervals TextPrefix(std::string_view prefix);
  // Without the value.
  static KeyIntervals Above(const bson::Value& value, const query::Collation* collation = nullptr);
  static KeyIntervals Below(const bson::Value& value, const query::Collation* collation = nullptr);

  // All of them, in whatever order; for many values at once.
  static KeyIntervals Union(std::vector<KeyInterval> intervals);
  void Unite(const KeyIntervals& other);
  void Intersect(const KeyIntervals& other);
  KeyIntervals Complement() const;
  bool Includes(const KeyIntervals& other) const;
  bool Contains(std::string_view encoding) const;

  bool empty() const { return intervals_.empty(); }
  bool IsAll() const;
  // Nothing but single values.
  bool AllPoints() const;
  const std::vector<KeyInterval>& intervals() const { return intervals_; }
  // The same set where the encodings have every byte inverted, as in a descending index.
  KeyIntervals Inverted() const;
  bool operator==(const KeyIntervals&) const = default;

 private:
  void Add(KeyInterval interval);  // not before any that there is
  std::vector<KeyInterval> intervals_;
};

}  // namespace nexadb::database
