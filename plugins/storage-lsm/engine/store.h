// Store: one open directory. Ties log, memtables, tables, background work and recovery together;
// engine.h puts the boundary's interface in front of it.
//
// Locks, outermost first: backup_mutex_, ingest_mutex_, the commit queue's leadership,
// manifest_mutex_, wal_sync_mutex_, mutex_. Reads take none of them: the view comes from
// view_slots_. The write path lives in store_write.cc, flush and compaction in store_background.cc,
// opening in store_open.cc, figures in store_statistics.cc, backups in store_backup.cc, ingest in
// store_ingest.cc.
#pragma once
#include <array>
#include <atomic>
#include <memory>
#include <string>

#include "nexadb/env.h"
#include "nexadb/log.h"
#include "plugins/storage-lsm/changes/change_feed.h"
#include "plugins/storage-lsm/commit/commit_queue.h"
#include "plugins/storage-lsm/compaction/merge_job.h"
#include "plugins/storage-lsm/compaction/picker.h"
#include "plugins/storage-lsm/engine/backpressure.h"
#include "plugins/storage-lsm/engine/job_log.h"
#include "plugins/storage-lsm/engine/options.h"
#include "plugins/storage-lsm/ingest/ingest_job.h"
#include "plugins/storage-lsm/read/read_view.h"
#include "plugins/storage-lsm/read/snapshot_registry.h"
#include "plugins/storage-lsm/read/view_slots.h"
#include "plugins/storage-lsm/util/sync.h"
#include "plugins/storage-lsm/version/version_set.h"

namespace nexadb::lsm {

struct StoreCounters {
  std::atomic<uint64_t> flushes{0};
  std::atomic<uint64_t> compactions{0};
  std::atomic<uint64_t> trivial_moves{0};
  std::atomic<uint64_t> blocks_copied{0};  // by compactions, as they were stored
  std::atomic<uint64_t> tables_dropped_whole{0};
  std::atomic<uint64_t> bytes_flushed{0};
  std::atomic<uint64_t> bytes_compacted{0};
  std::atomic<uint64_t> rows_dropped{0};
  std::atomic<uint64_t> ingests{0};
  std::atomic<uint64_t> rows_ingested{0};
  std::atomic<uint64_t> bytes_ingested{0};       // written into tables
  std::atomic<uint64_t> user_bytes_ingested{0};  // keys and values
  std::atomic<uint64_t> stalls{0};
  std::atomic<uint64_t> stall_ns{0};
  std::atomic<uint64_t> delays{0};
  std::atomic<uint64_t> delay_ns{0};
};

class Store final : private CommitHost {
 public:
  // `log` may be null. The store is recovered and its threads run on return. Failures leave the
  // directory as it was, or as a crash might.
  static Result<std::unique_ptr<Store>> Open(Env& env, Logger* log, std::string directory,
                                             const StoreOptions& options);
  ~Store();  // closes
  // Makes what was acknowledged durable and joins the threads. Once. [control]
  Status Close();

  // [any]
  Result<Sequence> Commit(const CommitRequest& request);
  Status Flush();
  ReadViewPointer View() override { return view_slots_.Get(); }
  const ViewSlots& views() const { return view_slots_; }
  // The newest sequence visible, kept readable until released.
  SnapshotRegistry::Held AcquireSnapshot() { return snapshots_.Acquire(visible_); }
  void ReleaseSnapshot(const SnapshotRegistry::Held& held) { snapshots_.Release(held); }
  RangeEstimate Estimate(std::string_view begin, std::string_view end);
  Durability Resolve(Durability durability) const {
    return durability == Durability::kDefault ? options_.durability : durability;
  }
  // Moves the memtable to a table, and waits until that is done.
  Status FlushMemtable();
  // Rewrites [begin, end) down to the deepest level that has some of it.
  Status Compact(std::string_view begin, std::string_view end);
  // Waits until nothing is left to flush or compact.
  Status WaitIdle();
  std::string StatisticsBson();
  std::string ExplainBson(std::string_view key);
  Status Verify();
  const StoreOptions& options() const { return options_; }

  // As StorageIngest says; rows go over what the store has of their keys. The sequence.
  Result<Sequence> Ingest(Cursor& rows);
  // As StorageChanges says.
  Status ChangesSince(Sequence after, const ChangeSink& sink);
  // Backups, as StorageBackup says.
  Result<BackupInfo> Backup(std::string_view directory, const BackupWatch& watch);
  Status RestoreAtNextOpen(std::string_view backup, const BackupWatch& watch);
  // Runs `body`, which changes backups, with no other such call under way. [any]
  template <class Body>
  auto WithBackups(const Body& body) {
    MutexLock lock(*backup_mutex_);
    return body(env_.Files());
  }

 private:
  Store(Env& env, Logger* log, std::string directory, const StoreOptions& options);

  // Opening.
  Status OpenFiles();
  Status MakeDirectory();
  Status AdoptRestored();
  // kPermissionDenied when a master key is missing that the store in `directory` needs.
  Status CheckKeys(const std::string& directory);
  Status ReplayLogs();
  Status ApplyRecord(BytesView payload, std::string_view path, uint64_t offset);
  Status FlushRecovered();
  Status RemoveOrphans();
  Status RemoveOldLogs();
  // Logs every damaged table; false when there is none.
  bool ReportDamage();
  Status StartThreads();
  Result<std::vector<std::string>> ListDirectory();

  // The commit queue's host.
  Status MakeRoom(uint64_t bytes) override;
  bool MakesWait() override;
  Status CheckDisk(uint64_t bytes) override;
  Memtable& ActiveMemtable() override { return *memtable_; }
  const std::shared_ptr<LogWriter>& Wal() override { return wal_; }
  Mutex& WalSyncMutex() override { return *wal_sync_mutex_; }
  void Applied() override;  // tells the budget what the memtable holds
  void Publish(Sequence sequence) override;

  // Logs whose contents are in tables. Their files serve again, since their blocks are written
  // already: nobody may link to a log or read it late. [any]
  void RetireLog(uint64_t number);
  uint64_t TakeSpareLog();  // 0 for none
  void RemoveSpareLogs();
  void RemoveLog(uint64_t number);

  // Log and memtable. [leader]
  Result<std::unique_ptr<LogWriter>> NewWal(uint64_t number, uint64_t previous_number,
                                            uint64_t previous_end);
  Status Rotate();
  Status RotateUsed() { return memtable_->empty() ? Status::Ok() : Rotate(); }
  Status SealLog();
  bool MemtableFull() const;
  // Waits while no memtable may be added to those that wait for their flush.
  Status WaitForRoom();
  void Slow(uint64_t bytes);
  // What fills up: memtables and level 0. [leader]
  Backpressure::Load MemoryLoad() const;
  Backpressure::Load Level0Load() const;
  // Tells writers and compaction about memtables and level 0. REQUIRES: mutex_ is held.
  void NoteShape();
  // Publishes a view of the current memtables and version. REQUIRES: mutex_ is held.
  void PublishView();

  // Background work.
  void FlushLoop();
  void CompactLoop();
  void TimerLoop();
  // Makes what was promised within the interval durable, beside the writers.
  void SyncPromised();
  // Flushes a memtable that is mostly deletes once writers rest: they would slow every scan down.
  void FlushRestingDeletes();
  Status FlushOldest(const Ref<Memtable>& memtable);
  // Whether there is time for what is not due.
  enum class Rest { kWritersBusy, kWritersRest };
  Result<bool> CompactOnce(Rest rest);
  // What is due and meets no damaged table. Under the compaction slot.
  std::optional<Compaction> PickIntact();
  // Finds and marks the damaged ones among a failed compaction's tables; false for none.
  bool Quarantine(const Compaction& compaction);
  Status RunCompaction(const Compaction& compaction);
  Status MoveTables(const Compaction& compaction);
  Status DropCovered();
  void NoteCompaction(const Compaction& compaction, const MergeOutcome& outcome, uint64_t begin_ns);
  // Makes the edit durable and visible in one step.
  Status Install(VersionEdit edit, std::vector<TablePointer> fresh, const Memtable* flushed);
  std::vector<Sequence> SnapshotList() { return snapshots_.List(visible_); }
  MergeSettings Settings() const;
  CompactionLimits Limits() const;
  void RemoveObsolete();
  // Records how background work ended last. REQUIRES: mutex_ is held.
  enum Work { kFlushWork = 0, kCompactionWork = 1 };
  void SetBackgroundError(Work work, Status status);
  const Status& BackgroundError() const {
    return background_errors_[kFlushWork].ok() ? background_errors_[kCompactionWork]
                                               : background_errors_[kFlushWork];
  }
  void Log(LogLevel level, std::string_view message);
  // Of the one compaction. With mutex_ held. kUnavailable while the store closes.
  Status TakeCompactionSlot();
  void LeaveCompactionSlot();

  // Ingest.
  struct Ingestion {
    std::vector<TablePointer> tables;
    std::vector<int> levels;  // where each of them goes
    VersionPointer placed;    // the version that says so
    Sequence first = 0;
    Sequence last = 0;
    bool handed_over = false;  // to Install, which cares for the files from then on
  };
  Status InstallIngestion(Ingestion& run);
  Status InstallAlone(Ingestion& run);  // [leader], with the compaction slot
  Status WaitFlushed();                 // until no memtable waits for its flush [leader]
  void NoteIngestion(const Ingestion& run, uint64_t begin_ns);
  // What keeps the store from taking writes at all, or Ok. [any]
  Status WritesFailure();
  // kResourceExhausted with less than the reserve free on the disk. [any]
  Status DiskHasRoom();

  Env& env_;
  Logger* const log_;
  const std::string directory_;
  const StoreOptions options_;
  const Vault vault_;
  SnapshotRegistry snapshots_;
  BlockCache cache_;
  VersionSet versions_;
  Handle<FileLock> lock_;
  StoreCounters counters_;
  JobLog jobs_;
  Backpressure backpressure_;
  struct {
    std::atomic<uint32_t> immutable{0};
    std::atomic<uint32_t> level0{0};
  } shape_;
  std::atomic<bool> pause_compaction_{false};
  std::atomic<uint64_t> compaction_free_ns_{0};  // when level 0 was last worked off
  ChangeFeed changes_;

  Handle<Mutex> backup_mutex_;
  Handle<Mutex> ingest_mutex_;  // one at a time: each takes its sequences from where all stand
  Handle<Mutex> manifest_mutex_;
  Handle<Mutex> wal_sync_mutex_;
  Handle<Mutex> mutex_;
  Handle<CondVar> work_;  // something to flush or compact, or closing
  Handle<CondVar> timer_;
  Handle<CondVar> done_;                  // something has been flushed or compacted, or failed
  ReadViewPointer view_;                  // under mutex_
  ViewSlots view_slots_;                  // set under mutex_
  VersionPointer version_;                // under mutex_: versions_.current(), once durable
  std::vector<Ref<Memtable>> immutable_;  // under mutex_, newest first
  std::vector<uint64_t> spare_logs_;      // under mutex_
  std::string compact_after_[kLevels];    // under the compaction slot
  Status background_errors_[2];           // under mutex_
  std::atomic<bool> fatal_{false};        // set under mutex_: the manifest is in doubt
  uint32_t idle_waiters_ = 0;             // under mutex_: they want everything tidy
  bool compacting_ = false;               // under mutex_: the slot of the one compaction
  uint32_t slot_waiters_ = 0;             // under mutex_: compaction leaves them the slot
  bool ingesting_ = false;                // under mutex_: an ingest has the slot
  bool flushing_ = false;                 // under mutex_
  bool compact_idle_ = false;             // under mutex_: the last look found nothing to do
  bool closing_ = false;                  // under mutex_
  std::atomic<bool> stop_{false};
  std::atomic<Sequence> visible_{0};
  std::atomic<bool> interval_writes_{false};  // a sync was promised within the interval

  Ref<Memtable> memtable_;          // [leader] replaces it, with mutex_ held
  std::shared_ptr<LogWriter> wal_;  // [leader] replaces it, with mutex_ held; the timer syncs it
  uint64_t memtable_limit_;         // [leader] the size at which memtable_ is full
  size_t memtable_charged_ = 0;     // [leader] the part of memtable_ that the budget knows of
  bool rotate_first_ = false;       // [leader] the log must be followed by another before it grows
  uint64_t disk_checked_ns_ = 0;    // [leader]
  uint64_t disk_unchecked_bytes_ = 0;  // [leader]
  Status disk_status_;                 // [leader]
  Sequence recovered_ = 0;             // while opening
  std::vector<TablePointer> recovered_tables_;
  std::unique_ptr<CommitQueue> queue_;
  std::array<Handle<Thread>, 3> threads_;
  bool closed_ = false;
  uint64_t resting_entries_ = 0;  // [timer] of a memtable that is mostly deletes
  uint64_t resting_since_ns_ = 0;
};

}  // namespace nexadb::lsm
