// Moments: text compared with _created_at and _updated_at is read as a date.
//
// The document routes show those two members as RFC 3339 text, though dates are stored; so a filter
// may compare them with such text, or with a date alone, which means its midnight in UTC. Pure
// functions; what they return owns its bytes.
#pragma once
#include <string>
#include <string_view>

#include "nexadb/bson.h"

namespace nexadb::rest {

// What becomes of text that is no date.
enum class NotADate {
  kRefused,  // in a filter: it would match nothing, without a word. bad_value
  kKept,     // in a pipeline, where a stage before may have made text of the member
};

// A copy of `filter` with that text as dates, in logical operators and in $expr as well.
Result<std::string> ReadMoments(bson::Document filter, NotADate otherwise);

// "2026-01-31" or RFC 3339. False when it is neither.
bool ParseMoment(std::string_view text, int64_t& unix_ms);

}  // namespace nexadb::rest
