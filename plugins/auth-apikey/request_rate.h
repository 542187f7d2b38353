// RequestRate: how many requests a key may send. Any thread, without a lock.
//
// A bucket of `burst` turns that fills with `per_second` of them in a second, kept as one number:
// the moment at which it would be full again (the generic cell rate algorithm, ITU-T I.371, as
// virtual scheduling). A key that was silent may send a burst at once; over any time t it sends at
// most burst + per_second * t.
#pragma once
#include <atomic>
#include <cstdint>

namespace nexadb::auth {

// More in a second is no limit on any machine; also the largest burst.
constexpr uint32_t kRequestsPerSecondMax = 1'000'000;

class RequestRate {
 public:
  // What was taken from the bucket stays taken. per_second 0: without a limit. burst 0: as much as
  // in a second. REQUIRES: both at most kRequestsPerSecondMax.
  void Set(uint32_t per_second, uint32_t burst);
  bool limited() const { return turn_ns_.load(std::memory_order_relaxed) != 0; }
  // Takes a turn: 0. Or takes none: the nanoseconds until there is one.
  uint64_t Take(uint64_t now_ns);
  // What is missing in the bucket, as the time in which it fills; and taking as much from another,
  // as far as it goes: the key's rate goes on where its entry is replaced.
  uint64_t OwedNs(uint64_t now_ns) const;
  void Owe(uint64_t owed_ns, uint64_t now_ns);

 private:
  std::atomic<uint64_t> turn_ns_{0};   // the time in which the bucket gets a turn
  std::atomic<uint64_t> burst_ns_{0};  // the time in which all of it fills
  std::atomic<uint64_t> full_at_ns_{0};
};

}  // namespace nexadb::auth
