// Catalog: which collections, views and buckets there are.
//
// It lives in storage under the reserved id kCatalogId (see FORMAT.md) and is held whole in memory
// as an immutable state. A view of the store and the state that belongs to it are taken together
// under the shared side of `gate()`; a commit that changes the catalog holds the exclusive side
// until the new state is installed. So a state is exactly as old as its snapshot, and a writer only
// has to guard the keys of the entries that it relied on.
// One process writes a store at a time: states are not refreshed from other kernels' changes.
#pragma once
#include <map>
#include <shared_mutex>
#include <string>
#include <vector>

#include "nexadb/storage_engine.h"
#include "plugins/database-document/catalog/entry.h"
#include "plugins/database-document/catalog/names.h"
#include "plugins/database-document/session/waiting.h"

namespace nexadb::database {

// Null means: removed.
using CatalogChanges = std::map<std::string, EntryPtr, std::less<>>;

// Immutable, [any].
class CatalogState {
 public:
  // Null when absent.
  EntryPtr Find(std::string_view database, std::string_view name) const;
  // In order of names, buckets among them.
  std::vector<EntryPtr> InDatabase(std::string_view database) const;
  const std::map<std::string, EntryPtr, std::less<>>& entries() const { return entries_; }
  std::shared_ptr<const CatalogState> With(const CatalogChanges& changes) const;

 private:
  friend class Catalog;
  std::map<std::string, EntryPtr, std::less<>> entries_;  // by EntryName
};
using CatalogPtr = std::shared_ptr<const CatalogState>;

// The name of an entry in a state and behind the prefix of its key.
std::string EntryName(std::string_view database, std::string_view name);
std::string EntryKey(std::string_view entry_name);

class Catalog {  // [any] once loaded
 public:
  // Reads the catalog, or writes the format mark of a new store. kCorruption when damaged or of a
  // format that this version does not know. [control]
  Status Load(StorageEngine& storage);

  std::shared_mutex& gate() { return gate_; }
  // The gate's shared side; where waiting is forbidden, not held when a change has the gate.
  std::shared_lock<std::shared_mutex> Share(Waiting waiting) {
    if (waiting == Waiting::kAllowed) return std::shared_lock(gate_);
    return std::shared_lock(gate_, std::try_to_lock);
  }
  CatalogPtr current() const { return current_; }  // REQUIRES: gate() held
  void Install(const CatalogChanges& changes) {
    current_ = current_->With(changes);
  }  // exclusively

 private:
  std::shared_mutex gate_;
  CatalogPtr current_ = std::make_shared<CatalogState>();
};

// What a version has to know to keep a store whole; each knows those before it too.
enum class StoreFormat : size_t {
  kFirst,
  kWildcards,   // not to take `$**` for the name of a field, and leave entries out
  kEntryTypes,  // that an entry's value may begin with types: index/entry_types.h
};
// Marks the store, within `transaction`, as one of this format unless it is of a later one:
// versions that do not know it refuse the store from then on.
Status RaiseFormat(Transaction& transaction, StoreFormat format);

// A collection id that was never used, taken within `transaction`.
Result<uint32_t> TakeCollectionId(Transaction& transaction);

}  // namespace nexadb::database
