// What parsing a filter, an update, an expression or a pipeline may know of the query around it.
// Borrowed for the call to Parse only; what must live longer is shared inside.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "plugins/database-document/value/collation.h"
#include "plugins/database-document/value/owned.h"

namespace nexadb::query {

// A variable of an enclosing query: its owner sets the value before each run.
using VariableCell = std::shared_ptr<OwnedValue>;

struct ParseOptions {
  int64_t now_ms = 0;         // $$NOW and $currentDate; one value for the whole command
  uint64_t cluster_time = 0;  // $$CLUSTER_TIME, a BSON timestamp
  bson::Document let;         // the command's `let`: names to constant expressions
  CollationPtr collation;     // how strings compare; null: by their bytes
  // Of a pipeline that reads it itself ($rankFusion); empty where there is none.
  std::string collection;
  bool metadata = false;     // documents may have what value/metadata.h says
  std::string_view pointer;  // JSON pointer of what is parsed, for error details: "/filter"
  std::map<std::string, VariableCell, std::less<>> variables;  // of an enclosing $lookup
};

}  // namespace nexadb::query
