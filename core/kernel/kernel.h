// Kernel: takes a plan and runs it.
//
// Up: every library is loaded, every instance configured, then started, dependencies first. What
// fails on the way is named with its stage and cause, and all that came before is undone in
// reverse. Down: drained from the frontends inward, stopped in reverse, then released in reverse.
// One thread, the control thread, makes, runs and destroys it; the KernelInfo it provides is [any].
// While it runs, Reload replaces instances whose library or configuration has changed.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "core/base/thread_pools.h"
#include "core/kernel/instance.h"

namespace nexadb::kernel {

enum class KernelState : uint8_t { kStarting, kRunning, kDraining, kStopping };
std::string_view StateName(KernelState state);

class InfoService;

// How much longer than its deadline a Drain may take; deadlines are read from clocks, not kept by
// them.
constexpr uint64_t kDrainGraceMs = 1000;

class Kernel {
 public:
  // Throws std::system_error when its threads cannot be started. REQUIRES: `plan` has no problems
  // and outlives the kernel.
  Kernel(const Plan& plan, nexadb::Env& env);
  // Drains and stops first, when running.
  ~Kernel();
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  // All or nothing. `interrupted` is asked between instances: true gives up with kUnavailable.
  Status Start(bool (*interrupted)());
  // Drain, with all of kernel.drain_ms for all instances together, then Stop and Release. An
  // instance that is not back kDrainGraceMs after its deadline is named in the log and stopped all
  // the same; then nothing is released, since its code still runs: the process ends here, with
  // kExitFailure.
  void Stop();
  // While running: compares `next` with what runs, instance by instance, and puts a successor in
  // the place of each that has changed and can be replaced. What cannot be applied goes on as it
  // was and is named in the log. Returns once the old instances have been drained. (reload.cc)
  void Reload(std::unique_ptr<const Plan> next);

  KernelState State() const { return state_.load(std::memory_order_acquire); }
  const Plan& plan() const { return plan_; }
  runtime::MetricStore& metrics() { return metrics_; }
  nexadb::Env& env() { return env_; }
  Logger& Log() { return log_; }
  // Those that are not the kernel's own, in start order. They change on the control thread only,
  // under the lock; [any] other thread holds it while it looks.
  const std::vector<std::unique_ptr<Instance>>& instances() const { return instances_; }
  std::unique_lock<std::mutex> LockInstances() { return std::unique_lock(instances_mutex_); }

 private:
  using Step = Status (Instance::*)();
  Shared SharedBy(const Plan& plan);
  Status Replace(std::unique_ptr<Instance>& slot, const PlannedInstance& planned, const Plan& plan);
  // Takes each instance through `step`; `reached` counts those that have gone through.
  Status ForEach(Step step, bool (*interrupted)(), size_t& reached);
  void Drain(Instance& instance, uint64_t deadline_ms);
  void Undo(size_t loaded, size_t started);
  void ReleaseAll(size_t loaded);

  const Plan& plan_;
  nexadb::Env& env_;
  ControlThread control_;
  runtime::InstanceLogger log_;
  runtime::MetricStore metrics_;
  base::ThreadPools pools_;
  Registry registry_;
  std::atomic<KernelState> state_{KernelState::kStarting};
  std::unique_ptr<InfoService> info_;
  std::mutex instances_mutex_;
  std::vector<std::unique_ptr<Instance>> instances_;
  std::vector<std::unique_ptr<const Plan>> later_plans_;  // what successors refer to
  std::vector<std::unique_ptr<Instance>> undrained_;      // replaced, never came back from Drain
  bool drain_hangs_ = false;  // an instance has never come back from Drain
};

}  // namespace nexadb::kernel
