// The way back from an order-preserving encoding (value/key_encoding.h) to the value, as far as
// there is one: numbers of all types that are equal have one encoding, and so have strings and
// symbols, and null and what is missing. KeyLoss says what an encoding does not tell of a value;
// with it, and without a collation, DecodeKey gives the value as it was, byte for byte, or says
// that it cannot. Any bytes may be given: what is no encoding is not decoded. Pure; throws
// bad_alloc only.
#pragma once
#include <cstdint>
#include <string>

#include "nexadb/bson.h"
#include "plugins/database-document/value/key_encoding.h"

namespace nexadb::query {

// Two bits, as entries of indexes store them: FORMAT.md of the plugin.
enum class KeyLoss : uint8_t {
  // Nothing, or of a number that its type is the narrowest that holds it: int32, int64, double.
  kNothing = 0,
  kInt64 = 1,   // an int64 that an int32 would hold
  kDouble = 2,  // a double that an integer would hold
  kMore = 3,    // decimal128, -0, symbol
};
KeyLoss KeyLossOf(const bson::Value& value);

enum class Decoded {
  kValue,
  kNullish,  // null or missing
  kUnknown,  // there is no way back, and no telling where the encoding ends
};
// Decodes what `encoded` begins with and removes it from there. kValue: `type` is set, and the
// value's bytes, as they stand in a document, are appended to `out`.
Decoded DecodeKey(BytesView* encoded, KeyOrder order, KeyLoss loss, bson::Type* type,
                  std::string* out);

}  // namespace nexadb::query
