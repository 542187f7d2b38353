#include "plugins/storage-lsm/table/slab_pool.h"

#include <sanitizer/asan_interface.h>

#include <algorithm>
#include <bit>
#include <new>

namespace nexadb::lsm {
// Its memory begins with the address of this.
struct SlabPool::Slab {
  SlabPool* pool = nullptr;
  uint8_t* memory = nullptr;
  size_t size_class = 0;
  size_t chunk_bytes = 0;
  uint32_t chunks = 0;
  std::atomic<uint32_t> fresh{0};  // this many chunks were in use at some time, the others never
  std::atomic<uint32_t> used{0};
  std::vector<uint16_t> free;  // of the former, those that are not now
  Slab* next = nullptr;
  Slab* previous = nullptr;

  bool HasRoom() const { return used.load(std::memory_order_relaxed) < chunks; }
  void* ChunkAt(size_t index) const { return memory + kAlignment + index * chunk_bytes; }
};

SlabPool::SlabPool(uint64_t limit_bytes)
    : limit_bytes_(limit_bytes < kSlabsMin * kSlabBytes ? 0 : limit_bytes) {}

SlabPool::~SlabPool() {
  if (empty_ == nullptr) return;
  UnmapHugePage(empty_->memory);
  delete empty_;
}

SlabPool::Slab& SlabPool::SlabOf(const void* chunk) {
  const uintptr_t begin = reinterpret_cast<uintptr_t>(chunk) & ~uintptr_t{kSlabBytes - 1};
  return **reinterpret_cast<Slab**>(begin);
}

size_t SlabPool::ClassOf(size_t bytes, size_t* chunk_bytes) {
  if (bytes < kChunkBytesMin) bytes = kChunkBytesMin;
  // Of a size between two powers of two, the four bits behind the first, rounded up.
  const int log2 = static_cast<int>(std::bit_width(bytes - 1)) - 1;
  const size_t step = std::max<size_t>(kAlignment, size_t{1} << (log2 - kStepsLog2));
  const size_t rounded = (bytes + step - 1) / step * step;
  *chunk_bytes = rounded;
  const size_t base = size_t{1} << log2;
  constexpr int kFirstLog2 = 9;  // kChunkBytesMin is the last step of this one
  return (static_cast<size_t>(log2 - kFirstLog2) << kStepsLog2) +
         ((rounded - base) >> (log2 - kStepsLog2)) - 1;
}

size_t SlabPool::ChunkBytes(const void* chunk) { return SlabOf(chunk).chunk_bytes; }

bool SlabPool::IsSparse(const void* chunk) {
  const Slab& slab = SlabOf(chunk);
  return slab.fresh.load(std::memory_order_relaxed) == slab.chunks &&
         slab.used.load(std::memory_order_relaxed) < slab.chunks / 4 * 3;
}

void* SlabPool::Allocate(size_t bytes) {
  if (bytes > kChunkBytesMax || limit_bytes_ == 0) return nullptr;
  size_t chunk_bytes = 0;
  const size_t size_class = ClassOf(bytes, &chunk_bytes);
  const std::lock_guard lock(mutex_);
  Slab* slab = roomy_[size_class];
  if (slab == nullptr) slab = AddSlab(size_class, chunk_bytes);
  if (slab == nullptr) return nullptr;
  size_t index = slab->fresh.load(std::memory_order_relaxed);
  if (slab->free.empty()) {
    slab->fresh.store(static_cast<uint32_t>(index) + 1, std::memory_order_relaxed);
  } else {
    index = slab->free.back();
    slab->free.pop_back();
  }
  slab->used.fetch_add(1, std::memory_order_relaxed);
  if (!slab->HasRoom()) Unlink(*slab);
  idle_bytes_.fetch_sub(chunk_bytes, std::memory_order_relaxed);
  ++refs_;
  void* chunk = slab->ChunkAt(index);
  ASAN_UNPOISON_MEMORY_REGION(chunk, chunk_bytes);
  return chunk;
}

SlabPool::Slab* SlabPool::AddSlab(size_t size_class, size_t chunk_bytes) {
  Slab* slab = empty_;
  if (slab == nullptr) {
    if (slab_bytes() + kSlabBytes > limit_bytes_ || idle_bytes() > idle_bytes_max()) return nullptr;
    slab = new (std::nothrow) Slab;
    if (slab == nullptr) return nullptr;
    slab->memory = MapHugePage();
    if (slab->memory == nullptr) {
      delete slab;
      return nullptr;
    }
    slab->pool = this;
    *reinterpret_cast<Slab**>(slab->memory) = slab;
    ASAN_POISON_MEMORY_REGION(slab->memory + kAlignment, kSlabBytes - kAlignment);
    slab_bytes_.fetch_add(kSlabBytes, std::memory_order_relaxed);
    idle_bytes_.fetch_add(kSlabBytes, std::memory_order_relaxed);
  }
  empty_ = nullptr;
  Assign(*slab, size_class, chunk_bytes);
  return slab;
}

void SlabPool::Assign(Slab& slab, size_t size_class, size_t chunk_bytes) {
  slab.size_class = size_class;
  slab.chunk_bytes = chunk_bytes;
  slab.chunks = static_cast<uint32_t>((kSlabBytes - kAlignment) / chunk_bytes);
  slab.fresh.store(0, std::memory_order_relaxed);
  slab.free.clear();
  slab.free.reserve(slab.chunks);  // so that Free never has to ask for memory
  Link(slab);
}

void SlabPool::Free(void* chunk) noexcept {
  Slab& slab = SlabOf(chunk);
  SlabPool& pool = *slab.pool;
  {
    const std::lock_guard lock(pool.mutex_);
    pool.Give(slab, chunk);
  }
  pool.Unref();
}

void SlabPool::Give(Slab& slab, void* chunk) noexcept {
  ASAN_POISON_MEMORY_REGION(chunk, slab.chunk_bytes);
  const auto at = static_cast<size_t>(static_cast<uint8_t*>(chunk) - slab.memory - kAlignment);
  const bool had_room = slab.HasRoom();
  slab.free.push_back(static_cast<uint16_t>(at / slab.chunk_bytes));
  slab.used.fetch_sub(1, std::memory_order_relaxed);
  idle_bytes_.fetch_add(slab.chunk_bytes, std::memory_order_relaxed);
  if (!had_room) Link(slab);
  if (slab.used.load(std::memory_order_relaxed) > 0) return;
  Unlink(slab);
  if (empty_ == nullptr) {
    empty_ = &slab;
    return;
  }
  ASAN_UNPOISON_MEMORY_REGION(slab.memory, kSlabBytes);
  UnmapHugePage(slab.memory);
  slab_bytes_.fetch_sub(kSlabBytes, std::memory_order_relaxed);
  idle_bytes_.fetch_sub(kSlabBytes, std::memory_order_relaxed);
  delete &slab;
}

void SlabPool::Link(Slab& slab) noexcept {
  Slab*& first = roomy_[slab.size_class];
  slab.previous = nullptr;
  slab.next = first;
  if (first != nullptr) first->previous = &slab;
  first = &slab;
}

void SlabPool::Unlink(Slab& slab) noexcept {
  (slab.previous != nullptr ? slab.previous->next : roomy_[slab.size_class]) = slab.next;
  if (slab.next != nullptr) slab.next->previous = slab.previous;
}

void SlabPool::Unref() noexcept {
  bool last = false;
  {
    const std::lock_guard lock(mutex_);
    last = --refs_ == 0;
  }
  if (last) delete this;
}

}  // namespace nexadb::lsm
