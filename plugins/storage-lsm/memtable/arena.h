// Arena: bump allocation for a memtable's entries, freed all at once.
//
// A small one takes small blocks from the heap. One that has grown takes blocks of a huge page
// each, and asks the system to back them with one: entries are read in an order that has nothing to
// do with where they lie, so that with pages of 4 KiB most reads would miss the translation buffer
// as well, and a writer would wait for a page fault once in a few dozen entries.
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
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena();

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
  char* AllocateBlock(size_t size);
  char* NewBlock(size_t size);
  char* NewHugePage();

  char* at_ = nullptr;
  size_t left_ = 0;
  size_t next_block_bytes_ = 4096;
  std::vector<std::unique_ptr<char[]>> blocks_;
  std::vector<char*> huge_pages_;
  std::atomic<size_t> bytes_{0};
};

}  // namespace nexadb::lsm
