// ThreadPools: the Executor handed to plugins.
//
// Blocking pool: threads around one bounded queue, and a timer for PostAfter. Computing pool: one
// thread a core but for the caller's, serving ParallelFor loops; the caller takes part, so a loop
// ends even when every pool thread is busy, and a loop within a loop cannot deadlock.
// Delayed tasks count against the queue's bound from the start, so that a due task always fits.
#pragma once
#include <condition_variable>
#include <deque>
#include <mutex>
#include <queue>
#include <thread>
#include <vector>

#include "nexadb/executor.h"

namespace nexadb::base {

struct PoolSettings {
  uint32_t blocking_threads = 0;  // 0: four for each core, at least 8
  uint32_t compute_threads = 0;   // 0: one for each core
  uint64_t queue_max = 10000;
};

class ThreadPools final : public Executor {
 public:
  // Throws std::system_error when threads cannot be started.
  explicit ThreadPools(const PoolSettings& settings);
  // REQUIRES: no ParallelFor runs.
  ~ThreadPools();
  ThreadPools(const ThreadPools&) = delete;
  ThreadPools& operator=(const ThreadPools&) = delete;

  Status Post(const Task& task) noexcept override;
  Status PostAfter(uint64_t delay_ms, const Task& task) noexcept override;
  void ParallelFor(uint64_t count, void (*body)(void* state, uint64_t i) noexcept,
                   void* state) noexcept override;
  uint32_t BlockingThreads() noexcept override { return blocking_threads_; }
  uint32_t ComputeThreads() noexcept override { return compute_threads_; }

  // Drops what is queued, lets what runs finish, and joins the blocking pool; later posts are
  // refused with kUnavailable. Idempotent. [control]
  void Stop();

 private:
  struct Delayed {
    uint64_t due_ns;
    uint64_t order;
    Task task;
    bool operator>(const Delayed& o) const {
      return due_ns != o.due_ns ? due_ns > o.due_ns : order > o.order;
    }
  };
  struct Loop;

  Status Admit(uint64_t delay_ms, const Task& task);
  void RunBlocking();
  void RunTimer();
  void RunCompute();

  const uint64_t queue_max_;
  uint32_t blocking_threads_;
  uint32_t compute_threads_;

  std::mutex mutex_;
  std::condition_variable work_ready_;
  std::condition_variable timer_changed_;
  std::deque<Task> queue_;
  std::priority_queue<Delayed, std::vector<Delayed>, std::greater<>> delayed_;
  uint64_t next_order_ = 0;
  bool stopping_ = false;

  std::mutex loops_mutex_;
  std::condition_variable loop_ready_;
  std::deque<Loop*> loops_;
  bool compute_stopping_ = false;

  std::vector<std::thread> threads_;
  std::vector<std::thread> compute_;
};

}  // namespace nexadb::base
