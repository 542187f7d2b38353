// Schema: what a table of the configuration may hold. The subset of JSON Schema that manifests use:
//
//   type (boolean integer number string array object), enum (of text), minimum, maximum, minItems,
//   maxItems, items, properties, required, additionalProperties (a boolean or a schema), default,
//   description, title, examples, and two of our own: format "size" or "duration", secret.
//
// Limits of a size are in bytes or text with a unit, of a duration likewise in milliseconds.
// Immutable after ParseSchema; any thread may use it then.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/config/value.h"
#include "nexadb/abi.h"

namespace nexadb::config {

struct Schema {
  enum class Type : uint8_t { kAny, kBool, kInteger, kNumber, kText, kArray, kObject };
  enum class Format : uint8_t { kNone, kSize, kDuration };
  struct Property;

  Type type = Type::kAny;
  Format format = Format::kNone;
  bool secret = false;  // never shown
  std::vector<std::string> choices;
  std::optional<double> minimum;
  std::optional<double> maximum;
  std::optional<double> items_min;
  std::optional<double> items_max;
  std::unique_ptr<Schema> items;
  std::vector<Property> properties;
  std::vector<std::string> required;
  bool additional_allowed = false;
  std::unique_ptr<Schema> additional;  // of members that `properties` does not name
  std::optional<Value> default_value;
  std::string description;

  const Schema* Find(std::string_view name) const;
  std::vector<std::string_view> Names() const;
};

struct Schema::Property {
  std::string name;
  Schema schema;
};

// kInvalidArgument names the member at fault, for instance a keyword outside the subset.
Result<Schema> ParseSchema(const Value& json);

// Checks `value` against `schema`, reports every mistake under `path`, puts defaults in for what is
// missing or wrong, and sets `integer` of sizes and durations.
void Validate(const Schema& schema, Value& value, std::string_view path, Problems& problems);

}  // namespace nexadb::config
