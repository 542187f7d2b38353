#include "apart.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace nexadb::check {
namespace {

// A law that fails in a loop can write without end; what is kept is enough to understand it.
constexpr size_t kOutputBytesMax = 1 << 20;

std::string ReadAll(int fd) {
  std::string text(kOutputBytesMax, '\0');
  const ssize_t count = ::pread(fd, text.data(), text.size(), 0);
  text.resize(count > 0 ? static_cast<size_t>(count) : 0);
  return text;
}

[[noreturn]] void Child(const std::function<int()>& body, int output) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  const int value = body();
  std::fflush(nullptr);
  std::exit(value);
}

// False when the time limit passed first.
bool WaitForEnd(pid_t pid, uint64_t time_limit_ms) {
  const int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) return true;  // waitpid then waits without a limit
  pollfd watched{fd, POLLIN, 0};
  int ready;
  do {
    ready = ::poll(&watched, 1, static_cast<int>(time_limit_ms));
  } while (ready < 0 && errno == EINTR);
  ::close(fd);
  return ready > 0;
}

}  // namespace

Outcome RunApart(const std::function<int()>& body, uint64_t time_limit_ms) {
  Outcome outcome;
  const auto began = std::chrono::steady_clock::now();
  const int output = ::memfd_create("law", MFD_CLOEXEC);
  ::fcntl(output, F_SETFL, O_APPEND);
  std::fflush(nullptr);
  const pid_t pid = ::fork();
  if (pid == 0) Child(body, output);
  if (pid < 0) {
    ::close(output);
    outcome.value = 1;
    outcome.output = std::string("cannot fork: ") + ::strerror(errno);
    return outcome;
  }
  ::setpgid(pid, pid);  // whichever of the two comes first
  const bool ended = WaitForEnd(pid, time_limit_ms);
  // What it may have started goes too.
  if (!ended) ::kill(-pid, SIGKILL);
  int status = 0;
  ::waitpid(pid, &status, 0);
  ::kill(-pid, SIGKILL);
  if (!ended) {
    outcome.kind = Outcome::Kind::kHung;
  } else if (WIFSIGNALED(status)) {
    outcome.kind = Outcome::Kind::kCrashed;
    outcome.value = WTERMSIG(status);
  } else {
    outcome.value = WEXITSTATUS(status);
  }
  outcome.output = ReadAll(output);
  ::close(output);
  outcome.elapsed_ms = static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                                 std::chrono::steady_clock::now() - began)
                                                 .count());
  return outcome;
}

std::string Outcome::Trouble() const {
  switch (kind) {
    case Kind::kReturned: return "";
    case Kind::kCrashed:
      return "crashed with signal " + std::to_string(value) + " (" + ::strsignal(value) + ")";
    case Kind::kHung: return "was still running after " + std::to_string(elapsed_ms) + " ms";
  }
  return "";
}

}  // namespace nexadb::check
