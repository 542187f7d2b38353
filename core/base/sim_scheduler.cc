#include "core/base/sim_scheduler.h"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>

namespace nexadb::base {
namespace {

// Virtual time that one step takes.
constexpr uint64_t kStepNs = 1000;
// A condition wakes unasked once in so many waits, as Env allows.
constexpr uint64_t kSpuriousOneIn = 64;

struct Here {
  const SimScheduler* scheduler = nullptr;
  SimScheduler::Task* task = nullptr;
};
thread_local Here here;

const char* StateName(SimScheduler::State state) {
  switch (state) {
    case SimScheduler::State::kRunnable: return "can run";
    case SimScheduler::State::kLocking: return "waits for mutex";
    case SimScheduler::State::kWaiting: return "waits for condition";
    case SimScheduler::State::kSleeping: return "sleeps";
    case SimScheduler::State::kJoining: return "joins thread";
    case SimScheduler::State::kDone: return "has ended";
  }
  return "?";
}

}  // namespace

SimScheduler::SimScheduler(uint64_t seed, uint32_t switch_one_in)
    : seed_(seed),
      switch_one_in_(switch_one_in),
      main_thread_(std::this_thread::get_id()),
      prng_(seed) {
  tasks_.push_back(std::make_unique<Task>());
  tasks_.front()->name = "main";
}

SimScheduler::~SimScheduler() {
  for (const auto& task : tasks_) {
    if (task->thread.joinable()) Die("the simulator ends before its threads were joined");
  }
}

void SimScheduler::Die(const char* why) {
  std::fprintf(stderr, "simulator: %s (seed %" PRIu64 ", virtual time %" PRIu64 " ns)\n", why,
               seed_, now_ns_);
  for (const auto& task : tasks_) {
    std::fprintf(stderr, "  thread %" PRIu32 " \"%s\" %s", task->id, task->name.c_str(),
                 StateName(task->state));
    if (task->waits_for != nullptr) std::fprintf(stderr, " %" PRIu64, task->waits_id);
    std::fprintf(stderr, "\n");
  }
  std::abort();
}

void SimScheduler::Record(uint64_t a, uint64_t b) noexcept {
  history_ = Prng(history_ ^ Prng(a).Next() ^ (b * 0x9e3779b97f4a7c15u)).Next();
}

SimScheduler::Task* SimScheduler::Current() {
  if (here.scheduler == this) return here.task;
  if (std::this_thread::get_id() != main_thread_) Die("called by a thread it did not start");
  return tasks_.front().get();
}

void SimScheduler::Await(Task* task) {
  std::unique_lock<std::mutex> hold(task->mutex);
  task->arrived.wait(hold, [&] { return task->go; });
  task->go = false;
}

// Chooses among those that can run; when there are none, time jumps to the next timeout.
SimScheduler::Task* SimScheduler::Pick() {
  std::vector<Task*> ready;
  while (true) {
    uint64_t next_ns = UINT64_MAX;
    for (const auto& task : tasks_) {
      if (task->state == State::kDone) continue;
      if (task->state != State::kRunnable && task->deadline_ns <= now_ns_) {
        task->timed_out = true;
        task->state = State::kRunnable;
      }
      if (task->state == State::kRunnable) {
        ready.push_back(task.get());
      } else if (task->deadline_ns < next_ns) {
        next_ns = task->deadline_ns;
      }
    }
    if (!ready.empty()) break;
    if (next_ns == UINT64_MAX) Die("deadlock");
    now_ns_ = next_ns;
  }
  Task* next = ready[prng_.Below(ready.size())];
  Record(next->id, now_ns_);
  next->waits_for = nullptr;
  next->deadline_ns = UINT64_MAX;
  return next;
}

void SimScheduler::HandTo(Task* next, Task* self) {
  if (next == self) return;
  // Looked at before the baton goes: after that, this thread's state belongs to the others.
  bool ends = self->state == State::kDone;
  {
    // Notified under the lock: once `go` is seen, `next` may run to its end and be freed.
    std::lock_guard<std::mutex> hold(next->mutex);
    next->go = true;
    next->arrived.notify_one();
  }
  if (!ends) Await(self);
}

void SimScheduler::Block(Task* self) {
  self->timed_out = false;
  HandTo(Pick(), self);
}

void SimScheduler::Yield() {
  Task* self = Current();
  now_ns_ += kStepNs;
  if (tasks_.size() == 1 || !prng_.OneIn(switch_one_in_)) return;
  HandTo(Pick(), self);
}

void SimScheduler::SleepFor(uint64_t duration_ns) {
  Task* self = Current();
  self->state = State::kSleeping;
  self->deadline_ns = now_ns_ + duration_ns < now_ns_ ? UINT64_MAX - 1 : now_ns_ + duration_ns;
  Block(self);
}

void SimScheduler::Run(Task* task) {
  here = {this, task};
  Await(task);
  task->body.run(task->body.state);
  task->state = State::kDone;
  for (const auto& other : tasks_) {
    if (other->state == State::kJoining && other->waits_for == task) {
      other->state = State::kRunnable;
    }
  }
  HandTo(Pick(), task);
}

SimScheduler::Task* SimScheduler::Start(std::string_view name, const Callback& body) {
  Current();
  auto task = std::make_unique<Task>();
  task->name = name;
  task->id = static_cast<uint32_t>(tasks_.size());
  task->body = body;
  Task* raw = task.get();
  tasks_.push_back(std::move(task));
  raw->thread = std::thread([this, raw] { Run(raw); });
  Yield();
  return raw;
}

void SimScheduler::Join(Task* task) {
  Task* self = Current();
  if (task->state != State::kDone) {
    self->state = State::kJoining;
    self->waits_for = task;
    self->waits_id = task->id;
    Block(self);
  }
  task->thread.join();
}

void SimScheduler::Acquire(Lock& lock) {
  Task* self = Current();
  Yield();
  if (lock.owner == self) Die("a thread locks a mutex that it holds");
  while (lock.owner != nullptr) {
    self->state = State::kLocking;
    self->waits_for = &lock;
    self->waits_id = lock.id;
    Block(self);
  }
  lock.owner = self;
}

bool SimScheduler::TryAcquire(Lock& lock) {
  Task* self = Current();
  Yield();
  if (lock.owner != nullptr) return false;
  lock.owner = self;
  return true;
}

void SimScheduler::Drop(Lock& lock) {
  if (lock.owner != Current()) Die("a thread unlocks a mutex that it does not hold");
  lock.owner = nullptr;
  for (const auto& task : tasks_) {
    if (task->state == State::kLocking && task->waits_for == &lock) {
      task->state = State::kRunnable;
    }
  }
  Yield();
}

bool SimScheduler::Wait(const void* condition, uint64_t condition_id, Lock& lock,
                        uint64_t timeout_ns) {
  Task* self = Current();
  if (lock.owner != self) Die("a thread waits with a mutex that it does not hold");
  bool spurious = prng_.OneIn(kSpuriousOneIn);
  // Let go and wait in one step: no Yield may come between.
  lock.owner = nullptr;
  for (const auto& task : tasks_) {
    if (task->state == State::kLocking && task->waits_for == &lock) {
      task->state = State::kRunnable;
    }
  }
  self->timed_out = false;
  if (spurious) {
    Yield();
  } else {
    self->state = State::kWaiting;
    self->waits_for = condition;
    self->waits_id = condition_id;
    if (timeout_ns < UINT64_MAX - now_ns_) self->deadline_ns = now_ns_ + timeout_ns;
    Block(self);
  }
  bool timed_out = self->timed_out;
  Acquire(lock);
  return !timed_out;
}

void SimScheduler::Notify(const void* condition, Wake wake) {
  std::vector<Task*> waiting;
  for (const auto& task : tasks_) {
    if (task->state == State::kWaiting && task->waits_for == condition) {
      waiting.push_back(task.get());
    }
  }
  if (!waiting.empty()) {
    if (wake == Wake::kOne) waiting = {waiting[prng_.Below(waiting.size())]};
    for (Task* task : waiting) {
      task->state = State::kRunnable;
      task->deadline_ns = UINT64_MAX;
    }
  }
  Yield();
}

}  // namespace nexadb::base
