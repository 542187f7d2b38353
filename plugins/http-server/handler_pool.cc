#include "plugins/http-server/handler_pool.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <iterator>
#include <new>
#include <utility>

namespace nexadb::http {
namespace {

// Threads beyond those of the settings, one for each client that is waited for; more than that wait
// like everybody did.
constexpr uint64_t kExtraThreadsMax = 1024;
// An extra thread outlives the moment: clients that are slow once are slow again.
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

// Stop has joined its threads, or detached those that did not end.
HandlerPool::~HandlerPool() = default;

void HandlerPool::Add(PoolTask task) {
  {
    Lock lock(mutex_);
    if (tasks_.size() < settings_.waiting_max) {
      tasks_.push_back(std::move(task));
      Rouse(lock);
      if (running_ > 0) {
        TellWaiting();
        return;
      }
      // The machine has no thread to give, not even the first.
      task = std::move(tasks_.back());
      tasks_.pop_back();
    }
  }
  Decline(task);
}

bool HandlerPool::Take(PoolTask& task) {
  if (tasks_.empty()) return false;
  task = std::move(tasks_.front());
  tasks_.pop_front();
  TellWaiting();
  return true;
}

void HandlerPool::TellWaiting() {
  if (waiting_ != nullptr) waiting_->Set(static_cast<double>(tasks_.size()));
}

void HandlerPool::Begin() noexcept {
  Lock lock(mutex_);
  ++stalled_;
  if (!tasks_.empty()) Rouse(lock);
}

void HandlerPool::End() noexcept {
  Lock lock(mutex_);
  --stalled_;
}

bool HandlerPool::MayGrow() const {
  return running_ < settings_.threads + std::min(stalled_, kExtraThreadsMax) && !stopping_;
}

void HandlerPool::Rouse(Lock& lock) noexcept {
  if (idle_ > 0) work_.notify_one();
  if (idle_ < tasks_.size() && MayGrow() && StartThread(lock)) ++running_;
}

bool HandlerPool::StartThread(Lock& lock) noexcept {
  JoinFinished(lock);
  try {
    threads_.emplace_back();
  } catch (const std::bad_alloc&) {
    return false;
  }
  const auto self = std::prev(threads_.end());
  try {
    *self = std::thread([pool = shared_from_this(), self] { pool->Run(self); });
    return true;
  } catch (const std::exception&) {  // no memory, or no thread to be had
    threads_.erase(self);
    return false;
  }
}

void HandlerPool::Run(std::list<std::thread>::iterator self) {
  ::pthread_setname_np(::pthread_self(), "http-pool");
  Lock lock(mutex_);
  while (true) {
    PoolTask task;
    if (Take(task)) {
      lock.unlock();
      Serve(task);
      task = PoolTask();
      lock.lock();
      // Those that are not idle will see to what waits.
      if (idle_ == 0 && HasTooMany()) break;
      continue;
    }
    if (stopping_) break;
    const auto roused = [&] { return stopping_ || !tasks_.empty(); };
    const bool extra = running_ > settings_.threads;
    ++idle_;
    if (!extra) work_.wait(lock, roused);
    const bool stays = !extra || work_.wait_for(lock, kIdle, roused);
    --idle_;
    if (!stays && running_ > settings_.threads) break;
  }
  --running_;
  finished_.splice(finished_.end(), threads_, self);
  ended_.notify_all();
}

// They have nothing more to do but to end.
void HandlerPool::JoinFinished(Lock&) noexcept {
  for (std::thread& thread : finished_) {
    if (thread.joinable()) thread.join();
  }
  finished_.clear();
}

void HandlerPool::Stop(uint64_t timeout_ms) {
  Lock lock(mutex_);
  stopping_ = true;
  work_.notify_all();
  ended_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [&] { return running_ == 0; });
  JoinFinished(lock);
  waiting_ = nullptr;
  // A handler that does not return keeps its thread, and through it this pool.
  for (std::thread& thread : threads_) thread.detach();
}

}  // namespace nexadb::http
