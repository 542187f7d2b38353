// The head of an answer, as bytes. Any thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "nexadb/http.h"

namespace nexadb::http {

struct HeadFacts {
  uint16_t status = 200;
  std::optional<uint64_t> content_length;  // none: chunked, or up to the end of the connection
  bool chunked = false;
  bool close = false;
  bool say_keep_alive = false;  // HTTP/1.0 clients must be told
  std::string_view request_id;
  std::string_view allow_origin;  // CORS
};

// Appends the head with its empty line. Headers that are the server's own, and those whose name is
// no token or whose value has control characters, are left out: a handler can neither break the
// framing nor split the answer.
void AppendHead(const HeadFacts& facts, Span<const HttpHeader> headers, std::string& out);

}  // namespace nexadb::http
