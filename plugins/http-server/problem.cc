#include "plugins/http-server/problem.h"

#include <algorithm>

#include "core/document/error.h"

namespace nexadb::http {

uint16_t StatusOf(ErrorId error) { return ErrorOf(error).status; }

std::string ProblemBody(const Refusal& refusal, std::string_view instance,
                        std::string_view request_id) {
  // What a client sent may be no UTF-8 and is only shown.
  std::string detail = refusal.detail;
  std::replace_if(
      detail.begin(), detail.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c >= 0x7F || c < 0; }, '?');
  return ProblemJson(MakeError(refusal.error, detail), instance, request_id);
}

}  // namespace nexadb::http
