#include "core/base/instruments.h"

#include <algorithm>

namespace nexadb::base {
namespace {

constexpr double kDefaultBounds[] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                     0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};

size_t ShardOfThread() {
  static std::atomic<size_t> next{0};
  thread_local const size_t shard =
      next.fetch_add(1, std::memory_order_relaxed) % kInstrumentShards;
  return shard;
}

}  // namespace

void ShardedCounter::Add(uint64_t amount) noexcept {
  shards_[ShardOfThread()].count.fetch_add(amount, std::memory_order_relaxed);
}

uint64_t ShardedCounter::Sum() const {
  uint64_t sum = 0;
  for (const Shard& shard : shards_) sum += shard.count.load(std::memory_order_relaxed);
  return sum;
}

ShardedHistogram::ShardedHistogram(Span<const double> bounds) {
  if (bounds.empty()) bounds = {kDefaultBounds, std::size(kDefaultBounds)};
  bounds_.assign(bounds.begin(), bounds.begin() + std::min(bounds.size(), kBucketsMax));
  for (Shard& shard : shards_) {
    shard.counts = std::make_unique<std::atomic<uint64_t>[]>(bounds_.size() + 1);
  }
}

void ShardedHistogram::Observe(double value) noexcept {
  Shard& shard = shards_[ShardOfThread()];
  const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
  shard.counts[static_cast<size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  shard.sum.fetch_add(value, std::memory_order_relaxed);
}

ShardedHistogram::Totals ShardedHistogram::Read() const {
  Totals out;
  uint64_t count = 0;
  for (size_t i = 0; i <= bounds_.size(); ++i) {
    for (const Shard& shard : shards_) count += shard.counts[i].load(std::memory_order_relaxed);
    out.up_to.push_back(count);
  }
  for (const Shard& shard : shards_) out.sum += shard.sum.load(std::memory_order_relaxed);
  return out;
}

}  // namespace nexadb::base
