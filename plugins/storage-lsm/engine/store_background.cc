// Flush, compaction and the timer.
//
// A failure of flush or compaction is kept, told to writers once they have no room left, and tried
// again after a pause with new files: the logs still hold everything. A failed manifest is
// different: nobody knows which version is durable, so the store takes no writes any more.
#include <algorithm>

#include "nexadb/sdk/guard.h"
#include "plugins/storage-lsm/compaction/quarantine.h"
#include "plugins/storage-lsm/engine/store.h"
#include "plugins/storage-lsm/format/file_names.h"
#include "plugins/storage-lsm/util/error.h"
#include "plugins/storage-lsm/util/mutant.h"

namespace nexadb::lsm {
namespace {

constexpr uint64_t kRetryNs = 1'000'000'000;
// A memtable with so many deletes, and so long without a write, is flushed if they are most of it.
constexpr uint64_t kRestingDeletesMin = 1000;
constexpr uint64_t kRestingNs = 500'000'000;
// With so many, which are worth a table, it is flushed beside the writers once scans meet them.
constexpr uint64_t kDeletesInTheWayMin = 1 << 15;
// Scans count as meeting them once they have passed this share of what a memtable has.
constexpr uint64_t kPassedShare = 8;
// Looks for a compaction that meets no damaged table, before waiting for the next round.
constexpr int kPicksMax = 64;

}  // namespace

MergeSettings Store::Settings() const {
  MergeSettings settings;
  settings.table.block_bytes = options_.block_bytes;
  settings.table.compression = options_.compression;
  settings.table.store_id = versions_.store_id();
  settings.table.vault = &vault_;
  settings.table_bytes_max = options_.table_bytes;
  settings.stop = &stop_;
  return settings;
}

CompactionLimits Store::Limits() const {
  CompactionLimits limits;
  limits.level0_tables = options_.level0_compact;
  limits.level1_bytes = options_.level1_bytes;
  return limits;
}

void Store::SetBackgroundError(Work work, Status status) {
  Status& error = background_errors_[work];
  if (!status.ok() && error.ok()) Log(LogLevel::kError, status.message());
  error = std::move(status);
  NoteShape();
  done_->NotifyAll();
}

void Store::Log(LogLevel level, std::string_view message) {
  if (log_ != nullptr) log_->Write(level, message, {});
}

Status Store::Install(VersionEdit edit, std::vector<TablePointer> fresh, const Memtable* flushed) {
  MutexLock manifest_lock(*manifest_mutex_);
  if (flushed != nullptr) {
    MutexLock lock(*mutex_);
    // Flushes run oldest first, so what remains lies in the logs of the memtables above.
    edit.wal_min = immutable_.size() > 1 ? immutable_[immutable_.size() - 2]->wal_number()
                                         : memtable_->wal_number();
    if (LSM_MUTANT(kForgetWaitingLogs)) edit.wal_min = memtable_->wal_number();
    edit.last_sequence = std::max(versions_.last_sequence(), flushed->sequence_max());
  }
  std::vector<uint64_t> removed;
  for (const auto& [level, number] : edit.removed) removed.push_back(number);
  const Status status = versions_.Apply(std::move(edit), fresh);
  if (status.code() == Code::kResourceExhausted && !versions_.in_doubt()) {
    // The disk is full and nothing has changed: new tables go, those to be moved stay.
    for (const TablePointer& table : fresh) {
      const bool moved =
          std::find(removed.begin(), removed.end(), table->info.number) != removed.end();
      if (!moved) table->obsolete.store(true, std::memory_order_release);
    }
    return status;
  }
  MutexLock lock(*mutex_);
  if (!status.ok()) {
    fatal_ = true;
    stop_.store(true, std::memory_order_relaxed);
    SetBackgroundError(kFlushWork, status);
    return status;
  }
  if (flushed != nullptr) {
    cache_.Charge(-static_cast<int64_t>(flushed->bytes()));
    immutable_.pop_back();
  }
  version_ = versions_.current();  // still under manifest_mutex_, where it changes
  PublishView();
  work_->NotifyAll();
  done_->NotifyAll();
  return status;
}

Status Store::FlushOldest(const Ref<Memtable>& memtable) {
  MergeInput input;
  input.memtables = {memtable};
  input.snapshots = SnapshotList();
  input.version = View()->version;
  const uint64_t begin_ns = env_.Clock().MonotonicNs();
  auto outcome = RunMerge(env_, versions_, Settings(), input);
  if (!outcome.ok()) return outcome.status();
  const uint64_t took_ns = env_.Clock().MonotonicNs() - begin_ns;
  backpressure_.flush.Note(memtable->bytes(), took_ns);
  jobs_.Add({"flush", 0, 0, 0, memtable->bytes(), outcome->bytes_out, outcome->rows_in,
             outcome->rows_dropped, took_ns});
  VersionEdit edit;
  for (const TablePointer& table : outcome->tables) edit.added.emplace_back(0, table->info);
  counters_.flushes.fetch_add(1, std::memory_order_relaxed);
  counters_.bytes_flushed.fetch_add(outcome->bytes_out, std::memory_order_relaxed);
  const uint64_t wal_number = memtable->wal_number();
  LSM_RETURN_IF_ERROR(Install(std::move(edit), std::move(outcome->tables), memtable.get()));
  for (uint64_t gone : changes_.Retire(wal_number)) RetireLog(gone);
  return Status::Ok();
}

void Store::FlushLoop() {
  MutexLock lock(*mutex_);
  while (!closing_ && !fatal_) {
    if (immutable_.empty()) {
      work_->Wait(*mutex_);
      continue;
    }
    const Ref<Memtable> oldest = immutable_.back();
    flushing_ = true;
    lock.Unlock();
    const Status status = sdk::Guard([&] { return FlushOldest(oldest); });
    lock.Lock();
    flushing_ = false;
    if (closing_ || fatal_) break;
    SetBackgroundError(kFlushWork, status);
    if (!status.ok()) work_->WaitFor(*mutex_, kRetryNs);
  }
  done_->NotifyAll();
}

Status Store::MoveTables(const Compaction& compaction) {
  VersionEdit edit;
  for (const TablePointer& table : compaction.inputs) {
    edit.removed.emplace_back(compaction.level, table->info.number);
    edit.added.emplace_back(compaction.output_level, table->info);
  }
  counters_.trivial_moves.fetch_add(compaction.inputs.size(), std::memory_order_relaxed);
  jobs_.Add({.kind = "move",
             .level = compaction.level,
             .output_level = compaction.output_level,
             .tables_in = compaction.inputs.size()});
  return Install(std::move(edit), compaction.inputs, nullptr);
}

Status Store::RunCompaction(const Compaction& compaction) {
  if (compaction.move) return MoveTables(compaction);
  MergeInput input;
  input.tables = compaction.inputs;
  input.tables.insert(input.tables.end(), compaction.overlap.begin(), compaction.overlap.end());
  input.output_level = compaction.output_level;
  input.snapshots = SnapshotList();
  input.version = View()->version;
  const uint64_t begin_ns = env_.Clock().MonotonicNs();
  MergeSettings settings = Settings();
  settings.pause = &pause_compaction_;
  auto outcome = RunMerge(env_, versions_, settings, input);
  if (!outcome.ok()) return outcome.status();
  NoteCompaction(compaction, *outcome, begin_ns);
  VersionEdit edit;
  for (const TablePointer& table : compaction.inputs) {
    edit.removed.emplace_back(compaction.level, table->info.number);
  }
  for (const TablePointer& table : compaction.overlap) {
    edit.removed.emplace_back(compaction.output_level, table->info.number);
  }
  for (const TablePointer& table : outcome->tables) {
    edit.added.emplace_back(compaction.output_level, table->info);
  }
  counters_.compactions.fetch_add(1, std::memory_order_relaxed);
  counters_.bytes_compacted.fetch_add(outcome->bytes_out, std::memory_order_relaxed);
  counters_.rows_dropped.fetch_add(outcome->rows_dropped, std::memory_order_relaxed);
  counters_.blocks_copied.fetch_add(outcome->blocks_copied, std::memory_order_relaxed);
  return Install(std::move(edit), std::move(outcome->tables), nullptr);
}

void Store::NoteCompaction(const Compaction& compaction, const MergeOutcome& outcome,
                           uint64_t begin_ns) {
  const uint64_t now = env_.Clock().MonotonicNs();
  JobRecord job{.kind = "compaction",
                .level = compaction.level,
                .output_level = compaction.output_level,
                .tables_in = compaction.inputs.size() + compaction.overlap.size(),
                .bytes_out = outcome.bytes_out,
                .rows_in = outcome.rows_in,
                .rows_dropped = outcome.rows_dropped,
                .duration_ns = now - begin_ns};
  uint64_t raw_bytes = 0;
  for (const TablePointer& table : compaction.inputs) {
    job.bytes_in += table->info.file_bytes;
    raw_bytes += table->info.raw_bytes;
  }
  for (const TablePointer& table : compaction.overlap) job.bytes_in += table->info.file_bytes;
  jobs_.Add(job);
  if (compaction.level != 0) return;
  // What level 0 got rid of, against all the time that it took, deeper levels' work included.
  const uint64_t free_ns = compaction_free_ns_.exchange(now, std::memory_order_relaxed);
  backpressure_.compaction.Note(raw_bytes, now - std::min(begin_ns, free_ns));
}

Status Store::DropCovered() {
  const auto covered = CoveredTables(*View()->version, SnapshotList().front());
  if (covered.empty()) return Status::Ok();
  jobs_.Add({.kind = "drop", .tables_in = covered.size()});
  VersionEdit edit;
  for (const auto& [level, table] : covered) edit.removed.emplace_back(level, table->info.number);
  counters_.tables_dropped_whole.fetch_add(covered.size(), std::memory_order_relaxed);
  return Install(std::move(edit), {}, nullptr);
}

std::optional<Compaction> Store::PickIntact() {
  const VersionPointer version = View()->version;
  const Sequence oldest = SnapshotList().front();
  for (int i = 0; i < kPicksMax; ++i) {
    auto compaction = PickCompaction(*version, Limits(), compact_after_, oldest);
    if (!compaction) break;
    if (compaction->level > 0) {
      compact_after_[compaction->level] = compaction->inputs.back()->info.begin;
    }
    if (!TouchesDamage(*compaction)) return compaction;
    if (compaction->level == 0) break;
  }
  return version->DamagedCount() == 0 ? std::nullopt : MergeLevel0(*version, Limits());
}

bool Store::Quarantine(const Compaction& compaction) {
  bool any = false;
  for (const auto* tables : {&compaction.inputs, &compaction.overlap}) {
    for (const TablePointer& table : *tables) {
      const Status status = table->reader->Verify();
      if (status.code() != Code::kCorruption) continue;
      any = true;
      if (table->damaged.exchange(true)) continue;
      Log(LogLevel::kError, std::string(status.message()) +
                                "; compaction leaves the table where it is, and reads of what is "
                                "damaged fail");
    }
  }
  return any;
}

Result<bool> Store::CompactOnce(Rest rest) {
  LSM_RETURN_IF_ERROR(DropCovered());
  auto compaction = PickIntact();
  if (!compaction && rest == Rest::kWritersRest) {
    compaction = PickTidying(*View()->version);
    if (compaction && TouchesDamage(*compaction)) compaction.reset();
  }
  if (!compaction) compaction = PickRekeying(*View()->version, vault_.current());
  if (!compaction) return false;
  const Status status = RunCompaction(*compaction);
  if (status.code() == Code::kCorruption && Quarantine(*compaction)) return true;
  LSM_RETURN_IF_ERROR(status);
  return true;
}

void Store::CompactLoop() {
  MutexLock lock(*mutex_);
  Rest rest = Rest::kWritersBusy;
  while (!closing_ && !fatal_) {
    if (compacting_ || slot_waiters_ > 0) {
      done_->Wait(*mutex_);
      continue;
    }
    compacting_ = true;
    if (idle_waiters_ > 0) rest = Rest::kWritersRest;
    lock.Unlock();
    Result<bool> worked = sdk::Guard([&] { return CompactOnce(rest); });
    RemoveObsolete();
    lock.Lock();
    compacting_ = false;
    done_->NotifyAll();
    if (closing_ || fatal_) break;
    SetBackgroundError(kCompactionWork, worked.status());
    if (!worked.ok()) {
      work_->WaitFor(*mutex_, kRetryNs);
    } else if (!*worked) {
      compact_idle_ = idle_waiters_ == 0 || rest == Rest::kWritersRest;
      done_->NotifyAll();
      // Nothing new for as long as this: writers rest.
      rest = work_->WaitFor(*mutex_, kRetryNs) ? Rest::kWritersBusy : Rest::kWritersRest;
      compact_idle_ = false;
      compaction_free_ns_.store(env_.Clock().MonotonicNs(), std::memory_order_relaxed);
    }
  }
  done_->NotifyAll();
}

void Store::SyncPromised() {
  if (!interval_writes_.exchange(false, std::memory_order_acq_rel)) return;
  std::shared_ptr<LogWriter> wal;
  {
    MutexLock lock(*mutex_);
    wal = wal_;  // what a former log held was synced before this one was made
  }
  MutexLock lock(*wal_sync_mutex_);
  const Status status = wal->SyncWritten();
  if (!status.ok()) queue_->Poison(status);
}

void Store::FlushRestingDeletes() {
  const ReadViewPointer view = View();
  const Memtable& memtable = *view->memtable;
  const uint64_t entries = memtable.entries();
  const uint64_t now = env_.Clock().MonotonicNs();
  const bool mostly_deletes =
      memtable.deletes() >= kRestingDeletesMin && memtable.deletes() * 2 >= entries;
  // Scans are about to pass as many as there are, which costs more than a flush does.
  const bool in_the_way = mostly_deletes && view->immutable.empty() &&
                          memtable.deletes() >= kDeletesInTheWayMin &&
                          memtable.deletes_passed() * kPassedShare >= entries;
  if (!mostly_deletes || (entries != resting_entries_ && !in_the_way)) {
    resting_entries_ = entries;
    resting_since_ns_ = now;
    return;
  }
  if (now - resting_since_ns_ < kRestingNs && !in_the_way) return;
  resting_since_ns_ = now;
  queue_->RunIfIdle([](void* store) { return static_cast<Store*>(store)->RotateUsed(); }, this);
}

void Store::TimerLoop() {
  // A write may come right behind a look, and the sync itself takes time: looking twice as often
  // keeps the promise with half of the interval to spare.
  const uint64_t interval_ns = std::max<uint64_t>(1, options_.interval_ms * 1'000'000 / 2);
  MutexLock lock(*mutex_);
  while (!closing_) {
    timer_->WaitFor(*mutex_, interval_ns);
    if (closing_) break;
    lock.Unlock();
    // What was promised within the interval gets synced; what was only buffered gets written.
    static_cast<void>(sdk::Guard([&]() -> Status {
      SyncPromised();
      queue_->WriteBuffered();
      FlushRestingDeletes();
      RemoveObsolete();
      return Status::Ok();
    }));  // out of memory: the next round does it
    lock.Lock();
  }
}

void Store::RemoveObsolete() {
  for (uint64_t number : versions_.obsolete_tables().Take()) {
    // What cannot be removed now is an orphan that the next open removes.
    static_cast<void>(env_.Files().Remove(JoinPath(directory_, TableName(number))));
  }
}

Status Store::FlushMemtable() {
  LSM_RETURN_IF_ERROR(queue_->RunExclusive(
      [](void* store) { return static_cast<Store*>(store)->RotateUsed(); }, this));
  MutexLock lock(*mutex_);
  // Flushes run oldest first, so what is newer than these need not be waited for.
  const Ref<Memtable> newest = immutable_.empty() ? Ref<Memtable>() : immutable_.front();
  while (std::any_of(immutable_.begin(), immutable_.end(),
                     [&](const Ref<Memtable>& m) { return m.get() == newest.get(); })) {
    if (!BackgroundError().ok()) return BackgroundError();
    if (closing_) return Status::Error(Code::kUnavailable, "the store is closing");
    done_->Wait(*mutex_);
  }
  return Status::Ok();
}

Status Store::Compact(std::string_view begin, std::string_view end) {
  LSM_RETURN_IF_ERROR(FlushMemtable());
  MutexLock lock(*mutex_);
  LSM_RETURN_IF_ERROR(TakeCompactionSlot());
  lock.Unlock();
  const Status status = sdk::Guard([&]() -> Status {
    int deepest = 1;
    for (int level = 1; level < kLevels; ++level) {
      if (!View()->version->Overlapping(level, begin, end).empty()) deepest = level;
    }
    for (int level = 0; level < deepest; ++level) {
      auto compaction = CompactRange(*View()->version, level, begin, end);
      if (compaction) LSM_RETURN_IF_ERROR(RunCompaction(*compaction));
    }
    return Status::Ok();
  });
  RemoveObsolete();
  lock.Lock();
  LeaveCompactionSlot();
  return status;
}

Status Store::TakeCompactionSlot() {
  ++slot_waiters_;
  while (compacting_ && !closing_ && !fatal_) done_->Wait(*mutex_);
  --slot_waiters_;
  if (compacting_) return Status::Error(Code::kUnavailable, "the store is closing");
  compacting_ = true;
  return Status::Ok();
}

void Store::LeaveCompactionSlot() {
  compacting_ = false;
  done_->NotifyAll();
  work_->NotifyAll();
}

Status Store::WaitIdle() {
  MutexLock lock(*mutex_);
  ++idle_waiters_;  // no log is kept for reuse from here on, so that the next one starts small
  lock.Unlock();
  RemoveSpareLogs();
  const Status flushed = FlushMemtable();
  lock.Lock();
  const std::string none[kLevels];
  while (flushed.ok() && BackgroundError().ok() && !closing_ &&
         (compacting_ || flushing_ || !compact_idle_ || !immutable_.empty() ||
          (view_->version->DamagedCount() == 0 &&
           (PickCompaction(*view_->version, Limits(), none, visible_.load()).has_value() ||
            PickTidying(*view_->version).has_value() ||
            PickRekeying(*view_->version, vault_.current()).has_value())))) {
    work_->NotifyAll();
    done_->WaitFor(*mutex_, kRetryNs);
  }
  --idle_waiters_;
  const Status status = flushed.ok() ? BackgroundError() : flushed;
  lock.Unlock();
  RemoveObsolete();
  RemoveSpareLogs();
  return status;
}

Status Store::Close() {
  if (closed_) return Status::Ok();
  closed_ = true;
  const Status flushed = queue_ ? SealLog() : Status::Ok();
  {
    MutexLock lock(*mutex_);
    closing_ = true;
    stop_.store(true, std::memory_order_relaxed);
    work_->NotifyAll();
    done_->NotifyAll();
    timer_->NotifyAll();
  }
  for (Handle<Thread>& thread : threads_) {
    if (thread) thread->Join();
    thread.Reset();
  }
  RemoveObsolete();
  RemoveSpareLogs();
  lock_.Reset();
  return flushed;
}

Store::~Store() { static_cast<void>(Close()); }

}  // namespace nexadb::lsm
