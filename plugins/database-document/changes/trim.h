// Retention: cuts off what change logs hold longer than their collections ask for.
#pragma once
#include "plugins/database-document/session/write_set.h"

namespace nexadb::database {

struct Environment;

// Cuts every log; returns how many records went. A reader behind the cut is told so by its
// position. [worker]
Result<uint64_t> TrimChanges(Environment& environment);

// For a collection that stops or starts recording, within the change of its entry: forgets what was
// recorded, and marks the commit as the place before which nothing is known.
Status RestartChanges(WriteSet& set, uint32_t collection_id);

}  // namespace nexadb::database
