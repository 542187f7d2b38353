#include "plugins/storage-lsm/memtable/arena.h"

#include <new>

#include "plugins/storage-lsm/util/huge_page.h"

namespace nexadb::lsm {
namespace {

// Blocks from the heap double up to here.
constexpr size_t kBlockBytesMax = 1u << 20;
// An arena that holds so much does not mind that the last huge page may stay empty.
constexpr size_t kHugeFromBytes = 8u << 20;

}  // namespace

Arena::~Arena() {
  for (char* page : huge_pages_) UnmapHugePage(page);
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
  uint8_t* page = MapHugePage();
  if (page == nullptr) throw std::bad_alloc();
  huge_pages_.push_back(reinterpret_cast<char*>(page));
  bytes_.fetch_add(kHugePageBytes, std::memory_order_relaxed);
  return huge_pages_.back();
}

}  // namespace nexadb::lsm
