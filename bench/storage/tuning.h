// What every engine gets alike: memory, the size at which fresh writes leave memory, filters.
#pragma once
#include <cstddef>

namespace nexadb::bench {

// For caches and, where an engine counts them in, for memtables, filters and indexes too.
constexpr size_t kMemoryBytes = size_t{2} << 30;
constexpr size_t kMemtableBytes = size_t{64} << 20;
constexpr int kFilterBitsPerKey = 10;

}  // namespace nexadb::bench
