// MutexLock: holds an Env mutex for a scope.
#pragma once
#include "nexadb/env.h"

namespace nexadb::base {

class [[nodiscard]] MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) noexcept : mutex_(mutex) { mutex_.Lock(); }
  explicit MutexLock(const Handle<Mutex>& mutex) noexcept : MutexLock(*mutex) {}
  ~MutexLock() { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace nexadb::base
