#include "core/config/render.h"

#include <fmt/format.h>

#include "core/base/escape.h"

namespace nexadb::config {
namespace {

const Schema* SchemaOf(const Schema* schema, std::string_view name) {
  if (schema == nullptr) return nullptr;
  const Schema* found = schema->Find(name);
  return found != nullptr ? found : schema->additional.get();
}

bool IsBareKey(std::string_view key) {
  constexpr std::string_view kBare =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  return !key.empty() && key.find_first_not_of(kBare) == std::string_view::npos;
}

std::string Key(std::string_view key) {
  return IsBareKey(key) ? std::string(key) : base::Quoted(key);
}

std::string Inline(const Value& value, const Schema* schema) {
  if (schema != nullptr && schema->secret) return base::Quoted(kRedacted);
  switch (value.kind) {
    case Value::Kind::kNull: return "\"\"";
    case Value::Kind::kBool: return value.boolean ? "true" : "false";
    case Value::Kind::kInteger: return std::to_string(value.integer);
    case Value::Kind::kNumber: {
      std::string text = fmt::format("{}", value.number);
      const bool has_point = text.find_first_of(".en") != std::string::npos;
      return has_point ? text : text + ".0";
    }
    case Value::Kind::kText: return base::Quoted(value.text);
    case Value::Kind::kArray: {
      std::string out = "[";
      const Schema* item_schema = schema != nullptr ? schema->items.get() : nullptr;
      for (const Value& item : value.items) {
        if (out.size() > 1) out += ", ";
        out += Inline(item, item_schema);
      }
      return out + "]";
    }
    case Value::Kind::kTable: {
      std::string out;
      for (const Member& member : value.members) {
        out += (out.empty() ? "{ " : ", ") + Key(member.name) + " = " +
               Inline(member.value, SchemaOf(schema, member.name));
      }
      return out.empty() ? "{}" : out + " }";
    }
  }
  return "";
}

void AppendBson(std::string_view name, const Value& value, const Schema* schema,
                bson::Builder& out) {
  if (schema != nullptr && schema->secret) {
    out.Text(name, kRedacted);
    return;
  }
  switch (value.kind) {
    case Value::Kind::kNull: out.Null(name); break;
    case Value::Kind::kBool: out.Bool(name, value.boolean); break;
    case Value::Kind::kInteger: out.Int64(name, value.integer); break;
    case Value::Kind::kNumber: out.Double(name, value.number); break;
    case Value::Kind::kText: out.Text(name, value.text); break;
    case Value::Kind::kArray:
      out.OpenArray(name);
      for (size_t i = 0; i < value.items.size(); ++i) {
        AppendBson(std::to_string(i), value.items[i],
                   schema != nullptr ? schema->items.get() : nullptr, out);
      }
      out.Close();
      break;
    case Value::Kind::kTable:
      out.OpenObject(name);
      RenderBson(value, schema, out);
      out.Close();
      break;
  }
}

}  // namespace

std::string RenderValue(const Value& value) { return Inline(value, nullptr); }

std::string RenderToml(const Value& table, const Schema* schema) {
  std::string out;
  for (const Member& member : table.members) {
    out +=
        fmt::format("{:<40}  # {}\n",
                    Key(member.name) + " = " + Inline(member.value, SchemaOf(schema, member.name)),
                    member.value.where);
  }
  return out;
}

void RenderBson(const Value& table, const Schema* schema, bson::Builder& out) {
  for (const Member& member : table.members) {
    AppendBson(member.name, member.value, SchemaOf(schema, member.name), out);
  }
}

}  // namespace nexadb::config
