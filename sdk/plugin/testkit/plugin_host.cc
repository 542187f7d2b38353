#include "nexadb/testkit/plugin_host.h"

#include <utility>

#include "core/base/system_env.h"
#include "core/config/config_view.h"
#include "core/config/parse.h"
#include "core/loader/library.h"
#include "host_services.h"
#include "nexadb/sdk/guard.h"

namespace nexadb::testkit {
namespace {

// Time that Stop gives a plugin to finish.
constexpr uint64_t kDrainMs = 5000;

// A configuration and the view of it, which borrows.
struct Configuration {
  config::Value value;
  std::unique_ptr<config::TableView> view;
};

Result<std::unique_ptr<Configuration>> Configure(const std::string& json,
                                                 const config::Schema& schema) {
  auto parsed = config::ParseJson(json, "config");
  if (!parsed.ok()) return parsed.status();
  auto made = std::make_unique<Configuration>();
  made->value = std::move(*parsed);
  config::Problems problems;
  config::Validate(schema, made->value, "", problems);
  if (!problems.empty()) {
    std::string message;
    for (const std::string& line : problems.lines()) message += line + "\n";
    return Status::Error(Code::kInvalidArgument, message);
  }
  made->view = std::make_unique<config::TableView>(made->value);
  return made;
}

class BoundLease final : public ServiceLease {
 public:
  BoundLease(void* service, std::string instance)
      : service_(service), instance_(std::move(instance)) {}
  void* Service() noexcept override { return service_; }
  StringView InstanceName() noexcept override { return instance_; }
  void OnRebind(const Callback&) noexcept override {}  // bindings never move here
  void Release() noexcept override { delete this; }

 private:
  void* const service_;
  const std::string instance_;
};

std::string NameOf(const InterfaceId& id) {
  return std::string(id.name) + "/" + std::to_string(id.major) + "." + std::to_string(id.minor);
}

}  // namespace

class PluginHost::Context final : public PluginContext {
 public:
  struct Binding {
    std::string slot;
    std::string interface;
    void* service;
    std::string instance;
  };
  enum class Phase { kConfiguring, kConfigured, kStarting, kStarted, kStopped };

  Context(loader::LibraryFile file, const HostOptions& options)
      : file_(std::move(file)),
        options_(options),
        directory_(options.data_directory + "/" + options.instance),
        env_(options.env != nullptr ? *options.env : base::SystemEnv()),
        executor_(env_, options.blocking_threads, options.compute_threads) {}
  ~Context() {
    Stop();
    if (plugin_ != nullptr) plugin_->Release();
    executor_.Stop();
  }

  Status Make() {
    auto configuration = Configure(options_.config, file_.manifest.config_schema);
    if (!configuration.ok()) return configuration.status();
    configurations_.push_back(std::move(*configuration));
    auto descriptor = loader::LoadLibrary(file_);
    if (!descriptor.ok()) return descriptor.status();
    plugin_ = (*descriptor)->create();
    if (plugin_ == nullptr) return Status::Error(Code::kResourceExhausted, "out of memory");
    Status status = plugin_->Configure(*this);
    if (!status.ok()) return status;
    phase_ = Phase::kConfigured;
    return CheckProvides();
  }
  Status Start() {
    if (phase_ != Phase::kConfigured) {
      return Status::Error(Code::kInvalidArgument, "the plugin was started before");
    }
    phase_ = Phase::kStarting;
    Status status = plugin_->Start();
    if (status.ok()) phase_ = Phase::kStarted;
    return status;
  }
  void Stop() {
    if (phase_ != Phase::kStarting && phase_ != Phase::kStarted) return;
    if (phase_ == Phase::kStarted) plugin_->Drain(kDrainMs);
    plugin_->Stop();
    phase_ = Phase::kStopped;
  }
  Status Reconfigure(const std::string& json) {
    auto configuration = Configure(json, file_.manifest.config_schema);
    if (!configuration.ok()) return configuration.status();
    Status status = plugin_->Reconfigure(*(*configuration)->view);
    if (status.ok()) configurations_.push_back(std::move(*configuration));
    return status;
  }
  void* Service(const InterfaceId& id) const {
    auto found = services_.find(NameOf(id));
    return found == services_.end() ? nullptr : found->second;
  }

  StringView InstanceName() noexcept override { return options_.instance; }
  StringView DataDirectory() noexcept override { return directory_; }
  StringView KernelDataDirectory() noexcept override { return options_.data_directory; }
  const ConfigView& Config() noexcept override { return *configurations_.back()->view; }
  Logger& Log() noexcept override { return logger_; }
  MetricsRegistry& Metrics() noexcept override { return metrics_; }
  nexadb::Executor& Executor() noexcept override { return executor_; }
  nexadb::Env& Env() noexcept override { return env_; }
  bool DevMode() noexcept override { return options_.dev_mode; }

  Status ProvideRaw(const InterfaceId& id, void* service) noexcept override {
    return sdk::Guard([&]() -> Status {
      if (phase_ != Phase::kConfiguring) {
        return Status::Error(Code::kInvalidArgument, "Provide is for Configure only");
      }
      for (const loader::InterfaceName& provided : file_.manifest.provides) {
        if (provided.Text() != NameOf(id)) continue;
        services_[NameOf(id)] = service;
        return {};
      }
      return Status::Error(Code::kInvalidArgument,
                           NameOf(id) + " does not stand in the manifest's \"provides\"");
    });
  }
  Result<Handle<ServiceLease>> LeaseRaw(const InterfaceId& id, StringView slot,
                                        uint32_t index) noexcept override {
    return sdk::Guard([&]() -> Result<Handle<ServiceLease>> {
      for (const Binding& binding : bindings_) {
        if (binding.slot != std::string_view(slot) || binding.interface != NameOf(id)) continue;
        if (index-- == 0) {
          return Handle<ServiceLease>(new BoundLease(binding.service, binding.instance));
        }
      }
      return Status::Error(Code::kNotFound,
                           "nothing fills slot " + std::string(slot) + " with " + NameOf(id));
    });
  }
  uint32_t SlotSize(StringView slot) noexcept override {
    uint32_t count = 0;
    for (const Binding& binding : bindings_) count += binding.slot == std::string_view(slot);
    return count;
  }
  void ReportFailure(const Status& reason) noexcept override {
    std::lock_guard<std::mutex> hold(failure_mutex_);
    if (failure_.ok()) failure_ = reason;
  }

  loader::LibraryFile file_;
  const HostOptions options_;
  const std::string directory_;
  nexadb::Env& env_;
  HostLogger logger_;
  HostMetrics metrics_;
  HostExecutor executor_;
  // The last one is in force; earlier ones stay, for views a plugin may still hold.
  std::vector<std::unique_ptr<Configuration>> configurations_;
  std::vector<Binding> bindings_;
  std::map<std::string, void*> services_;
  mutable std::mutex failure_mutex_;
  Status failure_;
  nexadb::Plugin* plugin_ = nullptr;
  Phase phase_ = Phase::kConfiguring;

 private:
  Status CheckProvides() const {
    for (const loader::InterfaceName& provided : file_.manifest.provides) {
      if (services_.contains(provided.Text())) continue;
      return Status::Error(Code::kInvalidArgument,
                           "the manifest promises " + provided.Text() + ", Configure gave none");
    }
    return {};
  }
};

PluginHost::PluginHost() = default;
PluginHost::~PluginHost() = default;

Result<std::unique_ptr<PluginHost>> PluginHost::Open(const std::string& library,
                                                     const HostOptions& options) {
  auto file = loader::InspectLibrary(library);
  if (!file.ok()) return file.status();
  std::unique_ptr<PluginHost> host(new PluginHost);
  host->context_ = std::make_unique<Context>(std::move(*file), options);
  Status status = host->context_->Make();
  if (!status.ok()) return status;
  return host;
}

void PluginHost::Bind(const std::string& slot, const InterfaceId& id, void* service,
                      const std::string& instance) {
  context_->bindings_.push_back({slot, NameOf(id), service, instance});
}

Status PluginHost::Start() { return context_->Start(); }
void PluginHost::Stop() { context_->Stop(); }
Status PluginHost::Reconfigure(const std::string& config) { return context_->Reconfigure(config); }
void* PluginHost::ServiceRaw(const InterfaceId& id) const { return context_->Service(id); }
nexadb::Plugin& PluginHost::Plugin() { return *context_->plugin_; }
std::string PluginHost::PluginId() const { return context_->file_.manifest.id; }
std::vector<LogLine> PluginHost::TakeLog() { return context_->logger_.Take(); }
double PluginHost::Metric(const std::string& name) const { return context_->metrics_.Sum(name); }
Status PluginHost::ReportedFailure() const {
  std::lock_guard<std::mutex> hold(context_->failure_mutex_);
  return context_->failure_;
}

}  // namespace nexadb::testkit
