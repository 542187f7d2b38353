// The server's own error answers, as application/problem+json.
#pragma once
#include <string>
#include <string_view>

#include "plugins/http-server/refusal.h"

namespace nexadb::http {

uint16_t StatusOf(ErrorId error);
// `instance` is the request's path, empty when it was never read.
std::string ProblemBody(const Refusal& refusal, std::string_view instance,
                        std::string_view request_id);

}  // namespace nexadb::http
