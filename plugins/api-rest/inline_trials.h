// InlineTrials: whether a route's next request is worth a try on the I/O thread.
//
// A try that would wait is done again on the pool. Where one after the other would wait, since
// commits wait for the disk or the data is not in memory, most requests go straight to the pool,
// and a few are tried still, to notice when that changes. [any]
#pragma once
#include <atomic>
#include <cstdint>

namespace nexadb::rest {

class InlineTrials {
 public:
  bool Worthwhile() {
    if (failures_.load(std::memory_order_relaxed) < kFailuresInARow) return true;
    return passed_over_.fetch_add(1, std::memory_order_relaxed) % kTriedOneIn == kTriedOneIn - 1;
  }
  void Succeeded() {
    // Written when it changes: the threads share this line.
    if (failures_.load(std::memory_order_relaxed) != 0) {
      failures_.store(0, std::memory_order_relaxed);
    }
  }
  void Failed() {
    if (failures_.load(std::memory_order_relaxed) < kFailuresInARow) {
      failures_.fetch_add(1, std::memory_order_relaxed);
    }
  }

 private:
  static constexpr uint32_t kFailuresInARow = 8;
  static constexpr uint32_t kTriedOneIn = 64;

  std::atomic<uint32_t> failures_{0};
  std::atomic<uint32_t> passed_over_{0};
};

}  // namespace nexadb::rest
