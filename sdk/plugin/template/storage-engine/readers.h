// What readers get: a cursor over one version of the rows, and lookups in it.
#pragma once
#include <vector>

#include "rows.h"

namespace storage_example {

nexadb::Result<nexadb::Buffer> Find(const Rows& rows, nexadb::BytesView key);

// Its version never changes, so rows stay pinned for as long as the cursor lives. `reads`, when
// not null, is told what the cursor has looked at, gaps included; it outlives the cursor.
nexadb::Result<nexadb::Handle<nexadb::Cursor>> OpenCursor(Version version,
                                                          const nexadb::ScanOptions& options,
                                                          std::vector<KeyRange>* reads);

nexadb::Handle<nexadb::Snapshot> MakeSnapshot(Version version, uint64_t sequence);

}  // namespace storage_example
