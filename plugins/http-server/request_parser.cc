#include "plugins/http-server/request_parser.h"

#include <llhttp.h>

namespace nexadb::http {
namespace {

ParsedHead& Out(llhttp_t* parser) { return *static_cast<ParsedHead*>(parser->data); }

// A head is given to llhttp in one piece, so each token arrives in one call.
int OnMethod(llhttp_t* parser, const char* at, size_t size) {
  Out(parser).method = {at, size};
  return 0;
}

int OnTarget(llhttp_t* parser, const char* at, size_t size) {
  Out(parser).target = {at, size};
  return 0;
}

int OnName(llhttp_t* parser, const char* at, size_t size) {
  Out(parser).headers.push_back({StringView(at, size), StringView()});
  return 0;
}

int OnValue(llhttp_t* parser, const char* at, size_t size) {
  while (size > 0 && (at[size - 1] == ' ' || at[size - 1] == '\t')) --size;
  Out(parser).headers.back().value = StringView(at, size);
  return 0;
}

// The body is not llhttp's: framing.h and chunk_decoder.h are stricter.
int OnHeadersComplete(llhttp_t*) { return HPE_PAUSED; }

llhttp_settings_t MakeSettings() {
  llhttp_settings_t settings;
  llhttp_settings_init(&settings);
  settings.on_method = OnMethod;
  settings.on_url = OnTarget;
  settings.on_header_field = OnName;
  settings.on_header_value = OnValue;
  settings.on_headers_complete = OnHeadersComplete;
  return settings;
}

}  // namespace

bool ParseHead(std::string_view head, ParsedHead& head_out, Refusal& refusal) {
  static const llhttp_settings_t settings = MakeSettings();
  head_out.method = head_out.target = {};
  head_out.headers.clear();
  llhttp_t parser;
  llhttp_init(&parser, HTTP_REQUEST, &settings);
  parser.data = &head_out;
  const llhttp_errno_t error = llhttp_execute(&parser, head.data(), head.size());
  if (error != HPE_PAUSED || head_out.method.empty() || head_out.target.empty()) {
    refusal.error = ErrorId::kMalformedRequest;
    refusal.detail = "The head is malformed: ";
    const char* reason = llhttp_get_error_reason(&parser);
    refusal.detail += reason != nullptr && *reason != '\0' ? reason : llhttp_errno_name(error);
    return false;
  }
  head_out.http_1_0 = parser.http_minor == 0;
  return true;
}

}  // namespace nexadb::http
