#include "plugins/storage-lsm/table/block_cache.h"

#include <algorithm>

#include "plugins/storage-lsm/util/sync.h"

namespace nexadb::lsm {
namespace {

// Bookkeeping of a cached block beside its bytes.
constexpr uint64_t kEntryBytes = 200;

uint64_t CostOf(const Block& block) { return block.bytes() + kEntryBytes; }

}  // namespace

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

Ref<Block> BlockCache::Find(uint64_t table, uint64_t offset) {
  const Key key{table, offset};
  Shard& shard = ShardOf(key);
  MutexLock lock(*shard.mutex);
  auto found = shard.index.find(key);
  if (found == shard.index.end()) {
    misses_.fetch_add(1, std::memory_order_relaxed);
    return {};
  }
  hits_.fetch_add(1, std::memory_order_relaxed);
  Slot& slot = shard.slots[found->second];
  slot.recent = true;
  return slot.block;
}

void BlockCache::Insert(uint64_t table, uint64_t offset, const Ref<Block>& block) {
  const Key key{table, offset};
  Shard& shard = ShardOf(key);
  if (CostOf(*block) > ShardLimit()) return;  // would push everything else out
  MutexLock lock(*shard.mutex);
  auto [place, fresh] = shard.index.try_emplace(key, 0);
  if (!fresh) return;
  if (shard.free_slots.empty()) {
    place->second = shard.slots.size();
    shard.slots.emplace_back();
  } else {
    place->second = shard.free_slots.back();
    shard.free_slots.pop_back();
  }
  const size_t at = place->second;
  shard.slots[at] = Slot{key, block, false};
  shard.bytes.fetch_add(CostOf(*block), std::memory_order_relaxed);
  Sweep(shard, at);
}

void BlockCache::Sweep(Shard& shard, size_t keep) {
  const uint64_t limit = ShardLimit();
  // Two rounds: the first may only clear marks.
  for (size_t steps = shard.slots.size() * 2;
       steps > 0 && shard.bytes.load(std::memory_order_relaxed) > limit; --steps) {
    shard.hand = (shard.hand + 1) % shard.slots.size();
    Slot& slot = shard.slots[shard.hand];
    if (!slot.block || shard.hand == keep) continue;
    if (slot.recent) {
      slot.recent = false;
      continue;
    }
    shard.bytes.fetch_sub(CostOf(*slot.block), std::memory_order_relaxed);
    shard.index.erase(slot.key);
    slot.block = {};
    shard.free_slots.push_back(shard.hand);
  }
}

uint64_t BlockCache::bytes() const {
  uint64_t total = 0;
  for (const Shard& shard : shards_) total += shard.bytes.load(std::memory_order_relaxed);
  return total;
}

}  // namespace nexadb::lsm
