// Picks what to compact next. Pure: from a version and the limits to a job. [any]
//
// Level 0 goes down as a whole once it has a few tables; level n once it is larger than its share,
// a table at a time, round-robin through the keys; where nothing is due, tables that are mostly
// deletes go down, to where they meet what they delete, and tables that a range delete covers whole
// are dropped unread.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "plugins/storage-lsm/version/version.h"

namespace nexadb::lsm {

struct CompactionLimits {
  uint32_t level0_tables = 4;          // this many are due for compaction
  uint64_t level1_bytes = 256u << 20;  // level n may hold level1_bytes * growth^(n-1)
  uint64_t growth = 8;
};

struct Compaction {
  int level = 0;
  int output_level = 1;
  std::vector<TablePointer> inputs;   // of `level`
  std::vector<TablePointer> overlap;  // of `output_level`
  bool move = false;                  // the inputs can change level as they are
};

// How urgent a level is: 1 and above is due.
double LevelScore(const Version& version, const CompactionLimits& limits, int level);
// Bytes above what the levels may hold.
uint64_t CompactionDebt(const Version& version, const CompactionLimits& limits);

// `after[level]`: where the last compaction of the level ended. `oldest`: the oldest snapshot.
std::optional<Compaction> PickCompaction(const Version& version, const CompactionLimits& limits,
                                         const std::string (&after)[kLevels], Sequence oldest);

// What is worth doing while nobody writes: level 0, though not due, where merging it costs a few
// times its size at most. Every table there is one more place for reads to look at.
std::optional<Compaction> PickTidying(const Version& version);

// A table under another master key than `current`, to be written anew where it stands; damaged ones
// are left alone.
std::optional<Compaction> PickRekeying(const Version& version, KeyId current);

// All of [begin, end) from `level` into the next. Nothing when the level has none of it.
std::optional<Compaction> CompactRange(const Version& version, int level, std::string_view begin,
                                       std::string_view end);

// Tables of deeper levels that a range tombstone which everybody sees covers whole.
std::vector<std::pair<int, TablePointer>> CoveredTables(const Version& version, Sequence oldest);

}  // namespace nexadb::lsm
