#include "plugins/storage-lsm/memtable/arena.h"

#include <sys/mman.h>

#include <new>

namespace nexadb::lsm {
namespace {

constexpr size_t kHugePageBytes = 2u << 20;
// Blocks from the heap double up to here.
constexpr size_t kBlockBytesMax = 1u << 20;
// An arena that holds so much does not mind that the last huge page may stay empty.
constexpr size_t kHugeFromBytes = 8u << 20;

}  // namespace

Arena::~Arena() {
  for (char* page : huge_pages_) ::munmap(page, kHugePageBytes);
}

char* Arena::AllocateBlock(size_t size) {
  // A big entry gets a block of its own and leaves the current one in use.
  if (size > next_block_bytes_ / 4) return NewBlock(size);
  if (bytes() >= kHugeFromBytes) {
    at_ = NewHugePage();
    left_ = kHugePageBytes;
  } else {
    at_ = NewBlock(next_block_bytes_);
    left_ = next_block_bytes_;
    // Small stores stay small; a growing one asks the system seldom.
    if (next_block_bytes_ < kBlockBytesMax) next_block_bytes_ *= 2;
  }
  char* result = at_;
  at_ += size;
  left_ -= size;
  return result;
}

char* Arena::NewBlock(size_t size) {
  blocks_.push_back(std::make_unique_for_overwrite<char[]>(size));
  bytes_.fetch_add(size, std::memory_order_relaxed);
  return blocks_.back().get();
}

char* Arena::NewHugePage() {
  huge_pages_.reserve(huge_pages_.size() + 1);
  void* memory = ::mmap(nullptr, 2 * kHugePageBytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  // Twice as much holds an aligned one; what lies before and behind it goes back.
  char* begin = static_cast<char*>(memory);
  const size_t before = -reinterpret_cast<uintptr_t>(begin) % kHugePageBytes;
  if (before > 0) ::munmap(begin, before);
  ::munmap(begin + before + kHugePageBytes, kHugePageBytes - before);
  // A system that has none to give backs the block with small pages.
  ::madvise(begin + before, kHugePageBytes, MADV_HUGEPAGE);
  huge_pages_.push_back(begin + before);
  bytes_.fetch_add(kHugePageBytes, std::memory_order_relaxed);
  return begin + before;
}

}  // namespace nexadb::lsm
