#include "core/base/crash_report.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <link.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstring>

namespace nexadb::base {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif
constexpr size_t kLibrariesMax = 128;
constexpr size_t kLabelBytesMax = 256;
constexpr int kFramesMax = 64;
constexpr size_t kSignalStackBytes = 64 * 1024;
constexpr int kSignals[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL};

struct Named {
  const link_map* library;
  char label[kLabelBytesMax];
};

// Written by the control thread only; the handler sees the first `named_count` entries, complete.
Named named[kLibrariesMax];
std::atomic<size_t> named_count{0};
const char* program = "";
alignas(16) char signal_stack[kSignalStackBytes];

void Print(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
    if (written <= 0) return;
    text.remove_prefix(static_cast<size_t>(written));
  }
}

void PrintHex(uintptr_t value) {
  char digits[2 + 2 * sizeof(value)];
  char* at = digits + sizeof(digits);
  do {
    *--at = "0123456789abcdef"[value & 15];
    value >>= 4;
  } while (value != 0);
  *--at = 'x';
  *--at = '0';
  Print({at, static_cast<size_t>(digits + sizeof(digits) - at)});
}

void Report(int signal, siginfo_t* info, void*) {
  Print("\n");
  Print(program);
  Print(": crashed with SIG");
  Print(::sigabbrev_np(signal));
  if (signal != SIGABRT) {
    Print(" at address ");
    PrintHex(reinterpret_cast<uintptr_t>(info->si_addr));
  }
  Print("\n");
  void* frames[kFramesMax];
  const int count = ::backtrace(frames, kFramesMax);
  bool blamed = false;
  for (int i = 0; i < count && !blamed; ++i) {
    const std::string_view label = LabelOf(frames[i]);
    if (label.empty()) continue;
    Print("innermost plugin on the stack: ");
    Print(label);
    Print("\n");
    blamed = true;
  }
  if (!blamed) Print("no plugin on the stack: the program's own code\n");
  ::backtrace_symbols_fd(frames, count, STDERR_FILENO);
  // SA_RESETHAND has put the default back: raise it for the core dump and the exit status.
  ::raise(signal);
}

}  // namespace

std::string_view LabelOf(const void* address) {
  dl_find_object object;
  if (::_dl_find_object(const_cast<void*>(address), &object) != 0) return {};
  const size_t count = named_count.load(std::memory_order_acquire);
  for (size_t i = 0; i < count; ++i) {
    if (named[i].library == object.dlfo_link_map) return named[i].label;
  }
  return {};
}

void NameLibrary(const void* address, std::string_view label) {
  const size_t index = named_count.load(std::memory_order_relaxed);
  dl_find_object object;
  if (index == kLibrariesMax || !LabelOf(address).empty() ||
      ::_dl_find_object(const_cast<void*>(address), &object) != 0) {
    return;
  }
  named[index].library = object.dlfo_link_map;
  label.copy(named[index].label, kLabelBytesMax - 1);
  named_count.store(index + 1, std::memory_order_release);
}

void InstallCrashReport(const char* program_name) {
  program = program_name;
  if (kSanitized) return;
  // The first call loads libgcc, which allocates; the handler must not.
  void* frame = nullptr;
  ::backtrace(&frame, 1);
  // The main thread can report even the overflow of its own stack.
  stack_t stack{};
  stack.ss_sp = signal_stack;
  stack.ss_size = sizeof(signal_stack);
  ::sigaltstack(&stack, nullptr);
  struct sigaction action {};
  action.sa_sigaction = Report;
  action.sa_flags = static_cast<int>(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND);
  ::sigemptyset(&action.sa_mask);
  for (int signal : kSignals) ::sigaction(signal, &action, nullptr);
}

}  // namespace nexadb::base
