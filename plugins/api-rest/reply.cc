#include "plugins/api-rest/reply.h"

#include <vector>

namespace nexadb::rest {

Status SendBytes(Exchange& exchange, uint16_t status, std::string_view content_type, Buffer body,
                 std::initializer_list<HttpHeader> headers) {
  std::vector<HttpHeader> all;
  all.push_back({"Content-Type", content_type});
  all.insert(all.end(), headers.begin(), headers.end());
  exchange.Send(status, all, std::move(body));
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
  std::string tag = "\"";
  for (const uint8_t byte : version) {
    tag.push_back(kHex[byte >> 4]);
    tag.push_back(kHex[byte & 15]);
  }
  tag.push_back('"');
  return tag;
}

}  // namespace nexadb::rest
