// BusyPoll: how long a loop that has just worked looks for more before it sleeps.
//
// Being woken costs a client that waits for each answer more than the answer itself, above all on a
// virtual machine, whose idle core has to be started by the host. A loop that looks for a moment
// longer is there when the next request comes. It looks only while one client is all that the
// process serves, for among several there is work to do anyway, and their loops need the cores;
// only where that has been of use; and not where other programs want the core: a thread that
// computes on and on loses its place to those that sleep, and would then wait behind them. That it
// was put aside it sees by the clock.
//
// Each loop has its own, which one thread uses. Asks nobody for the time.
#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>

namespace nexadb::http {

class BusyPoll {
 public:
  explicit BusyPoll(uint64_t look_ns) : look_ns_(look_ns) {}

  // Whether to look at all, after a turn that worked for `client` alone; null: for none or several.
  // True is followed by Found, or by GoOn until that says no.
  bool Begin(const void* client, uint64_t now_ns) {
    if (look_ns_ == 0) return false;
    const bool same = client == client_.load(std::memory_order_relaxed);
    if (!same) client_.store(client, std::memory_order_relaxed);
    turns_ = same && client != nullptr ? turns_ + 1 : 0;
    if (turns_ < kTurns || now_ns < rest_end_ns_) return false;
    if (luck_ == 0 && turns_ % kProbe != 0) return false;
    looked_ns_ = now_ns;
    end_ns_ = now_ns + look_ns_;
    return true;
  }
  // After a look that found something.
  void Found() { luck_ = std::min(luck_ + 1, kLuckMax); }
  // After one that found nothing: whether to look again.
  bool GoOn(uint64_t now_ns) {
    if (now_ns - looked_ns_ > kPutAsideNs) {
      Rest(now_ns);
      return false;
    }
    looked_ns_ = now_ns;
    if (now_ns < end_ns_) return true;
    luck_ = std::max(luck_ - 1, 0);
    return false;
  }

  static constexpr uint64_t kTurns = 8;   // in a row for one client
  static constexpr uint64_t kProbe = 16;  // out of luck, one turn in so many is tried all the same
  static constexpr int kLuckMax = 8;
  static constexpr uint64_t kPutAsideNs = 200'000;  // a look takes less than one
  static constexpr uint64_t kRestNsMin = 50'000'000;
  static constexpr uint64_t kRestNsMax = 5'000'000'000;
  // Undisturbed for so long, the next rest is a short one again.
  static constexpr uint64_t kCalmNs = 100'000'000;

 private:
  void Rest(uint64_t now_ns) {
    const bool calm = now_ns > rest_end_ns_ + kCalmNs;
    rest_ns_ = calm ? kRestNsMin : std::min(2 * rest_ns_, kRestNsMax);
    rest_end_ns_ = now_ns + rest_ns_;
  }

  // Of all loops: whom the last one to work worked for.
  static inline std::atomic<const void*> client_{nullptr};

  const uint64_t look_ns_;
  uint64_t turns_ = 0;      // in a row for that client
  uint64_t looked_ns_ = 0;  // the last time
  uint64_t end_ns_ = 0;
  int luck_ = 0;  // looks of use less those in vain
  uint64_t rest_ns_ = kRestNsMin;
  uint64_t rest_end_ns_ = 0;
};

}  // namespace nexadb::http
