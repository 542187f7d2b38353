// $listClusterCatalog: the collections and views of the database, one document each. Only what the
// caller may read is shown.
#pragma once
#include "plugins/database-document/session/query_context.h"
#include "plugins/database-document/stage/pipeline.h"

namespace nexadb::database {

// 14 and 40415 for a bad specification.
Status CheckListCatalog(const bson::Value& spec);
query::SourcePtr OpenListCatalog(QueryContext& context, const bson::Value& spec);

}  // namespace nexadb::database
