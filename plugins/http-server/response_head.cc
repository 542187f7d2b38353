#include "plugins/http-server/response_head.h"

#include <charconv>
#include <ctime>

#include "plugins/http-server/framing.h"
#include "plugins/http-server/request_gate.h"

namespace nexadb::http {
namespace {

std::string_view ReasonOf(uint16_t status) {
  switch (status) {
    case 100: return "Continue";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 207: return "Multi-Status";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    case 507: return "Insufficient Storage";
    default: return "Status";
  }
}

// The Date header's line, made once a second on each thread.
struct DateCache {
  time_t second = 0;
  char line[48] = {};
  size_t size = 0;
};

std::string_view DateLine() {
  thread_local DateCache cache;
  const time_t now = std::time(nullptr);
  if (now != cache.second) {
    tm parts{};
    ::gmtime_r(&now, &parts);
    cache.size = std::strftime(cache.line, sizeof(cache.line),
                               "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts);
    cache.second = now;
  }
  return {cache.line, cache.size};
}

bool IsServersOwn(std::string_view name) {
  for (const std::string_view own : {"content-length", "transfer-encoding", "connection", "date",
                                     "x-request-id", "keep-alive", "upgrade", "trailer"}) {
    if (EqualsIgnoringCase(name, own)) return true;
  }
  return false;
}

bool IsValue(std::string_view value) {
  for (const char c : value) {
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F) return false;
  }
  return true;
}

void AppendNumber(std::string& out, uint64_t number) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof(digits), number).ptr;
  out.append(digits, end);
}

void AppendHeader(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

void AppendHead(const HeadFacts& facts, Span<const HttpHeader> headers, std::string& out) {
  out.append("HTTP/1.1 ");
  AppendNumber(out, facts.status);
  out.append(" ").append(ReasonOf(facts.status)).append("\r\n").append(DateLine());
  if (facts.content_length) {
    out.append("Content-Length: ");
    AppendNumber(out, *facts.content_length);
    out.append("\r\n");
  }
  if (facts.chunked) AppendHeader(out, "Transfer-Encoding", "chunked");
  if (facts.close) {
    AppendHeader(out, "Connection", "close");
  } else if (facts.say_keep_alive) {
    AppendHeader(out, "Connection", "keep-alive");
  }
  if (!facts.request_id.empty()) AppendHeader(out, "X-Request-Id", facts.request_id);
  if (!facts.allow_origin.empty()) {
    AppendHeader(out, "Access-Control-Allow-Origin", facts.allow_origin);
    AppendHeader(out, "Access-Control-Expose-Headers", "ETag, Location, Retry-After, X-Request-Id");
    if (facts.allow_origin != "*") AppendHeader(out, "Vary", "Origin");
  }
  for (const HttpHeader& header : headers) {
    if (!IsToken(header.name) || !IsValue(header.value) || IsServersOwn(header.name)) continue;
    AppendHeader(out, header.name, header.value);
  }
  out.append("\r\n");
}

}  // namespace nexadb::http
