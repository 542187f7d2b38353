// Which collections a pipeline names, and whether it may read every one of them, asked before any
// of it runs: a stage that no document reaches is refused all the same, so that an answer never
// depends on it.
#pragma once
#include <string_view>
#include <vector>

#include "nexadb/bson.h"
#include "plugins/database-document/catalog/catalog.h"
#include "plugins/database-document/session/session.h"

namespace nexadb::database {

// Of $lookup, $graphLookup and $unionWith at any depth. `stages` is a pipeline's array; what is
// malformed in it is left to the parser. Borrowed from it.
std::vector<std::string_view> NamedCollections(bson::Document stages);
// What a view is read from, and what its pipeline names. Borrowed from the entry.
std::vector<std::string_view> CollectionsOfView(const CollectionEntry& view);

// Error forbidden, for what the pipeline names, and for what the views among that are read from.
// Targets of $out and $merge are checked where they are parsed.
Status CheckPipelineAccess(const SessionImpl& session, const CatalogState& catalog,
                           std::string_view database, bson::Document stages);

}  // namespace nexadb::database
