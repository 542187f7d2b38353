// Sizes and counts of collections, for collStats, dbStats, $collStats and the typed Statistics.
#pragma once
#include "plugins/database-document/session/read_scope.h"

namespace nexadb::database {

struct CollectionSize {
  int64_t count = 0;
  uint64_t bytes = 0;        // of documents with their keys, about
  uint64_t index_bytes = 0;  // of secondary indexes, about
};

// The exact number of documents (keys of a bucket), from the counter.
Result<int64_t> CountDocuments(Reader& reader, uint32_t collection_id);
Result<CollectionSize> SizeOf(Environment& environment, Reader& reader,
                              const CollectionEntry& entry);

}  // namespace nexadb::database
