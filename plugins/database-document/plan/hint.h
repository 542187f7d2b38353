// Hints: which index a query should use. Only _id and the natural order lead anywhere yet, but a
// hint that names no index of the collection is a mistake and refused with code 2.
#pragma once
#include "plugins/database-document/catalog/entry.h"

namespace nexadb::database {

// `hint` is a text or an object, or none.
Status CheckHint(const CollectionEntry& entry, const bson::Value& hint);

}  // namespace nexadb::database
