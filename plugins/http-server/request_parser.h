// RequestParser: splits a complete head that the gate let through into its tokens, with llhttp in
// strict mode. Nothing is copied: every view points into the head. Not thread-safe.
#pragma once
#include <string_view>
#include <vector>

#include "nexadb/http.h"
#include "plugins/http-server/refusal.h"

namespace nexadb::http {

struct ParsedHead {
  std::string_view method;
  std::string_view target;
  bool http_1_0 = false;
  std::vector<HttpHeader> headers;  // values without white space around them
};

// False with `refusal` filled when llhttp does not agree that `head` is a request's head.
// REQUIRES: RequestGate passed it. Reuses head_out's memory.
bool ParseHead(std::string_view head, ParsedHead& head_out, Refusal& refusal);

}  // namespace nexadb::http
