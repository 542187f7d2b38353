// StoreOptions: what the configuration decides, with the derived limits. Plain data.
#pragma once
#include <cstdint>
#include <memory>

#include "nexadb/storage_engine.h"
#include "plugins/storage-lsm/encryption/key_ring.h"
#include "plugins/storage-lsm/table/table_format.h"

namespace nexadb::lsm {

// The memtable takes this share of the budget, within the bounds below: two that wait for their
// flush and the one being written must leave most of the budget to the cache.
constexpr uint64_t kMemtableBudgetShare = 16;
constexpr uint64_t kMemtableBytesMin = 64u << 10;
constexpr uint64_t kMemtableBytesMax = 64u << 20;
constexpr uint64_t kMemoryBudgetMin = 4u << 20;
// So many full memtables may wait for their flush before writers do.
constexpr size_t kImmutableMemtablesMax = 2;
// So many used logs are kept for reuse: one is filled while one more is flushed.
constexpr size_t kSpareLogsMax = 1;

struct StoreOptions {
  uint64_t memory_budget_bytes = uint64_t{1} << 30;
  uint64_t memtable_bytes = 0;  // 0: derived from the budget
  uint64_t block_bytes = 8192;
  uint64_t table_bytes = 64u << 20;
  Compression compression = Compression::kLz4;
  Durability durability = Durability::kDisk;
  uint64_t interval_ms = 100;
  uint64_t disk_reserve_bytes = 64u << 20;
  uint64_t changes_retained_bytes = 0;  // of logs kept for followers, beside those still needed
  uint64_t manifest_bytes = 1u << 20;   // at which the manifest is written anew
  uint64_t level1_bytes = 256u << 20;
  uint32_t level0_compact = 4;  // tables in level 0 that start a compaction
  uint32_t level0_slow = 8;     // … that begin to slow writers down
  uint32_t level0_stop = 24;    // … that make them wait

  std::shared_ptr<const KeyRing> keys;  // null: nothing is encrypted

  uint64_t MemtableBytes() const {
    if (memtable_bytes != 0) return memtable_bytes;
    const uint64_t share = memory_budget_bytes / kMemtableBudgetShare;
    return share < kMemtableBytesMin   ? kMemtableBytesMin
           : share > kMemtableBytesMax ? kMemtableBytesMax
                                       : share;
  }
};

}  // namespace nexadb::lsm
