#include "core/kernel/kernel.h"

#include "core/kernel/info.h"

namespace nexadb::kernel {
namespace {

constexpr uint64_t kNsPerMs = 1000000;

}  // namespace

std::string_view StateName(KernelState state) {
  switch (state) {
    case KernelState::kStarting: return "starting";
    case KernelState::kRunning: return "running";
    case KernelState::kDraining: return "draining";
    case KernelState::kStopping: return "stopping";
  }
  return "";
}

Kernel::Kernel(const Plan& plan, nexadb::Env& env)
    : plan_(plan),
      env_(env),
      log_(std::string(kKernelInstance), plan.settings.log, env.Clock()),
      pools_(plan.settings.pools),
      info_(std::make_unique<InfoService>(*this)) {
  const Shared shared{plan_, registry_, metrics_, pools_, env_, control_};
  for (size_t index : plan_.start_order) {
    instances_.push_back(std::make_unique<Instance>(plan_.instances[index], shared));
  }
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

void Kernel::Undo(size_t loaded, size_t started) {
  for (size_t i = started; i-- > 0;) {
    if (instances_[i]->State() != InstanceState::kFailed) instances_[i]->Drain(0);
  }
  for (size_t i = started; i-- > 0;) {
    instances_[i]->Stop();
    log_.Info("undone: stopped " + instances_[i]->plan().name);
  }
  ReleaseAll(loaded);
}

void Kernel::ReleaseAll(size_t loaded) {
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
    instances_[i]->Drain(now_ns < end_ns ? (end_ns - now_ns) / kNsPerMs : 0);
  }
  state_ = KernelState::kStopping;
  for (size_t i = instances_.size(); i-- > 0;) instances_[i]->Stop();
  ReleaseAll(instances_.size());
}

}  // namespace nexadb::kernel
