// Pages: the documents of a cursor as an answer, whatever their number.
//
// A page is written as it is read from the cursor, in bounded memory (see BodyWriter): as one JSON
// object, or, when the client accepts application/x-ndjson, one document a line and {"$end": …}.
#pragma once
#include <optional>
#include <string_view>

#include "core/document/json.h"
#include "nexadb/database.h"

namespace nexadb::rest {

class Request;

struct Page {
  std::string_view member;      // of the answer: "documents" or "results"
  std::string_view collection;  // its name
  uint64_t limit = 0;           // documents in the page; 0: all
  uint64_t passed = 0;          // documents before the page, when its cursor counts them
  uint64_t fingerprint = 0;     // for the token of the next page
  std::optional<int64_t> total;
  JsonMode form = JsonMode::kRest;  // of the documents
};

// Sends the page. A failure after the headers are out cuts the answer off.
Status SendPage(Request& request, DocumentCursor& cursor, const Page& page);

}  // namespace nexadb::rest
