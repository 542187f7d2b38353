// Executor: the kernel's two pools. The blocking pool runs work that may wait for a disk or a lock;
// the computing pool has one thread a core and runs loops that do not.
#pragma once
#include "nexadb/abi.h"

namespace nexadb {

// Exactly one of run and drop is called, once. drop is called when the pool stops or refuses.
struct Task {
  void (*run)(void* state) noexcept = nullptr;
  void (*drop)(void* state) noexcept = nullptr;
  void* state = nullptr;
};

class Executor {
 public:
  // [any] Queues a task on the blocking pool. kResourceExhausted when the queue is full
  // (`kernel.queue_max`): the task was dropped by calling drop.
  virtual Status Post(const Task& task) noexcept = 0;
  // [any] The same, not before `delay_ms` has passed.
  virtual Status PostAfter(uint64_t delay_ms, const Task& task) noexcept = 0;
  // [any] Calls body(state, i) for each i in [0, count), on the computing pool and on the calling
  // thread, which helps until all are done. Returns when the last call has returned.
  virtual void ParallelFor(uint64_t count, void (*body)(void* state, uint64_t i) noexcept,
                           void* state) noexcept = 0;
  virtual uint32_t BlockingThreads() noexcept = 0;
  virtual uint32_t ComputeThreads() noexcept = 0;

 protected:
  ~Executor() = default;
};

}  // namespace nexadb
