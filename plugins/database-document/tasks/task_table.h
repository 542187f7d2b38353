// TaskTable: long jobs that outlive the request that asked for them: compactions, backups.
//
// They run one after another on the blocking pool, so that two of them never fight for the disk.
// The last kTasksKeptMax are remembered, in memory alone. [any], but for Close.
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "nexadb/bson.h"
#include "plugins/database-document/session/environment.h"

namespace nexadb::database {

// What a running job reports to and asks. [any]
class TaskControl {
 public:
  // How far it is, in `unit`s of the job's own. Error cancelled when it should end.
  Status Report(uint64_t done, uint64_t total);
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }

 private:
  friend class TaskTable;
  std::atomic<uint64_t> done_{0};
  std::atomic<uint64_t> total_{0};
  std::atomic<bool> cancelled_{false};
};

// Does the job and gives its result, a BSON document for the task's member `result`.
using TaskBody = std::function<Result<std::string>(TaskControl&)>;

struct TaskSpec {
  std::string kind;     // "compact"
  std::string subject;  // what it is about, as BSON; empty: nothing
  std::string unit;     // of its progress
  TaskBody body;
};

class TaskTable {
 public:
  explicit TaskTable(Environment& environment) : environment_(environment) {}
  ~TaskTable() { Close(); }

  // Queues a job; its document. `draining` after Close.
  Result<std::string> Start(TaskSpec spec);
  // {tasks: [...]}, the latest first.
  std::string List();
  // Error task_not_found.
  Result<std::string> Get(std::string_view id);
  // Error task_not_cancellable for one that has ended. A running one ends soon after.
  Status Cancel(std::string_view id);
  // Cancels all and waits for the one that runs.
  void Close();

 private:
  enum class State { kQueued, kRunning, kDone, kFailed, kCancelled };
  struct Job;
  using JobPtr = std::shared_ptr<Job>;

  static std::string Describe(const Job& job);  // REQUIRES: mutex_ held
  Status PostRunner();                          // not under mutex_, which a refusal takes
  void RunnerDropped() noexcept;
  void RunQueue() noexcept;
  void Run(Job& job);
  void Finish(Job& job, State state);  // REQUIRES: mutex_ held
  void Forget();                       // REQUIRES: mutex_ held

  Environment& environment_;
  std::mutex mutex_;
  std::condition_variable idle_;
  std::map<uint64_t, JobPtr> jobs_;  // by number
  std::deque<JobPtr> queue_;
  uint64_t next_number_ = 1;
  bool runner_ = false;  // posted or running
  bool closed_ = false;
};

}  // namespace nexadb::database
