// Throttle: counts bad keys by address and minute. Consulted only after a key has turned out bad,
// so that a valid one is never held up. Its table is bounded: past kPeersMax addresses the one
// that came first is forgotten. Any thread.
#pragma once
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace nexadb::auth {

class Throttle {
 public:
  static constexpr size_t kPeersMax = 4096;
  static constexpr int64_t kWindowMs = 60'000;

  explicit Throttle(uint32_t failures_max) : failures_max_(failures_max) {}
  // Notes a bad key. 0: within the limit; otherwise the milliseconds until the address may err
  // again.
  int64_t NoteFailure(std::string_view peer, int64_t now_ms);
  size_t size();

  // What an address has sent in its minute, for the instance that takes this one's place.
  struct Count {
    std::string peer;
    int64_t began_ms = 0;
    uint32_t failures = 0;
  };
  // Those whose minute is not over.
  std::vector<Count> Counts(int64_t now_ms);
  // Adds them to what was counted here: no address gains by it.
  void Add(const Count& count, int64_t now_ms);

 private:
  struct Window {
    int64_t began_ms = 0;
    uint32_t failures = 0;
  };

  Window& WindowOf(std::string_view peer, int64_t now_ms);  // REQUIRES: mutex_ held

  const uint32_t failures_max_;
  std::mutex mutex_;
  std::unordered_map<std::string, Window> windows_;  // guarded by mutex_
  std::deque<std::string> arrivals_;                 // its keys, oldest first
};

}  // namespace nexadb::auth
