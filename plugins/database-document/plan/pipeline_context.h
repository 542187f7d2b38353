// DatabaseContext: what a pipeline gets from this database: other collections, the stages that
// only the database knows (database_stages.h), and the query's limits. Lives as long as the
// pipeline; the QueryContext outlives both.
#pragma once
#include <string>

#include "plugins/database-document/session/query_context.h"
#include "plugins/database-document/stage/pipeline.h"

namespace nexadb::database {

class DatabaseContext final : public query::PipelineContext {
 public:
  // `collection` is the one aggregated, or empty; `depth` how many views lead to the pipeline,
  // those that its stages read through included: views may name each other in a circle.
  DatabaseContext(QueryContext& context, std::string_view collection, int depth = 0)
      : context_(context), collection_(collection), depth_(depth) {}

  Result<query::SourcePtr> OpenCollection(std::string_view collection,
                                          bson::Document filter) override;
  Result<query::SourcePtr> OpenDatabaseStage(bson::Document stage, query::SourcePtr input) override;
  Status ParseDatabaseStage(bson::Document stage, bool first, bool last) override;
  Status CheckInterrupt() override { return context_.CheckInterrupt(); }
  size_t MemoryBytesMax() const override { return context_.session().memory_bytes(); }
  Result<std::unique_ptr<query::SpillFile>> OpenSpillFile() override;

 private:
  QueryContext& context_;
  std::string collection_;
  const int depth_;
};

}  // namespace nexadb::database
