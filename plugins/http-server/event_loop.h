// EventLoop: one thread that waits for sockets by epoll, runs posted tasks and ticks.
//
// A socket that is waited for again after each request costs no system call for that: the kernel
// tells of it until it tells in vain. Neither posting nor waiting asks for memory.
#pragma once
#include <cstdint>
#include <memory>
#include <string_view>

#include "nexadb/env.h"

namespace nexadb::http {

// A task lives inside the object that it wakes, so posting allocates nothing. Not posted again
// before it has run.
struct LoopTask {
  void (*run)(LoopTask& task) noexcept = nullptr;
  LoopTask* next = nullptr;
};

class EventLoop {
 public:
  struct Times {
    uint64_t tick_ms = 0;
    uint64_t busy_poll_us = 0;  // how long a loop that has worked looks for more before it sleeps
  };
  EventLoop();
  ~EventLoop();
  // `on_tick` runs on the loop's thread about every `tick_ms`.
  Status Start(Env& env, std::string_view name, const Times& times,
               const Callback& on_tick) noexcept;
  // Ends the thread and joins it, then runs what is still posted. Safe without Start.
  void Stop() noexcept;
  // [any] The task runs on the loop's thread, after the sockets' calls of this turn.
  void Post(LoopTask& task) noexcept;
  bool OnLoopThread() const noexcept;

 private:
  friend class FdWatch;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Told on the loop's thread.
class FdObserver {
 public:
  virtual void OnReadable() noexcept = 0;
  virtual void OnWritable() noexcept = 0;
  // After Close, when no more calls will come. The observer may delete itself and the watch.
  virtual void OnUnwatched() noexcept = 0;

 protected:
  ~FdObserver() = default;
};

// Owns a non-blocking socket and waits for it. [loop thread]
class FdWatch {
 public:
  // Throws when the loop cannot take the socket, which is then closed.
  FdWatch(EventLoop& loop, int fd, FdObserver& observer);
  ~FdWatch();
  // One call of the observer; asking again while waiting does nothing.
  void WaitReadable() noexcept;
  void WaitWritable() noexcept;
  // Closes the socket. OnUnwatched follows, never from within.
  void Close() noexcept;

 private:
  friend class EventLoop;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nexadb::http
