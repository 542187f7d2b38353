#include "plugins/http-server/response_head.h"

#include <charconv>
#include <cstring>
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
  static constexpr std::string_view kOwn[] = {
      "content-length", "transfer-encoding", "connection", "date",
      "x-request-id",   "keep-alive",        "upgrade",    "trailer"};
  for (const std::string_view own : kOwn) {
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

// Of the head's own lines: the status line, Date, Content-Length, Transfer-Encoding, Connection and
// what goes with Access-Control-Allow-Origin, without the values that the facts bring along.
constexpr size_t kOwnBytesMax = 512;
constexpr size_t kLineExtraBytes = 4;  // ": " and the line's end

// Writes into room that was made before: a string that is appended to piece by piece asks at each
// whether it must grow.
class HeadWriter {
 public:
  HeadWriter(std::string& out, size_t bytes_max) : out_(out), begin_(out.size()) {
    out_.resize(begin_ + bytes_max);
    at_ = out_.data() + begin_;
  }
  ~HeadWriter() { out_.resize(static_cast<size_t>(at_ - out_.data())); }
  HeadWriter(const HeadWriter&) = delete;
  HeadWriter& operator=(const HeadWriter&) = delete;

  void Put(std::string_view text) {
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  void PutNumber(uint64_t number) {
    constexpr size_t kDigitsMax = 20;
    at_ = std::to_chars(at_, at_ + kDigitsMax, number).ptr;
  }
  void PutHeader(std::string_view name, std::string_view value) {
    Put(name);
    Put(": ");
    Put(value);
    Put("\r\n");
  }

 private:
  std::string& out_;
  const size_t begin_;
  char* at_;
};

size_t BytesMax(const HeadFacts& facts, Span<const HttpHeader> headers) {
  size_t bytes = kOwnBytesMax + facts.request_id.size() + facts.allow_origin.size();
  for (const HttpHeader& header : headers) {
    bytes += header.name.size() + header.value.size() + kLineExtraBytes;
  }
  return bytes;
}

}  // namespace

void AppendHead(const HeadFacts& facts, Span<const HttpHeader> headers, std::string& out) {
  HeadWriter head(out, BytesMax(facts, headers));
  head.Put("HTTP/1.1 ");
  head.PutNumber(facts.status);
  head.Put(" ");
  head.Put(ReasonOf(facts.status));
  head.Put("\r\n");
  head.Put(DateLine());
  if (facts.content_length) {
    head.Put("Content-Length: ");
    head.PutNumber(*facts.content_length);
    head.Put("\r\n");
  }
  if (facts.chunked) head.PutHeader("Transfer-Encoding", "chunked");
  if (facts.close) {
    head.PutHeader("Connection", "close");
  } else if (facts.say_keep_alive) {
    head.PutHeader("Connection", "keep-alive");
  }
  if (!facts.request_id.empty()) head.PutHeader("X-Request-Id", facts.request_id);
  if (!facts.allow_origin.empty()) {
    head.PutHeader("Access-Control-Allow-Origin", facts.allow_origin);
    head.PutHeader("Access-Control-Expose-Headers", "ETag, Location, Retry-After, X-Request-Id");
    if (facts.allow_origin != "*") head.PutHeader("Vary", "Origin");
  }
  for (const HttpHeader& header : headers) {
    if (!IsToken(header.name) || !IsValue(header.value) || IsServersOwn(header.name)) continue;
    head.PutHeader(header.name, header.value);
  }
  head.Put("\r\n");
}

}  // namespace nexadb::http
