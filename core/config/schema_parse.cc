// Schemas as they stand in manifests.
#include <algorithm>

#include "core/base/units.h"
#include "core/config/schema.h"

namespace nexadb::config {
namespace {

// Thrown inside this file only: a schema is a constant of a plugin, and its first mistake is
// enough.
struct BadSchema {
  std::string message;
};

void Need(bool good, const std::string& path, std::string_view message) {
  if (!good) throw BadSchema{path + ": " + std::string(message)};
}

template <class Enum>
Enum NamedIn(const std::vector<std::string_view>& names, const Value& value,
             const std::string& path) {
  const auto it = std::find(names.begin(), names.end(), value.text);
  Need(value.IsText() && it != names.end(), path, "not one of the values it can have");
  return static_cast<Enum>(it - names.begin() + 1);
}

std::vector<std::string> Texts(const Value& value, const std::string& path) {
  std::vector<std::string> texts;
  for (const Value& item : value.items) {
    Need(item.IsText(), path, "expected an array of text");
    texts.push_back(item.text);
  }
  Need(!texts.empty(), path, "expected an array of text");
  return texts;
}

bool Boolean(const Value& value, const std::string& path) {
  Need(value.kind == Value::Kind::kBool, path, "expected true or false");
  return value.boolean;
}

double Limit(const Value& value, Schema::Format format, const std::string& path) {
  if (value.kind == Value::Kind::kInteger) return static_cast<double>(value.integer);
  if (value.kind == Value::Kind::kNumber) return value.number;
  const auto quantity = format == Schema::Format::kSize       ? base::ParseSize(value.text)
                        : format == Schema::Format::kDuration ? base::ParseDuration(value.text)
                                                              : std::nullopt;
  Need(quantity.has_value(), path, "expected a number");
  return static_cast<double>(*quantity);
}

Schema Parse(const Value& json, const std::string& path);

void ReadKeyword(const Member& member, const std::string& path, Schema& schema) {
  const std::string& name = member.name;
  const Value& value = member.value;
  if (name == "type") {
    schema.type = NamedIn<Schema::Type>(
        {"boolean", "integer", "number", "string", "array", "object"}, value, path);
  } else if (name == "enum") {
    schema.choices = Texts(value, path);
  } else if (name == "required") {
    schema.required = Texts(value, path);
  } else if (name == "items") {
    schema.items = std::make_unique<Schema>(Parse(value, path));
  } else if (name == "properties") {
    Need(value.IsTable(), path, "expected an object");
    for (const Member& property : value.members) {
      schema.properties.push_back(
          {property.name, Parse(property.value, path + "." + property.name)});
    }
  } else if (name == "additionalProperties") {
    schema.additional_allowed = value.IsTable() || Boolean(value, path);
    if (value.IsTable()) schema.additional = std::make_unique<Schema>(Parse(value, path));
  } else if (name == "secret") {
    schema.secret = Boolean(value, path);
  } else if (name == "default") {
    schema.default_value = value;
    schema.default_value->where = "default";
  } else if (name == "description") {
    schema.description = value.text;
  } else if (name == "minimum") {
    schema.minimum = Limit(value, schema.format, path);
  } else if (name == "maximum") {
    schema.maximum = Limit(value, schema.format, path);
  } else if (name == "minItems") {
    schema.items_min = Limit(value, Schema::Format::kNone, path);
  } else if (name == "maxItems") {
    schema.items_max = Limit(value, Schema::Format::kNone, path);
  } else {
    Need(name == "format" || name == "title" || name == "examples", path,
         "keyword not supported; see core/config/schema.h for those that are");
  }
}

Schema Parse(const Value& json, const std::string& path) {
  Need(json.IsTable(), path, "a schema is an object");
  Schema schema;
  // First, for limits are read by it.
  if (const Value* format = json.Find("format")) {
    schema.format = NamedIn<Schema::Format>({"size", "duration"}, *format, path + ".format");
  }
  for (const Member& member : json.members) ReadKeyword(member, path + "." + member.name, schema);
  Need(schema.format == Schema::Format::kNone || schema.type == Schema::Type::kText, path,
       "format needs \"type\": \"string\"");
  for (const std::string& name : schema.required) {
    Need(schema.Find(name) != nullptr, path + ".required", "names \"" + name + "\", no property");
  }
  if (schema.default_value) {
    Problems problems;
    Validate(schema, *schema.default_value, path + ".default", problems);
    if (!problems.empty()) throw BadSchema{problems.lines().front()};
  }
  return schema;
}

}  // namespace

Result<Schema> ParseSchema(const Value& json) {
  try {
    return Parse(json, "config_schema");
  } catch (const BadSchema& bad) {
    return Status::Error(Code::kInvalidArgument, bad.message);
  }
}

}  // namespace nexadb::config
