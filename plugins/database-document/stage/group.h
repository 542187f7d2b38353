// Grouping as a source, for $group, $bucket and $bucketAuto.
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "plugins/database-document/stage/accumulator.h"
#include "plugins/database-document/stage/pipeline.h"

namespace nexadb::query {

struct GroupSpec {
  std::function<OwnedValue(bson::Document)> id;
  std::vector<std::unique_ptr<Accumulator>> accumulators;
};

// One document for each distinct id, in the order ids first came. The spec outlives the source.
SourcePtr OpenGroup(SourcePtr input, const GroupSpec& spec, PipelineContext& context);

}  // namespace nexadb::query
