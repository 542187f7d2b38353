#include "core/kernel/signals.h"

#include <signal.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <string_view>
#include <thread>

#include "core/kernel/options.h"

namespace nexadb::kernel {
namespace {

struct Watch {
  sigset_t set;
  std::mutex mutex;
  std::condition_variable came;
  bool stop_requested = false;
};

// Never destroyed, since its thread never ends.
Watch& TheWatch() {
  static auto* watch = new Watch();
  return *watch;
}

void Run(Watch& watch) {
  for (;;) {
    int signal = 0;
    if (::sigwait(&watch.set, &signal) != 0) continue;
    {
      std::lock_guard lock(watch.mutex);
      if (!watch.stop_requested) {
        watch.stop_requested = true;
        watch.came.notify_all();
        continue;
      }
    }
    constexpr std::string_view kText = "nexadb-kernel: second signal, stopping at once\n";
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kText.data(), kText.size());
    ::_exit(kExitFailure);
  }
}

}  // namespace

void WatchSignals() {
  Watch& watch = TheWatch();
  ::sigemptyset(&watch.set);
  for (int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&watch.set, signal);
  ::pthread_sigmask(SIG_BLOCK, &watch.set, nullptr);
  // A peer that hangs up is an error code of write(2), not the end of the database.
  ::signal(SIGPIPE, SIG_IGN);
  std::thread([&watch] { Run(watch); }).detach();
}

bool StopRequested() {
  Watch& watch = TheWatch();
  std::lock_guard lock(watch.mutex);
  return watch.stop_requested;
}

void WaitForStopRequest() {
  Watch& watch = TheWatch();
  std::unique_lock lock(watch.mutex);
  watch.came.wait(lock, [&] { return watch.stop_requested; });
}

}  // namespace nexadb::kernel
