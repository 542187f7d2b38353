#include "plugins/database-document/catalog/catalog.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>

#include "core/document/error.h"
#include "plugins/database-document/collection/layout.h"

namespace nexadb::database {

namespace {

// Kinds of keys under kCatalogId.
constexpr char kFormatKey = 'f';
constexpr char kNextIdKey = 'i';
constexpr char kEntryKey = 'c';
// By StoreFormat.
constexpr std::string_view kFormats[] = {"nexadb document 1", "nexadb document 2",
                                         "nexadb document 3"};
constexpr size_t kLoadRows = 256;

std::string CatalogKey(char kind) {
  std::string key = IdPrefix(kCatalogId);
  key.push_back(kind);
  return key;
}

Status CheckFormat(StorageEngine& storage, Snapshot& snapshot) {
  const std::string key = CatalogKey(kFormatKey);
  auto found = snapshot.Get(AsBytes(key), {});
  if (found.ok()) {
    if (std::find(std::begin(kFormats), std::end(kFormats), found->text()) != std::end(kFormats)) {
      return {};
    }
    return MakeError(ErrorId::kCorruption,
                     "catalog: the store's format is '" + std::string(found->text().substr(0, 64)) +
                         "', this version reads '" + std::string(kFormats[0]) + "' to '" +
                         std::string(*std::rbegin(kFormats)) + "'");
  }
  if (found.status().code() != Code::kNotFound) return found.status();
  const Mutation put{Mutation::Op::kPut, 0, AsBytes(key), AsBytes(kFormats[0])};
  return storage.Write(Span<const Mutation>(&put, 1), {}).status();
}

}  // namespace

std::string EntryName(std::string_view database, std::string_view name) {
  std::string out;
  out.reserve(database.size() + 1 + name.size());
  return out.append(database).append(1, '\0').append(name);
}

std::string EntryKey(std::string_view entry_name) {
  return CatalogKey(kEntryKey).append(entry_name);
}

EntryPtr CatalogState::Find(std::string_view database, std::string_view name) const {
  const auto it = entries_.find(EntryName(database, name));
  return it == entries_.end() ? nullptr : it->second;
}

std::vector<EntryPtr> CatalogState::InDatabase(std::string_view database) const {
  std::vector<EntryPtr> out;
  const std::string first = EntryName(database, "");
  for (auto it = entries_.lower_bound(first); it != entries_.end(); ++it) {
    if (it->second->database != database) break;
    out.push_back(it->second);
  }
  return out;
}

CatalogPtr CatalogState::With(const CatalogChanges& changes) const {
  auto next = std::make_shared<CatalogState>(*this);
  for (const auto& [name, entry] : changes) {
    if (entry == nullptr) {
      next->entries_.erase(name);
    } else {
      next->entries_.insert_or_assign(name, entry);
    }
  }
  return next;
}

Status Catalog::Load(StorageEngine& storage) {
  auto snapshot = storage.OpenSnapshot();
  if (!snapshot.ok()) return snapshot.status();
  if (Status status = CheckFormat(storage, **snapshot); !status.ok()) return status;
  const std::string begin = CatalogKey(kEntryKey);
  const std::string end = CatalogKey(kEntryKey + 1);
  ScanOptions options;
  options.begin = AsBytes(begin);
  options.end = AsBytes(end);
  auto cursor = (*snapshot)->Scan(options);
  if (!cursor.ok()) return cursor.status();
  CatalogChanges found;
  std::array<Row, kLoadRows> rows;
  for (;;) {
    auto count = (*cursor)->Next(rows);
    if (!count.ok()) return count.status();
    if (*count == 0) break;
    for (size_t i = 0; i < *count; ++i) {
      auto entry = DecodeEntry(rows[i].value);
      if (!entry.ok()) return entry.status();
      found[EntryName((*entry)->database, (*entry)->name)] = *entry;
    }
  }
  std::unique_lock lock(gate_);
  current_ = CatalogState().With(found);
  return {};
}

Status RaiseFormat(Transaction& transaction, StoreFormat format) {
  const std::string key = CatalogKey(kFormatKey);
  auto found = transaction.Get(AsBytes(key), {});
  if (!found.ok()) return found.status();
  // The marks differ in their last digit.
  const std::string_view wanted = kFormats[static_cast<size_t>(format)];
  if (found->text() >= wanted) return {};
  const Mutation put{Mutation::Op::kPut, 0, AsBytes(key), AsBytes(wanted)};
  return transaction.Write(Span<const Mutation>(&put, 1));
}

Result<uint32_t> TakeCollectionId(Transaction& transaction) {
  const std::string key = CatalogKey(kNextIdKey);
  uint64_t next = kFirstCollectionId;
  auto stored = transaction.Get(AsBytes(key), {});
  if (stored.ok()) {
    if (stored->size() != sizeof(next)) {
      return MakeError(ErrorId::kCorruption, "catalog: the next collection id is damaged");
    }
    std::memcpy(&next, stored->bytes().data(), sizeof(next));
  } else if (stored.status().code() != Code::kNotFound) {
    return stored.status();
  }
  if (next > kLastCollectionId) {
    return MakeError(ErrorId::kLimitReached, "the store has used up its collection ids");
  }
  const uint64_t after = next + 1;
  const Mutation put{Mutation::Op::kPut,
                     0,
                     AsBytes(key),
                     {reinterpret_cast<const uint8_t*>(&after), sizeof(after)}};
  if (Status status = transaction.Write(Span<const Mutation>(&put, 1)); !status.ok()) return status;
  return static_cast<uint32_t>(next);
}

}  // namespace nexadb::database
