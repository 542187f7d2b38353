#include "plugins/storage-lsm/commit/commit_queue.h"

#include <algorithm>

#include "nexadb/sdk/guard.h"
#include "plugins/storage-lsm/read/point_read.h"
#include "plugins/storage-lsm/util/error.h"
#include "plugins/storage-lsm/util/sync.h"

namespace nexadb::lsm {
namespace {

// A group ends here: its first members would wait too long for its last.
constexpr uint64_t kGroupBytesMax = 1u << 20;
constexpr size_t kGroupBatchesMax = 256;
// Buffered (kProcess) log bytes are written once there are so many.
constexpr uint64_t kBufferedBytesMax = 1u << 20;

uint64_t BytesOf(Span<const Mutation> mutations) {
  uint64_t bytes = 0;
  for (const Mutation& m : mutations) bytes += m.key.size() + m.value.size() + 16;
  return bytes;
}

bool OnlyDeletes(Span<const Mutation> mutations) {
  return std::all_of(mutations.begin(), mutations.end(), [](const Mutation& m) {
    return m.op == Mutation::Op::kDelete || m.op == Mutation::Op::kDeleteRange;
  });
}

bool HasAdd(Span<const Mutation> mutations) {
  return std::any_of(mutations.begin(), mutations.end(),
                     [](const Mutation& m) { return m.op == Mutation::Op::kAdd; });
}

Status Poisoned(const Status& cause) {
  return Status::Error(cause.code(),
                       "the log failed, so the store takes no writes until it is "
                       "opened again: " +
                           std::string(cause.message()));
}

std::string Stamped(std::string_view bytes, uint32_t offset, Sequence sequence, uint16_t order) {
  std::string out(bytes);
  auto* hole = reinterpret_cast<uint8_t*>(out.data()) + offset;
  base::StoreBig<uint64_t>(hole, sequence);
  base::StoreBig<uint16_t>(hole + 8, order);
  return out;
}

}  // namespace

CommitQueue::CommitQueue(Env& env, CommitHost& host, Sequence last, uint64_t interval_ns)
    : env_(env), host_(host), mutex_(env.NewMutex()), next_(last + 1), interval_ns_(interval_ns) {}

Status CommitQueue::failure() {
  MutexLock lock(*mutex_);
  return failure_;
}

Result<Sequence> CommitQueue::Commit(const CommitRequest& request) {
  Writer writer;
  writer.request = &request;
  Enqueue(writer);
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

void CommitQueue::WriteBufferedIfIdle() {
  if (!has_buffered_.load(std::memory_order_relaxed)) return;
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

void CommitQueue::Enqueue(Writer& writer, Join join) {
  MutexLock lock(*mutex_);
  if (join == Join::kIfIdle && !queue_.empty()) return;
  queue_.push_back(&writer);
  while (!writer.done && queue_.front() != &writer) {
    if (!writer.wake) {
      if (wake_pool_.empty()) wake_pool_.push_back(env_.NewCondVar());
      writer.wake = std::move(wake_pool_.back());
      wake_pool_.pop_back();
    }
    writer.wake->Wait(*mutex_);
  }
  if (!writer.done) {
    const Group group = TakeGroup();
    const Status failed = failure_;
    lock.Unlock();
    if (failed.ok()) {
      Lead(group);
    } else {
      for (Writer* w : group) w->status = Poisoned(failed);
    }
    lock.Lock();
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<ptrdiff_t>(group.size()));
    for (Writer* w : group) {
      w->done = true;
      if (w != &writer && w->wake) w->wake->NotifyOne();
    }
    if (!queue_.empty() && queue_.front()->wake) queue_.front()->wake->NotifyOne();
  }
  if (writer.wake) wake_pool_.push_back(std::move(writer.wake));
}

CommitQueue::Group CommitQueue::TakeGroup() {
  Group group;
  uint64_t bytes = 0;
  for (Writer* writer : queue_) {
    if (!group.empty() && (writer->exclusive != nullptr || group[0]->exclusive != nullptr)) break;
    if (writer->request != nullptr) bytes += BytesOf(writer->request->mutations);
    if (!group.empty() && (bytes > kGroupBytesMax || group.size() == kGroupBatchesMax)) break;
    group.push_back(writer);
  }
  return group;
}

void CommitQueue::Lead(const Group& group) {
  const Status status = sdk::Guard([&]() -> Status {
    if (group[0]->exclusive != nullptr) {
      group[0]->status = group[0]->exclusive(group[0]->exclusive_state);
      return Status::Ok();
    }
    return LeadBatches(group);
  });
  kept_.clear();
  if (status.ok()) return;
  for (Writer* writer : group) {
    if (writer->status.ok()) writer->status = status;
  }
}

std::string_view CommitQueue::Keep(std::string bytes) {
  kept_.push_back(std::move(bytes));
  return kept_.back();
}

Status CommitQueue::LeadBatches(const Group& group) {
  uint64_t bytes = 0;
  bool overlay_needed = false;
  for (const Writer* writer : group) {
    bytes += BytesOf(writer->request->mutations);
    overlay_needed = overlay_needed || writer->request->validation != nullptr ||
                     HasAdd(writer->request->mutations);
  }
  const Status disk = bytes > 0 ? host_.CheckDisk() : Status::Ok();
  if (bytes > 0) LSM_RETURN_IF_ERROR(host_.MakeRoom(bytes));
  const ReadViewPointer view = host_.View();
  GroupOverlay overlay;
  Durability strictest = Durability::kProcess;
  const Sequence first = next_;
  for (Writer* writer : group) {
    const CommitRequest& request = *writer->request;
    if (!disk.ok() && !OnlyDeletes(request.mutations)) {
      writer->status = disk;
    } else if (request.validation != nullptr) {
      writer->status = Validate(*request.validation, *view, overlay);
    }
    if (writer->status.ok()) {
      writer->status = Resolve(*writer, *view, overlay_needed ? &overlay : nullptr, next_);
    }
    if (!writer->status.ok()) continue;
    next_ += writer->entries.size();
    writer->sequence = next_ - 1;
    strictest = std::max(strictest, request.durability);
  }
  // From here on a failure leaves the log and the memtable apart.
  const Status applied = sdk::Guard([&]() -> Status {
    Sequence sequence = first;
    for (const Writer* writer : group) {
      if (!writer->status.ok() || writer->entries.empty()) continue;
      Encode(*writer, sequence);
      sequence += writer->entries.size();
    }
    LSM_RETURN_IF_ERROR(MakeDurable(strictest));
    sequence = first;
    for (const Writer* writer : group) {
      if (!writer->status.ok()) continue;
      for (const Entry& entry : writer->entries) host_.ActiveMemtable().Add(entry, sequence++);
    }
    host_.Publish(next_ - 1);
    return Status::Ok();
  });
  statistics_.groups.fetch_add(1, std::memory_order_relaxed);
  statistics_.batches.fetch_add(group.size(), std::memory_order_relaxed);
  if (applied.ok()) return applied;
  Poison(applied);
  return applied;
}

Status CommitQueue::Validate(const Validation& validation, const ReadView& view,
                             const GroupOverlay& overlay) {
  auto conflict = [&]() {
    statistics_.conflicts.fetch_add(1, std::memory_order_relaxed);
    return Status::Error(Code::kConflict,
                         "another transaction has written meanwhile what this one depends on: run "
                         "it again");
  };
  for (const Validation::Key& key : validation.keys) {
    if (overlay.Touched(key.key, key.adds_only)) return conflict();
    auto written = WrittenSince(view, key.key, validation.since,
                                key.adds_only ? SumRule::kIgnoreSums : SumRule::kCountSums);
    if (!written.ok()) return written.status();
    if (*written) return conflict();
  }
  for (const Validation::Range& range : validation.ranges) {
    if (overlay.RangeTouched(range.begin, range.end)) return conflict();
    auto written = RangeWrittenSince(view, range.begin, range.end, validation.since);
    if (!written.ok()) return written.status();
    if (*written) return conflict();
  }
  return Status::Ok();
}

Status CommitQueue::ResolveAdd(const Mutation& m, const ReadView& view, const GroupOverlay& overlay,
                               const GroupOverlay& batch, Entry* entry) {
  GroupOverlay::Lookup pending = batch.Find(AsText(m.key));
  if (!pending.decided) pending = overlay.Find(AsText(m.key));
  Buffer stored;
  std::string_view value;
  bool found = pending.value.has_value();
  if (found) value = *pending.value;
  if (!pending.decided) {
    auto got = Get(view, AsText(m.key), kSequenceMax, ReadMode::kBlocking, &stored);
    if (!got.ok()) return got.status();
    found = *got;
    value = stored.text();
  }
  if (found && value.size() != 8) {
    return Invalid("add to a key whose value is not 8 bytes long");
  }
  uint64_t sum = found ? base::LoadLittle<uint64_t>(AsBytes(value).data()) : 0;
  sum += base::LoadLittle<uint64_t>(m.value.data());
  std::string bytes(8, '\0');
  base::StoreLittle(reinterpret_cast<uint8_t*>(bytes.data()), sum);
  *entry = {Kind::kSum, AsText(m.key), Keep(std::move(bytes))};
  return Status::Ok();
}

Status CommitQueue::Resolve(Writer& writer, const ReadView& view, GroupOverlay* overlay,
                            Sequence first) {
  const Span<const Mutation> mutations = writer.request->mutations;
  const Sequence last = first + mutations.size() - 1;
  uint16_t stamp = 0;
  // Adds of one batch build on each other, yet a batch that fails must leave no trace.
  GroupOverlay trial;
  const bool has_add = HasAdd(mutations);
  writer.entries.reserve(mutations.size());
  for (const Mutation& m : mutations) {
    Entry entry{Kind::kPut, AsText(m.key), AsText(m.value)};
    switch (m.op) {
      case Mutation::Op::kPut: break;
      case Mutation::Op::kDelete: entry = {Kind::kDelete, entry.key, {}}; break;
      case Mutation::Op::kDeleteRange: entry.kind = Kind::kDeleteRange; break;
      case Mutation::Op::kAdd:
        LSM_RETURN_IF_ERROR(ResolveAdd(m, view, *overlay, trial, &entry));
        break;
      case Mutation::Op::kPutStampedKey:
        entry.key = Keep(Stamped(entry.key, m.stamp_offset, last, stamp++));
        break;
      case Mutation::Op::kPutStampedValue:
        entry.value = Keep(Stamped(entry.value, m.stamp_offset, last, stamp++));
        break;
    }
    if (has_add) trial.Apply(entry);
    writer.entries.push_back(entry);
  }
  if (overlay == nullptr) return Status::Ok();
  for (const Entry& entry : writer.entries) overlay->Apply(entry);
  return Status::Ok();
}

void CommitQueue::Encode(const Writer& writer, Sequence first) {
  std::string& out = host_.Wal().OpenRecord();
  AppendBatchHeader(out, first, static_cast<uint32_t>(writer.entries.size()));
  for (const Entry& entry : writer.entries) AppendEntry(out, entry);
  host_.Wal().CloseRecord();
}

bool CommitQueue::BufferDue(const LogWriter& wal) {
  const uint64_t now = env_.Clock().MonotonicNs();
  if (!has_buffered_.load(std::memory_order_relaxed)) written_ns_ = now;
  return wal.buffered_bytes() > kBufferedBytesMax || now - written_ns_ >= interval_ns_;
}

Status CommitQueue::MakeDurable(Durability durability) {
  LogWriter& wal = host_.Wal();
  LSM_RETURN_IF_ERROR(wal.failure());
  statistics_.wal_bytes.fetch_add(wal.buffered_bytes(), std::memory_order_relaxed);
  if (durability == Durability::kDisk) {
    if (wal.unsynced_bytes() > 0) statistics_.wal_syncs.fetch_add(1, std::memory_order_relaxed);
    MutexLock lock(host_.WalSyncMutex());
    LSM_RETURN_IF_ERROR(wal.Sync());
  } else if (durability != Durability::kProcess || BufferDue(wal)) {
    LSM_RETURN_IF_ERROR(wal.Write());
  }
  has_buffered_.store(wal.buffered_bytes() > 0, std::memory_order_relaxed);
  return Status::Ok();
}

}  // namespace nexadb::lsm
