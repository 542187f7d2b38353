// Scoped locking over Env's mutexes. Every wait of the engine goes through Env, so that the
// simulator can schedule it.
#pragma once
#include "nexadb/env.h"

namespace nexadb::lsm {

// Holds `mutex` from construction to destruction, but for the stretches between Unlock and Lock.
class MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) noexcept : mutex_(mutex) { mutex_.Lock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;
  ~MutexLock() {
    if (held_) mutex_.Unlock();
  }
  void Unlock() noexcept {
    mutex_.Unlock();
    held_ = false;
  }
  void Lock() noexcept {
    mutex_.Lock();
    held_ = true;
  }

 private:
  Mutex& mutex_;
  bool held_ = true;
};

}  // namespace nexadb::lsm
