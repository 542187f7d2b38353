#include "plugins/auth-apikey/throttle.h"

namespace nexadb::auth {

int64_t Throttle::NoteFailure(std::string_view peer, int64_t now_ms) {
  std::lock_guard lock(mutex_);
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
  if (window.failures < failures_max_) {
    ++window.failures;
    return 0;
  }
  return window.began_ms + kWindowMs - now_ms;
}

size_t Throttle::size() {
  std::lock_guard lock(mutex_);
  return windows_.size();
}

}  // namespace nexadb::auth
