#include "core/base/thread_pools.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>

#include "nexadb/sdk/guard.h"

namespace nexadb::base {
namespace {

constexpr uint32_t kBlockingThreadsMin = 8;
constexpr uint32_t kBlockingThreadsPerCore = 4;
// A delay is a promise that somebody waits for; longer ones are a mistake or mean "never".
constexpr uint64_t kDelayMsMax = uint64_t{365} * 24 * 3600 * 1000;

uint64_t NowNs() {
  return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch() /
                               std::chrono::nanoseconds(1));
}

void NameThread(const char* name) { ::pthread_setname_np(::pthread_self(), name); }

void DropTask(const Task& task) {
  if (task.drop != nullptr) task.drop(task.state);
}

}  // namespace

// Lives on the stack of the ParallelFor that made it. `helpers` is guarded by loops_mutex_.
struct ThreadPools::Loop {
  uint64_t count;
  void (*body)(void* state, uint64_t i) noexcept;
  void* state;
  std::atomic<uint64_t> next{0};
  uint32_t helpers = 0;
  std::condition_variable helpers_gone;

  void Help() {
    for (;;) {
      const uint64_t i = next.fetch_add(1, std::memory_order_relaxed);
      if (i >= count) return;
      body(state, i);
    }
  }
  bool Exhausted() const { return next.load(std::memory_order_relaxed) >= count; }
};

ThreadPools::ThreadPools(const PoolSettings& settings) : queue_max_(settings.queue_max) {
  const uint32_t cores = std::max(1u, std::thread::hardware_concurrency());
  blocking_threads_ = settings.blocking_threads != 0
                          ? settings.blocking_threads
                          : std::max(kBlockingThreadsMin, cores * kBlockingThreadsPerCore);
  compute_threads_ = settings.compute_threads != 0 ? settings.compute_threads : cores;
  try {
    for (uint32_t i = 0; i < blocking_threads_; ++i)
      threads_.emplace_back([this] { RunBlocking(); });
    threads_.emplace_back([this] { RunTimer(); });
    for (uint32_t i = 1; i < compute_threads_; ++i) compute_.emplace_back([this] { RunCompute(); });
  } catch (...) {
    Stop();
    {
      std::lock_guard lock(loops_mutex_);
      compute_stopping_ = true;
    }
    loop_ready_.notify_all();
    for (std::thread& thread : compute_) thread.join();
    throw;
  }
}

ThreadPools::~ThreadPools() {
  Stop();
  {
    std::lock_guard lock(loops_mutex_);
    compute_stopping_ = true;
  }
  loop_ready_.notify_all();
  for (std::thread& thread : compute_) thread.join();
}

Status ThreadPools::Admit(uint64_t delay_ms, const Task& task) {
  std::lock_guard lock(mutex_);
  if (stopping_) return Status::Error(Code::kUnavailable, "the kernel is stopping");
  if (queue_.size() + delayed_.size() >= queue_max_) {
    return Status::Error(
        Code::kResourceExhausted,
        "the kernel's queue is full (kernel.queue_max = " + std::to_string(queue_max_) + ")");
  }
  if (delay_ms == 0) {
    queue_.push_back(task);
    work_ready_.notify_one();
  } else {
    delayed_.push({NowNs() + std::min(delay_ms, kDelayMsMax) * 1000000, next_order_++, task});
    timer_changed_.notify_one();
  }
  return {};
}

Status ThreadPools::Post(const Task& task) noexcept { return PostAfter(0, task); }

Status ThreadPools::PostAfter(uint64_t delay_ms, const Task& task) noexcept {
  Status status = sdk::Guard([&] { return Admit(delay_ms, task); });
  if (!status.ok()) DropTask(task);
  return status;
}

void ThreadPools::RunBlocking() {
  NameThread("nexadb-blocking");
  std::unique_lock lock(mutex_);
  for (;;) {
    work_ready_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    const Task task = queue_.front();
    queue_.pop_front();
    lock.unlock();
    task.run(task.state);
    lock.lock();
  }
}

void ThreadPools::RunTimer() {
  NameThread("nexadb-timer");
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (delayed_.empty()) {
      timer_changed_.wait(lock);
      continue;
    }
    const uint64_t now = NowNs();
    const uint64_t due = delayed_.top().due_ns;
    if (due > now) {
      timer_changed_.wait_for(lock, std::chrono::nanoseconds(due - now));
      continue;
    }
    queue_.push_back(delayed_.top().task);
    delayed_.pop();
    work_ready_.notify_one();
  }
}

void ThreadPools::RunCompute() {
  NameThread("nexadb-compute");
  std::unique_lock lock(loops_mutex_);
  for (;;) {
    loop_ready_.wait(lock, [this] { return compute_stopping_ || !loops_.empty(); });
    if (loops_.empty()) return;
    Loop* loop = loops_.front();
    if (loop->Exhausted()) {
      // Its caller is on the way to remove it; nobody else needs to look at it.
      std::erase(loops_, loop);
      continue;
    }
    ++loop->helpers;
    lock.unlock();
    loop->Help();
    lock.lock();
    // Under the lock: the caller destroys the loop as soon as it sees no helper.
    if (--loop->helpers == 0) loop->helpers_gone.notify_one();
  }
}

void ThreadPools::ParallelFor(uint64_t count, void (*body)(void* state, uint64_t i) noexcept,
                              void* state) noexcept {
  Loop loop{count, body, state, {}, 0, {}};
  bool shared = false;
  if (count > 1 && compute_threads_ > 1) {
    std::lock_guard lock(loops_mutex_);
    // Without memory to share the loop the caller runs it alone.
    shared = sdk::Guard([&]() -> Status {
               loops_.push_back(&loop);
               return {};
             }).ok();
  }
  if (shared) loop_ready_.notify_all();
  loop.Help();
  if (!shared) return;
  std::unique_lock lock(loops_mutex_);
  std::erase(loops_, &loop);
  loop.helpers_gone.wait(lock, [&] { return loop.helpers == 0; });
}

void ThreadPools::Stop() {
  std::deque<Task> dropped;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(queue_);
    for (; !delayed_.empty(); delayed_.pop()) dropped.push_back(delayed_.top().task);
  }
  work_ready_.notify_all();
  timer_changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  for (const Task& task : dropped) DropTask(task);
}

}  // namespace nexadb::base
