#include "plugins/storage-lsm/version/version.h"

#include <algorithm>
#include <set>

#include "plugins/storage-lsm/util/sync.h"

namespace nexadb::lsm {

void ObsoleteTables::Add(uint64_t number) {
  MutexLock lock(*mutex_);
  numbers_.push_back(number);
}

std::vector<uint64_t> ObsoleteTables::Take() {
  MutexLock lock(*mutex_);
  return std::exchange(numbers_, {});
}

uint64_t Version::LevelBytes(int level) const {
  uint64_t bytes = 0;
  for (const TablePointer& table : levels[level]) bytes += table->info.file_bytes;
  return bytes;
}

uint64_t Version::TableCount() const {
  uint64_t count = 0;
  for (const auto& level : levels) count += level.size();
  return count;
}

uint64_t Version::DamagedCount() const {
  uint64_t count = 0;
  for (const auto& level : levels) {
    for (const TablePointer& table : level) count += table->damaged.load() ? 1 : 0;
  }
  return count;
}

size_t Version::FindTable(const std::vector<TablePointer>& tables, std::string_view key) {
  auto at = std::partition_point(tables.begin(), tables.end(), [&](const TablePointer& table) {
    return !BeforeEnd(key, table->info.end);
  });
  return static_cast<size_t>(at - tables.begin());
}

std::vector<TablePointer> Version::Overlapping(int level, std::string_view begin,
                                               std::string_view end) const {
  std::vector<TablePointer> found;
  for (const TablePointer& table : levels[level]) {
    if (RangesOverlap(table->info.begin, table->info.end, begin, end)) found.push_back(table);
  }
  return found;
}

Status Version::Check() const {
  auto bad = [](int level, const TableInfo& info, std::string_view what) {
    return Status::Error(Code::kCorruption, "table " + std::to_string(info.number) + " of level " +
                                                std::to_string(level) + ": " + std::string(what));
  };
  std::set<uint64_t> numbers;
  for (int level = 0; level < kLevels; ++level) {
    const TableInfo* last = nullptr;
    for (const TablePointer& table : levels[level]) {
      const TableInfo& info = table->info;
      if (!numbers.insert(info.number).second) return bad(level, info, "stands in two places");
      if (info.file_bytes < kFooterBytes) return bad(level, info, "is too short to be a table");
      if (info.rows == 0 && info.deletes == 0) return bad(level, info, "holds nothing");
      if (info.sequence_max > kSequenceMax) return bad(level, info, "has an impossible sequence");
      if (RangeEmpty(info.begin, info.end)) return bad(level, info, "its range is empty");
      if (info.sequence_min > info.sequence_max) return bad(level, info, "sequences reversed");
      if (level > 0 && last != nullptr && (last->end.empty() || last->end > info.begin)) {
        return bad(level, info, "overlaps the table before it");
      }
      if (level == 0 && last != nullptr && last->sequence_min <= info.sequence_max) {
        return bad(level, info, "is not older than the table before it");
      }
      last = &info;
    }
  }
  return Status::Ok();
}

}  // namespace nexadb::lsm
