// SnapshotRegistry: the sequences at which somebody may read, so that flush and compaction keep
// what those readers need.
//
// Taking a snapshot is one atomic exchange on a cache line that few threads share; nobody waits.
// A snapshot is announced first and checked afterwards: List raises the horizon and then looks at
// every slot, Acquire fills its slot and then looks at the horizon. Whichever comes first in the
// order of all these accesses, either List sees the slot or Acquire sees the horizon, and what lies
// at or above the horizon that List returned is kept anyhow. More snapshots than there are slots
// near a thread go to a set behind a mutex. [any]
#pragma once
#include <atomic>
#include <memory>
#include <set>
#include <vector>

#include "nexadb/env.h"
#include "plugins/storage-lsm/format/key.h"

namespace nexadb::lsm {

class SnapshotRegistry {
 public:
  // A sequence that stays readable until it is released.
  struct Held {
    Sequence sequence = 0;
    std::atomic<uint64_t>* slot = nullptr;  // null: in the set
  };

  explicit SnapshotRegistry(Env& env);

  // The newest sequence in `visible`, which only rises.
  Held Acquire(const std::atomic<Sequence>& visible);
  void Release(const Held& held);

  // Every sequence held, ascending, the newest visible one at its end. Any later snapshot lies at
  // or above that.
  std::vector<Sequence> List(const std::atomic<Sequence>& visible);
  // How many are held, about. For statistics.
  size_t Count();

 private:
  static constexpr size_t kLines = 64;
  static constexpr size_t kSlotsPerLine = 8;
  static constexpr size_t kCacheLineBytes = 64;
  // A slot holds its sequence and one, so that an empty one is zero.
  struct alignas(kCacheLineBytes) Line {
    std::atomic<uint64_t> slots[kSlotsPerLine]{};
  };

  const std::unique_ptr<Line[]> lines_;
  alignas(kCacheLineBytes) std::atomic<Sequence> horizon_{0};
  const Handle<Mutex> mutex_;
  std::multiset<Sequence> overflow_;  // under mutex_
};

}  // namespace nexadb::lsm
