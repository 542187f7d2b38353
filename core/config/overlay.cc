#include "core/config/overlay.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "core/base/suggest.h"
#include "core/config/parse.h"

namespace nexadb::config {
namespace {

std::string Capitals(std::string_view name) {
  std::string out(name);
  for (char& c : out) {
    c = std::isalnum(static_cast<unsigned char>(c)) != 0
            ? static_cast<char>(std::toupper(static_cast<unsigned char>(c)))
            : '_';
  }
  return out;
}

Value SplitAtCommas(std::string_view text, std::string_view where) {
  Value value;
  value.kind = Value::Kind::kArray;
  value.where = where;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    value.items.push_back(Value::Text(text.substr(0, comma), where));
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return value;
}

Value ReadVariable(const Schema& schema, std::string_view text, std::string_view where) {
  const bool is_choice = !schema.choices.empty();
  if (schema.type == Schema::Type::kText || is_choice) return Value::Text(text, where);
  const bool is_toml_array = !text.empty() && text.front() == '[';
  if (schema.type == Schema::Type::kArray && !is_toml_array) return SplitAtCommas(text, where);
  return ParseTomlValue(text, where);
}

void AppendNames(std::string_view owner, const Schema& schema, std::vector<std::string>& names) {
  for (const Schema::Property& property : schema.properties) {
    if (property.schema.type == Schema::Type::kObject) {
      AppendNames(std::string(owner) + "_" + property.name, property.schema, names);
    } else {
      names.push_back(EnvironmentName(owner, property.name));
    }
  }
}

}  // namespace

std::string EnvironmentName(std::string_view owner, std::string_view key) {
  return "NEXADB_" + Capitals(owner) + "_" + Capitals(key);
}

void ApplySet(std::string_view assignment, Value& root, Problems& problems) {
  const size_t equals = assignment.find('=');
  const std::string where = "--set " + std::string(assignment.substr(0, equals));
  if (equals == std::string_view::npos || equals == 0) {
    problems.Add(where, "", "expected a path and a value: --set plugins.NAME.config.KEY=VALUE");
    return;
  }
  std::string_view path = assignment.substr(0, equals);
  Value* at = &root;
  for (;;) {
    const size_t dot = path.find('.');
    const std::string_view name = path.substr(0, dot);
    if (name.empty() || !at->IsTable()) {
      problems.Add(where, "", "the path does not lead through tables");
      return;
    }
    at = &at->At(name, where);
    if (dot == std::string_view::npos) break;
    if (at->kind == Value::Kind::kNull) *at = Value::Table(where);
    path.remove_prefix(dot + 1);
  }
  *at = ParseTomlValue(assignment.substr(equals + 1), where);
}

void ApplyEnvironment(std::string_view owner, const Schema& schema, Value& table) {
  for (const Schema::Property& property : schema.properties) {
    const std::string name = EnvironmentName(owner, property.name);
    if (property.schema.type == Schema::Type::kObject) {
      const std::string nested_owner = std::string(owner) + "_" + property.name;
      Value nested = Value::Table("environment");
      Value* existing = table.Find(property.name);
      Value& target = existing != nullptr && existing->IsTable() ? *existing : nested;
      ApplyEnvironment(nested_owner, property.schema, target);
      if (!nested.members.empty()) table.At(property.name, "environment") = std::move(nested);
      continue;
    }
    const char* text = std::getenv(name.c_str());
    if (text == nullptr) continue;
    const Value* present = table.Find(property.name);
    if (present != nullptr && present->where.starts_with("--")) continue;  // flags win
    const std::string where = "environment " + name;
    table.At(property.name, where) = ReadVariable(property.schema, text, where);
  }
}

std::vector<std::string> UnknownVariables(
    const std::vector<std::pair<std::string, const Schema*>>& owners) {
  std::vector<std::string> known;
  for (const auto& [owner, schema] : owners) AppendNames(owner, *schema, known);
  std::vector<std::string> messages;
  for (char** entry = ::environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view name = text.substr(0, text.find('='));
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    for (const auto& [owner, schema] : owners) {
      if (!name.starts_with(EnvironmentName(owner, ""))) continue;
      messages.push_back("environment " + std::string(name) + ": " + owner +
                         " has no such option, it is ignored" +
                         base::Suggest(name, {known.begin(), known.end()}));
      break;
    }
  }
  return messages;
}

}  // namespace nexadb::config
