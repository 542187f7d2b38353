// Framing: what a request's headers say about its body and its connection, and what about them
// RFC 9112 does not allow: every way in which two readers could disagree on where a request ends.
#pragma once
#include <cstdint>
#include <string_view>

#include "plugins/http-server/request_parser.h"

namespace nexadb::http {

struct Framing {
  bool chunked = false;
  bool keep_alive = true;
  bool expect_continue = false;
  uint64_t content_length = 0;  // when not chunked
  std::string_view host;        // of an absolute target, else of the Host header
  std::string_view path;        // the target without scheme, authority and query
  std::string_view query;
  std::string_view content_type;
  std::string_view origin;
  std::string_view fetch_site;  // Sec-Fetch-Site
  std::string_view request_id;  // X-Request-Id
  bool has_origin = false;
  bool has_body() const { return chunked || content_length > 0; }
};

// False with `refusal` filled when the head is not allowed.
bool ReadFraming(const ParsedHead& head, Framing& framing, Refusal& refusal);

// ASCII, without regard to case.
inline bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i] && lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

}  // namespace nexadb::http
