// Backpressure: how long a writer waits for each byte, so that memory and level 0 never fill up.
//
// One continuous rule instead of thresholds that stop writers dead: pressure grows from 0 to 1
// between a soft and a hard limit, and a byte costs pressure times twice what it takes the
// background to work off a byte, as measured. At half pressure a writer is as fast as the
// background, so the hard limit is met only while that measure is wrong by more than two. Waits
// are collected and slept off in small pieces, which keeps the slowest writes close to the others.
//
// The rates are noted by background threads; the rest belongs to the commit queue's leader.
#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>

namespace nexadb::lsm {

// A rate of background work, from what it got done lately.
class DrainRate {
 public:
  void Note(uint64_t bytes, uint64_t duration_ns) {
    if (bytes == 0) return;
    const double measured = static_cast<double>(duration_ns) / static_cast<double>(bytes);
    const double known = ns_per_byte_.load(std::memory_order_relaxed);
    ns_per_byte_.store(known + (measured - known) / kMemory, std::memory_order_relaxed);
  }
  double ns_per_byte() const { return ns_per_byte_.load(std::memory_order_relaxed); }

 private:
  static constexpr double kMemory = 4;  // measurements that the average remembers
  // Before anything was measured: 50 MB/s.
  std::atomic<double> ns_per_byte_{20};
};

class Backpressure {
 public:
  // What fills up, each with its limits. Writers feel it from `soft` on.
  struct Load {
    double now = 0;
    double soft = 0;
    double hard = 0;
    double Pressure() const {
      return now <= soft ? 0 : std::min(1.0, (now - soft) / std::max(hard - soft, 1e-9));
    }
  };

  // The wait for `bytes` more, in ns, once it is worth a sleep; 0 until then.
  uint64_t WaitFor(uint64_t bytes, const Load& memory, const Load& level0) {
    const double ns_per_byte = 2 * std::max(memory.Pressure() * flush.ns_per_byte(),
                                            level0.Pressure() * compaction.ns_per_byte());
    ns_per_byte_.store(ns_per_byte, std::memory_order_relaxed);
    owed_ns_ = ns_per_byte == 0 ? 0 : owed_ns_ + static_cast<double>(bytes) * ns_per_byte;
    if (owed_ns_ < kSleepNsMin) return 0;
    return static_cast<uint64_t>(std::min(owed_ns_, kSleepNsMax));
  }
  // A sleep took so long, which may be more than was asked for.
  void Slept(uint64_t duration_ns) {
    owed_ns_ = std::max(owed_ns_ - static_cast<double>(duration_ns), -kSleepNsMax);
  }
  // What a byte costs now. [any]
  double ns_per_byte() const { return ns_per_byte_.load(std::memory_order_relaxed); }

  DrainRate flush;
  DrainRate compaction;

 private:
  // Shorter sleeps cost more in switches than they last.
  static constexpr double kSleepNsMin = 100'000;
  // What is left is slept off by the next writes: one large batch does not wait for all of it.
  static constexpr double kSleepNsMax = 5'000'000;

  double owed_ns_ = 0;
  std::atomic<double> ns_per_byte_{0};
};

}  // namespace nexadb::lsm
