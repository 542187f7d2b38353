// How a collection or view is told to callers, by listCollections and by $listClusterCatalog alike.
#pragma once
#include <string_view>

#include "nexadb/bson.h"

namespace nexadb::database {

struct CollectionEntry;

// "collection" or "view".
std::string_view TypeName(const CollectionEntry& entry);
// Appends the members `options`, `info` and, of a collection, `idIndex`.
void AppendDescription(const CollectionEntry& entry, bson::Builder* out);

}  // namespace nexadb::database
