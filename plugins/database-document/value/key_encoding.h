// Order-preserving bytes of values: memcmp of two encodings is CompareValues of the values, and
// equal values have equal encodings, so an encoding is also an identity (group keys, _id keys).
// An encoding is never a prefix of another value's, hence they concatenate into compound keys.
// Missing encodes like null; undefined stands for the empty array of sort and index keys, which
// sorts below null. With a collation (value/collation.h) strings are there as its sort keys, and
// all of this holds by it. The byte layout is in FORMAT.md beside this file. Pure; throws bad_alloc
// only.
#pragma once
#include <string>

#include "nexadb/bson.h"

namespace nexadb::query {

class Collation;

enum class KeyOrder { kAscending, kDescending };

// Appends the encoding; descending inverts every byte of it.
void AppendKey(const bson::Value& value, KeyOrder order, const Collation* collation,
               std::string* out);

inline void AppendKey(const bson::Value& value, const Collation* collation, std::string* out) {
  AppendKey(value, KeyOrder::kAscending, collation, out);
}
inline void AppendKey(const bson::Value& value, std::string* out) {
  AppendKey(value, KeyOrder::kAscending, nullptr, out);
}

}  // namespace nexadb::query
