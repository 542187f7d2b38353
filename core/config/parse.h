// TOML and JSON to Value. toml.cc alone knows toml++, json.cc alone knows RapidJSON.
#pragma once
#include <string_view>

#include "core/config/value.h"
#include "nexadb/abi.h"

namespace nexadb::config {

constexpr int kNestingMax = 32;

// The configuration file. `name` stands in positions: "nexadb.toml". A syntax error, a date, or
// nesting deeper than kNestingMax is kInvalidArgument with the position in the message.
Result<Value> ParseToml(std::string_view text, std::string_view name);

// One value on its own, as in `--set key=value`; text that is no TOML is taken as it is.
Value ParseTomlValue(std::string_view text, std::string_view where);

// Manifests and their schemas. Strict: UTF-8 checked, nothing behind the value, no duplicate names,
// no integer beyond 63 bits, at most kNestingMax levels. `where` is given to every value, and
// begins the message of a failure.
Result<Value> ParseJson(std::string_view text, std::string_view where);

}  // namespace nexadb::config
