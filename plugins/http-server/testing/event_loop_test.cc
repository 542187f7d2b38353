// Laws of the event loop, also when memory runs out.
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

constexpr EventLoop::Times kTimes{.tick_ms = 10, .busy_poll_us = 50};
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

TEST(EventLoop, PostingTakesNoMemory) {
  EventLoop loop;
  ASSERT_TRUE(loop.Start(base::SystemEnv(), "loop", kTimes, kNothing).ok());
  struct Posted : LoopTask {
    std::promise<void> ran;
  } task;
  task.run = [](LoopTask& self) noexcept { static_cast<Posted&>(self).ran.set_value(); };
  const int before = refusals;
  refuse_memory = true;
  loop.Post(task);
  refuse_memory = false;
  EXPECT_EQ(refusals, before);
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

TEST(EventLoop, WaitingTakesNoMemory) {
  EventLoop loop;
  ASSERT_TRUE(loop.Start(base::SystemEnv(), "loop", kTimes, kNothing).ok());
  std::vector<Watched> sockets(8);
  const int before = refusals;
  OnLoop(loop, [&] {
    for (Watched& socket : sockets) socket.Open(loop);
    refuse_memory = true;
    for (Watched& socket : sockets) socket.watch().WaitReadable();
    refuse_memory = false;
  });
  EXPECT_EQ(refusals, before);
  for (Watched& socket : sockets) {
    socket.readable.get_future().wait();
    socket.unwatched.get_future().wait();
  }
  loop.Stop();
}

// Reads one byte a call, and counts its calls.
class Counted final : public FdObserver {
 public:
  Counted(EventLoop& loop, int fd) : fd_(fd), watch_(loop, fd, *this) {}
  void OnReadable() noexcept override {
    char byte;
    if (::read(fd_, &byte, 1) == 1) ++bytes;
    ++calls;
  }
  void OnWritable() noexcept override { ++writable; }
  void OnUnwatched() noexcept override { unwatched.set_value(); }
  FdWatch& watch() { return watch_; }
  int bytes = 0;
  int calls = 0;
  int writable = 0;
  std::promise<void> unwatched;

 private:
  const int fd_;
  FdWatch watch_;
};

TEST(EventLoop, OneWaitIsOneCallHoweverMuchThereIs) {
  EventLoop loop;
  ASSERT_TRUE(loop.Start(base::SystemEnv(), "loop", kTimes, kNothing).ok());
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
  std::unique_ptr<Counted> socket;
  OnLoop(loop, [&] { socket = std::make_unique<Counted>(loop, ends[0]); });
  ASSERT_EQ(::write(ends[1], "abc", 3), 3);
  for (int round = 1; round <= 3; ++round) {
    OnLoop(loop, [&] {
      socket->watch().WaitReadable();
      socket->watch().WaitReadable();
    });
    // Each is a turn of the loop, in which the call would come again.
    for (int turn = 0; turn < 3; ++turn) OnLoop(loop, [] {});
    OnLoop(loop, [&] { EXPECT_EQ(socket->calls, round); });
  }
  OnLoop(loop, [&] {
    EXPECT_EQ(socket->bytes, 3);
    EXPECT_EQ(socket->writable, 0);
    socket->watch().WaitWritable();
  });
  for (int turn = 0; turn < 3; ++turn) OnLoop(loop, [] {});
  OnLoop(loop, [&] { EXPECT_EQ(socket->writable, 1); });
  ::close(ends[1]);
  OnLoop(loop, [&] { socket->watch().WaitReadable(); });
  for (int turn = 0; turn < 3; ++turn) OnLoop(loop, [] {});
  OnLoop(loop, [&] {
    EXPECT_EQ(socket->calls, 4) << "the end of the other side is told, once a wait";
    socket->watch().Close();
  });
  socket->unwatched.get_future().wait();
  loop.Stop();
}

TEST(EventLoop, ASocketWithADuplicateIsForgottenOnceClosed) {
  EventLoop loop;
  ASSERT_TRUE(loop.Start(base::SystemEnv(), "loop", kTimes, kNothing).ok());
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
  const int duplicate = ::dup(ends[0]);
  std::unique_ptr<Counted> socket;
  OnLoop(loop, [&] {
    socket = std::make_unique<Counted>(loop, ends[0]);
    socket->watch().WaitReadable();
    socket->watch().Close();
  });
  socket->unwatched.get_future().wait();
  OnLoop(loop, [&] { socket.reset(); });
  ASSERT_EQ(::write(ends[1], "x", 1), 1);
  for (int turn = 0; turn < 3; ++turn) OnLoop(loop, [] {});
  loop.Stop();
  ::close(duplicate);
  ::close(ends[1]);
}

TEST(EventLoop, WhatIsPostedWhenItStopsStillRuns) {
  EventLoop loop;
  ASSERT_TRUE(loop.Start(base::SystemEnv(), "loop", kTimes, kNothing).ok());
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
