// Render: a configuration in force, as TOML for people and as BSON for services. What a schema
// marks secret is shown as kRedacted.
#pragma once
#include <string>
#include <string_view>

#include "core/config/schema.h"
#include "core/config/value.h"
#include "nexadb/bson.h"

namespace nexadb::config {

constexpr std::string_view kRedacted = "(secret)";

// One `key = value  # where` line for each member of `table`, nested tables inline.
std::string RenderToml(const Value& table, const Schema* schema);

// One TOML value, without redaction.
std::string RenderValue(const Value& value);

// The table's members, appended to an open document.
void RenderBson(const Value& table, const Schema* schema, bson::Builder& out);

}  // namespace nexadb::config
