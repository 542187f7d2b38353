// LatencyHistogram: counts durations by powers of two. Any thread adds, any thread reads.
#pragma once
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>

namespace nexadb::lsm {

class LatencyHistogram {
 public:
  // Bucket i holds durations below 2^i microseconds that no smaller bucket holds; the last one
  // holds all longer ones: half a minute and more.
  static constexpr size_t kBuckets = 26;

  void Add(uint64_t duration_ns) {
    const size_t bucket = static_cast<size_t>(std::bit_width(duration_ns / 1000));
    counts_[bucket < kBuckets ? bucket : kBuckets - 1].fetch_add(1, std::memory_order_relaxed);
    total_ns_.fetch_add(duration_ns, std::memory_order_relaxed);
  }
  uint64_t CountAt(size_t bucket) const { return counts_[bucket].load(std::memory_order_relaxed); }
  uint64_t total_ns() const { return total_ns_.load(std::memory_order_relaxed); }
  static constexpr uint64_t BoundUs(size_t bucket) { return uint64_t{1} << bucket; }

 private:
  std::array<std::atomic<uint64_t>, kBuckets> counts_{};
  std::atomic<uint64_t> total_ns_{0};
};

}  // namespace nexadb::lsm
