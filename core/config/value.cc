#include "core/config/value.h"

namespace nexadb::config {
namespace {

Value OfKind(Value::Kind kind, std::string_view where) {
  Value value;
  value.kind = kind;
  value.where = where;
  return value;
}

}  // namespace

const Value* Value::Find(std::string_view name) const {
  for (const Member& member : members) {
    if (member.name == name) return &member.value;
  }
  return nullptr;
}

Value* Value::Find(std::string_view name) {
  return const_cast<Value*>(static_cast<const Value*>(this)->Find(name));
}

Value& Value::At(std::string_view name, std::string_view member_where) {
  if (Value* found = Find(name)) return *found;
  members.push_back({std::string(name), std::string(member_where), {}});
  return members.back().value;
}

Value Value::Text(std::string_view text, std::string_view where) {
  Value value = OfKind(Kind::kText, where);
  value.text = text;
  return value;
}

Value Value::Table(std::string_view where) { return OfKind(Kind::kTable, where); }

std::string_view KindName(Value::Kind kind) {
  static constexpr std::string_view kNames[] = {"nothing", "a boolean", "an integer", "a number",
                                                "text",    "an array",  "a table"};
  return kNames[static_cast<size_t>(kind)];
}

}  // namespace nexadb::config
