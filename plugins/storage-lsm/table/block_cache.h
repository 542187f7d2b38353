// BlockCache: parsed blocks by (table, offset), within a bound of bytes.
//
// Sharded by hash; each shard sweeps a clock: a block that was looked up since the hand last came
// by stays for another round. Memory that the engine uses elsewhere (memtables, indexes, filters)
// is charged here and shrinks what the cache keeps, so that one budget bounds it all. A block in
// use outlives its eviction. [any]
#pragma once
#include <atomic>
#include <memory>
#include <unordered_map>
#include <vector>

#include "nexadb/env.h"
#include "plugins/storage-lsm/table/block.h"

namespace nexadb::lsm {

class BlockCache {
 public:
  BlockCache(Env& env, uint64_t capacity_bytes);

  Ref<Block> Find(uint64_t table, uint64_t offset);
  void Insert(uint64_t table, uint64_t offset, const Ref<Block>& block);
  // Counts `bytes` of other memory (negative: gives back) against the capacity.
  void Charge(int64_t bytes) { charged_.fetch_add(bytes, std::memory_order_relaxed); }

  uint64_t bytes() const;
  uint64_t hits() const { return hits_.load(std::memory_order_relaxed); }
  uint64_t misses() const { return misses_.load(std::memory_order_relaxed); }
  uint64_t capacity_bytes() const { return capacity_bytes_; }

 private:
  static constexpr size_t kShards = 16;
  // However much is charged, the cache keeps this share of its capacity: without any block in
  // memory every read would go to the disk.
  static constexpr uint64_t kShareKept = 16;

  struct Key {
    uint64_t table;
    uint64_t offset;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    size_t operator()(const Key& key) const {
      return static_cast<size_t>(
          (key.table * 0x9e3779b97f4a7c15u ^ key.offset) * 0xbf58476d1ce4e5b9u >> 7);
    }
  };
  struct Slot {
    Key key{};
    Ref<Block> block;
    bool recent = false;
  };
  struct Shard {
    Handle<Mutex> mutex;
    std::unordered_map<Key, size_t, KeyHash> index;  // into slots
    std::vector<Slot> slots;
    std::vector<size_t> free_slots;
    size_t hand = 0;
    std::atomic<uint64_t> bytes{0};
  };
  Shard& ShardOf(const Key& key) { return shards_[KeyHash()(key) % kShards]; }
  uint64_t ShardLimit() const;
  // Evicts until the shard is within its share, sparing `keep`.
  void Sweep(Shard& shard, size_t keep);

  const uint64_t capacity_bytes_;
  std::atomic<int64_t> charged_{0};
  std::atomic<uint64_t> hits_{0};
  std::atomic<uint64_t> misses_{0};
  Shard shards_[kShards];
};

}  // namespace nexadb::lsm
