// Replies: sends a small answer whole.
#pragma once
#include <initializer_list>
#include <string>
#include <string_view>

#include "nexadb/http.h"
#include "plugins/api-rest/json_object.h"

namespace nexadb::rest {

constexpr size_t kReplyHeadersMax = 7;

// Sends `body` as application/json. Returns OK, so that a handler can end with it.
Status SendJson(Exchange& exchange, uint16_t status, std::string body,
                std::initializer_list<HttpHeader> headers = {});
// Sends bytes of any type, with up to kReplyHeadersMax headers beside its Content-Type.
Status SendBytes(Exchange& exchange, uint16_t status, std::string_view content_type, Buffer body,
                 std::initializer_list<HttpHeader> headers = {});
Status SendEmpty(Exchange& exchange, uint16_t status,
                 std::initializer_list<HttpHeader> headers = {});

// {"status": "success", ...: how the answers of the original begin.
JsonObject Success();

// A version as an entity tag, with its quotes.
std::string EntityTag(const uint8_t (&version)[10]);

}  // namespace nexadb::rest
