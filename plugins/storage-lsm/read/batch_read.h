// Reads of many keys at once. A get by itself waits for memory half a dozen times: filter, index,
// slot, block, row. Here each table is asked for a run of sorted keys in steps, and what a step
// will touch is asked for while the others are at work, so the waits fall together. [any]
#pragma once
#include "nexadb/storage_engine.h"
#include "plugins/storage-lsm/read/read_view.h"

namespace nexadb::lsm {

// A Lookup for each key at `snapshot`, as Get would find it. What is found before a failure is
// left in `out`.
Status GetMany(const ReadView& view, Span<const BytesView> keys, Sequence snapshot, ReadMode mode,
               Span<Lookup> out);

}  // namespace nexadb::lsm
