// ReadConfiguration: a plugin's configuration from a file, as the JSON that PluginHost takes.
#include <fstream>
#include <iterator>
#include <utility>

#include "core/config/parse.h"
#include "nexadb/testkit/plugin_suite.h"

namespace nexadb::testkit {
namespace {

using config::Value;

void AppendText(std::string_view text, std::string& out) {
  constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20) {
      out.append("\\u00").append(1, kHex[byte >> 4]).append(1, kHex[byte & 15]);
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  out += '"';
}

// Recursion ends at the parser's nesting limit.
void AppendJson(const Value& value, std::string& out) {
  switch (value.kind) {
    case Value::Kind::kNull: out += "null"; return;
    case Value::Kind::kBool: out += value.boolean ? "true" : "false"; return;
    case Value::Kind::kInteger: out += std::to_string(value.integer); return;
    case Value::Kind::kNumber: {
      char text[32];
      std::snprintf(text, sizeof(text), "%.17g", value.number);
      out += text;
      return;
    }
    case Value::Kind::kText: AppendText(value.text, out); return;
    case Value::Kind::kArray:
      out += '[';
      for (size_t i = 0; i < value.items.size(); ++i) {
        if (i > 0) out += ", ";
        AppendJson(value.items[i], out);
      }
      out += ']';
      return;
    case Value::Kind::kTable:
      out += '{';
      for (size_t i = 0; i < value.members.size(); ++i) {
        if (i > 0) out += ", ";
        AppendText(value.members[i].name, out);
        out += ": ";
        AppendJson(value.members[i].value, out);
      }
      out += '}';
      return;
  }
}

}  // namespace

Result<std::string> ReadConfiguration(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Status::Error(Code::kNotFound, path + ": cannot be read");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (path.ends_with(".json")) {
    auto value = config::ParseJson(text, path);
    if (!value.ok()) return value.status();
    return text;
  }
  auto value = config::ParseToml(text, path);
  if (!value.ok()) return value.status();
  std::string json;
  AppendJson(*value, json);
  return json;
}

}  // namespace nexadb::testkit
