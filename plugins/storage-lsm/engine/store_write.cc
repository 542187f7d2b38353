// The write path's share of the store: room for the next group, rotation of memtable and log.
#include <algorithm>

#include "core/base/coding.h"
#include "plugins/storage-lsm/engine/store.h"
#include "plugins/storage-lsm/format/file_names.h"
#include "plugins/storage-lsm/util/error.h"

namespace nexadb::lsm {
namespace {

// The disk's free space is looked at so often, at most.
constexpr uint64_t kDiskCheckNs = 100'000'000;
// Log space is reserved in steps up to this; a step costs one metadata commit.
constexpr uint64_t kWalReserveBytesMax = 4u << 20;
// With one table of level 0 too many, writers are slowed to 50 MB/s, with n to 1/n of that.
constexpr uint64_t kDelayNsPerByte = 20;
constexpr uint64_t kDelayNsMax = 50'000'000;

}  // namespace

Result<std::unique_ptr<LogWriter>> Store::NewWal(uint64_t number, uint64_t previous_number,
                                                 uint64_t previous_end) {
  LogHeader header;
  header.type = LogType::kWal;
  header.number = number;
  header.previous_number = previous_number;
  header.previous_end = previous_end;
  header.store_id = versions_.store_id();
  uint8_t generation[8];
  env_.Random().Fill({generation, sizeof(generation)});
  header.generation = base::LoadLittle<uint64_t>(generation);
  const std::string path = JoinPath(directory_, WalName(number));
  auto log = LogWriter::Create(env_.Files(), path, header,
                               std::min(options_.MemtableBytes(), kWalReserveBytesMax));
  Status status = log.ok() ? env_.Files().SyncDirectory(directory_) : log.status();
  if (status.ok()) return log;
  // A log that never held a record may go; one that cannot be removed is empty, which recovery
  // knows to pass over.
  static_cast<void>(env_.Files().Remove(path));
  return status;
}

bool Store::MemtableFull() const {
  return memtable_->bytes() >= options_.MemtableBytes() ||
         memtable_->tombstone_count() >= kMemtableTombstonesMax;
}

void Store::PublishView() {
  auto view = std::make_shared<ReadView>();
  view->memtable = memtable_;
  view->immutable = immutable_;
  view->version = version_;
  view_ = std::move(view);
  view_slots_.Set(view_);
}

void Store::Publish(Sequence sequence) {
  visible_.store(sequence, std::memory_order_release);
  ChargeMemtable();
}

void Store::ChargeMemtable() {
  const size_t bytes = memtable_->bytes();
  if (bytes == memtable_charged_) return;
  cache_.Charge(static_cast<int64_t>(bytes - memtable_charged_));
  memtable_charged_ = bytes;
}

// The old log is complete and durable before the new one exists, so that recovery may take every
// log but the last at its word.
Status Store::Rotate() {
  {
    MutexLock lock(*wal_sync_mutex_);
    LSM_RETURN_IF_ERROR(wal_->Sync());
  }
  // A new log that fails half-made may come back after a power cut, naming the end that this one
  // has now: recovery would take it at its word, so this one must not grow any more.
  rotate_first_ = true;
  const uint64_t number = versions_.NewNumber();
  auto next = NewWal(number, wal_->header().number, wal_->end());
  if (!next.ok()) return next.status();
  ChargeMemtable();
  MutexLock lock(*mutex_);
  wal_ = std::move(*next);
  rotate_first_ = false;
  memtable_charged_ = 0;
  immutable_.insert(immutable_.begin(), memtable_);
  memtable_ = Ref<Memtable>(new Memtable(number));
  PublishView();
  work_->NotifyAll();
  return Status::Ok();
}

void Store::Slow(uint64_t bytes, size_t level0_tables) {
  if (level0_tables < options_.level0_slow) return;
  const uint64_t excess = level0_tables - options_.level0_slow + 1;
  const uint64_t ns = std::min(bytes * kDelayNsPerByte * excess, kDelayNsMax);
  counters_.delays.fetch_add(1, std::memory_order_relaxed);
  counters_.delay_ns.fetch_add(ns, std::memory_order_relaxed);
  env_.SleepNs(ns);
}

Status Store::MakeRoom(uint64_t bytes) {
  size_t level0_tables = 0;
  {
    MutexLock lock(*mutex_);
    uint64_t waiting_since = 0;
    while (immutable_.size() >= kImmutableMemtablesMax ||
           view_->version->levels[0].size() >= options_.level0_stop) {
      if (!MemtableFull()) break;
      if (!BackgroundError().ok()) {
        return Status::Error(BackgroundError().code(),
                             "no room for more writes, since flush or compaction fails: " +
                                 std::string(BackgroundError().message()));
      }
      if (closing_) return Status::Error(Code::kUnavailable, "the store is closing");
      if (waiting_since == 0) {
        counters_.stalls.fetch_add(1, std::memory_order_relaxed);
        waiting_since = env_.Clock().MonotonicNs();
      }
      done_->Wait(*mutex_);
    }
    if (fatal_) return BackgroundError();
    if (waiting_since != 0) {
      counters_.stall_ns.fetch_add(env_.Clock().MonotonicNs() - waiting_since,
                                   std::memory_order_relaxed);
    }
    level0_tables = view_->version->levels[0].size();
  }
  Slow(bytes, level0_tables);
  return MemtableFull() || rotate_first_ ? Rotate() : Status::Ok();
}

Status Store::CheckDisk() {
  if (options_.disk_reserve_bytes == 0) return Status::Ok();
  const uint64_t now = env_.Clock().MonotonicNs();
  if (disk_checked_ns_ != 0 && now - disk_checked_ns_ < kDiskCheckNs) return disk_status_;
  disk_checked_ns_ = std::max<uint64_t>(now, 1);
  auto free = env_.Files().FreeBytes(directory_);
  if (!free.ok()) return disk_status_ = free.status();
  disk_status_ = Status::Ok();
  if (*free < options_.disk_reserve_bytes) {
    disk_status_ = Status::Error(
        Code::kResourceExhausted,
        directory_ +
            ": less than disk_reserve is free on the disk; only deletes are taken until "
            "there is room");
  }
  return disk_status_;
}

Result<Sequence> Store::Commit(const CommitRequest& request) {
  auto sequence = queue_->Commit(request);
  if (request.durability == Durability::kInterval) {
    interval_writes_.store(true, std::memory_order_release);
  }
  return sequence;
}

Status Store::Flush() {
  CommitRequest request;
  request.durability = Durability::kDisk;
  return queue_->Commit(request).status();
}

}  // namespace nexadb::lsm
