// Arena: bump allocation for a memtable's entries, freed all at once.
// One thread allocates; bytes() may be read from any.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace nexadb::lsm {

class Arena {
 public:
  // 8-byte aligned. Throws std::bad_alloc.
  char* Allocate(size_t size) {
    size = (size + 7) & ~size_t{7};
    if (size > left_) return AllocateBlock(size);
    char* result = at_;
    at_ += size;
    left_ -= size;
    return result;
  }
  size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  static constexpr size_t kBlockBytesMin = 4096;
  static constexpr size_t kBlockBytesMax = 1u << 20;

  char* AllocateBlock(size_t size) {
    // A big entry gets a block of its own and leaves the current one in use.
    if (size > next_block_bytes_ / 4) return NewBlock(size);
    at_ = NewBlock(next_block_bytes_);
    left_ = next_block_bytes_;
    // Small stores stay small; a growing one asks the system seldom.
    if (next_block_bytes_ < kBlockBytesMax) next_block_bytes_ *= 2;
    char* result = at_;
    at_ += size;
    left_ -= size;
    return result;
  }
  char* NewBlock(size_t size) {
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(size));
    bytes_.fetch_add(size, std::memory_order_relaxed);
    return blocks_.back().get();
  }

  char* at_ = nullptr;
  size_t left_ = 0;
  size_t next_block_bytes_ = kBlockBytesMin;
  std::vector<std::unique_ptr<char[]>> blocks_;
  std::atomic<size_t> bytes_{0};
};

}  // namespace nexadb::lsm
