// StripedCounter: a count that many threads add to, each on a cache line of its own. [any]
#pragma once
#include <atomic>
#include <cstdint>

#include "plugins/storage-lsm/util/thread_slot.h"

namespace nexadb::lsm {

class StripedCounter {
 public:
  void Add(uint64_t amount) {
    stripes_[ThreadSlot(kStripes)].value.fetch_add(amount, std::memory_order_relaxed);
  }
  uint64_t Total() const {
    uint64_t total = 0;
    for (const Stripe& stripe : stripes_) total += stripe.value.load(std::memory_order_relaxed);
    return total;
  }

 private:
  static constexpr size_t kStripes = 16;
  static constexpr size_t kCacheLineBytes = 64;
  struct alignas(kCacheLineBytes) Stripe {
    std::atomic<uint64_t> value{0};
  };
  Stripe stripes_[kStripes];
};

}  // namespace nexadb::lsm
