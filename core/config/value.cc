#include "core/config/value.h"

namespace nexadb::config {

const Member* Value::FindMember(std::string_view name) const {
  for (const Member& member : members) {
    if (member.name == name) return &member;
  }
  return nullptr;
}

const Value* Value::Find(std::string_view name) const {
  const Member* member = FindMember(name);
  return member != nullptr ? &member->value : nullptr;
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
  Value value;
  value.kind = Kind::kText;
  value.text = text;
  value.where = where;
  return value;
}

Value Value::Table(std::string_view where) {
  Value value;
  value.kind = Kind::kTable;
  value.where = where;
  return value;
}

std::string_view KindName(Value::Kind kind) {
  switch (kind) {
    case Value::Kind::kNull: return "nothing";
    case Value::Kind::kBool: return "a boolean";
    case Value::Kind::kInteger: return "an integer";
    case Value::Kind::kNumber: return "a number";
    case Value::Kind::kText: return "text";
    case Value::Kind::kArray: return "an array";
    case Value::Kind::kTable: return "a table";
  }
  return "unknown";
}

}  // namespace nexadb::config
