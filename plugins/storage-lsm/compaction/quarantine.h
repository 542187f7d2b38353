// Compaction beside damage: a damaged table is never read for compaction and never moved, nor is
// anything moved past it. Pure. [any]
#pragma once
#include <optional>

#include "plugins/storage-lsm/compaction/picker.h"

namespace nexadb::lsm {

bool TouchesDamage(const Compaction& compaction);

// While damage bars the way down, level 0 is kept small by merging the longest run of intact tables
// in it, neighbours in age, into one. Nothing when fewer than the limit are there to merge.
std::optional<Compaction> MergeLevel0(const Version& version, const CompactionLimits& limits);

}  // namespace nexadb::lsm
