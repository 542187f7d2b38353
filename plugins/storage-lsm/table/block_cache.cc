#include "plugins/storage-lsm/table/block_cache.h"

#include <algorithm>
#include <thread>

#include "plugins/storage-lsm/util/sync.h"

namespace nexadb::lsm {
namespace {

// Bookkeeping of a cached block beside its bytes.
constexpr uint64_t kEntryBytes = 200;

uint64_t CostOf(const Block& block) { return block.bytes() + kEntryBytes; }

}  // namespace

Block* CacheSlot::Lock() {
  uintptr_t word = word_.fetch_or(kLocked, std::memory_order_acquire);
  while ((word & kLocked) != 0) {
    std::this_thread::yield();
    word = word_.fetch_or(kLocked, std::memory_order_acquire);
  }
  return reinterpret_cast<Block*>(word);
}

BlockCache::BlockCache(Env& env, uint64_t capacity_bytes) : capacity_bytes_(capacity_bytes) {
  for (Shard& shard : shards_) shard.mutex = env.NewMutex();
}

uint64_t BlockCache::ShardLimit() const {
  const int64_t charged = std::max<int64_t>(0, charged_.load(std::memory_order_relaxed));
  const uint64_t least = capacity_bytes_ / kShareKept;
  const uint64_t taken = static_cast<uint64_t>(charged);
  const uint64_t left = taken + least < capacity_bytes_ ? capacity_bytes_ - taken : least;
  return left / kShards;
}

void BlockCache::Insert(CacheSlot& slot, const Ref<Block>& block) {
  if (CostOf(*block) > ShardLimit()) return;  // would push everything else out
  Shard& shard = ShardOf(slot);
  MutexLock lock(*shard.mutex);
  if (slot.word_.load(std::memory_order_relaxed) != 0) return;
  slot.place_ = static_cast<uint32_t>(shard.filled.size());
  shard.filled.push_back(&slot);
  slot.recent_.store(0, std::memory_order_relaxed);
  static_cast<void>(slot.Exchange(block));
  shard.bytes.fetch_add(CostOf(*block), std::memory_order_relaxed);
  Sweep(shard, &slot);
}

void BlockCache::Empty(Shard& shard, CacheSlot& slot) {
  const Ref<Block> block = slot.Exchange({});
  shard.bytes.fetch_sub(CostOf(*block), std::memory_order_relaxed);
  CacheSlot* last = shard.filled.back();
  last->place_ = slot.place_;
  shard.filled[slot.place_] = last;
  shard.filled.pop_back();
}

void BlockCache::Sweep(Shard& shard, const CacheSlot* keep) {
  const uint64_t limit = ShardLimit();
  // Two rounds: the first may only clear marks.
  for (size_t steps = shard.filled.size() * 2;
       steps > 0 && shard.bytes.load(std::memory_order_relaxed) > limit; --steps) {
    shard.hand = (shard.hand + 1) % shard.filled.size();
    CacheSlot& slot = *shard.filled[shard.hand];
    if (&slot == keep) continue;
    if (slot.recent_.load(std::memory_order_relaxed) != 0) {
      slot.recent_.store(0, std::memory_order_relaxed);
      continue;
    }
    Empty(shard, slot);
  }
}

void BlockCache::Forget(CacheSlot* slots, size_t count) {
  for (CacheSlot* slot = slots; slot != slots + count; ++slot) {
    Shard& shard = ShardOf(*slot);
    MutexLock lock(*shard.mutex);
    if (slot->word_.load(std::memory_order_relaxed) != 0) Empty(shard, *slot);
  }
}

uint64_t BlockCache::bytes() const {
  uint64_t total = 0;
  for (const Shard& shard : shards_) total += shard.bytes.load(std::memory_order_relaxed);
  return total;
}

}  // namespace nexadb::lsm
