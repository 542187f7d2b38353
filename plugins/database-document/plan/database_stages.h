// The pipeline stages that only the database knows: $out, $merge, $collStats, $indexStats.
#pragma once
#include "plugins/database-document/session/query_context.h"
#include "plugins/database-document/stage/pipeline.h"

namespace nexadb::database {

// OK for a well-formed stage of the list above in a place where it may stand; 40324 otherwise.
Status CheckDatabaseStage(QueryContext& context, bson::Document stage, bool first, bool last);

// `collection` is the one aggregated. REQUIRES: CheckDatabaseStage passed.
Result<query::SourcePtr> OpenDatabaseStage(QueryContext& context, std::string_view collection,
                                           bson::Document stage, query::SourcePtr input);

}  // namespace nexadb::database
