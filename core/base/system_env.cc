#include "core/base/system_env.h"

#include <pthread.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "core/base/system_files.h"
#include "nexadb/sdk/guard.h"

namespace nexadb::base {
namespace {

constexpr uint64_t kNsPerSecond = 1'000'000'000;
constexpr uint64_t kNsPerMs = 1'000'000;

// For what can fail only through a bug in this process: going on would be worse.
void Require(int result, const char* call) noexcept {
  if (result == 0) return;
  std::fprintf(stderr, "%s: %s\n", call, std::strerror(result));
  std::abort();
}

uint64_t Now(clockid_t clock) noexcept {
  timespec now;
  ::clock_gettime(clock, &now);
  return static_cast<uint64_t>(now.tv_sec) * kNsPerSecond + static_cast<uint64_t>(now.tv_nsec);
}

timespec ToTimespec(uint64_t ns) noexcept {
  timespec time;
  time.tv_sec = static_cast<time_t>(ns / kNsPerSecond);
  time.tv_nsec = static_cast<long>(ns % kNsPerSecond);
  return time;
}

// `now` + `duration`, at the farthest what a signed second count holds with ease.
uint64_t Deadline(uint64_t duration_ns) noexcept {
  constexpr uint64_t kFarthestNs = uint64_t{1} << 62;
  uint64_t now = Now(CLOCK_MONOTONIC);
  return duration_ns > kFarthestNs - now ? kFarthestNs : now + duration_ns;
}

class SystemClock final : public Clock {
 public:
  uint64_t MonotonicNs() noexcept override { return Now(CLOCK_MONOTONIC); }
  int64_t UnixMs() noexcept override {
    return static_cast<int64_t>(Now(CLOCK_REALTIME) / kNsPerMs);
  }
};

class SystemRandom final : public Random {
 public:
  void Fill(Span<uint8_t> out) noexcept override {
    size_t done = 0;
    while (done < out.size()) {
      ssize_t n = ::getrandom(out.data() + done, out.size() - done, 0);
      if (n < 0 && errno != EINTR) Require(errno, "getrandom");
      if (n > 0) done += static_cast<size_t>(n);
    }
  }
};

class SystemMutex final : public Mutex {
 public:
  void Lock() noexcept override { Require(pthread_mutex_lock(&mutex_), "pthread_mutex_lock"); }
  bool TryLock() noexcept override { return pthread_mutex_trylock(&mutex_) == 0; }
  void Unlock() noexcept override {
    Require(pthread_mutex_unlock(&mutex_), "pthread_mutex_unlock");
  }
  void Release() noexcept override {
    pthread_mutex_destroy(&mutex_);
    delete this;
  }
  pthread_mutex_t* native() noexcept { return &mutex_; }

 private:
  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
};

class SystemCondVar final : public CondVar {
 public:
  SystemCondVar() noexcept {
    // Timeouts follow the monotonic clock: setting the wall clock must not move them.
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    Require(pthread_cond_init(&condition_, &attributes), "pthread_cond_init");
    pthread_condattr_destroy(&attributes);
  }
  void Wait(Mutex& mutex) noexcept override {
    Require(pthread_cond_wait(&condition_, static_cast<SystemMutex&>(mutex).native()),
            "pthread_cond_wait");
  }
  bool WaitFor(Mutex& mutex, uint64_t timeout_ns) noexcept override {
    timespec until = ToTimespec(Deadline(timeout_ns));
    int result =
        pthread_cond_timedwait(&condition_, static_cast<SystemMutex&>(mutex).native(), &until);
    if (result == ETIMEDOUT) return false;
    Require(result, "pthread_cond_timedwait");
    return true;
  }
  void NotifyOne() noexcept override { pthread_cond_signal(&condition_); }
  void NotifyAll() noexcept override { pthread_cond_broadcast(&condition_); }
  void Release() noexcept override {
    pthread_cond_destroy(&condition_);
    delete this;
  }

 private:
  pthread_cond_t condition_;
};

class SystemThread final : public Thread {
 public:
  static Result<Handle<Thread>> Start(StringView name, const Callback& body) {
    auto thread = std::unique_ptr<SystemThread>(new SystemThread);
    thread->body_ = body;
    size_t length = std::min(name.size(), sizeof(thread->name_) - 1);
    std::memcpy(thread->name_, name.data(), length);
    int error = pthread_create(&thread->thread_, nullptr, &SystemThread::Run, thread.get());
    if (error != 0) {
      std::string message = "start thread " + std::string(name) + ": " + std::strerror(error);
      return Status::Error(Code::kResourceExhausted, message);
    }
    return Handle<Thread>(thread.release());
  }
  void Join() noexcept override { Require(pthread_join(thread_, nullptr), "pthread_join"); }
  void Release() noexcept override { delete this; }

 private:
  static void* Run(void* state) {
    auto* self = static_cast<SystemThread*>(state);
    pthread_setname_np(pthread_self(), self->name_);
    Callback body = self->body_;
    body.run(body.state);
    return nullptr;
  }

  pthread_t thread_ = {};
  Callback body_;
  char name_[16] = {};  // 15 bytes and the end: what the system keeps
};

class PosixEnv final : public Env {
 public:
  FileSystem& Files() noexcept override { return SystemFiles(); }
  nexadb::Clock& Clock() noexcept override { return clock_; }
  nexadb::Random& Random() noexcept override { return random_; }
  Handle<Mutex> NewMutex() noexcept override { return Handle<Mutex>(new SystemMutex); }
  Handle<CondVar> NewCondVar() noexcept override { return Handle<CondVar>(new SystemCondVar); }
  Result<Handle<Thread>> StartThread(StringView name, const Callback& body) noexcept override {
    return sdk::Guard([&] { return SystemThread::Start(name, body); });
  }
  void SleepNs(uint64_t duration_ns) noexcept override {
    timespec until = ToTimespec(Deadline(duration_ns));
    while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
    }
  }

 private:
  SystemClock clock_;
  SystemRandom random_;
};

}  // namespace

Env& SystemEnv() noexcept {
  static PosixEnv env;
  static_assert(std::is_trivially_destructible_v<PosixEnv>);
  return env;
}

void RaiseDescriptorLimit() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
}

}  // namespace nexadb::base
