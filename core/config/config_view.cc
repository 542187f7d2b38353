#include "core/config/config_view.h"

#include <string>

#include "nexadb/sdk/guard.h"

namespace nexadb::config {

TableView::TableView(const Value& table) : table_(table) {
  for (const Member& member : table.members) {
    children_.push_back(member.value.IsTable() ? std::make_unique<TableView>(member.value)
                                               : nullptr);
  }
}

template <class T, class Read>
Result<T> TableView::Get(std::string_view key, Value::Kind kind, Read&& read) const noexcept {
  return sdk::Guard([&]() -> Result<T> {
    const Value* value = table_.Find(key);
    if (value == nullptr) {
      return Status::Error(Code::kNotFound, "no configuration key " + std::string(key));
    }
    if (value->kind == kind) return read(*value);
    return Status::Error(Code::kInvalidArgument, value->where + ": " + std::string(key) + " is " +
                                                     std::string(KindName(value->kind)) + ", not " +
                                                     std::string(KindName(kind)));
  });
}

Result<bool> TableView::Bool(StringView key) const noexcept {
  return Get<bool>(key, Value::Kind::kBool, [](const Value& v) { return v.boolean; });
}
Result<int64_t> TableView::Integer(StringView key) const noexcept {
  return Get<int64_t>(key, Value::Kind::kInteger, [](const Value& v) { return v.integer; });
}
Result<double> TableView::Number(StringView key) const noexcept {
  return Get<double>(key, Value::Kind::kNumber, [](const Value& v) { return v.number; });
}
Result<StringView> TableView::Text(StringView key) const noexcept {
  return Get<StringView>(key, Value::Kind::kText,
                         [](const Value& v) { return StringView(v.text); });
}
Result<uint64_t> TableView::Bytes(StringView key) const noexcept {
  return Get<uint64_t>(key, Value::Kind::kText,
                       [](const Value& v) { return static_cast<uint64_t>(v.integer); });
}
Result<uint64_t> TableView::Milliseconds(StringView key) const noexcept { return Bytes(key); }

Result<const ConfigView*> TableView::Table(StringView key) const noexcept {
  return Get<const ConfigView*>(key, Value::Kind::kTable, [&](const Value& v) {
    size_t i = 0;
    while (&table_.members[i].value != &v) ++i;
    return static_cast<const ConfigView*>(children_[i].get());
  });
}

Result<uint64_t> TableView::TextCount(StringView key) const noexcept {
  return Get<uint64_t>(key, Value::Kind::kArray, [](const Value& v) { return v.items.size(); });
}

Result<StringView> TableView::TextAt(StringView key, uint64_t index) const noexcept {
  return Get<StringView>(key, Value::Kind::kArray, [&](const Value& v) -> Result<StringView> {
    if (index >= v.items.size()) return Status::Error(Code::kNotFound, "index past the end");
    if (!v.items[index].IsText()) return Status::Error(Code::kInvalidArgument, "not text");
    return StringView(v.items[index].text);
  });
}

uint64_t TableView::KeyCount() const noexcept { return table_.members.size(); }

StringView TableView::KeyAt(uint64_t index) const noexcept {
  return index < table_.members.size() ? StringView(table_.members[index].name) : StringView();
}

bool TableView::Has(StringView key) const noexcept { return table_.Find(key) != nullptr; }

StringView TableView::Where(StringView key) const noexcept {
  const Value* value = table_.Find(key);
  return value != nullptr ? StringView(value->where) : StringView();
}

}  // namespace nexadb::config
