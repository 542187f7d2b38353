// MergeJob: turns memtables or tables into new tables of one level, without what nobody can see any
// more. Used by flush and compaction alike. Changes no shared state: the caller installs the
// outcome. Runs on a background thread; any failure removes the files it has made.
#pragma once
#include <atomic>
#include <vector>

#include "plugins/storage-lsm/read/read_view.h"
#include "plugins/storage-lsm/version/version_set.h"

namespace nexadb::lsm {

struct MergeInput {
  std::vector<Ref<Memtable>> memtables;
  std::vector<TablePointer> tables;
  int output_level = 0;
  // Sequences at which somebody may read, ascending, the newest visible one at its end: any later
  // snapshot lies at or above that.
  std::vector<Sequence> snapshots;
  VersionPointer version;     // says what lies below
  bool keep_deletes = false;  // the version does not tell everything
};

struct MergeOutcome {
  std::vector<TablePointer> tables;
  uint64_t rows_in = 0;
  uint64_t rows_out = 0;
  uint64_t rows_dropped = 0;
  uint64_t bytes_out = 0;
  uint64_t blocks_copied = 0;  // as they were stored
};

struct MergeSettings {
  TableOptions table;
  uint64_t table_bytes_max = 64u << 20;
  const std::atomic<bool>* stop = nullptr;   // kUnavailable once it is set
  const std::atomic<bool>* pause = nullptr;  // a compaction rests while it is set: flushes first
};

Result<MergeOutcome> RunMerge(Env& env, VersionSet& versions, const MergeSettings& settings,
                              const MergeInput& input);

}  // namespace nexadb::lsm
