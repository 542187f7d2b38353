// If-Match and If-None-Match of a change, resolved to what the database checks.
#pragma once
#include <array>
#include <optional>
#include <string_view>

#include "nexadb/database.h"

namespace nexadb::rest {

class Request;
struct DocumentPath;

using Version = std::array<uint8_t, 10>;

struct Preconditions {
  std::optional<Version> version;  // the change goes through only at this version
  bool must_exist = false;         // If-Match stood there
  bool must_be_absent = false;     // If-None-Match: *
};

// Reads the document where a header cannot be decided without it; the version found then goes with
// the change, so that nobody slips in between. precondition_failed when it is decided already.
Result<Preconditions> ReadPreconditions(Request& request, Session& session,
                                        const DocumentPath& path);

// Whether a list of entity tags, or *, holds `tag`. Weak tags are compared by their opaque part.
bool MatchesAnyTag(std::string_view list, std::string_view tag);

Status PreconditionFailed(std::string_view why);
// The same with what the header named and the tag that is there.
Status PreconditionFailed(std::string_view why, std::string_view expected, std::string_view got);

}  // namespace nexadb::rest
