// Memtable: the newest entries, in memory, in order. Filled by the commit queue's leader alone;
// read by any thread without a lock; flushed to a sorted table once full.
//
// Buffers handed to callers may point into it, so it lives until the last of them is gone.
#pragma once
#include <atomic>
#include <memory>
#include <vector>

#include "plugins/storage-lsm/log/batch_record.h"
#include "plugins/storage-lsm/memtable/skiplist.h"
#include "plugins/storage-lsm/tombstones/range_tombstones.h"
#include "plugins/storage-lsm/util/pinned.h"

namespace nexadb::lsm {

// Each range delete makes a list of its own, since readers may hold any former one, so a memtable
// with so many counts as full: the pointers of 256 lists of up to 512 fragments take 2 MiB.
constexpr size_t kMemtableTombstonesMax = 256;

class Memtable : public Pinned<Memtable> {
 public:
  // `wal_number`: the log that holds this memtable's entries. `prefix`: what most keys begin with.
  explicit Memtable(uint64_t wal_number, std::string prefix = {});

  // [writer] REQUIRES: sequences never fall.
  void Add(const Entry& entry, Sequence sequence);
  // Entry i with the sequence first + i. [writer]
  void AddAll(Span<const Entry> entries, Sequence first);

  // [any]
  const SkipList& list() const { return list_; }
  const RangeTombstones& tombstones() const { return *tombstones_.load(std::memory_order_acquire); }
  size_t bytes() const { return list_.bytes() + tombstone_bytes_.load(std::memory_order_relaxed); }
  uint64_t entries() const { return entries_.load(std::memory_order_relaxed); }
  uint64_t deletes() const { return deletes_.load(std::memory_order_relaxed); }  // of single keys
  // How many deletes of single keys scans had to pass here. [any]
  uint64_t deletes_passed() const { return deletes_passed_.load(std::memory_order_relaxed); }
  void NotePassed(uint64_t deletes) const {
    deletes_passed_.fetch_add(deletes, std::memory_order_relaxed);
  }
  uint64_t tombstone_count() const { return tombstone_count_.load(std::memory_order_relaxed); }
  bool empty() const { return entries() == 0 && tombstone_count() == 0; }
  // The newest sequence in it; 0 while empty.
  Sequence sequence_max() const { return sequence_max_.load(std::memory_order_acquire); }
  uint64_t wal_number() const { return wal_number_; }

 private:
  void AddRange(const Entry& entry, Sequence sequence);
  void PublishTombstones(RangeTombstones list);

  const uint64_t wal_number_;
  SkipList list_;
  std::atomic<const RangeTombstones*> tombstones_{nullptr};
  std::vector<std::unique_ptr<const RangeTombstones>> tombstone_lists_;  // all there ever were
  std::atomic<uint64_t> entries_{0};
  std::atomic<uint64_t> deletes_{0};
  mutable std::atomic<uint64_t> deletes_passed_{0};
  std::atomic<uint64_t> tombstone_count_{0};
  std::atomic<size_t> tombstone_bytes_{0};
  std::atomic<Sequence> sequence_max_{0};
};

}  // namespace nexadb::lsm
