// Refusal: why a request is not served, before any handler has seen it.
#pragma once
#include <string>

#include "core/document/errors.h"

namespace nexadb::http {

struct Refusal {
  ErrorId error = ErrorId::kInternal;
  std::string detail;  // one sentence for the client
};

}  // namespace nexadb::http
