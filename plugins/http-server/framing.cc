#include "plugins/http-server/framing.h"

#include "plugins/http-server/request_gate.h"

namespace nexadb::http {
namespace {

bool Fail(Refusal& refusal, ErrorId error, std::string_view detail) {
  refusal.error = error;
  refusal.detail = detail;
  return false;
}

bool Malformed(Refusal& refusal, std::string_view detail) {
  return Fail(refusal, ErrorId::kMalformedRequest, detail);
}

struct Counts {
  int host = 0;
  int content_length = 0;
  int transfer_encoding = 0;
  std::string_view host_value;
  bool close = false;
  bool keep_alive = false;
};

// True when `list`, separated by commas, names `token`.
bool ListNames(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    std::string_view item = list.substr(0, comma);
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    while (!item.empty() && (item.front() == ' ' || item.front() == '\t')) item.remove_prefix(1);
    while (!item.empty() && (item.back() == ' ' || item.back() == '\t')) item.remove_suffix(1);
    if (EqualsIgnoringCase(item, token)) return true;
  }
  return false;
}

bool ReadContentLength(std::string_view value, Framing& framing, Refusal& refusal) {
  // 18 digits fit into 63 bits, and no body comes near.
  constexpr size_t kDigitsMax = 18;
  if (value.empty()) return Malformed(refusal, "Content-Length is empty.");
  uint64_t length = 0;
  for (const char c : value) {
    if (c < '0' || c > '9') return Malformed(refusal, "Content-Length is not one decimal number.");
  }
  while (value.size() > 1 && value.front() == '0') value.remove_prefix(1);
  if (value.size() > kDigitsMax) {
    return Fail(refusal, ErrorId::kBodyTooLarge, "Content-Length is beyond every limit.");
  }
  for (const char c : value) length = length * 10 + static_cast<uint64_t>(c - '0');
  framing.content_length = length;
  return true;
}

bool ReadTransferEncoding(std::string_view value, Framing& framing, Refusal& refusal) {
  if (EqualsIgnoringCase(value, "chunked")) {
    framing.chunked = true;
    return true;
  }
  for (const std::string_view coding : {"gzip", "x-gzip", "deflate", "compress", "x-compress"}) {
    if (ListNames(value, coding)) {
      return Fail(refusal, ErrorId::kUnsupportedTransferCoding,
                  "Transfer-Encoding other than 'chunked' is not offered.");
    }
  }
  return Malformed(refusal, "Transfer-Encoding is not exactly 'chunked'.");
}

bool ReadHeader(const HttpHeader& header, Framing& framing, Counts& counts, Refusal& refusal) {
  const std::string_view name = header.name;
  const std::string_view value = header.value;
  switch (name.size()) {
    case 4:
      if (EqualsIgnoringCase(name, "host")) {
        ++counts.host;
        counts.host_value = value;
      }
      break;
    case 6:
      if (EqualsIgnoringCase(name, "origin")) {
        if (framing.has_origin) return Malformed(refusal, "Origin is sent twice.");
        framing.has_origin = true;
        framing.origin = value;
      } else if (EqualsIgnoringCase(name, "expect")) {
        if (!EqualsIgnoringCase(value, "100-continue")) {
          return Malformed(refusal, "Expect is not '100-continue'.");
        }
        framing.expect_continue = true;
      }
      break;
    case 10:
      if (EqualsIgnoringCase(name, "connection")) {
        counts.close = counts.close || ListNames(value, "close");
        counts.keep_alive = counts.keep_alive || ListNames(value, "keep-alive");
      }
      break;
    case 12:
      if (EqualsIgnoringCase(name, "content-type")) {
        if (!framing.content_type.empty()) return Malformed(refusal, "Content-Type is sent twice.");
        framing.content_type = value;
      } else if (EqualsIgnoringCase(name, "x-request-id")) {
        framing.request_id = value;
      }
      break;
    case 14:
      if (EqualsIgnoringCase(name, "content-length")) {
        ++counts.content_length;
        return ReadContentLength(value, framing, refusal);
      }
      if (EqualsIgnoringCase(name, "sec-fetch-site")) framing.fetch_site = value;
      break;
    case 17:
      if (EqualsIgnoringCase(name, "transfer-encoding")) {
        ++counts.transfer_encoding;
        return ReadTransferEncoding(value, framing, refusal);
      }
      break;
    default: break;
  }
  return true;
}

bool ReadTarget(std::string_view target, Framing& framing, Refusal& refusal) {
  if (target[0] != '/' && target != "*") {  // absolute form, which RFC 9112 wants understood
    const size_t authority = target.find("://") + 3;
    const size_t path = target.find_first_of("/?", authority);
    framing.host =
        target.substr(authority, path == std::string_view::npos ? path : path - authority);
    if (framing.host.empty()) return Malformed(refusal, "The target names no host.");
    target = path == std::string_view::npos ? std::string_view("/") : target.substr(path);
  }
  const size_t question = target.find('?');
  framing.path = target.substr(0, question);
  framing.query =
      question == std::string_view::npos ? std::string_view() : target.substr(question + 1);
  if (framing.path.empty()) framing.path = "/";
  return true;
}

}  // namespace

bool ReadFraming(const ParsedHead& head, Framing& framing, Refusal& refusal) {
  framing = Framing();
  Counts counts;
  for (const HttpHeader& header : head.headers) {
    if (!ReadHeader(header, framing, counts, refusal)) return false;
  }
  if (counts.host == 0) return Malformed(refusal, "The Host header is missing.");
  if (counts.host > 1) return Malformed(refusal, "The Host header is sent twice.");
  if (counts.content_length > 1) return Malformed(refusal, "Content-Length is sent twice.");
  if (counts.transfer_encoding > 1) return Malformed(refusal, "Transfer-Encoding is sent twice.");
  if (framing.chunked && counts.content_length > 0) {
    return Malformed(refusal, "Transfer-Encoding and Content-Length are sent together.");
  }
  if (framing.chunked && head.http_1_0) {
    return Malformed(refusal, "Transfer-Encoding is sent in an HTTP/1.0 request.");
  }
  framing.host = counts.host_value;
  framing.keep_alive = head.http_1_0 ? counts.keep_alive && !counts.close : !counts.close;
  if (head.http_1_0) framing.expect_continue = false;
  return ReadTarget(head.target, framing, refusal);
}

}  // namespace nexadb::http
