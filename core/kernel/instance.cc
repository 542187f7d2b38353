#include "core/kernel/instance.h"

#include <utility>

#include "core/base/crash_report.h"
#include "core/loader/library.h"
#include "nexadb/sdk/guard.h"

namespace nexadb::kernel {
namespace {

loader::InterfaceName NameOf(const InterfaceId& id) { return {id.name, id.major, id.minor}; }

Status Misuse(const std::string& message) { return Status::Error(Code::kInvalidArgument, message); }

}  // namespace

std::string_view StateName(InstanceState state) {
  static constexpr std::string_view kNames[] = {"discovered", "checked",  "loaded",
                                                "configured", "started",  "draining",
                                                "stopped",    "released", "failed"};
  return kNames[static_cast<size_t>(state)];
}

Instance::Instance(const PlannedInstance& plan, const Shared& shared,
                   std::string_view registered_as)
    : plan_(plan),
      shared_(shared),
      registered_as_(registered_as),
      data_directory_(shared.plan.settings.data_dir + "/" + plan.name),
      config_(plan.config),
      log_(plan.name, shared.plan.settings.log, shared.env.Clock()),
      metrics_(plan.name, shared.metrics, log_) {
  // A plan exists only of instances whose library and configuration have been checked.
  SetState(InstanceState::kChecked);
}

Instance::~Instance() = default;

std::string Instance::Reason() {
  std::lock_guard lock(reason_mutex_);
  return reason_;
}

Status Instance::Fail(std::string_view stage, const Status& cause) {
  const std::string reason = std::string(stage) + ": " + std::string(cause.message());
  {
    std::lock_guard lock(reason_mutex_);
    reason_ = reason;
  }
  SetState(InstanceState::kFailed);
  const loader::Manifest& manifest = plan_.file.manifest;
  return Status::Make(cause.code(), cause.domain(), cause.number(),
                      "instance \"" + plan_.name + "\" (" + manifest.id + " " + manifest.version +
                          ") failed in " + reason,
                      cause.detail());
}

// An address tells the library; which of its instances ran, it cannot tell.
std::string Instance::CrashLabel() const {
  std::string label;
  for (const PlannedInstance& other : shared_.plan.instances) {
    if (other.file.path == plan_.file.path) label += (label.empty() ? "" : ", ") + other.name;
  }
  const loader::Manifest& manifest = plan_.file.manifest;
  return label + " (" + manifest.id + " " + manifest.version + ", " + plan_.file.fingerprint + ")";
}

Status Instance::Load() {
  shared_.control.Assert("Load");
  auto descriptor = loader::LoadLibrary(plan_.file);
  if (!descriptor.ok()) return Fail("Load", descriptor.status());
  descriptor_ = *descriptor;
  base::NameLibrary(descriptor_, CrashLabel());
  plugin_ = Handle<Plugin>(descriptor_->create());
  if (!plugin_) return Fail("Load", Status::Error(Code::kResourceExhausted, "made no plugin"));
  SetState(InstanceState::kLoaded);
  return {};
}

Status Instance::Configure() {
  running_call_ = Call::kConfigure;
  Status status = plugin_->Configure(*this);
  running_call_ = Call::kNone;
  if (!status.ok()) return Fail("Configure", status);
  for (const loader::InterfaceName& interface : plan_.file.manifest.provides) {
    if (!shared_.registry.Provides(registered_as_, interface)) {
      return Fail("Configure",
                  Status::Error(Code::kInternal, "its manifest promises " + interface.Text() +
                                                     ", which it did not provide"));
    }
  }
  SetState(InstanceState::kConfigured);
  return {};
}

Status Instance::Start() {
  running_call_ = Call::kStart;
  Status status = plugin_->Start();
  running_call_ = Call::kNone;
  if (!status.ok()) return Fail("Start", status);
  // A failure that the plugin has reported of itself meanwhile stays.
  InstanceState expected = InstanceState::kConfigured;
  state_.compare_exchange_strong(expected, InstanceState::kStarted);
  return {};
}

Status Instance::Succeed(Instance& predecessor) {
  auto* successor = static_cast<Successor*>(plugin_->Facet(Successor::kInterface));
  return successor != nullptr ? successor->Succeed(*predecessor.plugin_)
                              : Status::Error(Code::kUnsupported, "needs a restart");
}

Status Instance::TakeOver(Instance& predecessor) {
  Status status = shared_.registry.Replace(predecessor.registered_as_, registered_as_);
  if (status.ok()) registered_as_ = std::exchange(predecessor.registered_as_, {});
  return status;
}

void Instance::Drain(uint64_t deadline_ms) {
  if (State() == InstanceState::kStarted) SetState(InstanceState::kDraining);
  plugin_->Drain(deadline_ms);
}

void Instance::Stop() {
  plugin_->Stop();
  if (State() != InstanceState::kFailed) SetState(InstanceState::kStopped);
}

void Instance::Release() {
  shared_.control.Assert("Release");
  plugin_.Reset();
  shared_.registry.Withdraw(registered_as_);
  if (State() != InstanceState::kFailed) SetState(InstanceState::kReleased);
}

const Binding* Instance::FindSlot(std::string_view slot) const {
  for (const Binding& binding : plan_.bindings) {
    if (binding.requirement.slot == slot) return &binding;
  }
  return nullptr;
}

Status Instance::ProvideRaw(const InterfaceId& id, void* service) noexcept {
  shared_.control.Assert("Provide");
  return sdk::Guard([&] { return ProvideChecked(id, service); });
}

Status Instance::ProvideChecked(const InterfaceId& id, void* service) {
  const loader::InterfaceName interface = NameOf(id);
  if (running_call_ != Call::kConfigure) return Misuse("Provide is for Configure only");
  if (service == nullptr) return Misuse("Provide of a null service");
  for (const loader::InterfaceName& declared : plan_.file.manifest.provides) {
    if (declared == interface) return shared_.registry.Provide(registered_as_, interface, service);
  }
  return Misuse(interface.Text() + " does not stand in the manifest's \"provides\"");
}

Result<Handle<ServiceLease>> Instance::LeaseRaw(const InterfaceId& id, StringView slot,
                                                uint32_t index) noexcept {
  shared_.control.Assert("Require");
  return sdk::Guard([&] { return LeaseChecked(id, slot, index); });
}

Result<Handle<ServiceLease>> Instance::LeaseChecked(const InterfaceId& id, StringView slot,
                                                    uint32_t index) {
  if (running_call_ != Call::kStart) return Misuse("Require is for Start only");
  const std::string slot_name(std::string_view{slot});
  const Binding* binding = FindSlot(slot_name);
  if (binding == nullptr) {
    return Misuse("slot \"" + slot_name + "\" does not stand in the manifest's \"requires\"");
  }
  const loader::InterfaceName interface = NameOf(id);
  if (!(binding->requirement.interface == interface)) {
    return Misuse("slot \"" + slot_name + "\" is of " + binding->requirement.interface.Text() +
                  ", asked for " + interface.Text());
  }
  if (index >= binding->providers.size()) {
    return Status::Error(Code::kNotFound,
                         "nothing fills slot \"" + slot_name + "\" at " + std::to_string(index));
  }
  const std::string& provider = shared_.plan.instances[binding->providers[index]].name;
  return shared_.registry.Lease(provider, interface);
}

uint32_t Instance::SlotSize(StringView slot) noexcept {
  shared_.control.Assert("SlotSize");
  const Binding* binding = FindSlot(slot);
  return binding != nullptr ? static_cast<uint32_t>(binding->providers.size()) : 0;
}

void Instance::ReportFailure(const Status& reason) noexcept {
  [[maybe_unused]] const Status done = sdk::Guard([&]() -> Status {
    log_.Error(Fail("running", reason).message());
    return {};
  });
}

}  // namespace nexadb::kernel
