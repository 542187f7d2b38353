// JSON to Value, for manifests and their schemas. The one place of the kernel that knows RapidJSON.
#pragma once
#include <string_view>

#include "core/config/value.h"
#include "nexadb/abi.h"

namespace nexadb::config {

// Strict: UTF-8 checked, nothing behind the value, no duplicate names, no integer beyond 63 bits,
// at most kJsonNestingMax levels. `where` is given to every value, and begins the message of a
// failure.
Result<Value> ParseJson(std::string_view text, std::string_view where);

constexpr int kJsonNestingMax = 32;

}  // namespace nexadb::config
