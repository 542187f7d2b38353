#include "plugins/api-rest/reply.h"

#include <algorithm>
#include <array>

namespace nexadb::rest {

Status SendBytes(Exchange& exchange, uint16_t status, std::string_view content_type, Buffer body,
                 std::initializer_list<HttpHeader> headers) {
  std::array<HttpHeader, 1 + kReplyHeadersMax> all;
  all[0] = {"Content-Type", content_type};
  if (headers.size() > kReplyHeadersMax) {
    return Status::Error(Code::kInternal, "an answer has more headers than kReplyHeadersMax");
  }
  std::copy(headers.begin(), headers.end(), all.begin() + 1);
  exchange.Send(status, {all.data(), 1 + headers.size()}, std::move(body));
  return {};
}

Status SendJson(Exchange& exchange, uint16_t status, std::string body,
                std::initializer_list<HttpHeader> headers) {
  return SendBytes(exchange, status, "application/json", Buffer::Own(std::move(body)), headers);
}

Status SendEmpty(Exchange& exchange, uint16_t status, std::initializer_list<HttpHeader> headers) {
  exchange.Send(status, Span<const HttpHeader>(headers.begin(), headers.size()), Buffer());
  return {};
}

JsonObject Success() {
  JsonObject object;
  object.Text("status", "success");
  return object;
}

std::string EntityTag(const uint8_t (&version)[10]) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string tag(2 + 2 * sizeof(version), '"');
  char* out = tag.data();
  for (const uint8_t byte : version) {
    *++out = kHex[byte >> 4];
    *++out = kHex[byte & 15];
  }
  return tag;
}

}  // namespace nexadb::rest
