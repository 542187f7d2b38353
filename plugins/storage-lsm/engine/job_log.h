// JobLog: what background work has done lately, for statistics. [any]
#pragma once
#include <deque>
#include <vector>

#include "plugins/storage-lsm/util/sync.h"

namespace nexadb::lsm {

struct JobRecord {
  const char* kind = "";  // "flush", "compaction", "move", "drop", "ingest"
  int level = 0;          // from which
  int output_level = 0;
  uint64_t tables_in = 0;
  uint64_t bytes_in = 0;
  uint64_t bytes_out = 0;
  uint64_t rows_in = 0;
  uint64_t rows_dropped = 0;
  uint64_t duration_ns = 0;
};

class JobLog {
 public:
  explicit JobLog(Env& env) : mutex_(env.NewMutex()) {}
  void Add(const JobRecord& job) {
    MutexLock lock(*mutex_);
    jobs_.push_back(job);
    if (jobs_.size() > kJobsMax) jobs_.pop_front();
  }
  // Oldest first.
  std::vector<JobRecord> List() const {
    MutexLock lock(*mutex_);
    return {jobs_.begin(), jobs_.end()};
  }

 private:
  static constexpr size_t kJobsMax = 32;
  Handle<Mutex> mutex_;
  std::deque<JobRecord> jobs_;
};

}  // namespace nexadb::lsm
