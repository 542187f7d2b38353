#include "core/config/schema.h"

#include <algorithm>

#include "core/config/suggest.h"
#include "core/config/units.h"

namespace nexadb::config {
namespace {

Status Bad(std::string_view path, std::string_view message) {
  return Status::Error(Code::kInvalidArgument, std::string(path) + ": " + std::string(message));
}

std::optional<Schema::Type> ParseType(std::string_view name) {
  using Type = Schema::Type;
  static constexpr std::pair<std::string_view, Type> kTypes[] = {
      {"boolean", Type::kBool}, {"integer", Type::kInteger}, {"number", Type::kNumber},
      {"string", Type::kText},  {"array", Type::kArray},     {"object", Type::kObject}};
  for (const auto& [type_name, type] : kTypes) {
    if (type_name == name) return type;
  }
  return std::nullopt;
}

std::optional<int64_t> ParseUnit(Schema::Format format, std::string_view text) {
  return format == Schema::Format::kSize ? ParseSize(text) : ParseDuration(text);
}

// Reads one JSON object as a schema; members in any order, so limits are read when the format is
// known.
class SchemaParser {
 public:
  Result<Schema> Parse(const Value& json, const std::string& path) {
    if (!json.IsTable()) return Bad(path, "a schema is an object");
    Schema schema;
    for (const Member& member : json.members) {
      if (Status s = ReadKeyword(member, path + "." + member.name, schema); !s.ok()) return s;
    }
    for (const char* limit : {"minimum", "maximum"}) {
      const Value* value = json.Find(limit);
      if (value == nullptr) continue;
      std::optional<double> number = ReadLimit(*value, schema.format);
      if (!number) return Bad(path + "." + limit, "expected a number");
      (limit[1] == 'i' ? schema.minimum : schema.maximum) = number;
    }
    if (schema.format != Schema::Format::kNone && schema.type != Schema::Type::kText) {
      return Bad(path, "format needs \"type\": \"string\"");
    }
    if (Status s = CheckRequired(schema, path); !s.ok()) return s;
    return CheckDefault(std::move(schema), path);
  }

 private:
  static std::optional<double> ReadLimit(const Value& value, Schema::Format format) {
    if (value.kind == Value::Kind::kInteger) return static_cast<double>(value.integer);
    if (value.kind == Value::Kind::kNumber) return value.number;
    if (!value.IsText() || format == Schema::Format::kNone) return std::nullopt;
    const auto number = ParseUnit(format, value.text);
    return number ? std::optional<double>(static_cast<double>(*number)) : std::nullopt;
  }

  static Status CheckRequired(const Schema& schema, const std::string& path) {
    for (const std::string& name : schema.required) {
      if (schema.Find(name) == nullptr) {
        return Bad(path + ".required", "names \"" + name + "\", which is no property");
      }
    }
    return {};
  }

  static Result<Schema> CheckDefault(Schema schema, const std::string& path) {
    if (!schema.default_value) return schema;
    Problems problems;
    Value value = *schema.default_value;
    Validate(schema, value, path + ".default", problems);
    if (!problems.empty()) return Status::Error(Code::kInvalidArgument, problems.lines().front());
    schema.default_value = std::move(value);
    return schema;
  }

  Status ReadTexts(const Value& value, const std::string& path, std::vector<std::string>& out) {
    if (value.kind != Value::Kind::kArray) return Bad(path, "expected an array of text");
    for (const Value& item : value.items) {
      if (!item.IsText()) return Bad(path, "expected an array of text");
      out.push_back(item.text);
    }
    return {};
  }

  Status ReadCount(const Value& value, const std::string& path, std::optional<uint64_t>& out) {
    if (value.kind != Value::Kind::kInteger || value.integer < 0) {
      return Bad(path, "expected a count");
    }
    out = static_cast<uint64_t>(value.integer);
    return {};
  }

  Status ReadChild(const Value& value, const std::string& path, std::unique_ptr<Schema>& out) {
    Result<Schema> child = Parse(value, path);
    if (!child.ok()) return child.status();
    out = std::make_unique<Schema>(std::move(*child));
    return {};
  }

  Status ReadProperties(const Value& value, const std::string& path, Schema& schema) {
    if (!value.IsTable()) return Bad(path, "expected an object");
    for (const Member& property : value.members) {
      Result<Schema> child = Parse(property.value, path + "." + property.name);
      if (!child.ok()) return child.status();
      schema.properties.push_back({property.name, std::move(*child)});
    }
    return {};
  }

  Status ReadKeyword(const Member& member, const std::string& path, Schema& schema) {
    const std::string& name = member.name;
    const Value& value = member.value;
    if (name == "type") {
      const auto type = value.IsText() ? ParseType(value.text) : std::nullopt;
      if (!type) return Bad(path, "expected boolean, integer, number, string, array or object");
      schema.type = *type;
    } else if (name == "format") {
      if (!value.IsText() || (value.text != "size" && value.text != "duration")) {
        return Bad(path, "expected \"size\" or \"duration\"");
      }
      schema.format = value.text == "size" ? Schema::Format::kSize : Schema::Format::kDuration;
    } else if (name == "enum") {
      return ReadTexts(value, path, schema.choices);
    } else if (name == "required") {
      return ReadTexts(value, path, schema.required);
    } else if (name == "minItems") {
      return ReadCount(value, path, schema.items_min);
    } else if (name == "maxItems") {
      return ReadCount(value, path, schema.items_max);
    } else if (name == "items") {
      return ReadChild(value, path, schema.items);
    } else if (name == "properties") {
      return ReadProperties(value, path, schema);
    } else if (name == "additionalProperties") {
      schema.additional_allowed = value.kind == Value::Kind::kBool ? value.boolean : true;
      if (value.kind != Value::Kind::kBool) return ReadChild(value, path, schema.additional);
    } else if (name == "secret") {
      if (value.kind != Value::Kind::kBool) return Bad(path, "expected a boolean");
      schema.secret = value.boolean;
    } else if (name == "default") {
      schema.default_value = value;
      schema.default_value->where = "default";
    } else if (name == "description") {
      if (!value.IsText()) return Bad(path, "expected text");
      schema.description = value.text;
    } else if (name != "title" && name != "examples" && name != "minimum" && name != "maximum") {
      return Bad(path, "keyword not supported; see core/config/schema.h for those that are");
    }
    return {};
  }
};

std::string TypeText(const Schema& schema) {
  if (schema.format == Schema::Format::kSize) return "a size such as \"64MiB\"";
  if (schema.format == Schema::Format::kDuration) return "a duration such as \"100ms\"";
  switch (schema.type) {
    case Schema::Type::kAny: return "any value";
    case Schema::Type::kBool: return "true or false";
    case Schema::Type::kInteger: return "an integer";
    case Schema::Type::kNumber: return "a number";
    case Schema::Type::kText: return "text";
    case Schema::Type::kArray: return "an array";
    case Schema::Type::kObject: return "a table";
  }
  return "";
}

bool HasType(const Schema& schema, Value& value) {
  using Kind = Value::Kind;
  switch (schema.type) {
    case Schema::Type::kAny: return true;
    case Schema::Type::kBool: return value.kind == Kind::kBool;
    case Schema::Type::kInteger: return value.kind == Kind::kInteger;
    case Schema::Type::kNumber:
      if (value.kind == Kind::kInteger) {
        value.kind = Kind::kNumber;
        value.number = static_cast<double>(value.integer);
      }
      return value.kind == Kind::kNumber;
    case Schema::Type::kText: return value.kind == Kind::kText;
    case Schema::Type::kArray: return value.kind == Kind::kArray;
    case Schema::Type::kObject: return value.kind == Kind::kTable;
  }
  return false;
}

// 10 rather than 10.000000.
std::string LimitText(double limit) {
  if (limit == static_cast<double>(static_cast<int64_t>(limit))) {
    return std::to_string(static_cast<int64_t>(limit));
  }
  return std::to_string(limit);
}

class Validator {
 public:
  explicit Validator(Problems& problems) : problems_(problems) {}

  void Check(const Schema& schema, Value& value, const std::string& path) {
    if (!HasType(schema, value)) {
      problems_.Add(value.where, path,
                    "expected " + TypeText(schema) + ", got " + std::string(KindName(value.kind)));
      return;
    }
    if (!schema.choices.empty()) CheckChoice(schema, value, path);
    if (schema.format != Schema::Format::kNone) {
      const auto number = ParseUnit(schema.format, value.text);
      if (!number) {
        problems_.Add(value.where, path,
                      "expected " + TypeText(schema) + ", got \"" + value.text + "\"");
        return;
      }
      value.integer = *number;
    }
    CheckLimits(schema, value, path);
    if (value.kind == Value::Kind::kArray) CheckItems(schema, value, path);
    if (schema.type == Schema::Type::kObject) CheckMembers(schema, value, path);
  }

 private:
  void CheckChoice(const Schema& schema, const Value& value, const std::string& path) {
    const auto& choices = schema.choices;
    if (value.IsText() && std::find(choices.begin(), choices.end(), value.text) != choices.end()) {
      return;
    }
    std::string list;
    for (size_t i = 0; i < choices.size(); ++i) {
      list += (i == 0 ? "" : i + 1 == choices.size() ? " or " : ", ");
      list += "\"" + choices[i] + "\"";
    }
    const std::string got =
        value.IsText() ? "\"" + value.text + "\"" : std::string(KindName(value.kind));
    problems_.Add(value.where, path,
                  "expected " + list + ", got " + got +
                      Suggest(value.text, {choices.begin(), choices.end()}));
  }

  void CheckLimits(const Schema& schema, const Value& value, const std::string& path) {
    const bool is_integer =
        value.kind == Value::Kind::kInteger || schema.format != Schema::Format::kNone;
    if (!is_integer && value.kind != Value::Kind::kNumber) return;
    const double number = is_integer ? static_cast<double>(value.integer) : value.number;
    const char* unit = schema.format == Schema::Format::kSize       ? " bytes"
                       : schema.format == Schema::Format::kDuration ? " ms"
                                                                    : "";
    if (schema.minimum && !(number >= *schema.minimum)) {
      problems_.Add(value.where, path, "must be at least " + LimitText(*schema.minimum) + unit);
    }
    if (schema.maximum && !(number <= *schema.maximum)) {
      problems_.Add(value.where, path, "must be at most " + LimitText(*schema.maximum) + unit);
    }
  }

  void CheckItems(const Schema& schema, Value& value, const std::string& path) {
    const size_t count = value.items.size();
    if (schema.items_min && count < *schema.items_min) {
      problems_.Add(value.where, path,
                    "needs at least " + std::to_string(*schema.items_min) + " items");
    }
    if (schema.items_max && count > *schema.items_max) {
      problems_.Add(value.where, path,
                    "takes at most " + std::to_string(*schema.items_max) + " items");
    }
    if (schema.items == nullptr) return;
    for (size_t i = 0; i < count; ++i) {
      Check(*schema.items, value.items[i], path + "[" + std::to_string(i) + "]");
    }
  }

  void CheckMembers(const Schema& schema, Value& value, const std::string& path) {
    for (Member& member : value.members) {
      const std::string member_path = path.empty() ? member.name : path + "." + member.name;
      if (const Schema* property = schema.Find(member.name)) {
        Check(*property, member.value, member_path);
      } else if (schema.additional != nullptr) {
        Check(*schema.additional, member.value, member_path);
      } else if (!schema.additional_allowed) {
        problems_.Add(member.where, member_path,
                      "unknown key" + Suggest(member.name, schema.Names()));
      }
    }
    for (const Schema::Property& property : schema.properties) {
      if (value.Find(property.name) == nullptr) Fill(property, schema, value, path);
    }
  }

  void Fill(const Schema::Property& property, const Schema& schema, Value& value,
            const std::string& path) {
    const std::string member_path = path.empty() ? property.name : path + "." + property.name;
    if (property.schema.default_value) {
      value.members.push_back({property.name, "default", *property.schema.default_value});
    } else if (std::find(schema.required.begin(), schema.required.end(), property.name) !=
               schema.required.end()) {
      problems_.Add(value.where, member_path, "is required; expected " + TypeText(property.schema));
    } else if (property.schema.type == Schema::Type::kObject) {
      // A table left out is one whose every member is left out.
      Value table = Value::Table("default");
      Check(property.schema, table, member_path);
      value.members.push_back({property.name, "default", std::move(table)});
    }
  }

  Problems& problems_;
};

}  // namespace

const Schema* Schema::Find(std::string_view name) const {
  for (const Property& property : properties) {
    if (property.name == name) return &property.schema;
  }
  return nullptr;
}

std::vector<std::string_view> Schema::Names() const {
  std::vector<std::string_view> names;
  for (const Property& property : properties) names.push_back(property.name);
  return names;
}

Result<Schema> ParseSchema(const Value& json) {
  return SchemaParser().Parse(json, "config_schema");
}

void Validate(const Schema& schema, Value& value, std::string_view path, Problems& problems) {
  Validator(problems).Check(schema, value, std::string(path));
}

}  // namespace nexadb::config
