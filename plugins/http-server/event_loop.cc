#include "plugins/http-server/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "plugins/http-server/busy_poll.h"

namespace nexadb::http {
namespace {

constexpr int kEventsInOneGo = 128;
constexpr uint64_t kNsPerMs = 1'000'000;
constexpr uint64_t kNsPerUs = 1'000;

uint64_t NowNs() {
  return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch() /
                               std::chrono::nanoseconds(1));
}

[[noreturn]] void ThrowLastError(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

struct EventLoop::Impl {
  Impl() : poll(::epoll_create1(EPOLL_CLOEXEC)), waker(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    // Edge-triggered: a wake-up is one write, which nobody needs to read.
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    if (poll >= 0 && waker >= 0 && ::epoll_ctl(poll, EPOLL_CTL_ADD, waker, &event) == 0) return;
    const int error = errno;
    Close();
    errno = error;
    ThrowLastError("cannot make an event loop");
  }
  ~Impl() { Close(); }

  const int poll;
  const int waker;
  uint64_t tick_ns = 0;
  uint64_t busy_poll_ns = 0;
  Callback on_tick;
  Handle<Thread> thread;
  std::atomic<std::thread::id> thread_id{};

  std::mutex mutex;
  // Written under the mutex, oldest first. The loop looks without it whether there is one.
  std::atomic<LoopTask*> first{nullptr};
  LoopTask* last = nullptr;  // guarded by mutex
  // The loop waits, or is about to. Set under the mutex; taken back late costs a wake-up in vain.
  std::atomic<bool> asleep{false};
  bool stopping = false;  // guarded by mutex

  void Close() noexcept {
    if (poll >= 0) ::close(poll);
    if (waker >= 0) ::close(waker);
  }
  void Wake() noexcept {
    const uint64_t one = 1;
    // Fails only when 2^64 wake-ups were written.
    static_cast<void>(::write(waker, &one, sizeof(one)) > 0);
  }
  void Run() noexcept;
  void Dispatch(const epoll_event& event) noexcept;
  void RunTasks() noexcept;
  // Looks for events without waiting, for as long as busy_poll has it; 0: there are none, or a task
  // was posted.
  int LookAgain(BusyPoll& busy_poll, const void* client, epoll_event* events,
                uint64_t* now_ns) noexcept;
  bool FallAsleep(bool* stop) noexcept;
};

struct FdWatch::Impl {
  Impl(EventLoop& event_loop, int descriptor, FdObserver& fd_observer)
      : loop(event_loop), fd(descriptor), observer(fd_observer) {
    closing.impl = this;
    closing.run = [](LoopTask& task) noexcept {
      static_cast<Closing&>(task).impl->observer.OnUnwatched();
    };
    if (!Control(EPOLL_CTL_ADD)) ThrowLastError("cannot watch a socket");
  }
  struct Closing : LoopTask {
    Impl* impl = nullptr;
  };

  EventLoop& loop;
  const int fd;
  FdObserver& observer;
  Closing closing;
  bool reading = false;  // the observer waits for it
  bool writing = false;
  bool closed = false;
  // What the kernel tells of, at each wait anew while it lasts. It is left as it is when nobody
  // waits any more, for somebody will soon; only what came in vain is turned off.
  uint32_t armed = EPOLLIN;

  bool Control(int operation) noexcept {
    epoll_event event{};
    event.events = armed;
    event.data.ptr = this;
    return ::epoll_ctl(loop.impl_->poll, operation, fd, &event) == 0;
  }
  void Wait(bool& waiting, uint32_t event) noexcept {
    if (closed) return;
    waiting = true;
    if ((armed & event) != 0) return;
    armed = (armed & ~static_cast<uint32_t>(EPOLLET)) | event;
    // The socket is known already, so this asks for no memory and cannot fail.
    Control(EPOLL_CTL_MOD);
  }
  void OnEvents(uint32_t events) noexcept {
    // An end or a failure shows itself to whoever reads or writes.
    if ((events & (EPOLLERR | EPOLLHUP)) != 0) events |= EPOLLIN | EPOLLOUT;
    const bool readable = (events & EPOLLIN) != 0 && std::exchange(reading, false);
    if (readable) observer.OnReadable();
    if (closed) return;
    const bool writable = (events & EPOLLOUT) != 0 && std::exchange(writing, false);
    if (writable) observer.OnWritable();
    if (!closed && !readable && !writable) Disarm();
  }
  void Close() noexcept {
    if (std::exchange(closed, true)) return;
    // Closing alone does not make the kernel forget a socket of which there is a duplicate.
    Control(EPOLL_CTL_DEL);
    ::close(fd);
  }
  // Nobody waits for what came: it would come again and again.
  void Disarm() noexcept {
    const uint32_t wanted = (reading ? EPOLLIN : 0u) | (writing ? EPOLLOUT : 0u);
    // Failures are told of even when nobody asked, but edge-triggered only once.
    const uint32_t next = wanted != 0 ? wanted : static_cast<uint32_t>(EPOLLET);
    if (next == armed) return;
    armed = next;
    Control(EPOLL_CTL_MOD);
  }
};

void EventLoop::Impl::Run() noexcept {
  thread_id.store(std::this_thread::get_id());
  uint64_t now_ns = NowNs();  // read once a turn
  uint64_t next_tick_ns = now_ns + tick_ns;
  BusyPoll busy_poll(busy_poll_ns);
  const void* client = nullptr;  // whom alone the last turn was for
  for (;;) {
    epoll_event events[kEventsInOneGo];
    int count = LookAgain(busy_poll, client, events, &now_ns);
    if (count <= 0) {
      bool stop = false;
      const bool sleeps = FallAsleep(&stop);
      if (stop) break;
      const uint64_t left_ns = now_ns < next_tick_ns ? next_tick_ns - now_ns : 0;
      const auto timeout_ms = sleeps ? static_cast<int>((left_ns + kNsPerMs - 1) / kNsPerMs) : 0;
      count = ::epoll_wait(poll, events, kEventsInOneGo, timeout_ms);
      asleep.store(false, std::memory_order_relaxed);
    }
    client = count == 1 ? events[0].data.ptr : nullptr;
    for (int i = 0; i < count; ++i) Dispatch(events[i]);
    // After the events: a socket that one of them closed is deleted here, so the others may still
    // be for it.
    RunTasks();
    now_ns = NowNs();
    if (now_ns < next_tick_ns) continue;
    on_tick.run(on_tick.state);
    now_ns = NowNs();
    next_tick_ns = now_ns + tick_ns;
  }
  thread_id.store({});  // another thread may get this one's id
}

int EventLoop::Impl::LookAgain(BusyPoll& busy_poll, const void* client, epoll_event* events,
                               uint64_t* now_ns) noexcept {
  if (!busy_poll.Begin(client, *now_ns)) return 0;
  do {
    const int count = ::epoll_wait(poll, events, kEventsInOneGo, 0);
    if (count > 0 || first.load(std::memory_order_relaxed) != nullptr) {
      busy_poll.Found();
      return count;
    }
    *now_ns = NowNs();
  } while (busy_poll.GoOn(*now_ns));
  return 0;
}

// Whether the loop may wait: nothing is posted. From then on whoever posts wakes it.
bool EventLoop::Impl::FallAsleep(bool* stop) noexcept {
  std::lock_guard lock(mutex);
  *stop = stopping;
  const bool sleeps = first.load(std::memory_order_relaxed) == nullptr;
  asleep.store(sleeps, std::memory_order_relaxed);
  return sleeps;
}

void EventLoop::Impl::Dispatch(const epoll_event& event) noexcept {
  auto* watch = static_cast<FdWatch::Impl*>(event.data.ptr);
  if (watch != nullptr && !watch->closed) watch->OnEvents(event.events);
}

void EventLoop::Impl::RunTasks() noexcept {
  // One that is posted now is seen before the loop falls asleep.
  if (first.load(std::memory_order_relaxed) == nullptr) return;
  LoopTask* task;
  {
    std::lock_guard lock(mutex);
    task = first.exchange(nullptr, std::memory_order_relaxed);
    last = nullptr;
  }
  while (task != nullptr) {
    LoopTask* next = std::exchange(task->next, nullptr);
    task->run(*task);
    task = next;
  }
}

EventLoop::EventLoop() : impl_(std::make_unique<Impl>()) {}

EventLoop::~EventLoop() { Stop(); }

Status EventLoop::Start(Env& env, std::string_view name, const Times& times,
                        const Callback& on_tick) noexcept {
  impl_->tick_ns = times.tick_ms * kNsPerMs;
  impl_->busy_poll_ns = times.busy_poll_us * kNsPerUs;
  impl_->on_tick = on_tick;
  auto thread = env.StartThread(
      name, {[](void* state) noexcept { static_cast<Impl*>(state)->Run(); }, impl_.get()});
  if (!thread.ok()) return thread.status();
  impl_->thread = std::move(*thread);
  return {};
}

void EventLoop::Stop() noexcept {
  if (!impl_->thread) return;
  {
    std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->Wake();
  impl_->thread->Join();
  impl_->thread.Reset();
  impl_->RunTasks();  // they own what they carry
}

void EventLoop::Post(LoopTask& task) noexcept {
  bool wake = false;
  {
    std::lock_guard lock(impl_->mutex);
    task.next = nullptr;
    if (impl_->first.load(std::memory_order_relaxed) == nullptr) {
      impl_->first.store(&task, std::memory_order_relaxed);
    } else {
      impl_->last->next = &task;
    }
    impl_->last = &task;
    wake = impl_->asleep.exchange(false, std::memory_order_relaxed);
  }
  // Nothing of the task is touched any more: it may have run.
  if (wake) impl_->Wake();
}

bool EventLoop::OnLoopThread() const noexcept {
  return impl_->thread_id.load(std::memory_order_relaxed) == std::this_thread::get_id();
}

FdWatch::FdWatch(EventLoop& loop, int fd, FdObserver& observer) {
  try {
    impl_ = std::make_unique<Impl>(loop, fd, observer);
  } catch (...) {
    ::close(fd);
    throw;
  }
}

FdWatch::~FdWatch() { impl_->Close(); }

void FdWatch::WaitReadable() noexcept { impl_->Wait(impl_->reading, EPOLLIN); }

void FdWatch::WaitWritable() noexcept { impl_->Wait(impl_->writing, EPOLLOUT); }

void FdWatch::Close() noexcept {
  if (impl_->closed) return;
  impl_->Close();
  impl_->loop.Post(impl_->closing);
}

}  // namespace nexadb::http
