// Whether a caller's thread may wait, or must be told kWouldBlock instead.
#pragma once
#include <cstdint>

namespace nexadb::database {

enum class Waiting : uint8_t { kAllowed, kForbidden };

}  // namespace nexadb::database
