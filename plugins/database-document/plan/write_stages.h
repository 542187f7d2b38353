// $out and $merge: pipelines that end in a collection. Both write as the session, so access is
// checked for the target, and give no documents.
#pragma once
#include "plugins/database-document/session/query_context.h"
#include "plugins/database-document/stage/pipeline.h"

namespace nexadb::database {

Status CheckOutStage(QueryContext& context, const bson::Value& spec);
Status CheckMergeStage(QueryContext& context, const bson::Value& spec);

// $out writes into a hidden collection that takes the target's place at the end, in one step.
query::SourcePtr OpenOutStage(QueryContext& context, const bson::Value& spec,
                              query::SourcePtr input);
// $merge writes batches of kBatchDocuments; a failure leaves the batches before it.
query::SourcePtr OpenMergeStage(QueryContext& context, const bson::Value& spec,
                                query::SourcePtr input);

}  // namespace nexadb::database
