// The store's share of ingest: when sorted rows written into tables become part of it.
//
// The rows need a sequence while they are written, long before it is known what writers do
// meanwhile. So they get one far ahead of all that is given out, and the store jumps to it when
// they are installed: everything written before is older, everything after newer. Writers stand
// still only for that moment, for the flush of what came since the one before it.
//
// At that moment nothing is in a memtable, so that a version is still the store at one sequence,
// and no compaction is under way, whose output might want the place of the new tables.
#include <algorithm>

#include "nexadb/sdk/guard.h"
#include "plugins/storage-lsm/engine/store.h"
#include "plugins/storage-lsm/ingest/placement.h"
#include "plugins/storage-lsm/util/error.h"

namespace nexadb::lsm {
namespace {

// So many sequences are left to writers while an ingest runs: an hour's worth at the least. There
// is room for 64 million ingests before sequences run out.
constexpr Sequence kIngestLead = Sequence{1} << 30;

}  // namespace

Result<Sequence> Store::Ingest(Cursor& rows) {
  MutexLock ingest_lock(*ingest_mutex_);
  LSM_RETURN_IF_ERROR(WritesFailure());
  const uint64_t begin_ns = env_.Clock().MonotonicNs();
  IngestSettings settings;
  settings.table = Settings().table;
  settings.table_bytes_max = options_.table_bytes;
  settings.first = visible_.load(std::memory_order_acquire) + kIngestLead;
  settings.may_go_on = [this] { return DiskHasRoom(); };
  Ingestion run;
  auto tables = IngestJob(env_, versions_, settings).Run(rows);
  if (!tables.ok()) return tables.status();
  run.tables = std::move(*tables);
  run.first = settings.first;
  if (run.tables.empty()) return visible_.load(std::memory_order_acquire);
  run.last = settings.first + run.tables.size() - 1;
  const Status status = sdk::Guard([&] { return InstallIngestion(run); });
  if (!status.ok() && !run.handed_over) {
    for (const TablePointer& table : run.tables) {
      table->obsolete.store(true, std::memory_order_release);
    }
  }
  if (status.ok()) NoteIngestion(run, begin_ns);
  run.tables.clear();
  RemoveObsolete();
  LSM_RETURN_IF_ERROR(status);
  return run.last;
}

Status Store::WritesFailure() {
  if (fatal_.load(std::memory_order_acquire)) {
    MutexLock lock(*mutex_);
    return BackgroundError();
  }
  return queue_->failure();
}

Status Store::InstallIngestion(Ingestion& run) {
  LSM_RETURN_IF_ERROR(FlushMemtable());
  {
    MutexLock lock(*mutex_);
    LSM_RETURN_IF_ERROR(TakeCompactionSlot());
    // A writer may lead and wait for level 0, which only compaction would make smaller.
    ingesting_ = true;
    done_->NotifyAll();
  }
  const Status status = sdk::Guard([&]() -> Status {
    run.placed = View()->version;
    for (const TablePointer& table : run.tables) {
      run.levels.push_back(PlaceNewest(*run.placed, table->info.begin, table->info.end));
    }
    struct Body {
      Store* store;
      Ingestion* run;
    } body{this, &run};
    return queue_->RunExclusive(
        [](void* state) {
          auto& b = *static_cast<Body*>(state);
          return b.store->InstallAlone(*b.run);
        },
        &body);
  });
  MutexLock lock(*mutex_);
  ingesting_ = false;
  LeaveCompactionSlot();
  return status;
}

Status Store::InstallAlone(Ingestion& run) {
  if (queue_->last() >= run.first) {
    return Status::Error(Code::kUnavailable,
                         "ingest: it took so long that writers have used up the sequences left to "
                         "them; nothing was stored, run it again");
  }
  LSM_RETURN_IF_ERROR(WaitFlushed());
  // A log that was torn may hold whole records that were refused: none must stand behind the jump.
  if (!memtable_->empty() || rotate_first_ || wal_->torn()) {
    LSM_RETURN_IF_ERROR(Rotate());
    LSM_RETURN_IF_ERROR(WaitFlushed());
  }
  VersionEdit edit;
  edit.last_sequence = run.last;
  const VersionPointer version = View()->version;
  for (size_t i = 0; i < run.tables.size(); ++i) {
    const TableInfo& info = run.tables[i]->info;
    // Since they were placed, flushes alone have changed the version.
    for (const TablePointer& flushed : version->levels[0]) {
      const auto& known = run.placed->levels[0];
      if (run.levels[i] == 0) break;
      if (std::find(known.begin(), known.end(), flushed) != known.end()) continue;
      if (MayHold(*flushed, info.begin, info.end)) run.levels[i] = 0;
    }
    edit.added.emplace_back(run.levels[i], info);
  }
  run.handed_over = true;
  LSM_RETURN_IF_ERROR(Install(std::move(edit), run.tables, nullptr));
  queue_->SkipTo(run.last);
  Publish(run.last);
  return Status::Ok();
}

Status Store::WaitFlushed() {
  MutexLock lock(*mutex_);
  while (!immutable_.empty()) {
    if (fatal_ || !BackgroundError().ok()) return BackgroundError();
    if (closing_) return Status::Error(Code::kUnavailable, "the store is closing");
    done_->Wait(*mutex_);
  }
  return Status::Ok();
}

void Store::NoteIngestion(const Ingestion& run, uint64_t begin_ns) {
  JobRecord job{.kind = "ingest",
                .output_level = run.levels.back(),
                .duration_ns = env_.Clock().MonotonicNs() - begin_ns};
  for (const TablePointer& table : run.tables) {
    job.bytes_in += table->info.raw_bytes;
    job.bytes_out += table->info.file_bytes;
    job.rows_in += table->info.rows;
  }
  jobs_.Add(job);
  counters_.ingests.fetch_add(1, std::memory_order_relaxed);
  counters_.rows_ingested.fetch_add(job.rows_in, std::memory_order_relaxed);
  counters_.user_bytes_ingested.fetch_add(job.bytes_in, std::memory_order_relaxed);
  counters_.bytes_ingested.fetch_add(job.bytes_out, std::memory_order_relaxed);
}

}  // namespace nexadb::lsm
