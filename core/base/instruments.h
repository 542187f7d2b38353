// Instruments: the counter, gauge and histogram behind a MetricsRegistry.
//
// Counters and histograms are sharded by thread, each shard on cache lines of its own, so that
// counting never makes two cores fight; reading adds the shards up. Gauges are single numbers.
// [any]
#pragma once
#include <array>
#include <atomic>
#include <memory>
#include <vector>

#include "nexadb/metrics.h"

namespace nexadb::base {

// Enough that threads seldom share one; a counter then takes 1 KiB.
constexpr size_t kInstrumentShards = 16;
// Bounds of a histogram beyond these are ignored.
constexpr size_t kBucketsMax = 64;

class ShardedCounter final : public Counter {
 public:
  void Add(uint64_t amount) noexcept override;
  uint64_t Sum() const;

 private:
  struct alignas(64) Shard {
    std::atomic<uint64_t> count{0};
  };
  std::array<Shard, kInstrumentShards> shards_;
};

class AtomicGauge final : public Gauge {
 public:
  void Set(double value) noexcept override { value_.store(value, std::memory_order_relaxed); }
  void Add(double amount) noexcept override { value_.fetch_add(amount, std::memory_order_relaxed); }
  double Value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

class ShardedHistogram final : public Histogram {
 public:
  // No bounds: from 100 µs to 10 s, in seconds.
  explicit ShardedHistogram(Span<const double> bounds = {});
  void Observe(double value) noexcept override;

  struct Totals {
    std::vector<uint64_t> up_to;  // how many values each bound takes in, then how many in all
    double sum = 0;
  };
  Totals Read() const;
  const std::vector<double>& bounds() const { return bounds_; }

 private:
  struct alignas(64) Shard {
    std::unique_ptr<std::atomic<uint64_t>[]> counts;  // one for each bound, and one above
    std::atomic<double> sum{0};
  };
  std::vector<double> bounds_;
  std::array<Shard, kInstrumentShards> shards_;
};

}  // namespace nexadb::base
