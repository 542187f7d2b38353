#include "core/kernel/signals.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <string_view>
#include <thread>

#include "core/kernel/options.h"

namespace nexadb::kernel {
namespace {

constexpr uint32_t kStopBit = 1;
constexpr uint32_t kReloadBit = 2;
std::atomic<uint32_t> requests{0};

void Run(const sigset_t& signals) {
  for (;;) {
    siginfo_t info;
    const int signal = ::sigwaitinfo(&signals, &info);
    if (signal < 0) continue;
    const bool reload = signal == SIGHUP && info.si_code != SI_KERNEL;
    const uint32_t bit = reload ? kReloadBit : kStopBit;
    if ((requests.fetch_or(bit) & bit & kStopBit) == 0) {
      requests.notify_all();
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

bool StopRequested() { return (requests & kStopBit) != 0; }

Request WaitForRequest() {
  requests.wait(0);
  const uint32_t seen = requests.fetch_and(~kReloadBit);
  return (seen & kStopBit) != 0 ? Request::kStop : Request::kReload;
}

}  // namespace nexadb::kernel
