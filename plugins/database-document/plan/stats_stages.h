// $collStats and $indexStats: stages that begin a pipeline with what the server knows about the
// collection itself.
#pragma once
#include "plugins/database-document/session/query_context.h"
#include "plugins/database-document/stage/pipeline.h"

namespace nexadb::database {

Status CheckCollStats(const bson::Value& spec);
Status CheckIndexStats(const bson::Value& spec);
Result<query::SourcePtr> OpenCollStats(QueryContext& context, std::string_view collection,
                                       const bson::Value& spec);
Result<query::SourcePtr> OpenIndexStats(QueryContext& context, std::string_view collection);

}  // namespace nexadb::database
