// Conversions between BSON types, as $convert and $toString do them. Throw QueryError (241).
#pragma once
#include <string>

#include "plugins/database-document/value/owned.h"

namespace nexadb::query {

struct ConvertOptions {
  int subtype = 0;          // of a binary result
  std::string format;       // of a binary value's text; empty: none given
  bool big_endian = false;  // of numbers in binary values
};

// REQUIRES: the value is not null or missing.
OwnedValue ConvertTo(const bson::Value& value, bson::Type to, const ConvertOptions& options);

// The text of a number, date, id, boolean … ; 241 for what has none.
std::string ToText(const bson::Value& value);
// A date from text in RFC 3339 or one of the looser forms of $toDate; false when it is none.
bool ParseDateText(std::string_view text, int64_t* ms);

}  // namespace nexadb::query
