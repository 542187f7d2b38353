// TOML to Value. The one place that knows toml++.
#pragma once
#include <string_view>

#include "core/config/value.h"
#include "nexadb/abi.h"

namespace nexadb::config {

// `name` stands in positions: "nexadb.toml". A syntax error, a date, or nesting deeper than
// kTomlNestingMax is kInvalidArgument with the position in the message.
Result<Value> ParseToml(std::string_view text, std::string_view name);

// One value on its own, as in `--set key=value`; text that is no TOML is taken as it is.
Value ParseTomlValue(std::string_view text, std::string_view where);

constexpr int kTomlNestingMax = 32;

}  // namespace nexadb::config
