// Figures about the store: estimates for the planner, statistics, explain, verify.
#include <algorithm>

#include "nexadb/bson.h"
#include "plugins/storage-lsm/engine/store.h"
#include "plugins/storage-lsm/table/bloom.h"
#include "plugins/storage-lsm/util/error.h"

namespace nexadb::lsm {
namespace {

int64_t Signed(uint64_t v) { return static_cast<int64_t>(v); }

void AddCommits(const CommitStatistics& commits, bson::Builder* out) {
  out->Int64("wal_bytes", Signed(commits.wal_bytes.load()))
      .Int64("wal_syncs", Signed(commits.wal_syncs.load()))
      .Int64("commit_groups", Signed(commits.groups.load()))
      .Int64("commit_batches", Signed(commits.batches.load()))
      .Int64("conflicts", Signed(commits.conflicts.load()))
      .Int64("writes_refused", Signed(commits.refused.load()));
}

void AddWaits(const StoreCounters& counters, bson::Builder* out) {
  out->Int64("stalls", Signed(counters.stalls.load()))
      .Int64("stall_us", Signed(counters.stall_ns.load() / 1000))
      .Int64("delays", Signed(counters.delays.load()))
      .Int64("delay_us", Signed(counters.delay_ns.load() / 1000));
}

void AddCache(const BlockCache& cache, bson::Builder* out) {
  out->Int64("cache_bytes", Signed(cache.bytes()))
      .Int64("cache_capacity_bytes", Signed(cache.capacity_bytes()))
      .Int64("cache_idle_bytes", Signed(cache.idle_bytes()))
      .Int64("cache_hits", Signed(cache.hits()))
      .Int64("cache_misses", Signed(cache.misses()));
}

void AddEncryption(const Vault& vault, const Version& version, bson::Builder* out) {
  uint64_t other = 0;
  for (const auto& level : version.levels) {
    for (const TablePointer& table : level) other += table->info.key_id != vault.current() ? 1 : 0;
  }
  const bool encrypts = vault.current() != kPlainId;
  out->Text("encryption", encrypts ? "aes-256-gcm" : "none");
  if (encrypts) out->Text("encryption_key", KeyIdText(vault.current()));
  out->Int64("tables_under_other_keys", Signed(other));
}

// What users gave, what was written for it, what it takes, how many places a get may look at.
void AddAmplification(const CommitStatistics& commits, const StoreCounters& counters,
                      const ReadView& view, bson::Builder* out) {
  const uint64_t written = commits.wal_bytes.load() + counters.bytes_flushed.load() +
                           counters.bytes_compacted.load() + counters.bytes_ingested.load();
  const uint64_t user = commits.user_bytes.load() + counters.user_bytes_ingested.load();
  uint64_t all_bytes = 0;
  uint64_t deepest_bytes = 0;
  int64_t places = 1 + Signed(view.immutable.size() + view.version->levels[0].size());
  for (int level = 0; level < kLevels; ++level) {
    const uint64_t bytes = view.version->LevelBytes(level);
    all_bytes += bytes;
    if (bytes > 0) deepest_bytes = bytes;
    if (level > 0 && bytes > 0) ++places;
  }
  auto ratio = [](uint64_t a, uint64_t b) {
    return b == 0 ? 0.0 : static_cast<double>(a) / static_cast<double>(b);
  };
  out->Int64("user_bytes", Signed(user))
      .Int64("bytes_written", Signed(written))
      .Double("write_amplification", ratio(written, user))
      .Double("space_amplification", ratio(all_bytes, deepest_bytes))
      .Int64("read_amplification", places);
}

void AddSyncLatency(const LatencyHistogram& latency, bson::Builder* out) {
  bson::Builder buckets;
  int count = 0;
  for (size_t i = 0; i < LatencyHistogram::kBuckets; ++i) {
    if (latency.CountAt(i) == 0) continue;
    buckets.OpenObject(std::to_string(count++))
        .Int64("below_us", Signed(LatencyHistogram::BoundUs(i)))
        .Int64("count", Signed(latency.CountAt(i)))
        .Close();
  }
  const std::string bytes = buckets.Finish();
  out->Int64("wal_sync_us", Signed(latency.total_ns() / 1000))
      .Array("wal_sync_latency", bson::Document(AsBytes(bytes)));
}

void AddJobs(const JobLog& log, bson::Builder* out) {
  bson::Builder jobs;
  int count = 0;
  for (const JobRecord& job : log.List()) {
    jobs.OpenObject(std::to_string(count++))
        .Text("kind", job.kind)
        .Int32("level", job.level)
        .Int32("output_level", job.output_level)
        .Int64("tables_in", Signed(job.tables_in))
        .Int64("bytes_in", Signed(job.bytes_in))
        .Int64("bytes_out", Signed(job.bytes_out))
        .Int64("rows_in", Signed(job.rows_in))
        .Int64("rows_dropped", Signed(job.rows_dropped))
        .Int64("duration_us", Signed(job.duration_ns / 1000))
        .Close();
  }
  const std::string bytes = jobs.Finish();
  out->Array("last_jobs", bson::Document(AsBytes(bytes)));
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
  if (!reader.damage().ok()) return;  // nobody can say
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
  Status error = queue_->failure();
  {
    MutexLock lock(*mutex_);
    if (error.ok()) error = BackgroundError();
  }
  out.Int64("memtable_size", Signed(memtable_bytes))
      .Int64("memtable_keys", Signed(memtable_keys))
      .Int64("immutable_memtables", Signed(view->immutable.size()))
      .Int64("num_sstables", Signed(view->version->TableCount()))
      .Int64("damaged_tables", Signed(view->version->DamagedCount()))
      .Int64("sstable_bytes", Signed(table_bytes))
      .Int64("total_keys", Signed(keys + memtable_keys))
      .Int64("sequence", Signed(visible_.load(std::memory_order_acquire)))
      .Int64("snapshots", Signed(snapshots_.Count()))
      .Int64("changes_retained_bytes", Signed(changes_.bytes()));
  AddCommits(commits, &out);
  out.Int64("flushes", Signed(counters_.flushes.load()))
      .Int64("bytes_flushed", Signed(counters_.bytes_flushed.load()))
      .Int64("compactions", Signed(counters_.compactions.load()))
      .Int64("bytes_compacted", Signed(counters_.bytes_compacted.load()))
      .Int64("compaction_debt_bytes", Signed(CompactionDebt(*view->version, Limits())))
      .Int64("trivial_moves", Signed(counters_.trivial_moves.load()))
      .Int64("blocks_copied", Signed(counters_.blocks_copied.load()))
      .Int64("tables_dropped_whole", Signed(counters_.tables_dropped_whole.load()))
      .Int64("rows_dropped", Signed(counters_.rows_dropped.load()))
      .Int64("ingests", Signed(counters_.ingests.load()))
      .Int64("rows_ingested", Signed(counters_.rows_ingested.load()))
      .Int64("bytes_ingested", Signed(counters_.bytes_ingested.load()));
  AddWaits(counters_, &out);
  out.Double("delay_ns_per_byte", backpressure_.ns_per_byte());
  AddAmplification(commits, counters_, *view, &out);
  AddSyncLatency(commits.sync_latency, &out);
  AddJobs(jobs_, &out);
  AddCache(cache_, &out);
  AddEncryption(vault_, *view->version, &out);
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
      step("table", level, table.info.number,
           hit.status().code() == Code::kWouldBlock ? "a block must be read from the disk"
                                                    : "damaged");
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
