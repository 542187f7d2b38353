#include "plugins/storage-lsm/table/block_cache.h"

#include <algorithm>
#include <thread>

#include "plugins/storage-lsm/util/sync.h"

namespace nexadb::lsm {
namespace {

// Bookkeeping of a cached block beside its memory: its slot, its place in the shard's list, and
// what the heap keeps in front of an allocation.
constexpr uint64_t kEntryBytes = 72;

// While slabs have much free, each insertion looks at so many blocks for some that keep one alive.
constexpr size_t kSparseLooks = 32;
// What slabs have free is charged up to this share of the capacity.
constexpr uint64_t kShareIdle = 4;

uint64_t CostOf(const Block& block) { return block.memory_bytes() + kEntryBytes; }

}  // namespace

Block* CacheSlot::Lock() {
  uintptr_t word = word_.fetch_or(kLocked, std::memory_order_acquire);
  while ((word & kLocked) != 0) {
    std::this_thread::yield();
    word = word_.fetch_or(kLocked, std::memory_order_acquire);
  }
  return reinterpret_cast<Block*>(word);
}

BlockCache::BlockCache(Env& env, uint64_t capacity_bytes)
    : capacity_bytes_(capacity_bytes), pool_(SlabPool::Create(capacity_bytes)) {
  for (Shard& shard : shards_) shard.mutex = env.NewMutex();
}

uint64_t BlockCache::ShardLimit() const {
  const int64_t charged = std::max<int64_t>(0, charged_.load(std::memory_order_relaxed));
  const uint64_t least = capacity_bytes_ / kShareKept;
  const uint64_t taken =
      static_cast<uint64_t>(charged) + std::min(pool_->idle_bytes(), capacity_bytes_ / kShareIdle);
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
  const size_t steps_max = shard.filled.size() * 2;
  for (size_t step = 0; step < steps_max; ++step) {
    const bool over = shard.bytes.load(std::memory_order_relaxed) > limit;
    const bool crowded = pool_->idle_bytes() > pool_->idle_bytes_max();
    if (!over && (!crowded || step >= kSparseLooks)) break;
    shard.hand = (shard.hand + 1) % shard.filled.size();
    CacheSlot& slot = *shard.filled[shard.hand];
    if (&slot == keep) continue;
    const bool sparse = crowded && slot.InSparseSlab();
    if (!sparse && !over) continue;
    if (!sparse && slot.recent_.load(std::memory_order_relaxed) != 0) {
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
