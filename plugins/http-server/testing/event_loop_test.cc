// The event loop when memory runs out: nothing is lost, it only comes later.
#include "plugins/http-server/event_loop.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <future>
#include <memory>
#include <new>
#include <vector>

#include "core/base/system_env.h"

namespace {

thread_local bool refuse_memory = false;
std::atomic<int> refusals{0};

}  // namespace

// Replaces the program's own, so that a thread can be refused memory. Inlined halves would look to
// the compiler like a mismatched pair.
[[gnu::noinline]] void* operator new(std::size_t size) {
  if (refuse_memory) {
    ++refusals;
    throw std::bad_alloc();
  }
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace nexadb::http {
namespace {

constexpr uint64_t kTickMs = 10;
constexpr Callback kNothing{[](void*) noexcept {}, nullptr};

// Runs `body` on the loop and waits for it.
struct OnLoop : LoopTask {
  OnLoop(EventLoop& loop, std::function<void()> what) : body(std::move(what)) {
    run = [](LoopTask& task) noexcept {
      auto& self = static_cast<OnLoop&>(task);
      self.body();
      self.done.set_value();
    };
    loop.Post(*this);
    done.get_future().wait();
  }
  std::function<void()> body;
  std::promise<void> done;
};

TEST(EventLoop, RunsATaskThatWasPostedWithoutMemory) {
  EventLoop loop;
  ASSERT_TRUE(loop.Start(base::SystemEnv(), "loop", kTickMs, kNothing).ok());
  struct Posted : LoopTask {
    std::promise<void> ran;
  } task;
  task.run = [](LoopTask& self) noexcept { static_cast<Posted&>(self).ran.set_value(); };
  const int before = refusals;
  refuse_memory = true;
  loop.Post(task);
  refuse_memory = false;
  EXPECT_GT(refusals, before);
  task.ran.get_future().wait();
}

// A socket whose other end holds one byte to read.
class Watched final : public FdObserver {
 public:
  void Open(EventLoop& loop) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    other_ = ends[1];
    ASSERT_EQ(::write(other_, "x", 1), 1);
    watch_ = std::make_unique<FdWatch>(loop, ends[0], *this);
  }
  ~Watched() {
    if (other_ >= 0) ::close(other_);
  }
  FdWatch& watch() { return *watch_; }
  void OnReadable() noexcept override {
    readable.set_value();
    watch_->Close();
  }
  void OnWritable() noexcept override {}
  void OnUnwatched() noexcept override { unwatched.set_value(); }
  std::promise<void> readable;
  std::promise<void> unwatched;

 private:
  int other_ = -1;
  std::unique_ptr<FdWatch> watch_;
};

TEST(EventLoop, SocketsThatFoundNoMemoryToWaitAreWatchedLater) {
  EventLoop loop;
  ASSERT_TRUE(loop.Start(base::SystemEnv(), "loop", kTickMs, kNothing).ok());
  std::vector<Watched> sockets(8);  // more than Asio keeps memory for
  const int before = refusals;
  OnLoop(loop, [&] {
    for (Watched& socket : sockets) socket.Open(loop);
    refuse_memory = true;
    for (Watched& socket : sockets) socket.watch().WaitReadable();
    refuse_memory = false;
  });
  EXPECT_GT(refusals, before);
  for (Watched& socket : sockets) {
    socket.readable.get_future().wait();
    socket.unwatched.get_future().wait();
  }
  loop.Stop();
}

TEST(EventLoop, WhatIsPostedWhenItStopsStillRuns) {
  EventLoop loop;
  ASSERT_TRUE(loop.Start(base::SystemEnv(), "loop", kTickMs, kNothing).ok());
  struct Posted : LoopTask {
    int ran = 0;
  } task;
  task.run = [](LoopTask& self) noexcept { ++static_cast<Posted&>(self).ran; };
  loop.Post(task);
  loop.Stop();
  EXPECT_EQ(task.ran, 1);
}

}  // namespace
}  // namespace nexadb::http
