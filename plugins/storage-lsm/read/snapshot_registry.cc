#include "plugins/storage-lsm/read/snapshot_registry.h"

#include <algorithm>

#include "plugins/storage-lsm/util/sync.h"
#include "plugins/storage-lsm/util/thread_slot.h"

namespace nexadb::lsm {

SnapshotRegistry::SnapshotRegistry(Env& env)
    : lines_(std::make_unique<Line[]>(kLines)), mutex_(env.NewMutex()) {}

SnapshotRegistry::Held SnapshotRegistry::Acquire(const std::atomic<Sequence>& visible) {
  Sequence sequence = visible.load(std::memory_order_acquire);
  for (std::atomic<uint64_t>& slot : lines_[ThreadSlot(kLines)].slots) {
    uint64_t empty = 0;
    if (slot.load(std::memory_order_relaxed) != 0 ||
        !slot.compare_exchange_strong(empty, sequence + 1, std::memory_order_seq_cst)) {
      continue;
    }
    while (horizon_.load(std::memory_order_seq_cst) > sequence) {
      sequence = visible.load(std::memory_order_acquire);
      slot.store(sequence + 1, std::memory_order_seq_cst);
    }
    return {sequence, &slot};
  }
  MutexLock lock(*mutex_);
  sequence = visible.load(std::memory_order_acquire);
  overflow_.insert(sequence);
  return {sequence, nullptr};
}

void SnapshotRegistry::Release(const Held& held) {
  if (held.slot != nullptr) {
    held.slot->store(0, std::memory_order_release);
    return;
  }
  MutexLock lock(*mutex_);
  overflow_.erase(overflow_.find(held.sequence));
}

std::vector<Sequence> SnapshotRegistry::List(const std::atomic<Sequence>& visible) {
  std::vector<Sequence> list;
  Sequence newest = 0;
  {
    // Both under the mutex: a sequence that Acquire puts into the set later is no older.
    MutexLock lock(*mutex_);
    newest = visible.load(std::memory_order_acquire);
    list.assign(overflow_.begin(), overflow_.end());
  }
  Sequence horizon = horizon_.load(std::memory_order_seq_cst);
  while (horizon < newest &&
         !horizon_.compare_exchange_weak(horizon, newest, std::memory_order_seq_cst)) {
  }
  for (size_t line = 0; line < kLines; ++line) {
    for (const std::atomic<uint64_t>& slot : lines_[line].slots) {
      const uint64_t held = slot.load(std::memory_order_seq_cst);
      if (held != 0) list.push_back(held - 1);
    }
  }
  // Whatever is newer than the newest visible sequence seen here needs no mention.
  list.push_back(newest);
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
  while (list.back() > newest) list.pop_back();
  return list;
}

size_t SnapshotRegistry::Count() {
  MutexLock lock(*mutex_);
  size_t count = overflow_.size();
  for (size_t line = 0; line < kLines; ++line) {
    for (const std::atomic<uint64_t>& slot : lines_[line].slots) {
      count += slot.load(std::memory_order_relaxed) != 0 ? 1 : 0;
    }
  }
  return count;
}

}  // namespace nexadb::lsm
