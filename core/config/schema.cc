#include "core/config/schema.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/suggest.h"
#include "core/base/units.h"

namespace nexadb::config {
namespace {

std::optional<int64_t> ParseUnit(Schema::Format format, std::string_view text) {
  return format == Schema::Format::kSize ? base::ParseSize(text) : base::ParseDuration(text);
}

std::string TypeText(const Schema& schema) {
  static constexpr std::string_view kNames[] = {
      "any value", "true or false", "an integer", "a number", "text", "an array", "a table"};
  if (schema.format == Schema::Format::kSize) return "a size such as \"64MiB\"";
  if (schema.format == Schema::Format::kDuration) return "a duration such as \"100ms\"";
  return std::string(kNames[static_cast<size_t>(schema.type)]);
}

// Types other than kAny stand in the order of Value's kinds; an integer will do for a number.
bool HasType(const Schema& schema, Value& value) {
  if (schema.type == Schema::Type::kAny) return true;
  if (schema.type == Schema::Type::kNumber && value.kind == Value::Kind::kInteger) {
    value.kind = Value::Kind::kNumber;
    value.number = static_cast<double>(value.integer);
  }
  return static_cast<int>(schema.type) == static_cast<int>(value.kind);
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
    const std::string got =
        value.IsText() ? "\"" + value.text + "\"" : std::string(KindName(value.kind));
    problems_.Add(value.where, path,
                  fmt::format("expected \"{}\", got {}{}", fmt::join(choices, "\" or \""), got,
                              base::Suggest(value.text, {choices.begin(), choices.end()})));
  }

  void CheckLimits(const Schema& schema, const Value& value, const std::string& path) {
    const bool is_integer =
        value.kind == Value::Kind::kInteger || schema.format != Schema::Format::kNone;
    if (!is_integer && value.kind != Value::Kind::kNumber) return;
    const double number = is_integer ? static_cast<double>(value.integer) : value.number;
    const char* unit = schema.format == Schema::Format::kSize       ? " bytes"
                       : schema.format == Schema::Format::kDuration ? " ms"
                                                                    : "";
    CheckRange(number, schema.minimum, schema.maximum, unit, value, path);
  }

  void CheckRange(double number, std::optional<double> least, std::optional<double> most,
                  const char* unit, const Value& value, const std::string& path) {
    if (least && !(number >= *least)) {
      problems_.Add(value.where, path, fmt::format("must be at least {}{}", *least, unit));
    }
    if (most && !(number <= *most)) {
      problems_.Add(value.where, path, fmt::format("must be at most {}{}", *most, unit));
    }
  }

  void CheckItems(const Schema& schema, Value& value, const std::string& path) {
    const size_t count = value.items.size();
    CheckRange(static_cast<double>(count), schema.items_min, schema.items_max, " items", value,
               path);
    if (schema.items == nullptr) return;
    for (size_t i = 0; i < count; ++i) {
      Check(*schema.items, value.items[i], path + "[" + std::to_string(i) + "]");
    }
  }

  void CheckMembers(const Schema& schema, Value& value, const std::string& path) {
    for (Member& member : value.members) {
      const std::string member_path = path.empty() ? member.name : path + "." + member.name;
      if (const Schema* property = schema.Find(member.name)) {
        const size_t before = problems_.lines().size();
        Check(*property, member.value, member_path);
        const bool wrong = problems_.lines().size() != before;
        if (wrong && property->default_value) member.value = *property->default_value;
      } else if (schema.additional != nullptr) {
        Check(*schema.additional, member.value, member_path);
      } else if (!schema.additional_allowed) {
        problems_.Add(member.where, member_path,
                      "unknown key" + base::Suggest(member.name, schema.Names()));
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

void Validate(const Schema& schema, Value& value, std::string_view path, Problems& problems) {
  Validator(problems).Check(schema, value, std::string(path));
}

}  // namespace nexadb::config
