// Extended JSON's wrappers: objects like {"$oid": "…"} that stand for a value of another type.
// Private to core/document.
#pragma once
#include <string>
#include <string_view>

#include "nexadb/bson.h"

namespace nexadb::json {

enum class Wrapper : uint8_t {
  kNone,       // an ordinary object
  kUnwrapped,  // `type` and `payload` are its value
  kMalformed,  // begins as a wrapper and is not one; `error` says why
};

// `object` was read as an ordinary object, its inner wrappers already unwrapped, and its first
// member's name begins with '$'.
Wrapper Unwrap(bson::Document object, bson::Type& type, std::string& payload, std::string& error);

}  // namespace nexadb::json
