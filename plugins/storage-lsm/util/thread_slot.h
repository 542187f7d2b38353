// ThreadSlot: spreads threads over a table of slots, so that threads that run at the same time
// seldom write to one cache line. [any]
#pragma once
#include <atomic>
#include <cstddef>

namespace nexadb::lsm {

// The calling thread's slot in [0, slots), the same for its whole life.
inline size_t ThreadSlot(size_t slots) {
  static std::atomic<size_t> next{0};
  static thread_local const size_t number = next.fetch_add(1, std::memory_order_relaxed);
  return number % slots;
}

}  // namespace nexadb::lsm
