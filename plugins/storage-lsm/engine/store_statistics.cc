// Figures about the store: estimates for the planner, statistics, explain, verify.
#include <algorithm>

#include "nexadb/bson.h"
#include "plugins/storage-lsm/engine/store.h"
#include "plugins/storage-lsm/table/bloom.h"
#include "plugins/storage-lsm/util/error.h"

namespace nexadb::lsm {
namespace {

int64_t Signed(uint64_t v) { return static_cast<int64_t>(v); }

void AddCache(const BlockCache& cache, bson::Builder* out) {
  out->Int64("cache_bytes", Signed(cache.bytes()))
      .Int64("cache_capacity_bytes", Signed(cache.capacity_bytes()))
      .Int64("cache_hits", Signed(cache.hits()))
      .Int64("cache_misses", Signed(cache.misses()));
}

// The part of a table's rows and bytes within [begin, end), from its index alone.
void AddTable(const TableFile& table, std::string_view begin, std::string_view end,
              RangeEstimate* sum) {
  const TableInfo& info = table.info;
  if (info.begin >= begin && !EndLess(end, info.end)) {
    sum->rows += info.rows - std::min(info.rows, info.deletes * 2);
    sum->bytes += info.file_bytes;
    return;
  }
  const TableReader& reader = *table.reader;
  const uint32_t first = reader.FindBlock(begin);
  const uint32_t last = end.empty() ? reader.blocks() : reader.FindBlock(end);
  for (uint32_t block = first; block < reader.blocks() && block <= last; ++block) {
    // The blocks at the edges lie half within, on average.
    const uint64_t share = block == first || block == last ? 2 : 1;
    sum->rows += (reader.RowsOf(block) + share - 1) / share;
    sum->bytes += reader.HandleOf(block).stored / share;
  }
}

}  // namespace

RangeEstimate Store::Estimate(std::string_view begin, std::string_view end) {
  RangeEstimate sum;
  if (RangeEmpty(begin, end)) return sum;
  const ReadViewPointer view = View();
  view->EachMemtable([&](const Memtable& memtable) {
    const uint64_t entries = memtable.entries();
    if (entries == 0) return;
    const uint64_t rows = std::min(memtable.list().Estimate(begin, end), entries);
    sum.rows += rows;
    sum.bytes += memtable.bytes() / entries * rows;
  });
  view->EachTable(begin, end,
                  [&](int, const TableFile& table) { AddTable(table, begin, end, &sum); });
  return sum;
}

std::string Store::StatisticsBson() {
  const ReadViewPointer view = View();
  uint64_t memtable_bytes = 0;
  uint64_t memtable_keys = 0;
  uint64_t keys = 0;
  uint64_t table_bytes = 0;
  view->EachMemtable([&](const Memtable& m) {
    memtable_bytes += m.bytes();
    memtable_keys += m.entries();
  });
  bson::Builder out;
  out.Text("engine", "storage-lsm").Text("data_dir", directory_);
  bson::Builder levels;
  for (int level = 0; level < kLevels; ++level) {
    uint64_t rows = 0;
    for (const TablePointer& table : view->version->levels[level]) {
      rows += table->info.rows;
      keys += table->info.rows - std::min(table->info.rows, table->info.deletes * 2);
    }
    const uint64_t bytes = view->version->LevelBytes(level);
    table_bytes += bytes;
    levels.OpenObject(std::to_string(level))
        .Int32("level", level)
        .Int64("tables", Signed(view->version->levels[level].size()))
        .Int64("bytes", Signed(bytes))
        .Int64("rows", Signed(rows))
        .Double("score", LevelScore(*view->version, Limits(), level))
        .Close();
  }
  const CommitStatistics& commits = queue_->statistics();
  const size_t snapshots = snapshots_.Count();
  Status error = queue_->failure();
  {
    MutexLock lock(*mutex_);
    if (error.ok()) error = BackgroundError();
  }
  out.Int64("memtable_size", Signed(memtable_bytes))
      .Int64("memtable_keys", Signed(memtable_keys))
      .Int64("immutable_memtables", Signed(view->immutable.size()))
      .Int64("num_sstables", Signed(view->version->TableCount()))
      .Int64("sstable_bytes", Signed(table_bytes))
      .Int64("total_keys", Signed(keys + memtable_keys))
      .Int64("sequence", Signed(visible_.load(std::memory_order_acquire)))
      .Int64("snapshots", Signed(snapshots))
      .Int64("wal_bytes", Signed(commits.wal_bytes.load()))
      .Int64("wal_syncs", Signed(commits.wal_syncs.load()))
      .Int64("commit_groups", Signed(commits.groups.load()))
      .Int64("commit_batches", Signed(commits.batches.load()))
      .Int64("conflicts", Signed(commits.conflicts.load()))
      .Int64("flushes", Signed(counters_.flushes.load()))
      .Int64("bytes_flushed", Signed(counters_.bytes_flushed.load()))
      .Int64("compactions", Signed(counters_.compactions.load()))
      .Int64("bytes_compacted", Signed(counters_.bytes_compacted.load()))
      .Int64("compaction_debt_bytes", Signed(CompactionDebt(*view->version, Limits())))
      .Int64("trivial_moves", Signed(counters_.trivial_moves.load()))
      .Int64("tables_dropped_whole", Signed(counters_.tables_dropped_whole.load()))
      .Int64("rows_dropped", Signed(counters_.rows_dropped.load()))
      .Int64("stalls", Signed(counters_.stalls.load()))
      .Int64("stall_us", Signed(counters_.stall_ns.load() / 1000))
      .Int64("delays", Signed(counters_.delays.load()))
      .Int64("delay_us", Signed(counters_.delay_ns.load() / 1000));
  AddCache(cache_, &out);
  if (!error.ok()) out.Text("error", error.message());
  const std::string level_bytes = levels.Finish();
  out.Array("levels", bson::Document(AsBytes(level_bytes)));
  return out.Finish();
}

std::string Store::ExplainBson(std::string_view key) {
  const ReadViewPointer view = View();
  const Sequence snapshot = visible_.load(std::memory_order_acquire);
  const uint64_t hash = BloomHash(key);
  bson::Builder steps;
  int count = 0;
  bool over = false;
  auto step = [&](std::string_view place, int level, uint64_t number, std::string_view result) {
    steps.OpenObject(std::to_string(count++)).Text("place", place);
    if (level >= 0) steps.Int32("level", level).Int64("table", Signed(number));
    steps.Text("result", result).Close();
  };
  auto verdict = [](Kind kind, bool covered) {
    return covered ? "covered by a range delete" : HasValue(kind) ? "value" : "deleted";
  };
  view->EachMemtable([&](const Memtable& m) {
    if (over) return;
    const Sequence cover = m.tombstones().Cover(key, snapshot);
    const SkipList::Node* node = m.list().Seek(key, snapshot);
    const bool found = node != nullptr && node->key() == key;
    over = found || cover != 0;
    step("memtable", -1, 0,
         found        ? verdict(node->kind, cover > node->sequence)
         : cover != 0 ? "covered by a range delete"
                      : "absent");
  });
  view->EachTable(key, Successor(key), [&](int level, const TableFile& table) {
    if (over) return;
    FoundEntry entry;
    auto hit = table.reader->Find(key, hash, snapshot, ReadMode::kMemoryOnly, &entry);
    const Sequence cover = table.reader->tombstones().Cover(key, snapshot);
    if (!hit.ok()) {
      over = true;
      step("table", level, table.info.number, "a block must be read from the disk");
      return;
    }
    over = *hit || cover != 0;
    step("table", level, table.info.number,
         *hit         ? verdict(entry.kind, cover > entry.sequence)
         : cover != 0 ? "covered by a range delete"
                      : "absent (filter or index)");
  });
  const std::string step_bytes = steps.Finish();
  bson::Builder out;
  out.Array("steps", bson::Document(AsBytes(step_bytes)));
  return out.Finish();
}

Status Store::Verify() {
  const ReadViewPointer view = View();
  for (const auto& level : view->version->levels) {
    for (const TablePointer& table : level) LSM_RETURN_IF_ERROR(table->reader->Verify());
  }
  return view->version->Check();
}

}  // namespace nexadb::lsm
