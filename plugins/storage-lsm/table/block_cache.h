// BlockCache: parsed blocks, within a bound of bytes.
//
// Every block of an open table has a slot, an atomic word that holds the cached block: a hit is one
// indexed load and no search, and takes no lock but the word's lowest bit, for as long as it takes
// to count a reference. The cache knows which slots are filled and sweeps a clock over them: a
// block that was found since the hand last came by stays for another round. Memory that the engine
// uses elsewhere (memtables, indexes, filters) is charged here and shrinks what the cache keeps, so
// that one budget bounds it all. A block in use outlives its eviction.
//
// Blocks that come in through `pool()` lie in large pages. What the pool has idle is charged as
// well; while that is much, blocks go whose slabs are partly free. [any]
#pragma once
#include <atomic>
#include <memory>
#include <vector>

#include "nexadb/env.h"
#include "plugins/storage-lsm/table/block.h"
#include "plugins/storage-lsm/util/striped_counter.h"

namespace nexadb::lsm {

// Where the cached block of one place in a table is. Empty at first.
class CacheSlot {
 public:
  // The block, or null.
  Ref<Block> Load() {
    if (word_.load(std::memory_order_relaxed) == 0) return {};
    Block* block = Lock();
    if (block != nullptr) block->AddRef();
    Unlock(block);
    if (recent_.load(std::memory_order_relaxed) == 0) recent_.store(1, std::memory_order_relaxed);
    return Ref<Block>(block);
  }
  // Fetches the beginning of the block, if there is one, into the processor's caches: a slab's
  // block has its columns there. Only an address is looked at, so it may be gone.
  void Prefetch() const {
    const uintptr_t at = word_.load(std::memory_order_relaxed) & ~kLocked;
    if (at == 0) return;
    for (size_t line = 0; line < kPrefetchBytes; line += kCacheLineBytes) {
      __builtin_prefetch(reinterpret_cast<const char*>(at) + line);
    }
  }
  // The same for the slot itself, which Prefetch looks at.
  void PrefetchSlot() const { __builtin_prefetch(&word_); }

 private:
  friend class BlockCache;
  static constexpr size_t kCacheLineBytes = 64;
  // The block, and the columns and keys of thirty rows.
  static constexpr size_t kPrefetchBytes = 1280;
  static constexpr uintptr_t kLocked = 1;

  Block* Lock();
  void Unlock(Block* block) {
    word_.store(reinterpret_cast<uintptr_t>(block), std::memory_order_release);
  }
  // Puts another block into the slot, which takes over its reference; returns the former one.
  Ref<Block> Exchange(Ref<Block> block) {
    Block* former = Lock();
    Unlock(block.Detach());
    return Ref<Block>(former);
  }

  // REQUIRES: the shard's mutex is held, and the slot is filled.
  bool InSparseSlab() const {
    const uintptr_t word = word_.load(std::memory_order_relaxed);
    return reinterpret_cast<const Block*>(word & ~kLocked)->InSparseSlab();
  }

  std::atomic<uintptr_t> word_{0};  // the block's address, and kLocked while somebody looks
  uint32_t place_ = 0;              // in the shard's list, under its mutex
  std::atomic<uint8_t> recent_{0};
};

class BlockCache {
 public:
  BlockCache(Env& env, uint64_t capacity_bytes);

  Ref<Block> Find(CacheSlot& slot) {
    Ref<Block> block = slot.Load();
    (block ? hits_ : misses_).Add(1);
    return block;
  }
  // Keeps the block in an empty slot, which must be emptied by Forget before it goes away.
  void Insert(CacheSlot& slot, const Ref<Block>& block);
  void Forget(CacheSlot* slots, size_t count);
  // Counts `bytes` of other memory (negative: gives back) against the capacity.
  void Charge(int64_t bytes) { charged_.fetch_add(bytes, std::memory_order_relaxed); }

  // Where blocks to be inserted are made.
  SlabPool& pool() { return *pool_; }

  uint64_t bytes() const;
  uint64_t idle_bytes() const { return pool_->idle_bytes(); }
  uint64_t hits() const { return hits_.Total(); }
  uint64_t misses() const { return misses_.Total(); }
  uint64_t capacity_bytes() const { return capacity_bytes_; }

 private:
  static constexpr size_t kShards = 16;
  // However much is charged, the cache keeps this share of its capacity: without any block in
  // memory every read would go to the disk.
  static constexpr uint64_t kShareKept = 16;

  struct Shard {
    Handle<Mutex> mutex;
    std::vector<CacheSlot*> filled;
    size_t hand = 0;
    std::atomic<uint64_t> bytes{0};
  };
  Shard& ShardOf(const CacheSlot& slot) {
    return shards_[reinterpret_cast<uintptr_t>(&slot) / sizeof(CacheSlot) % kShards];
  }
  uint64_t ShardLimit() const;
  // Evicts until the shard is within its share, sparing `keep`.
  void Sweep(Shard& shard, const CacheSlot* keep);
  // REQUIRES: the shard's mutex is held, and the slot is filled.
  void Empty(Shard& shard, CacheSlot& slot);

  const uint64_t capacity_bytes_;
  const SlabPool::Owner pool_;
  std::atomic<int64_t> charged_{0};
  StripedCounter hits_;
  StripedCounter misses_;
  Shard shards_[kShards];
};

}  // namespace nexadb::lsm
