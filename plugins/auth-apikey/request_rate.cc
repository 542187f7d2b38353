#include "plugins/auth-apikey/request_rate.h"

#include <algorithm>

namespace nexadb::auth {
namespace {

constexpr uint64_t kNsPerSecond = 1'000'000'000;

}  // namespace

void RequestRate::Set(uint32_t per_second, uint32_t burst) {
  const uint64_t turn_ns = per_second == 0 ? 0 : kNsPerSecond / per_second;
  burst_ns_.store(turn_ns * (burst != 0 ? burst : per_second), std::memory_order_relaxed);
  turn_ns_.store(turn_ns, std::memory_order_relaxed);
}

uint64_t RequestRate::Take(uint64_t now_ns) {
  const uint64_t turn_ns = turn_ns_.load(std::memory_order_relaxed);
  if (turn_ns == 0) return 0;
  const uint64_t latest_ns = now_ns + burst_ns_.load(std::memory_order_relaxed);
  uint64_t full_at_ns = full_at_ns_.load(std::memory_order_relaxed);
  for (;;) {
    const uint64_t next_ns = std::max(full_at_ns, now_ns) + turn_ns;
    if (next_ns > latest_ns) return next_ns - latest_ns;
    if (full_at_ns_.compare_exchange_weak(full_at_ns, next_ns, std::memory_order_relaxed)) return 0;
  }
}

uint64_t RequestRate::OwedNs(uint64_t now_ns) const {
  const uint64_t full_at_ns = full_at_ns_.load(std::memory_order_relaxed);
  return limited() && full_at_ns > now_ns ? full_at_ns - now_ns : 0;
}

void RequestRate::Owe(uint64_t owed_ns, uint64_t now_ns) {
  if (!limited()) return;
  const uint64_t burst_ns = burst_ns_.load(std::memory_order_relaxed);
  uint64_t full_at_ns = full_at_ns_.load(std::memory_order_relaxed);
  uint64_t next_ns;
  do {
    const uint64_t owed_here_ns = full_at_ns > now_ns ? full_at_ns - now_ns : 0;
    next_ns = now_ns + std::max(owed_here_ns,
                                std::min(burst_ns, owed_here_ns + std::min(owed_ns, burst_ns)));
  } while (!full_at_ns_.compare_exchange_weak(full_at_ns, next_ns, std::memory_order_relaxed));
}

}  // namespace nexadb::auth
