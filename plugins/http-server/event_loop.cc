#include "plugins/http-server/event_loop.h"

#include <unistd.h>

#if defined(__SANITIZE_THREAD__) && !defined(__clang__)
// Asio's fences stand beside locks, which the thread sanitizer does understand.
#pragma GCC diagnostic ignored "-Wtsan"
#endif
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <mutex>
#include <optional>
#include <thread>

namespace nexadb::http {
namespace asio = boost::asio;

struct EventLoop::Impl {
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard{context.get_executor()};
  asio::steady_timer ticker{context};
  uint64_t tick_ms = 0;
  Callback on_tick;
  Handle<Thread> thread;
  std::atomic<std::thread::id> thread_id{};

  std::mutex mutex;
  LoopTask* first = nullptr;  // guarded by mutex; oldest first
  LoopTask* last = nullptr;

  void Run() noexcept {
    thread_id.store(std::this_thread::get_id());
    Tick();
    while (!context.stopped()) {
      try {
        context.run();
      } catch (...) {
        // Every callback has its own wall; what reaches this one is Asio's own failure to
        // allocate, after which the loop can go on.
      }
    }
  }

  void Tick() {
    ticker.expires_after(std::chrono::milliseconds(tick_ms));
    ticker.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      on_tick.run(on_tick.state);
      Tick();
    });
  }

  void RunTasks() noexcept {
    LoopTask* task;
    {
      std::lock_guard lock(mutex);
      task = std::exchange(first, nullptr);
      last = nullptr;
    }
    while (task != nullptr) {
      LoopTask* next = std::exchange(task->next, nullptr);
      task->run(*task);
      task = next;
    }
  }
};

EventLoop::EventLoop() : impl_(std::make_unique<Impl>()) {}

EventLoop::~EventLoop() { Stop(); }

Status EventLoop::Start(Env& env, std::string_view name, uint64_t tick_ms,
                        const Callback& on_tick) noexcept {
  impl_->tick_ms = tick_ms;
  impl_->on_tick = on_tick;
  auto thread = env.StartThread(
      name, {[](void* state) noexcept { static_cast<Impl*>(state)->Run(); }, impl_.get()});
  if (!thread.ok()) return thread.status();
  impl_->thread = std::move(*thread);
  return {};
}

void EventLoop::Stop() noexcept {
  if (!impl_->thread) return;
  impl_->context.stop();
  impl_->thread->Join();
  impl_->thread.Reset();
}

void EventLoop::Post(LoopTask& task) noexcept {
  Impl* impl = impl_.get();
  bool wake = false;
  {
    std::lock_guard lock(impl->mutex);
    task.next = nullptr;
    wake = impl->first == nullptr;
    (wake ? impl->first : impl->last->next) = &task;
    impl->last = &task;
  }
  if (wake) asio::post(impl->context, [impl] { impl->RunTasks(); });
}

bool EventLoop::OnLoopThread() const noexcept {
  return impl_->thread_id.load(std::memory_order_relaxed) == std::this_thread::get_id();
}

struct FdWatch::Impl {
  Impl(asio::io_context& context, int fd, FdObserver& fd_observer)
      : descriptor(context), observer(fd_observer) {
    descriptor.assign(fd);
  }
  asio::posix::stream_descriptor descriptor;
  FdObserver& observer;
  bool reading = false;
  bool writing = false;
  bool closed = false;
  bool told = false;

  void OnEvent(bool Impl::*flag, void (FdObserver::*notify)() noexcept) noexcept {
    this->*flag = false;
    if (closed) return TellClosed();
    (observer.*notify)();  // may close and, later, delete
  }
  void TellClosed() noexcept {
    if (reading || writing || told) return;
    told = true;
    observer.OnUnwatched();
  }
};

FdWatch::FdWatch(EventLoop& loop, int fd, FdObserver& observer) {
  try {
    impl_ = std::make_unique<Impl>(loop.impl_->context, fd, observer);
  } catch (...) {
    ::close(fd);
    throw;
  }
}

FdWatch::~FdWatch() = default;

void FdWatch::WaitReadable() noexcept {
  if (impl_->reading || impl_->closed) return;
  impl_->reading = true;
  impl_->descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                               [impl = impl_.get()](const boost::system::error_code&) {
                                 impl->OnEvent(&Impl::reading, &FdObserver::OnReadable);
                               });
}

void FdWatch::WaitWritable() noexcept {
  if (impl_->writing || impl_->closed) return;
  impl_->writing = true;
  impl_->descriptor.async_wait(asio::posix::stream_descriptor::wait_write,
                               [impl = impl_.get()](const boost::system::error_code&) {
                                 impl->OnEvent(&Impl::writing, &FdObserver::OnWritable);
                               });
}

void FdWatch::Close() noexcept {
  if (impl_->closed) return;
  impl_->closed = true;
  boost::system::error_code ignored;
  impl_->descriptor.close(ignored);  // completes the waits, each of which comes to OnEvent
  if (impl_->reading || impl_->writing) return;
  asio::post(impl_->descriptor.get_executor(), [impl = impl_.get()] { impl->TellClosed(); });
}

}  // namespace nexadb::http
