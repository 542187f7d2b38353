#include "plugins/storage-lsm/compaction/picker.h"

#include <algorithm>

namespace nexadb::lsm {
namespace {

// A table with more deletes than this share of its rows is rewritten when nothing else is due.
constexpr uint64_t kDeleteShare = 2;

uint64_t LevelLimit(const CompactionLimits& limits, int level) {
  uint64_t bytes = limits.level1_bytes;
  for (int i = 1; i < level; ++i) bytes *= limits.growth;
  return bytes;
}

struct Bounds {
  std::string_view begin;
  std::string_view end;
};
Bounds BoundsOf(const std::vector<TablePointer>& tables) {
  Bounds bounds{tables[0]->info.begin, tables[0]->info.end};
  for (const TablePointer& table : tables) {
    bounds.begin = std::min<std::string_view>(bounds.begin, table->info.begin);
    bounds.end = LaterEnd(bounds.end, table->info.end);
  }
  return bounds;
}

bool AnyOverlap(const std::vector<TablePointer>& tables) {
  std::vector<const TableInfo*> sorted;
  for (const TablePointer& table : tables) sorted.push_back(&table->info);
  std::sort(sorted.begin(), sorted.end(),
            [](const TableInfo* a, const TableInfo* b) { return a->begin < b->begin; });
  for (size_t i = 1; i < sorted.size(); ++i) {
    if (BeforeEnd(sorted[i]->begin, sorted[i - 1]->end)) return true;
  }
  return false;
}

bool NothingBelow(const Version& version, int level, const TableInfo& info) {
  for (int below = level + 1; below < kLevels; ++below) {
    if (!version.Overlapping(below, info.begin, info.end).empty()) return false;
  }
  return true;
}

// Completes a compaction of `inputs` into the next level.
Compaction Complete(const Version& version, int level, std::vector<TablePointer> inputs) {
  Compaction compaction;
  compaction.level = level;
  compaction.output_level = level + 1;
  compaction.inputs = std::move(inputs);
  const Bounds bounds = BoundsOf(compaction.inputs);
  compaction.overlap = version.Overlapping(level + 1, bounds.begin, bounds.end);
  // Deletes that reach the bottom are dropped rather than moved.
  const bool sheds = std::any_of(
      compaction.inputs.begin(), compaction.inputs.end(), [&](const TablePointer& table) {
        return table->info.deletes > 0 && NothingBelow(version, level + 1, table->info);
      });
  compaction.move = !sheds && compaction.overlap.empty() && !AnyOverlap(compaction.inputs);
  return compaction;
}

// One table written anew where it stands.
Compaction InPlace(int level, const TablePointer& table) {
  Compaction compaction;
  compaction.level = level;
  compaction.output_level = level;
  compaction.inputs = {table};
  return compaction;
}

bool MostlyDeletes(const TableInfo& info) {
  return info.deletes > 0 && info.deletes * kDeleteShare >= info.rows;
}

// Deletes make every scan that crosses them pay until they meet what they delete. Tables that are
// mostly deletes go down though their level is not due; at the bottom, once everybody sees them,
// they are rewritten where they stand and the deletes are gone.
std::optional<Compaction> PickDeletes(const Version& version, Sequence oldest) {
  for (const TablePointer& table : version.levels[0]) {
    if (MostlyDeletes(table->info)) return Complete(version, 0, version.levels[0]);
  }
  for (int level = 1; level < kLevels - 1; ++level) {
    for (const TablePointer& table : version.levels[level]) {
      if (MostlyDeletes(table->info) && !NothingBelow(version, level, table->info)) {
        return Complete(version, level, {table});
      }
    }
  }
  for (int level = kLevels - 1; level >= 1; --level) {
    for (const TablePointer& table : version.levels[level]) {
      const TableInfo& info = table->info;
      if (!MostlyDeletes(info) || info.sequence_max > oldest || !NothingBelow(version, level, info))
        continue;
      return InPlace(level, table);
    }
  }
  return std::nullopt;
}

}  // namespace

double LevelScore(const Version& version, const CompactionLimits& limits, int level) {
  if (level == 0) {
    return static_cast<double>(version.levels[0].size()) / limits.level0_tables;
  }
  if (level == kLevels - 1) return 0;
  return static_cast<double>(version.LevelBytes(level)) /
         static_cast<double>(LevelLimit(limits, level));
}

uint64_t CompactionDebt(const Version& version, const CompactionLimits& limits) {
  uint64_t debt = version.levels[0].size() > limits.level0_tables ? version.LevelBytes(0) : 0;
  for (int level = 1; level < kLevels - 1; ++level) {
    const uint64_t bytes = version.LevelBytes(level);
    const uint64_t limit = LevelLimit(limits, level);
    debt += bytes > limit ? bytes - limit : 0;
  }
  return debt;
}

std::optional<Compaction> PickCompaction(const Version& version, const CompactionLimits& limits,
                                         const std::string (&after)[kLevels], Sequence oldest) {
  int due = -1;
  double highest = 1;
  for (int level = 0; level < kLevels - 1; ++level) {
    const double score = LevelScore(version, limits, level);
    if (score >= highest && (due < 0 || score > highest)) {
      highest = score;
      due = level;
    }
  }
  if (due == 0) return Complete(version, 0, version.levels[0]);
  if (due > 0) {
    const auto& tables = version.levels[due];
    auto next = std::find_if(tables.begin(), tables.end(), [&](const TablePointer& table) {
      return table->info.begin > after[due];
    });
    return Complete(version, due, {next == tables.end() ? tables.front() : *next});
  }
  return PickDeletes(version, oldest);
}

std::optional<Compaction> PickTidying(const Version& version) {
  constexpr uint64_t kCostMax = 8;  // bytes of level 1 rewritten for one of level 0
  if (version.levels[0].empty()) return std::nullopt;
  Compaction compaction = Complete(version, 0, version.levels[0]);
  uint64_t overlap = 0;
  for (const TablePointer& table : compaction.overlap) overlap += table->info.file_bytes;
  if (overlap > version.LevelBytes(0) * kCostMax) return std::nullopt;
  return compaction;
}

std::optional<Compaction> PickRekeying(const Version& version, KeyId current) {
  for (int level = 0; level < kLevels; ++level) {
    for (const TablePointer& table : version.levels[level]) {
      if (table->info.key_id == current || table->damaged.load()) continue;
      return InPlace(level, table);
    }
  }
  return std::nullopt;
}

std::optional<Compaction> CompactRange(const Version& version, int level, std::string_view begin,
                                       std::string_view end) {
  std::vector<TablePointer> inputs =
      level == 0 ? version.levels[0] : version.Overlapping(level, begin, end);
  if (inputs.empty() || version.Overlapping(level, begin, end).empty()) return std::nullopt;
  return Complete(version, level, std::move(inputs));
}

std::vector<std::pair<int, TablePointer>> CoveredTables(const Version& version, Sequence oldest) {
  std::vector<std::pair<int, TablePointer>> covered;
  auto cover = [&](int level, const RangeTombstones::Fragment& fragment) {
    const auto newest_seen = std::find_if(fragment.sequences.begin(), fragment.sequences.end(),
                                          [&](Sequence sequence) { return sequence <= oldest; });
    if (newest_seen == fragment.sequences.end()) return;
    for (int below = level + 1; below < kLevels; ++below) {
      for (const TablePointer& table : version.Overlapping(below, fragment.begin, fragment.end)) {
        const TableInfo& info = table->info;
        if (info.begin < fragment.begin || EndLess(fragment.end, info.end)) continue;
        if (info.sequence_max < *newest_seen) covered.emplace_back(below, table);
      }
    }
  };
  for (int level = 0; level < kLevels - 1; ++level) {
    for (const TablePointer& table : version.levels[level]) {
      for (const auto& fragment : table->reader->tombstones().fragments()) cover(level, *fragment);
    }
  }
  auto by_number = [](const auto& a, const auto& b) {
    return a.second->info.number < b.second->info.number;
  };
  std::sort(covered.begin(), covered.end(), by_number);
  covered.erase(std::unique(covered.begin(), covered.end(),
                            [](const auto& a, const auto& b) { return a.second == b.second; }),
                covered.end());
  return covered;
}

}  // namespace nexadb::lsm
