// The member `index` of collMod: hides an index from queries or shows it again, and changes after
// how long documents expire by it. Both are parts of the catalog entry alone: no entry of the index
// is touched, so writers and queries go on, the latter with new plans. `unique` is another matter:
// command/make_unique.h.
#pragma once
#include "plugins/database-document/catalog/entry.h"

namespace nexadb::database {

// Everything in {name or keyPattern, hidden, expireAfterSeconds, unique} that is wrong whatever the
// collection is. 115 for `prepareUnique`.
Status CheckIndexChange(bson::Document change);

// Where in entry.indexes the index is that `name` or `keyPattern` means; 27 when there is none.
Result<size_t> FindIndex(bson::Document change, const CollectionEntry& entry);

// Changes the entry, and appends what was and what is to the reply: hidden_old and hidden_new where
// they differ, expireAfterSeconds_old, expireAfterSeconds_new. 27 when there is no such index.
Status AlterIndex(bson::Document change, CollectionEntry& entry, bson::Builder* reply);

}  // namespace nexadb::database
