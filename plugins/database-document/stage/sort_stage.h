// Sorting as a source, for find and for $sort.
#pragma once
#include "plugins/database-document/project/sort.h"
#include "plugins/database-document/stage/pipeline.h"

namespace nexadb::query {

// The input's documents in order, at most `limit` of them (0: all). The pattern and the context
// outlive the source.
SourcePtr OpenSort(SourcePtr input, const SortPattern& pattern, uint64_t limit,
                   PipelineContext& context);

}  // namespace nexadb::query
