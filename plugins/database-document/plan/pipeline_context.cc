#include "plugins/database-document/plan/pipeline_context.h"

#include "plugins/database-document/plan/database_stages.h"
#include "plugins/database-document/plan/namespace_source.h"
#include "plugins/database-document/plan/spill_file.h"

namespace nexadb::database {

Result<query::SourcePtr> DatabaseContext::OpenCollection(std::string_view collection,
                                                         bson::Document filter) {
  return OpenNamespace(context_, collection, filter, {}, depth_);
}

Result<query::SourcePtr> DatabaseContext::OpenDatabaseStage(bson::Document stage,
                                                            query::SourcePtr input) {
  return database::OpenDatabaseStage(context_, collection_, stage, std::move(input));
}

Status DatabaseContext::ParseDatabaseStage(bson::Document stage, bool first, bool last) {
  return CheckDatabaseStage(context_, stage, first, last);
}

Result<std::unique_ptr<query::SpillFile>> DatabaseContext::OpenSpillFile() {
  if (!context_.disk_use()) return std::unique_ptr<query::SpillFile>();
  return NewSpillFile(context_.session().environment());
}

}  // namespace nexadb::database
