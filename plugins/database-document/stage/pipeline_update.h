// Updates written as a pipeline: $set, $addFields, $unset, $project, $replaceRoot, $replaceWith
// over one document. Throws QueryError.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "plugins/database-document/value/parse_options.h"

namespace nexadb::query {

class DocumentTransform;

class PipelineUpdate {
 public:
  PipelineUpdate();
  ~PipelineUpdate();
  std::string Apply(bson::Document doc) const;
  std::vector<std::unique_ptr<DocumentTransform>> steps;
};

std::unique_ptr<PipelineUpdate> ParsePipelineUpdate(bson::Document stages,
                                                    const ParseOptions& options);

}  // namespace nexadb::query
