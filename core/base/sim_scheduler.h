// SimScheduler: real threads that run one at a time. The running one holds the baton; at every
// scheduling point (mutex, condition, sleep, file operation) a seeded choice says who goes on.
// Virtual time moves on a little at each point and jumps to the next timeout when all threads wait.
// The same seed and program give the same history.
//
// Threads: the one that made the scheduler, and those it started. Any other one aborts, and so does
// a deadlock, a mutex unlocked by a stranger, or one locked twice: each prints the seed and what
// every thread waits for. Code under it must wait only through Env: a wait on a std::mutex or in a
// spin loop would keep the baton for ever. Internal to core/base; use SimEnv.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/base/prng.h"
#include "nexadb/abi.h"

namespace nexadb::base {

class SimScheduler {
 public:
  enum class State : uint32_t { kRunnable, kLocking, kWaiting, kSleeping, kJoining, kDone };

  struct Task {
    std::string name;
    uint32_t id = 0;
    State state = State::kRunnable;
    const void* waits_for = nullptr;  // a mutex, a condition or a task
    uint64_t waits_id = 0;
    uint64_t deadline_ns = UINT64_MAX;
    bool timed_out = false;
    Callback body;
    std::thread thread;
    // The baton's arrival.
    std::mutex mutex;
    std::condition_variable arrived;
    bool go = false;
  };

  struct Lock {
    uint64_t id = 0;
    Task* owner = nullptr;
  };

  // What one draw in `switch_one_in` does at a scheduling point: hand on the baton.
  SimScheduler(uint64_t seed, uint32_t switch_one_in);
  ~SimScheduler();
  SimScheduler(const SimScheduler&) = delete;
  SimScheduler& operator=(const SimScheduler&) = delete;

  void Yield();
  void SleepFor(uint64_t duration_ns);
  Task* Start(std::string_view name, const Callback& body);
  void Join(Task* task);

  void Acquire(Lock& lock);
  bool TryAcquire(Lock& lock);
  void Drop(Lock& lock);
  // False when the timeout came first. UINT64_MAX waits for ever.
  bool Wait(const void* condition, uint64_t condition_id, Lock& lock, uint64_t timeout_ns);
  enum class Wake { kOne, kAll };
  void Notify(const void* condition, Wake wake);

  uint64_t now_ns() const noexcept { return now_ns_; }
  void Advance(uint64_t ns) noexcept { now_ns_ += ns; }
  uint64_t NewId() noexcept { return ++last_id_; }
  uint32_t CurrentId() { return Current()->id; }
  // A number that tells histories apart, and the steps taken.
  uint64_t history() const noexcept { return history_; }
  void Record(uint64_t a, uint64_t b) noexcept;
  [[noreturn]] void Die(const char* why);

 private:
  Task* Current();
  Task* Pick();
  void Block(Task* self);
  void HandTo(Task* next, Task* self);
  void Run(Task* task);
  static void Await(Task* task);

  const uint64_t seed_;
  const uint32_t switch_one_in_;
  const std::thread::id main_thread_;
  Prng prng_;
  uint64_t now_ns_ = 1'000'000'000;
  uint64_t last_id_ = 0;
  uint64_t history_ = 0;
  std::vector<std::unique_ptr<Task>> tasks_;  // in order of their start; the first is the maker
};

}  // namespace nexadb::base
