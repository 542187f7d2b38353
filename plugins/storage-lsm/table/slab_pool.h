// SlabPool: memory for cached blocks in large pages. A scan of cached blocks walks through all of
// the cache: in pages of 4 KiB it would miss the processor's address cache at every block.
//
// Slabs are 2 MiB, aligned to that, and the kernel is asked to back each by one page of that size.
// A slab is cut into chunks of one size; sizes are sixteen to a doubling. Whatever the pool cannot
// give (slabs at the limit, a size out of range, no memory) comes from the ordinary heap instead:
// Allocate answers null and the caller goes there.
//
// What a slab has free is memory too: `idle_bytes` says how much that is, and no slab is added
// while it is above the limit's eighth. An empty slab goes back to the kernel, but for one.
// A chunk may be freed after its pool was let go of: the pool lives as long as a chunk does. [any]
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "plugins/storage-lsm/util/huge_page.h"

namespace nexadb::lsm {

class SlabPool {
 public:
  static constexpr size_t kSlabBytes = kHugePageBytes;
  // Chunks begin at multiples of this.
  static constexpr size_t kAlignment = 128;
  static constexpr size_t kChunkBytesMin = 1024;
  // A slab holds fifteen of the largest, so that its end wastes little.
  static constexpr size_t kChunkBytesMax = size_t{128} << 10;
  // Fewer slabs than this would mostly be begun and not filled: such a pool gives nothing.
  static constexpr uint64_t kSlabsMin = 32;

  struct LetGo {
    void operator()(SlabPool* pool) const noexcept { pool->Unref(); }
  };
  using Owner = std::unique_ptr<SlabPool, LetGo>;
  // Its slabs together take at most `limit_bytes`.
  static Owner Create(uint64_t limit_bytes) { return Owner(new SlabPool(limit_bytes)); }

  // A chunk of at least `bytes`, or null.
  void* Allocate(size_t bytes);
  static void Free(void* chunk) noexcept;
  // What `chunk` takes of its slab.
  static size_t ChunkBytes(const void* chunk);
  // Whether the chunk's slab was full and a quarter of it is free: giving up the chunk helps to
  // give back the slab.
  static bool IsSparse(const void* chunk);

  uint64_t slab_bytes() const { return slab_bytes_.load(std::memory_order_relaxed); }
  // Of the slabs, what no chunk in use takes.
  uint64_t idle_bytes() const { return idle_bytes_.load(std::memory_order_relaxed); }
  // As much may be idle before the pool adds no more slabs.
  uint64_t idle_bytes_max() const { return limit_bytes_ / 8; }

 private:
  static constexpr int kStepsLog2 = 4;
  static constexpr size_t kClasses = 128;
  struct Slab;

  explicit SlabPool(uint64_t limit_bytes);
  ~SlabPool();
  static Slab& SlabOf(const void* chunk);
  static size_t ClassOf(size_t bytes, size_t* chunk_bytes);
  Slab* AddSlab(size_t size_class, size_t chunk_bytes);
  void Assign(Slab& slab, size_t size_class, size_t chunk_bytes);
  void Give(Slab& slab, void* chunk) noexcept;
  // The list of its class's slabs that have room.
  void Link(Slab& slab) noexcept;
  void Unlink(Slab& slab) noexcept;
  void Unref() noexcept;

  const uint64_t limit_bytes_;
  std::atomic<uint64_t> slab_bytes_{0};
  std::atomic<uint64_t> idle_bytes_{0};
  std::mutex mutex_;
  // Under the mutex from here on.
  uint64_t refs_ = 1;      // the owner's, and one a chunk in use
  Slab* empty_ = nullptr;  // kept for the next class that needs one
  Slab* roomy_[kClasses] = {};
};

}  // namespace nexadb::lsm
