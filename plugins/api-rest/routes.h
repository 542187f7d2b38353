// The route table: every path of the REST interface, in one place.
//
// The server's routes, the check of query parameters, /openapi.json and docs/rest-api.md come from
// the same rows.
#pragma once
#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "nexadb/abi.h"
#include "nexadb/http.h"

namespace nexadb::rest {

class Request;

// Answers, or returns what becomes the problem document.
using Handler = Status (*)(Request&);

enum class Access : uint32_t {
  kPublic,    // credentials are not even looked at
  kOptional,  // a key shows more; a bad one is as none
  kKey,       // what a key may do is decided by the database, where names are resolved
  kAdmin,     // Action::kAdmin on the server
};

// Where a route is mounted: everything at "" and "/v1"; kDatabase also at "/db/{db}".
enum class Scope : uint32_t { kServer, kDatabase };

// Whether the route may be an operation of a transaction; kItself are the transactions' own routes.
enum class Operation : uint32_t { kNo, kYes, kItself };

struct RouteSpec {
  std::string_view method;
  std::string_view pattern;
  Handler handler;
  Access access;
  Scope scope;
  RunMode run;
  BodyMode body;
  Operation operation;
  uint16_t success;  // the status when all goes well
  std::string_view tag;
  std::string_view summary;
  std::string_view parameters;     // names of kParameters, separated by spaces
  std::string_view content_types;  // of the body; empty for application/json
  std::string_view answers;        // media types of the answer; empty for application/json
};

struct ParameterSpec {
  std::string_view name;
  std::string_view type;  // JSON Schema's
  std::string_view description;
};

std::span<const RouteSpec> Routes();
// Null when no row has that name.
const ParameterSpec* FindParameter(std::string_view name);
// The row for a method and a path without prefix, and what its pattern captured, still
// percent-encoded. Null when there is none.
const RouteSpec* MatchRoute(std::string_view method, std::string_view path,
                            std::vector<std::string_view>& captures);

// Calls visit(word) for each word of a list separated by spaces.
template <class Visit>
void ForEachWord(std::string_view list, Visit&& visit) {
  while (!list.empty()) {
    const size_t end = std::min(list.find(' '), list.size());
    if (end > 0) visit(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
}

}  // namespace nexadb::rest
