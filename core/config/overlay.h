// Overlay: what environment and flags put over the file. Flag > environment > file > default.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/config/schema.h"
#include "core/config/value.h"

namespace nexadb::config {

// `assignment` is "plugins.lsm.config.durability=os": a path into `root`, whose tables are made
// when missing, and a TOML value; text that is no TOML value is taken as text.
void ApplySet(std::string_view assignment, Value& root, Problems& problems);

// Sets every property of `schema` for which the environment holds NEXADB_<OWNER>_<KEY>, in capitals
// with '-' as '_'; a nested table's key continues the name. Values are read as the schema's type
// says; arrays of text as TOML or separated by commas.
// What a flag has set stays.
void ApplyEnvironment(std::string_view owner, const Schema& schema, Value& table);

// One message for each variable of the environment that begins as an owner's do, NEXADB_<OWNER>_,
// and is no property of any.
std::vector<std::string> UnknownVariables(
    const std::vector<std::pair<std::string, const Schema*>>& owners);

// NEXADB_LSM_MEMORY_BUDGET for ("lsm", "memory_budget").
std::string EnvironmentName(std::string_view owner, std::string_view key);

}  // namespace nexadb::config
