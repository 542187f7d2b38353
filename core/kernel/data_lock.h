// DataLock: keeps two kernels out of one data directory.
//
// flock(2) on <data_dir>/LOCK, which also says who holds it. The system drops the lock when the
// process dies, so a stale file never stands in the way.
#pragma once
#include <string>

#include "nexadb/abi.h"

namespace nexadb::kernel {

class DataLock {
 public:
  DataLock() = default;
  ~DataLock();
  DataLock(const DataLock&) = delete;
  DataLock& operator=(const DataLock&) = delete;

  // Makes the directory (0700) when missing. kConflict names the process that holds the lock.
  Status Acquire(const std::string& data_dir);

 private:
  int fd_ = -1;
};

}  // namespace nexadb::kernel
