#include "core/kernel/signals.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <string_view>
#include <thread>

#include "core/kernel/options.h"

namespace nexadb::kernel {
namespace {

std::atomic<bool> stop_requested{false};

void Run(const sigset_t& signals) {
  for (;;) {
    int signal = 0;
    if (::sigwait(&signals, &signal) != 0) continue;
    if (!stop_requested.exchange(true)) {
      stop_requested.notify_all();
      continue;
    }
    constexpr std::string_view kText = "nexadb-kernel: second signal, stopping at once\n";
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kText.data(), kText.size());
    ::_exit(kExitFailure);
  }
}

}  // namespace

void WatchSignals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&signals, signal);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  // A peer that hangs up is an error code of write(2), not the end of the database.
  ::signal(SIGPIPE, SIG_IGN);
  std::thread([signals] { Run(signals); }).detach();
}

bool StopRequested() { return stop_requested; }

void WaitForStopRequest() { stop_requested.wait(false); }

}  // namespace nexadb::kernel
