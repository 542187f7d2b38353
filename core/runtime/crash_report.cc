#include "core/runtime/crash_report.h"

#include <execinfo.h>
#include <link.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

namespace nexadb::runtime {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif
constexpr size_t kRangesMax = 512;
constexpr size_t kLabelBytesMax = 256;
constexpr int kFramesMax = 64;
constexpr size_t kSignalStackBytes = 64 * 1024;
constexpr int kSignals[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL};

struct Range {
  uintptr_t begin;
  uintptr_t end;
  char label[kLabelBytesMax];
};

// Written by the control thread only; the handler sees the first `range_count` entries, complete.
Range ranges[kRangesMax];
std::atomic<size_t> range_count{0};
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

std::string_view SignalName(int signal) {
  switch (signal) {
    case SIGSEGV: return "SIGSEGV";
    case SIGABRT: return "SIGABRT";
    case SIGBUS: return "SIGBUS";
    case SIGFPE: return "SIGFPE";
    case SIGILL: return "SIGILL";
    default: return "signal";
  }
}

void Report(int signal, siginfo_t* info, void*) {
  Print("\nnexadb-kernel: crashed with ");
  Print(SignalName(signal));
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
  if (!blamed) Print("no plugin on the stack: the kernel's own code\n");
  ::backtrace_symbols_fd(frames, count, STDERR_FILENO);
  // SA_RESETHAND has put the default back: raise it for the core dump and the exit status.
  ::raise(signal);
}

struct Search {
  std::string_view path;
  std::string_view label;
};

int AddRanges(dl_phdr_info* info, size_t, void* state) {
  const auto& search = *static_cast<const Search*>(state);
  if (info->dlpi_name == nullptr || search.path != info->dlpi_name) return 0;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& header = info->dlpi_phdr[i];
    const size_t index = range_count.load(std::memory_order_relaxed);
    if (header.p_type != PT_LOAD || index >= kRangesMax) continue;
    Range& range = ranges[index];
    range.begin = info->dlpi_addr + header.p_vaddr;
    range.end = range.begin + header.p_memsz;
    const size_t size = std::min(search.label.size(), kLabelBytesMax - 1);
    std::memcpy(range.label, search.label.data(), size);
    range.label[size] = '\0';
    range_count.store(index + 1, std::memory_order_release);
  }
  return 1;
}

}  // namespace

std::string_view LabelOf(const void* address) {
  const auto wanted = reinterpret_cast<uintptr_t>(address);
  const size_t count = range_count.load(std::memory_order_acquire);
  for (size_t i = 0; i < count; ++i) {
    if (wanted >= ranges[i].begin && wanted < ranges[i].end) return ranges[i].label;
  }
  return {};
}

void NameLibrary(std::string_view path, std::string_view label) {
  char* resolved = ::realpath(std::string(path).c_str(), nullptr);
  for (const std::string_view candidate :
       {path, resolved != nullptr ? std::string_view(resolved) : std::string_view()}) {
    Search search{candidate, label};
    if (!candidate.empty() && ::dl_iterate_phdr(AddRanges, &search) != 0) break;
  }
  std::free(resolved);
}

void InstallCrashReport() {
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

}  // namespace nexadb::runtime
