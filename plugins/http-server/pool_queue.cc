#include "plugins/http-server/pool_queue.h"

#include <chrono>
#include <system_error>
#include <utility>

namespace nexadb::http {
namespace {

// One for each client that is waited for; more than that wait like everybody did.
constexpr uint64_t kHelpersMax = 1024;
// Requests that wait without a ticket; the pool counts those with one.
constexpr size_t kWaitingMax = 10'000;
// A helper outlives the moment: clients that are slow once are slow again.
constexpr std::chrono::seconds kIdle{1};

void Serve(const PoolTask& task) {
  task.handler->Serve(Handle<Exchange>(task.exchange));
  task.route->Leave();
}

void Decline(const PoolTask& task) {
  task.exchange->SendRefusal({ErrorId::kBusy, "Too many requests wait for a thread."}, {});
  task.exchange->Release();
  task.route->Leave();
}

}  // namespace

struct PoolQueue::Ticket {
  std::shared_ptr<PoolQueue> queue;
};

// Stop has joined its threads, or detached those that did not end.
PoolQueue::~PoolQueue() = default;

void PoolQueue::Add(PoolTask task) {
  auto ticket = std::make_unique<Ticket>(Ticket{shared_from_this()});
  {
    Lock lock(mutex_);
    waiting_.push_back(std::move(task));
    const bool helped = Help(lock);
    if (helped && stalled_ >= executor_.BlockingThreads() && waiting_.size() <= kWaitingMax) {
      return;
    }
    ++tickets_;
  }
  const Task posted{[](void* state) noexcept {
                      const std::unique_ptr<Ticket> self(static_cast<Ticket*>(state));
                      self->queue->RunTicket();
                    },
                    [](void* state) noexcept {
                      const std::unique_ptr<Ticket> self(static_cast<Ticket*>(state));
                      self->queue->RefuseNewest();
                    },
                    ticket.release()};
  // A refused ticket has been dropped, which answered a request.
  static_cast<void>(executor_.Post(posted).ok());
}

bool PoolQueue::Take(PoolTask& task) {
  if (waiting_.empty()) return false;
  task = std::move(waiting_.front());
  waiting_.pop_front();
  return true;
}

void PoolQueue::RunTicket() {
  PoolTask task;
  bool taken = false;
  {
    Lock lock(mutex_);
    if (--tickets_ == 0) changed_.notify_all();
    taken = Take(task);
  }
  if (taken) Serve(task);
}

void PoolQueue::RefuseNewest() {
  PoolTask task;
  {
    Lock lock(mutex_);
    if (--tickets_ == 0) changed_.notify_all();
    if (waiting_.empty()) return;
    task = std::move(waiting_.back());
    waiting_.pop_back();
  }
  Decline(task);
}

void PoolQueue::Begin() noexcept {
  Lock lock(mutex_);
  ++stalled_;
  if (!waiting_.empty()) Help(lock);
}

void PoolQueue::End() noexcept {
  Lock lock(mutex_);
  --stalled_;
}

bool PoolQueue::Help(Lock& lock) noexcept {
  if (idle_ > 0) changed_.notify_all();
  if (idle_ >= waiting_.size()) return true;
  if (helpers_ >= stalled_ || helpers_ >= kHelpersMax || stopping_) return helpers_ > 0;
  JoinFinished(lock);
  try {
    const auto self = threads_.emplace(threads_.end());
    try {
      *self = std::thread([queue = shared_from_this(), self] { queue->RunHelper(self); });
    } catch (const std::system_error&) {
      threads_.erase(self);
      return helpers_ > 0;  // the machine has no thread to give
    }
  } catch (const std::bad_alloc&) {
    return helpers_ > 0;
  }
  ++helpers_;
  return true;
}

void PoolQueue::RunHelper(std::list<std::thread>::iterator self) {
  Lock lock(mutex_);
  while (!stopping_ || !waiting_.empty()) {
    // Its place is needed no more, and tickets see to what waits.
    if (helpers_ > stalled_ && tickets_ >= waiting_.size()) break;
    PoolTask task;
    if (Take(task)) {
      lock.unlock();
      Serve(task);
      task = PoolTask();
      lock.lock();
      continue;
    }
    ++idle_;
    const bool woken =
        changed_.wait_for(lock, kIdle, [&] { return stopping_ || !waiting_.empty(); });
    --idle_;
    if (!woken) break;
  }
  --helpers_;
  finished_.splice(finished_.end(), threads_, self);
  changed_.notify_all();
}

// They have nothing more to do but to end.
void PoolQueue::JoinFinished(Lock&) noexcept {
  for (std::thread& thread : finished_) {
    if (thread.joinable()) thread.join();
  }
  finished_.clear();
}

void PoolQueue::Stop(uint64_t timeout_ms) {
  Lock lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
  changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms),
                    [&] { return helpers_ == 0 && tickets_ == 0; });
  JoinFinished(lock);
  // A handler that does not return keeps its thread, and through it this queue.
  for (std::thread& thread : threads_) thread.detach();
}

}  // namespace nexadb::http
