// SimEnv: a whole machine from a seed, for tests. Engine code that asks only Env for its files,
// clock, threads and locks runs on it unchanged, and on a disk that drops, tears and fails
// (sim_disk.h), with threads whose every interleaving comes from the seed (sim_scheduler.h), in
// virtual time: nothing ever really sleeps. The same seed and program give the same History().
//
//   SimEnv env(seed);
//   env.disk().CrashAt(env.disk().operations() + n);  // the power goes at the n-th operation from
//   now … open the engine, write, stop it: calls fail once the power is gone …
//   env.disk().Crash(seed2);                          // what the disk still holds, by seed2
//   … open the engine again and check …
//
// Used by the thread that made it and by threads started through it, and no others. All threads
// must be joined before it ends. A deadlock aborts and prints the seed and the threads.
#pragma once
#include <memory>

#include "core/base/sim_disk.h"
#include "core/base/sim_scheduler.h"
#include "nexadb/env.h"

namespace nexadb::base {

struct SimOptions {
  uint64_t seed = 1;
  // At a scheduling point the baton moves on once in so many times. 1 explores most.
  uint32_t switch_one_in = 3;
};

class SimEnv final : public Env {
 public:
  explicit SimEnv(uint64_t seed) : SimEnv(SimOptions{.seed = seed}) {}
  explicit SimEnv(const SimOptions& options);
  ~SimEnv();

  FileSystem& Files() noexcept override;
  nexadb::Clock& Clock() noexcept override;
  nexadb::Random& Random() noexcept override;
  Handle<Mutex> NewMutex() noexcept override;
  Handle<CondVar> NewCondVar() noexcept override;
  Result<Handle<Thread>> StartThread(StringView name, const Callback& body) noexcept override;
  void SleepNs(uint64_t duration_ns) noexcept override;

  // Faults, power cuts, capacity. Call it with no file operation under way.
  SimDisk& disk() noexcept { return disk_; }
  // Sets the wall clock on (or back); the monotonic one never steps.
  void StepWallClock(int64_t ms) noexcept { wall_step_ms_ += ms; }
  // A number made of every scheduling decision and file operation so far.
  uint64_t History() const noexcept { return scheduler_.history(); }
  uint64_t seed() const noexcept { return seed_; }

 private:
  class Parts;
  friend class Parts;

  const uint64_t seed_;
  SimScheduler scheduler_;
  SimDisk disk_;
  Prng random_;
  Prng latency_;
  int64_t wall_step_ms_ = 0;
  std::unique_ptr<Parts> parts_;
};

}  // namespace nexadb::base
