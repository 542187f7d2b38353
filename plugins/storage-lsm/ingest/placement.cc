#include "plugins/storage-lsm/ingest/placement.h"

#include <algorithm>

#include "plugins/storage-lsm/read/table_source.h"

namespace nexadb::lsm {

bool MayHold(const TableFile& table, std::string_view begin, std::string_view end) {
  if (!RangesOverlap(table.info.begin, table.info.end, begin, end)) return false;
  if (table.damaged.load(std::memory_order_acquire)) return true;
  if (table.reader->tombstones().AnyNewer(begin, end, 0)) return true;
  ReadHow how;
  how.cache = CacheMode::kPassThrough;
  TableSource source(*table.reader, how);
  if (!source.Seek(begin, kSequenceMax).ok()) return true;
  return source.valid() && BeforeEnd(source.key(), end);
}

int PlaceNewest(const Version& version, std::string_view begin, std::string_view end) {
  int deepest = 1;
  for (int level = 1; level < kLevels; ++level) {
    if (!version.levels[level].empty()) deepest = level;
  }
  int place = 0;
  for (int level = 0; level <= deepest; ++level) {
    const std::vector<TablePointer> around = version.Overlapping(level, begin, end);
    if (level > 0 && around.empty()) place = level;
    const bool held = std::any_of(around.begin(), around.end(), [&](const TablePointer& table) {
      return MayHold(*table, begin, end);
    });
    if (held) return place;
  }
  return place > 0 || deepest + 1 == kLevels ? place : deepest + 1;
}

}  // namespace nexadb::lsm
