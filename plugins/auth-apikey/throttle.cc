#include "plugins/auth-apikey/throttle.h"

#include <algorithm>
#include <limits>

namespace nexadb::auth {

Throttle::Window& Throttle::WindowOf(std::string_view peer, int64_t now_ms) {
  auto found = windows_.find(std::string(peer));
  if (found == windows_.end()) {
    if (windows_.size() >= kPeersMax) {
      windows_.erase(arrivals_.front());
      arrivals_.pop_front();
    }
    arrivals_.emplace_back(peer);
    found = windows_.emplace(arrivals_.back(), Window{now_ms, 0}).first;
  }
  Window& window = found->second;
  if (now_ms - window.began_ms >= kWindowMs) window = {now_ms, 0};
  return window;
}

int64_t Throttle::NoteFailure(std::string_view peer, int64_t now_ms) {
  std::lock_guard lock(mutex_);
  Window& window = WindowOf(peer, now_ms);
  if (window.failures < failures_max_) {
    ++window.failures;
    return 0;
  }
  return window.began_ms + kWindowMs - now_ms;
}

std::vector<Throttle::Count> Throttle::Counts(int64_t now_ms) {
  std::lock_guard lock(mutex_);
  std::vector<Count> counts;
  // Oldest first, as they are to be forgotten.
  for (const std::string& peer : arrivals_) {
    const Window& window = windows_.at(peer);
    if (now_ms - window.began_ms >= kWindowMs) continue;
    counts.push_back({peer, window.began_ms, window.failures});
  }
  return counts;
}

void Throttle::Add(const Count& count, int64_t now_ms) {
  // A clock that was set back makes no window that lasts.
  const int64_t began_ms = std::min(count.began_ms, now_ms);
  if (now_ms - began_ms >= kWindowMs) return;
  std::lock_guard lock(mutex_);
  Window& window = WindowOf(count.peer, now_ms);
  // With nothing counted here the minute is the one that has begun; else it is the later one.
  if (window.failures == 0) window.began_ms = began_ms;
  window.began_ms = std::max(window.began_ms, began_ms);
  const uint32_t room = std::numeric_limits<uint32_t>::max() - window.failures;
  window.failures += std::min(room, count.failures);
}

size_t Throttle::size() {
  std::lock_guard lock(mutex_);
  return windows_.size();
}

}  // namespace nexadb::auth
