// The write path's share of the store: room for the next group, rotation of memtable and log.
#include <algorithm>

#include "core/base/coding.h"
#include "plugins/storage-lsm/engine/store.h"
#include "plugins/storage-lsm/format/file_names.h"
#include "plugins/storage-lsm/util/error.h"

namespace nexadb::lsm {
namespace {

// The disk's free space is looked at so often, at most, and after so many bytes, a small part of
// any reserve worth having.
constexpr uint64_t kDiskCheckNs = 100'000'000;
constexpr uint64_t kDiskCheckBytes = 16u << 10;
// Log space is reserved in steps up to this; a step costs one metadata commit.
constexpr uint64_t kWalReserveBytesMax = 4u << 20;
// Memory in memtables that writers do not feel: half of what the full memtables allowed to wait
// and the one being written may hold.
constexpr double kMemtablesSoft = (kImmutableMemtablesMax + 1) / 2.0;

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
  const uint64_t step = std::min(options_.MemtableBytes(), kWalReserveBytesMax);
  const bool written =
      options_.durability == Durability::kOs || options_.durability == Durability::kInterval;
  const LogUse use = written ? LogUse::kWritten : LogUse::kSynced;
  // A log that is written through memory begins with fresh pages: old ones might have to be read,
  // and a page that cannot be read ends the process.
  const uint64_t spare = written ? 0 : TakeSpareLog();
  auto log = spare != 0 ? LogWriter::Recycle(env_.Files(), JoinPath(directory_, WalName(spare)),
                                             path, header, step, &vault_)
                        : LogWriter::Create(env_.Files(), path, header, step, use, &vault_);
  if (spare != 0 && !log.ok()) RemoveLog(spare);
  Status status = log.ok() ? env_.Files().SyncDirectory(directory_) : log.status();
  if (status.ok()) return log;
  // A log that never held a record may go; one that cannot be removed is empty, which recovery
  // knows to pass over.
  static_cast<void>(env_.Files().Remove(path));
  return status;
}

void Store::RetireLog(uint64_t number) {
  {
    MutexLock lock(*mutex_);
    if (wal_->use() == LogUse::kSynced && spare_logs_.size() < kSpareLogsMax &&
        idle_waiters_ == 0 && !closing_) {
      spare_logs_.push_back(number);
      return;
    }
  }
  RemoveLog(number);
}

uint64_t Store::TakeSpareLog() {
  MutexLock lock(*mutex_);
  if (spare_logs_.empty()) return 0;
  const uint64_t number = spare_logs_.back();
  spare_logs_.pop_back();
  return number;
}

void Store::RemoveSpareLogs() {
  while (const uint64_t number = TakeSpareLog()) RemoveLog(number);
}

void Store::RemoveLog(uint64_t number) {
  // One that cannot be removed now lies below wal_min: the next open removes it.
  static_cast<void>(env_.Files().Remove(JoinPath(directory_, WalName(number))));
}

bool Store::MemtableFull() const {
  return memtable_->bytes() >= memtable_limit_ ||
         memtable_->tombstone_count() >= kMemtableTombstonesMax;
}

void Store::PublishView() {
  auto view = std::make_shared<ReadView>();
  view->memtable = memtable_;
  view->immutable = immutable_;
  view->version = version_;
  view_ = std::move(view);
  view_slots_.Set(view_);
  NoteShape();
}

void Store::Publish(Sequence sequence) { visible_.store(sequence, std::memory_order_release); }

void Store::Applied() {
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
  Applied();
  MutexLock lock(*mutex_);
  wal_ = std::move(*next);
  rotate_first_ = false;
  memtable_charged_ = 0;
  memtable_limit_ = options_.MemtableBytes();
  immutable_.insert(immutable_.begin(), memtable_);
  memtable_ = Ref<Memtable>(new Memtable(number, memtable_->list().SharedPrefix()));
  PublishView();
  work_->NotifyAll();
  return Status::Ok();
}

void Store::NoteShape() {
  shape_.immutable.store(static_cast<uint32_t>(immutable_.size()), std::memory_order_relaxed);
  shape_.level0.store(static_cast<uint32_t>(version_->levels[0].size()), std::memory_order_relaxed);
  // Compaction rests for a flush as long as level 0 can take what the flush adds to it; not for one
  // that fails, which may need the room that a compaction makes.
  const bool flushing = !immutable_.empty() && background_errors_[kFlushWork].ok() && !closing_;
  pause_compaction_.store(flushing && version_->levels[0].size() < options_.level0_slow,
                          std::memory_order_relaxed);
}

Backpressure::Load Store::MemoryLoad() const {
  const double filled =
      static_cast<double>(memtable_->bytes()) / static_cast<double>(memtable_limit_);
  return {shape_.immutable.load(std::memory_order_relaxed) + filled, kMemtablesSoft,
          kImmutableMemtablesMax + 1.0};
}

Backpressure::Load Store::Level0Load() const {
  return {static_cast<double>(shape_.level0.load(std::memory_order_relaxed)),
          static_cast<double>(options_.level0_slow), static_cast<double>(options_.level0_stop)};
}

void Store::Slow(uint64_t bytes) {
  const uint64_t wait_ns = backpressure_.WaitFor(bytes, MemoryLoad(), Level0Load());
  if (wait_ns == 0) return;
  const uint64_t begin_ns = env_.Clock().MonotonicNs();
  env_.SleepNs(wait_ns);
  const uint64_t slept_ns = env_.Clock().MonotonicNs() - begin_ns;
  backpressure_.Slept(slept_ns);
  counters_.delays.fetch_add(1, std::memory_order_relaxed);
  counters_.delay_ns.fetch_add(slept_ns, std::memory_order_relaxed);
}

Status Store::WaitForRoom() {
  MutexLock lock(*mutex_);
  uint64_t waiting_since = 0;
  while (immutable_.size() >= kImmutableMemtablesMax ||
         (version_->levels[0].size() >= options_.level0_stop && !ingesting_)) {
    if (fatal_ || !BackgroundError().ok()) {
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
  if (waiting_since != 0) {
    counters_.stall_ns.fetch_add(env_.Clock().MonotonicNs() - waiting_since,
                                 std::memory_order_relaxed);
  }
  return Status::Ok();
}

Status Store::MakeRoom(uint64_t bytes) {
  if (fatal_.load(std::memory_order_acquire)) {
    MutexLock lock(*mutex_);
    return BackgroundError();
  }
  Slow(bytes);
  const bool full = MemtableFull();
  if (full) LSM_RETURN_IF_ERROR(WaitForRoom());
  return full || rotate_first_ || wal_->torn() ? Rotate() : Status::Ok();
}

// Any pressure counts: a writer that owes a sleep sooner or later is not to be one that cannot.
bool Store::MakesWait() {
  return fatal_.load(std::memory_order_acquire) || MemtableFull() || rotate_first_ ||
         wal_->torn() || MemoryLoad().Pressure() > 0 || Level0Load().Pressure() > 0;
}

Status Store::CheckDisk(uint64_t bytes) {
  if (options_.disk_reserve_bytes == 0) return Status::Ok();
  disk_unchecked_bytes_ += bytes;
  if (disk_status_.ok() && disk_unchecked_bytes_ < kDiskCheckBytes) return disk_status_;
  const uint64_t now = env_.Clock().MonotonicNs();
  if (disk_checked_ns_ != 0 && now - disk_checked_ns_ < kDiskCheckNs) return disk_status_;
  disk_checked_ns_ = std::max<uint64_t>(now, 1);
  disk_unchecked_bytes_ = 0;
  return disk_status_ = DiskHasRoom();
}

Status Store::DiskHasRoom() {
  if (options_.disk_reserve_bytes == 0) return Status::Ok();
  auto free = env_.Files().FreeBytes(directory_);
  if (!free.ok()) return free.status();
  if (*free >= options_.disk_reserve_bytes) return Status::Ok();
  return Status::Error(Code::kResourceExhausted,
                       directory_ +
                           ": less than disk_reserve is free on the disk; only deletes are taken "
                           "until there is room");
}

Result<Sequence> Store::Commit(const CommitRequest& request) {
  auto sequence = queue_->Commit(request);
  if (request.durability == Durability::kInterval) {
    interval_writes_.store(true, std::memory_order_release);
  }
  return sequence;
}

// An empty batch at the log's end tells recovery that all before it was durable: from then on no
// damage passes for a torn tail.
Status Store::SealLog() {
  LSM_RETURN_IF_ERROR(Flush());
  return queue_->RunExclusive(
      [](void* state) -> Status {
        auto& store = *static_cast<Store*>(state);
        if (store.wal_->empty()) return Status::Ok();
        const uint64_t mark = store.wal_->buffered_bytes();
        AppendBatchHeader(store.wal_->OpenRecord(), store.visible_.load() + 1, 0);
        store.wal_->CloseRecord();
        if (!store.wal_->Reserve().ok()) {  // a full disk: nothing is lost without the seal
          store.wal_->TakeBack(mark);
          return Status::Ok();
        }
        MutexLock lock(*store.wal_sync_mutex_);
        return store.wal_->Sync();
      },
      this);
}

Status Store::Flush() {
  CommitRequest request;
  request.durability = Durability::kDisk;
  return queue_->Commit(request).status();
}

}  // namespace nexadb::lsm
