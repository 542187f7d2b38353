#include "plugins/storage-lsm/commit/commit_queue.h"

#include <algorithm>

#include "nexadb/sdk/guard.h"
#include "plugins/storage-lsm/util/error.h"

namespace nexadb::lsm {
namespace {

// A group ends here: its first members would wait too long for its last.
constexpr uint64_t kGroupBytesMax = 1u << 20;
constexpr size_t kGroupBatchesMax = 256;
// Buffered (kProcess) log bytes are written once there are so many.
constexpr uint64_t kBufferedBytesMax = 1u << 20;
// What an entry adds to its key and value, about.
constexpr uint64_t kEntryBytes = 16;

uint64_t BytesOf(Span<const Mutation> mutations) {
  uint64_t bytes = 0;
  for (const Mutation& m : mutations) bytes += m.key.size() + m.value.size() + kEntryBytes;
  return bytes;
}

bool OnlyDeletes(Span<const Mutation> mutations) {
  return std::all_of(mutations.begin(), mutations.end(), [](const Mutation& m) {
    return m.op == Mutation::Op::kDelete || m.op == Mutation::Op::kDeleteRange;
  });
}

Status Poisoned(const Status& cause) {
  return Status::Error(cause.code(),
                       "the log failed, so the store takes no writes until it is "
                       "opened again: " +
                           std::string(cause.message()));
}

Status WouldWait(std::string_view what) { return Status::Error(Code::kWouldBlock, what); }

Status Refused(const Status& cause) {
  return Status::Error(cause.code(),
                       "no room for the log: the write was refused, the store is unharmed and "
                       "takes writes again once there is space: " +
                           std::string(cause.message()));
}

}  // namespace

CommitQueue::CommitQueue(Env& env, CommitHost& host, Sequence last)
    : env_(env), host_(host), mutex_(env.NewMutex()), next_(last + 1) {}

Status CommitQueue::failure() {
  MutexLock lock(*mutex_);
  return failure_;
}

Result<Sequence> CommitQueue::Commit(const CommitRequest& request) {
  Writer writer;
  writer.request = &request;
  if (request.mode == CommitMode::kMayWait) {
    Enqueue(writer);
  } else if (request.durability == Durability::kDisk) {
    return WouldWait("the commit asks for a sync of the log");
  } else {
    Enqueue(writer, Join::kAtOnce);
    if (writer.state != State::kDone) return WouldWait("a commit that may wait is under way");
  }
  if (!writer.status.ok()) return writer.status;
  return writer.sequence;
}

Status CommitQueue::RunExclusive(Status (*body)(void* state), void* state) {
  Writer writer;
  writer.exclusive = body;
  writer.exclusive_state = state;
  Enqueue(writer);
  return writer.status;
}

void CommitQueue::RunIfIdle(Status (*body)(void* state), void* state) {
  Writer writer;
  writer.exclusive = body;
  writer.exclusive_state = state;
  Enqueue(writer, Join::kIfIdle);
}

void CommitQueue::WriteBuffered() {
  if (!has_buffered_.load(std::memory_order_relaxed)) return;
  write_due_.store(true, std::memory_order_relaxed);
  CommitRequest request;
  request.durability = Durability::kOs;
  Writer writer;
  writer.request = &request;
  Enqueue(writer, Join::kIfIdle);  // a failure poisons the queue, which tells
}

void CommitQueue::Poison(const Status& cause) {
  MutexLock lock(*mutex_);
  if (failure_.ok()) failure_ = cause;
}

void CommitQueue::Sleep(Writer& writer) {
  if (!writer.wake) {
    if (wake_pool_.empty()) wake_pool_.push_back(env_.NewCondVar());
    writer.wake = std::move(wake_pool_.back());
    wake_pool_.pop_back();
  }
  writer.wake->Wait(*mutex_);
}

void CommitQueue::Enqueue(Writer& writer, Join join) {
  MutexLock lock(*mutex_);
  if (join == Join::kIfIdle && !queue_.empty()) return;
  if (join == Join::kAtOnce && !PassesAtOnce()) return;
  queue_.push_back(&writer);
  while (writer.state == State::kQueued && queue_.front() != &writer) Sleep(writer);
  if (writer.state == State::kQueued) LeadAndLand(writer, lock);
  while (writer.state != State::kDone) Sleep(writer);
  if (writer.wake) wake_pool_.push_back(std::move(writer.wake));
}

// Behind writers that never wait a turn comes within microseconds, which a refusal would cost too.
bool CommitQueue::PassesAtOnce() const {
  return flights_.empty() && std::all_of(queue_.begin(), queue_.end(), NeverWaits);
}

bool CommitQueue::NeverWaits(const Writer* writer) {
  return writer->request != nullptr && writer->request->mode == CommitMode::kNeverWaits;
}

std::vector<CommitQueue::Writer*> CommitQueue::TakeGroup() {
  std::vector<Writer*> group;
  if (!group_pool_.empty()) {
    group = std::move(group_pool_.back());
    group_pool_.pop_back();
  }
  uint64_t bytes = 0;
  for (Writer* writer : queue_) {
    if (!group.empty() && (writer->exclusive != nullptr || group[0]->exclusive != nullptr)) break;
    // What others of its group ask for, it might have to wait for.
    if (!group.empty() && (NeverWaits(writer) || NeverWaits(group[0]))) break;
    if (writer->request != nullptr) bytes += BytesOf(writer->request->mutations);
    if (!group.empty() && (bytes > kGroupBytesMax || group.size() == kGroupBatchesMax)) break;
    group.push_back(writer);
  }
  return group;
}

// The woken find the mutex free. A writer may be gone by then; its CondVar is in the pool, where a
// needless wake does no harm.
void CommitQueue::Notify(const Wakes& wakes, MutexLock& lock) {
  if (wakes.empty()) return;
  lock.Unlock();
  for (CondVar* wake : wakes) wake->NotifyOne();
  lock.Lock();
}

void CommitQueue::LeadAndLand(Writer& writer, MutexLock& lock) {
  Flight flight;
  flight.group = TakeGroup();
  while (writer.exclusive != nullptr && !flights_.empty()) Sleep(writer);
  const Status failed = failure_;
  lock.Unlock();
  if (failed.ok()) {
    Lead(flight);
  } else {
    for (Writer* w : flight.group) w->status = Poisoned(failed);
  }
  lock.Lock();
  queue_.erase(queue_.begin(), queue_.begin() + static_cast<ptrdiff_t>(flight.group.size()));
  Wakes wakes;
  if (!queue_.empty() && queue_.front()->wake) wakes.push_back(queue_.front()->wake.get());
  if (!flight.syncs && flights_.empty()) {
    Land(flight, &wakes);
  } else {
    for (Writer* w : flight.group) w->state = State::kFlying;
    flights_.push_back(&flight);
    flying_batches_ += flight.group.size();
    if (gathering_ != nullptr && gathering_->wake && flying_batches_ >= pacer_.expected()) {
      wakes.push_back(gathering_->wake.get());
    }
  }
  Notify(wakes, lock);
  while (!flight.landed) {
    if (syncing_) {
      Sleep(writer);
    } else {
      SyncFlights(writer, lock);
    }
  }
  flight.group.clear();
  group_pool_.push_back(std::move(flight.group));
}

void CommitQueue::Gather(Writer& writer) {
  const uint64_t expected = pacer_.expected();
  if (flying_batches_ >= expected) return;
  if (!writer.wake) writer.wake = env_.NewCondVar();
  gathering_ = &writer;
  const uint64_t end = env_.Clock().MonotonicNs() + pacer_.WaitNs();
  for (uint64_t now = env_.Clock().MonotonicNs(); flying_batches_ < expected && now < end;
       now = env_.Clock().MonotonicNs()) {
    writer.wake->WaitFor(*mutex_, end - now);
  }
  gathering_ = nullptr;
}

void CommitQueue::SyncFlights(Writer& writer, MutexLock& lock) {
  syncing_ = true;
  Gather(writer);
  size_t landing = flights_.size();
  const uint64_t batches = flying_batches_;
  // Where the log has changed under way, the former one was synced before the change.
  std::shared_ptr<LogWriter> wal;
  for (const Flight* flight : flights_) {
    if (flight->syncs) wal = flight->wal;
  }
  lock.Unlock();
  const uint64_t begin_ns = env_.Clock().MonotonicNs();
  Status status;
  {
    MutexLock sync_lock(host_.WalSyncMutex());
    status = wal->SyncWritten();
  }
  const uint64_t sync_ns = env_.Clock().MonotonicNs() - begin_ns;
  statistics_.wal_syncs.fetch_add(1, std::memory_order_relaxed);
  statistics_.sync_latency.Add(sync_ns);
  lock.Lock();
  syncing_ = false;
  pacer_.Note(batches, flying_batches_ - batches + queue_.size(), sync_ns);
  if (!status.ok() && failure_.ok()) failure_ = std::move(status);
  // What asked for no sync waited only for its turn.
  while (landing < flights_.size() && (!flights_[landing]->syncs || !failure_.ok())) ++landing;
  Wakes wakes;
  for (size_t i = 0; i < landing; ++i) {
    flying_batches_ -= flights_[i]->group.size();
    Land(*flights_[i], &wakes);
  }
  flights_.erase(flights_.begin(), flights_.begin() + static_cast<ptrdiff_t>(landing));
  const Writer* next = !flights_.empty() ? flights_.front()->group.front()
                       : !queue_.empty() ? queue_.front()
                                         : nullptr;
  if (next != nullptr && next->wake) wakes.push_back(next->wake.get());
  Notify(wakes, lock);
}

void CommitQueue::Land(Flight& flight, Wakes* wakes) {
  if (failure_.ok()) {
    if (flight.last != 0) host_.Publish(flight.last);
  } else {
    for (Writer* w : flight.group) {
      if (w->status.ok()) w->status = Poisoned(failure_);
    }
  }
  flight.landed = true;
  for (Writer* w : flight.group) {
    w->state = State::kDone;
    if (w->wake) wakes->push_back(w->wake.get());
  }
}

void CommitQueue::Lead(Flight& flight) {
  const Status status = sdk::Guard([&]() -> Status {
    Writer& leader = *flight.group[0];
    if (leader.exclusive != nullptr) {
      leader.status = leader.exclusive(leader.exclusive_state);
      return Status::Ok();
    }
    return LeadBatches(flight);
  });
  if (status.ok()) return;
  flight.syncs = false;
  flight.last = 0;
  for (Writer* writer : flight.group) {
    if (writer->status.ok()) writer->status = status;
  }
}

Status CommitQueue::LeadBatches(Flight& flight) {
  uint64_t bytes = 0;
  bool needs_view = false;
  for (const Writer* writer : flight.group) {
    bytes += BytesOf(writer->request->mutations);
    needs_view = needs_view || BatchResolver::NeedsView(*writer->request);
  }
  if (NeverWaits(flight.group[0]) && host_.MakesWait()) {
    return WouldWait("there is no room for the write yet");
  }
  const Status disk = bytes > 0 ? host_.CheckDisk(bytes) : Status::Ok();
  if (bytes > 0) LSM_RETURN_IF_ERROR(host_.MakeRoom(bytes));
  const ReadViewPointer view = needs_view ? host_.View() : ReadViewPointer();
  resolver_.Begin(view.get());
  const Sequence first = next_;
  const Durability strictest = ResolveGroup(flight, disk);
  flight.wal = host_.Wal();
  LogWriter& wal = *flight.wal;
  const uint64_t mark = wal.buffered_bytes();
  const Status logged = sdk::Guard([&]() -> Status {
    Encode(flight, first);
    return WriteLog(strictest);
  });
  if (!logged.ok() && wal.failure().ok()) {
    wal.TakeBack(mark);
    next_ = first;
    statistics_.refused.fetch_add(1, std::memory_order_relaxed);
    return Refused(logged);
  }
  // From here on a failure leaves the log and the memtable apart.
  const Status applied = logged.ok() ? sdk::Guard([&] { return Apply(first); }) : logged;
  if (!applied.ok()) {
    Poison(applied);
    return applied;
  }
  flight.last = next_ - 1;
  flight.syncs = strictest == Durability::kDisk && wal.unsynced_bytes() > 0;
  statistics_.groups.fetch_add(1, std::memory_order_relaxed);
  statistics_.batches.fetch_add(flight.group.size(), std::memory_order_relaxed);
  statistics_.user_bytes.fetch_add(bytes, std::memory_order_relaxed);
  return applied;
}

Durability CommitQueue::ResolveGroup(Flight& flight, const Status& disk) {
  Durability strictest = Durability::kProcess;
  for (Writer* writer : flight.group) {
    const CommitRequest& request = *writer->request;
    if (!disk.ok() && !OnlyDeletes(request.mutations)) {
      writer->status = disk;
    } else if (request.validation != nullptr) {
      writer->status = resolver_.Validate(*request.validation);
      if (writer->status.code() == Code::kConflict) {
        statistics_.conflicts.fetch_add(1, std::memory_order_relaxed);
      }
    }
    if (writer->status.ok()) {
      writer->status = resolver_.Resolve(request.mutations, next_);
    }
    if (!writer->status.ok()) continue;
    writer->entries = request.mutations.size();
    next_ += writer->entries;
    writer->sequence = next_ - 1;
    strictest = std::max(strictest, request.durability);
  }
  return strictest;
}

void CommitQueue::Encode(const Flight& flight, Sequence first) {
  const Entry* entry = resolver_.entries().data();
  for (const Writer* writer : flight.group) {
    if (writer->entries == 0) continue;
    std::string& out = flight.wal->OpenRecord();
    AppendBatchHeader(out, first, static_cast<uint32_t>(writer->entries));
    for (size_t i = 0; i < writer->entries; ++i) AppendEntry(out, *entry++);
    flight.wal->CloseRecord();
    first += writer->entries;
  }
}

Status CommitQueue::Apply(Sequence first) {
  const std::vector<Entry>& entries = resolver_.entries();
  host_.ActiveMemtable().AddAll({entries.data(), entries.size()}, first);
  host_.Applied();
  return Status::Ok();
}

Status CommitQueue::WriteLog(Durability durability) {
  LogWriter& wal = *host_.Wal();
  LSM_RETURN_IF_ERROR(wal.failure());
  const uint64_t bytes = wal.buffered_bytes();
  if (durability != Durability::kProcess || bytes > kBufferedBytesMax ||
      write_due_.load(std::memory_order_relaxed)) {
    if (durability == Durability::kDisk || wal.use() == LogUse::kWritten) {
      LSM_RETURN_IF_ERROR(wal.Reserve());
    }
    LSM_RETURN_IF_ERROR(wal.Write());
    write_due_.store(false, std::memory_order_relaxed);
    statistics_.wal_bytes.fetch_add(bytes, std::memory_order_relaxed);
  }
  has_buffered_.store(wal.buffered_bytes() > 0, std::memory_order_relaxed);
  return Status::Ok();
}

}  // namespace nexadb::lsm
