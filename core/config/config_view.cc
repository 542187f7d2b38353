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

Result<const Value*> TableView::Get(std::string_view key, Value::Kind kind) const noexcept {
  return sdk::Guard([&]() -> Result<const Value*> {
    const Value* value = table_.Find(key);
    if (value == nullptr) {
      return Status::Error(Code::kNotFound, "no configuration key " + std::string(key));
    }
    if (value->kind != kind) {
      return Status::Error(Code::kInvalidArgument, value->where + ": " + std::string(key) + " is " +
                                                       std::string(KindName(value->kind)) +
                                                       ", not " + std::string(KindName(kind)));
    }
    return value;
  });
}

Result<bool> TableView::Bool(StringView key) const noexcept {
  auto value = Get(key, Value::Kind::kBool);
  if (!value.ok()) return value.status();
  return (*value)->boolean;
}

Result<int64_t> TableView::Integer(StringView key) const noexcept {
  auto value = Get(key, Value::Kind::kInteger);
  if (!value.ok()) return value.status();
  return (*value)->integer;
}

Result<double> TableView::Number(StringView key) const noexcept {
  auto value = Get(key, Value::Kind::kNumber);
  if (!value.ok()) return value.status();
  return (*value)->number;
}

Result<StringView> TableView::Text(StringView key) const noexcept {
  auto value = Get(key, Value::Kind::kText);
  if (!value.ok()) return value.status();
  return StringView((*value)->text);
}

Result<uint64_t> TableView::Quantity(std::string_view key) const noexcept {
  auto value = Get(key, Value::Kind::kText);
  if (!value.ok()) return value.status();
  return static_cast<uint64_t>((*value)->integer);
}

Result<uint64_t> TableView::Bytes(StringView key) const noexcept { return Quantity(key); }
Result<uint64_t> TableView::Milliseconds(StringView key) const noexcept { return Quantity(key); }

Result<const ConfigView*> TableView::Table(StringView key) const noexcept {
  auto value = Get(key, Value::Kind::kTable);
  if (!value.ok()) return value.status();
  for (size_t i = 0; i < table_.members.size(); ++i) {
    if (&table_.members[i].value == *value) return children_[i].get();
  }
  return Status::Error(Code::kInternal, "a table without its view");
}

Result<uint64_t> TableView::TextCount(StringView key) const noexcept {
  auto value = Get(key, Value::Kind::kArray);
  if (!value.ok()) return value.status();
  return uint64_t{(*value)->items.size()};
}

Result<StringView> TableView::TextAt(StringView key, uint64_t index) const noexcept {
  auto value = Get(key, Value::Kind::kArray);
  if (!value.ok()) return value.status();
  if (index >= (*value)->items.size()) {
    return Status::Error(Code::kNotFound, "index past the end of the array");
  }
  const Value& item = (*value)->items[index];
  if (!item.IsText()) return Status::Error(Code::kInvalidArgument, "an item that is not text");
  return StringView(item.text);
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
