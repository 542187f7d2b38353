// Hints: which index a query should use, by its name, by its key, or {$natural: 1} for none.
#pragma once
#include "plugins/database-document/catalog/entry.h"

namespace nexadb::database {

struct Hint {
  enum class Kind { kNone, kCollection, kIndex };
  Kind kind = Kind::kNone;
  const IndexEntry* index = nullptr;  // kIndex: of the entry that was asked
};

// `hint` is a text or an object, or none. 2 when it names no index of the collection, or a hidden
// one.
Result<Hint> ResolveHint(const CollectionEntry& entry, const bson::Value& hint);
inline Status CheckHint(const CollectionEntry& entry, const bson::Value& hint) {
  return ResolveHint(entry, hint).status();
}

}  // namespace nexadb::database
