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
#include <utility>

namespace nexadb::http {
namespace asio = boost::asio;

struct EventLoop::Impl {
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard{context.get_executor()};
  asio::steady_timer ticker{context};
  uint64_t tick_ms = 0;
  bool ticking = false;  // [loop]
  Callback on_tick;
  Handle<Thread> thread;
  std::atomic<std::thread::id> thread_id{};

  std::mutex mutex;
  LoopTask* first = nullptr;  // guarded by mutex; oldest first
  LoopTask* last = nullptr;

  void Run() noexcept {
    thread_id.store(std::this_thread::get_id());
    while (!context.stopped()) {
      // Every callback has its own wall; what is caught here is Asio's own failure to allocate,
      // after which the loop goes on.
      try {
        if (!ticking) Tick();
      } catch (...) {
      }
      try {
        if (ticking) {
          context.run();
        } else {
          context.run_for(std::chrono::milliseconds(tick_ms));
        }
      } catch (...) {
      }
    }
    thread_id.store({});  // another thread may get this one's id
  }

  void Tick() {
    ticker.expires_after(std::chrono::milliseconds(tick_ms));
    ticking = true;
    try {
      ticker.async_wait([this](const boost::system::error_code& error) {
        ticking = false;
        if (error) return;
        RunTasks();  // whose wake-up found no memory
        on_tick.run(on_tick.state);
        Tick();
      });
    } catch (...) {
      ticking = false;
      throw;
    }
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
  impl_->RunTasks();  // they own what they carry
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
  if (!wake) return;
  try {
    asio::post(impl->context, [impl] { impl->RunTasks(); });
  } catch (...) {
    // No memory: the next tick runs them.
  }
}

bool EventLoop::OnLoopThread() const noexcept {
  return impl_->thread_id.load(std::memory_order_relaxed) == std::this_thread::get_id();
}

struct FdWatch::Impl {
  Impl(EventLoop& event_loop, int fd, FdObserver& fd_observer)
      : loop(event_loop), descriptor(event_loop.impl_->context), observer(fd_observer) {
    again.impl = this;
    again.run = [](LoopTask& task) noexcept { static_cast<Again&>(task).impl->OnAgain(); };
    descriptor.assign(fd);
  }
  struct Again : LoopTask {
    Impl* impl = nullptr;
  };
  struct Direction {
    asio::posix::stream_descriptor::wait_type kind;
    void (FdObserver::*notify)() noexcept;
    bool waiting = false;
    bool missed = false;  // there was no memory to wait; asked again later
  };

  EventLoop& loop;
  asio::posix::stream_descriptor descriptor;
  FdObserver& observer;
  Direction reading{asio::posix::stream_descriptor::wait_read, &FdObserver::OnReadable};
  Direction writing{asio::posix::stream_descriptor::wait_write, &FdObserver::OnWritable};
  Again again;
  bool posted = false;
  bool closed = false;
  bool told = false;

  void Wait(Direction& direction) noexcept {
    if (direction.waiting || closed) return;
    direction.waiting = true;
    try {
      descriptor.async_wait(direction.kind, [this, &direction](const boost::system::error_code&) {
        OnEvent(direction);
      });
    } catch (...) {
      direction.waiting = false;
      direction.missed = true;
      PostAgain();
    }
  }
  void OnEvent(Direction& direction) noexcept {
    direction.waiting = false;
    if (closed) return TellClosed();
    (observer.*direction.notify)();  // may close and, later, delete
  }
  void PostAgain() noexcept {
    if (std::exchange(posted, true)) return;
    loop.Post(again);
  }
  void OnAgain() noexcept {
    posted = false;
    if (closed) return TellClosed();
    if (std::exchange(reading.missed, false)) Wait(reading);
    if (std::exchange(writing.missed, false)) Wait(writing);
  }
  void TellClosed() noexcept {
    if (reading.waiting || writing.waiting || posted || told) return;
    told = true;
    observer.OnUnwatched();
  }
};

FdWatch::FdWatch(EventLoop& loop, int fd, FdObserver& observer) {
  try {
    impl_ = std::make_unique<Impl>(loop, fd, observer);
  } catch (...) {
    ::close(fd);
    throw;
  }
}

FdWatch::~FdWatch() = default;

void FdWatch::WaitReadable() noexcept { impl_->Wait(impl_->reading); }

void FdWatch::WaitWritable() noexcept { impl_->Wait(impl_->writing); }

void FdWatch::Close() noexcept {
  if (impl_->closed) return;
  impl_->closed = true;
  boost::system::error_code ignored;
  impl_->descriptor.close(ignored);  // completes the waits, each of which comes to OnEvent
  if (!impl_->reading.waiting && !impl_->writing.waiting) impl_->PostAgain();
}

}  // namespace nexadb::http
