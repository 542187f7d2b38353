// Sweeper: removes entries whose time has passed. Expiry entries lie in order of time, so a sweep
// reads only what is due. Runs on a thread of its own, again and again until stopped. An entry that
// was written anew since keeps what its new expiry says.
#pragma once
#include "plugins/database-document/session/environment.h"

namespace nexadb::database {

// One sweep, in transactions of bounded size. How many entries it removed. [worker]
Result<uint64_t> SweepExpired(Environment& environment);

class Sweeper {
 public:
  explicit Sweeper(Environment& environment) : environment_(environment) {}
  ~Sweeper();
  // [control]
  Status Start();
  void Stop();

 private:
  void Run() noexcept;
  Environment& environment_;
  Handle<Mutex> mutex_;
  Handle<CondVar> wake_;
  Handle<Thread> thread_;
  bool stopping_ = false;  // under mutex_
};

}  // namespace nexadb::database
