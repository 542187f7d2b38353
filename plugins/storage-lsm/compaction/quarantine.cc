#include "plugins/storage-lsm/compaction/quarantine.h"

#include <algorithm>

namespace nexadb::lsm {

bool TouchesDamage(const Compaction& compaction) {
  auto damaged = [](const TablePointer& table) { return table->damaged.load(); };
  return std::any_of(compaction.inputs.begin(), compaction.inputs.end(), damaged) ||
         std::any_of(compaction.overlap.begin(), compaction.overlap.end(), damaged);
}

std::optional<Compaction> MergeLevel0(const Version& version, const CompactionLimits& limits) {
  std::vector<TablePointer> run;
  std::vector<TablePointer> longest;
  for (const TablePointer& table : version.levels[0]) {
    if (table->damaged.load()) {
      run.clear();
      continue;
    }
    run.push_back(table);
    if (run.size() > longest.size()) longest = run;
  }
  if (longest.size() < std::max<size_t>(2, limits.level0_tables)) return std::nullopt;
  Compaction compaction;
  compaction.level = 0;
  compaction.output_level = 0;
  compaction.inputs = std::move(longest);
  return compaction;
}

}  // namespace nexadb::lsm
