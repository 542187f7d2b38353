// RequestGate: the first reader of every byte of a request's head. It refuses, line by line and as
// soon as a line is there, whatever RFC 9112 does not allow; what it lets through is then split
// into tokens by llhttp (request_parser.h), which would accept some of it.
//
//  1. Lines end in CRLF. No bare LF or CR, no NUL or other control characters but tab in values.
//  2. Request line: METHOD SP target SP HTTP/d.d, one space each; a target of visible ASCII without
//     '#'; versions 1.0 and 1.1. Methods other than the seven known are 501.
//  3. Header line: token ":" value; no white space before the colon, no continuation lines.
//  4. Limits on the request line (414), on the header's bytes and count (431).
//
// What the headers mean together (Host, Content-Length, Transfer-Encoding) is framing.h's matter.
// Not thread-safe; one for each connection.
#pragma once
#include <cstddef>
#include <string_view>

#include "plugins/http-server/refusal.h"

namespace nexadb::http {

struct HeadLimits {
  size_t request_line_bytes_max = 8 * 1024;
  size_t header_bytes_max = 16 * 1024;  // all header lines with their line ends
  size_t header_count_max = 100;

  // The longest head that can pass: an empty line before it, and the one at its end.
  size_t HeadBytesMax() const { return request_line_bytes_max + header_bytes_max + 6; }
};

enum class GateState { kNeedMore, kComplete, kRefused };

class RequestGate {
 public:
  explicit RequestGate(const HeadLimits& limits) : limits_(limits) {}
  // Ready for the next request.
  void Reset();
  // `input` is everything of this request that has arrived, from its first byte in every call.
  GateState Scan(std::string_view input);
  // After kComplete: where the head starts (an empty line before it is skipped) and ends.
  size_t head_begin() const { return head_begin_; }
  size_t head_end() const { return head_end_; }
  const Refusal& refusal() const { return refusal_; }

 private:
  GateState Refuse(ErrorId error, std::string_view detail);
  bool CheckRequestLine(std::string_view line);
  bool CheckVersion(std::string_view version);
  bool CheckHeaderLine(std::string_view line);
  // Refuses early what no line end can mend.
  bool CheckUnfinished(std::string_view line);

  HeadLimits limits_;
  size_t line_begin_ = 0;
  size_t searched_ = 0;
  size_t header_begin_ = 0;
  size_t header_count_ = 0;
  size_t head_begin_ = 0;
  size_t head_end_ = 0;
  bool saw_request_line_ = false;
  Refusal refusal_;
};

// Characters that RFC 9110 allows in a method or header name.
bool IsToken(std::string_view text);

}  // namespace nexadb::http
