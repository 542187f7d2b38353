// Huge pages: 2 MiB of memory that begin at a multiple of that, which the kernel is asked to back
// with one page. What is read in no order misses the processor's address cache less, and is paid
// for with one page fault. Advice alone: where the kernel has no such page it takes small ones.
// No state. [any]
#pragma once
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>

namespace nexadb::lsm {

constexpr size_t kHugePageBytes = size_t{2} << 20;

// Null when there is no memory.
inline uint8_t* MapHugePage() noexcept {
  constexpr size_t kMapped = 2 * kHugePageBytes;  // holds an aligned one
  void* mapped =
      ::mmap(nullptr, kMapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* begin = static_cast<uint8_t*>(mapped);
  const size_t past = reinterpret_cast<uintptr_t>(begin) % kHugePageBytes;
  const size_t front = past == 0 ? 0 : kHugePageBytes - past;
  if (front > 0) ::munmap(begin, front);
  uint8_t* page = begin + front;
  ::munmap(page + kHugePageBytes, kMapped - front - kHugePageBytes);
  ::madvise(page, kHugePageBytes, MADV_HUGEPAGE);
  return page;
}
inline void UnmapHugePage(void* page) noexcept { ::munmap(page, kHugePageBytes); }

}  // namespace nexadb::lsm
