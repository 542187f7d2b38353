// Whether a pipeline may read every collection that it names, asked before any of it runs: a stage
// that no document reaches is refused all the same, so that an answer never depends on it.
#pragma once
#include "nexadb/bson.h"
#include "plugins/database-document/catalog/catalog.h"
#include "plugins/database-document/session/session.h"

namespace nexadb::database {

// Error forbidden, for $lookup, $graphLookup and $unionWith at any depth, and for what the views
// that they name are read from. `stages` is a pipeline's array; what is malformed in it is left to
// the parser. Targets of $out and $merge are checked where they are parsed.
Status CheckPipelineAccess(const SessionImpl& session, const CatalogState& catalog,
                           std::string_view database, bson::Document stages);

}  // namespace nexadb::database
