// DocumentPath: the collection and the _id that a path names.
#pragma once
#include <string>
#include <string_view>

#include "nexadb/bson.h"

namespace nexadb::rest {

class Request;

struct DocumentPath {
  std::string_view collection;
  std::string id;  // {"_id": …}

  bson::Value IdValue() const { return bson::Document(AsBytes(id))["_id"].value(); }
  Status NotFound() const;
  // The original's wording for a missing document or collection; any other failure as it is.
  Status OrNotFound(Status status) const;
};

// Reads captures 0 and 1. invalid_id for what begins with '_', id_too_long, and with ?id_type=json
// what Extended JSON refuses.
Result<DocumentPath> ReadDocumentPath(Request& request);

// Where an inserted document is found: `path` and its _id.
std::string LocationOf(std::string_view path, const bson::Value& id);

}  // namespace nexadb::rest
