// Instance: one running plugin: its state, and the PluginContext it is given.
//
// Owned by the Kernel, which makes all state changes on the control thread; State() and Reason()
// may be read by any thread. The plan outlives it. While it takes over from a predecessor of the
// same name, its services are registered under kSuccessorName.
#pragma once
#include <atomic>
#include <mutex>
#include <string>

#include "core/config/config_view.h"
#include "core/kernel/control_thread.h"
#include "core/kernel/plan.h"
#include "core/kernel/registry.h"
#include "core/runtime/logger.h"
#include "core/runtime/metrics.h"
#include "nexadb/plugin.h"

namespace nexadb::kernel {

enum class InstanceState : uint8_t {
  kDiscovered,
  kChecked,
  kLoaded,
  kConfigured,
  kStarted,
  kDraining,
  kStopped,
  kReleased,
  kFailed,
};
std::string_view StateName(InstanceState state);

// What all instances share.
struct Shared {
  const Plan& plan;
  Registry& registry;
  runtime::MetricStore& metrics;
  nexadb::Executor& executor;
  nexadb::Env& env;
  const ControlThread& control;
};

constexpr std::string_view kSuccessorName = "(successor)";  // no name a configuration can give

class Instance final : public PluginContext {
 public:
  Instance(const PlannedInstance& plan, const Shared& shared, std::string_view registered_as);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  const PlannedInstance& plan() const { return plan_; }
  InstanceState State() const { return state_.load(std::memory_order_acquire); }
  std::string Reason();

  // The steps of a life. Each is legal in the state that the one before has left. [control]
  Status Load();
  Status Configure();
  Status Start();
  void Drain(uint64_t deadline_ms);
  void Stop();
  void Release();
  // While it runs: the files that its unchanged configuration names may have changed.
  Status ReadAgain() { return plugin_->Reconfigure(config_); }

  // Between Configure and Start: kUnsupported when the plugin cannot be replaced while it runs.
  Status Succeed(Instance& predecessor);
  // After Start: the consumers of `predecessor` are moved to this one.
  Status TakeOver(Instance& predecessor);

  StringView InstanceName() noexcept override { return plan_.name; }
  StringView DataDirectory() noexcept override { return data_directory_; }
  StringView KernelDataDirectory() noexcept override { return shared_.plan.settings.data_dir; }
  const ConfigView& Config() noexcept override { return config_; }
  Logger& Log() noexcept override { return log_; }
  MetricsRegistry& Metrics() noexcept override { return metrics_; }
  nexadb::Executor& Executor() noexcept override { return shared_.executor; }
  nexadb::Env& Env() noexcept override { return shared_.env; }
  bool DevMode() noexcept override { return shared_.plan.settings.dev_mode; }
  Status ProvideRaw(const InterfaceId& id, void* service) noexcept override;
  Result<Handle<ServiceLease>> LeaseRaw(const InterfaceId& id, StringView slot,
                                        uint32_t index) noexcept override;
  uint32_t SlotSize(StringView slot) noexcept override;
  void ReportFailure(const Status& reason) noexcept override;

 private:
  enum class Call : uint8_t { kNone, kConfigure, kStart };

  const Binding* FindSlot(std::string_view slot) const;
  Status ProvideChecked(const InterfaceId& id, void* service);
  Result<Handle<ServiceLease>> LeaseChecked(const InterfaceId& id, StringView slot, uint32_t index);
  std::string CrashLabel() const;
  Status Fail(std::string_view stage, const Status& cause);
  void SetState(InstanceState state) { state_.store(state, std::memory_order_release); }

  const PlannedInstance& plan_;
  const Shared shared_;
  std::string registered_as_;
  const std::string data_directory_;
  const config::TableView config_;
  runtime::InstanceLogger log_;
  runtime::InstanceMetrics metrics_;
  std::atomic<InstanceState> state_{InstanceState::kDiscovered};
  Call running_call_ = Call::kNone;  // which of the plugin's methods is on the stack
  const PluginDescriptor* descriptor_ = nullptr;
  Handle<Plugin> plugin_;
  std::mutex reason_mutex_;
  std::string reason_;
};

}  // namespace nexadb::kernel
