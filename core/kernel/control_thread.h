// ControlThread: the one thread that may make [control] calls. The main thread, which hands the
// part to another one while that runs a plugin's Drain.
//
// Debug kernels stop at a call from any other thread; release kernels do not look.
#pragma once
#include <pthread.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace nexadb::kernel {

class ControlThread {
 public:
  // The calling thread becomes the control thread.
  ControlThread() { Become(); }
  void Become() { thread_ = ::pthread_self(); }
  void Assert([[maybe_unused]] const char* call) const {
#ifdef NEXADB_DEBUG_CHECKS
    if (::pthread_equal(::pthread_self(), thread_) != 0) return;
    std::fprintf(stderr, "nexadb-kernel: %s is a [control] call, made from another thread\n", call);
    std::abort();
#endif
  }

 private:
  std::atomic<pthread_t> thread_;
};

}  // namespace nexadb::kernel
