#include "core/kernel/kernel.h"

#include <unistd.h>

#include <future>
#include <thread>

#include "core/kernel/info.h"

namespace nexadb::kernel {
namespace {

constexpr uint64_t kNsPerMs = 1000000;

}  // namespace

std::string_view StateName(KernelState state) {
  static constexpr std::string_view kNames[] = {"starting", "running", "draining", "stopping"};
  return kNames[static_cast<size_t>(state)];
}

Kernel::Kernel(const Plan& plan, nexadb::Env& env)
    : plan_(plan),
      env_(env),
      log_(std::string(kKernelInstance), plan.settings.log, env.Clock()),
      pools_(plan.settings.pools),
      info_(std::make_unique<InfoService>(*this)) {
  for (size_t index : plan_.start_order) {
    const PlannedInstance& planned = plan_.instances[index];
    instances_.push_back(std::make_unique<Instance>(planned, SharedBy(plan_), planned.name));
  }
}

Shared Kernel::SharedBy(const Plan& plan) {
  return {plan, registry_, metrics_, pools_, env_, control_};
}

Kernel::~Kernel() {
  if (State() == KernelState::kRunning) Stop();
}

Status Kernel::ForEach(Step step, bool (*interrupted)(), size_t& reached) {
  for (auto& instance : instances_) {
    if (interrupted()) return Status::Error(Code::kUnavailable, "told to stop while starting");
    if (Status s = (*instance.*step)(); !s.ok()) return s;
    ++reached;
  }
  return {};
}

Status Kernel::Start(bool (*interrupted)()) {
  const InterfaceId id = KernelInfo::kInterface;
  KernelInfo* info = info_.get();
  Status status = registry_.Provide(std::string(kKernelInstance), {id.name, id.major, id.minor},
                                    static_cast<void*>(info));
  size_t loaded = 0;
  size_t configured = 0;
  size_t started = 0;
  if (status.ok()) status = ForEach(&Instance::Load, interrupted, loaded);
  if (status.ok()) status = ForEach(&Instance::Configure, interrupted, configured);
  if (status.ok()) status = ForEach(&Instance::Start, interrupted, started);
  if (status.ok()) {
    state_ = KernelState::kRunning;
    return status;
  }
  state_ = KernelState::kStopping;
  const bool start_failed = configured == instances_.size() && started < instances_.size() &&
                            instances_[started]->State() == InstanceState::kFailed;
  // The one that failed half-way in Start has something to stop too.
  Undo(loaded, started + (start_failed ? 1 : 0));
  return status;
}

void Kernel::Drain(Instance& instance, uint64_t deadline_ms) {
  auto done = std::make_shared<std::promise<void>>();
  const std::future<void> returned = done->get_future();
  std::thread([this, &instance, done, deadline_ms] {
    control_.Become();
    instance.Drain(deadline_ms);
    done->set_value();
  }).detach();
  const auto patience = std::chrono::milliseconds(deadline_ms + kDrainGraceMs);
  const bool late = returned.wait_for(patience) != std::future_status::ready;
  control_.Become();
  if (!late) return;
  drain_hangs_ = true;
  log_.Error("instance \"" + instance.plan().name + "\" (" + instance.plan().file.manifest.id +
             ") has not come back from Drain " + std::to_string(kDrainGraceMs) +
             " ms after its deadline; going on to Stop");
}

void Kernel::Undo(size_t loaded, size_t started) {
  for (size_t i = started; i-- > 0;) {
    if (instances_[i]->State() != InstanceState::kFailed) Drain(*instances_[i], 0);
  }
  for (size_t i = started; i-- > 0;) {
    instances_[i]->Stop();
    log_.Info("undone: stopped " + instances_[i]->plan().name);
  }
  ReleaseAll(loaded);
}

void Kernel::ReleaseAll(size_t loaded) {
  if (drain_hangs_) {
    log_.Error("all instances are stopped; ending without Release, for a Drain still runs");
    ::_exit(kExitFailure);
  }
  // Tasks that were never run are dropped while the objects they speak of still exist.
  pools_.Stop();
  for (size_t i = loaded; i-- > 0;) instances_[i]->Release();
}

void Kernel::Stop() {
  control_.Assert("Stop");
  state_ = KernelState::kDraining;
  const uint64_t end_ns = env_.Clock().MonotonicNs() + plan_.settings.drain_ms * kNsPerMs;
  for (size_t i = instances_.size(); i-- > 0;) {
    const uint64_t now_ns = env_.Clock().MonotonicNs();
    Drain(*instances_[i], now_ns < end_ns ? (end_ns - now_ns) / kNsPerMs : 0);
  }
  state_ = KernelState::kStopping;
  for (size_t i = instances_.size(); i-- > 0;) instances_[i]->Stop();
  ReleaseAll(instances_.size());
}

}  // namespace nexadb::kernel
