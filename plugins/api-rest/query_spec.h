// QuerySpec: what a client asks for, read from a body or from a query string.
//
// Owns its parts as BSON. The original's names ("query", "limit") and ours ("filter", …) mean the
// same.
#pragma once
#include <string>
#include <string_view>

#include "core/document/limits.h"
#include "nexadb/bson.h"
#include "plugins/api-rest/cursor_token.h"

namespace nexadb::rest {

class Request;

struct QuerySpec {
  std::string filter;      // a document; {} when none was given
  std::string projection;  // a document; empty when none was given
  std::string sort;        // a document; empty when none was given
  std::string extras;  // {hint, collation, let}: those that were given, as the command takes them
  std::string cursor;
  uint64_t limit = static_cast<uint64_t>(kPageDefault);
  uint64_t skip = 0;
  uint64_t max_time_ms = 0;
  bool total = false;

  // A find command for `count` documents after the first `passed` of the answer.
  std::string FindCommand(std::string_view collection, uint64_t passed, uint64_t count) const;
  std::string CountCommand(std::string_view collection) const;
  // Of all that decides which documents come, and in which order.
  uint64_t FingerprintIn(std::string_view database, std::string_view collection) const;
};

// A page is unlimited when it is streamed; this only keeps sums within 64 bits.
constexpr int64_t kLimitMax = int64_t{1} << 53;

Result<QuerySpec> ReadQueryParameters(Request& request);
Result<QuerySpec> ReadQueryBody(Request& request, bson::Document body);

// "a,b.c,-d" as a projection; "-age,name" as a sort. A JSON object is taken as it is.
Result<std::string> ParseFields(std::string_view list);
Result<std::string> ParseSort(std::string_view list);
// The member "query" or "filter" of a body, with its moments read; {} when absent.
Result<std::string> ReadFilter(bson::Document body);
// A projection from a document, an array of paths, or a list in a string.
Result<std::string> ReadFields(const bson::Value& value);
Result<std::string> ReadSort(const bson::Value& value);
// empty_filter when `filter` means every document and the body does not say "all": true: a filter
// is left empty too easily. `would` says what would happen, "delete every document".
Status CheckMeansAll(bson::Document body, bson::Document filter, std::string_view would);
// max_time_ms within the instance's limit; 0 when absent.
Result<uint64_t> ReadMaxTime(Request& request, bson::Document body);

}  // namespace nexadb::rest
