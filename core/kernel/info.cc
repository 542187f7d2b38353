#include "core/kernel/info.h"

#include "core/config/render.h"
#include "core/kernel/kernel.h"
#include "nexadb/bson.h"
#include "nexadb/sdk/guard.h"

namespace nexadb::kernel {
namespace {

void AppendSlots(const Plan& plan, const PlannedInstance& planned, bson::Builder& out) {
  out.OpenArray("slots");
  for (size_t i = 0; i < planned.bindings.size(); ++i) {
    const Binding& binding = planned.bindings[i];
    out.OpenObject(std::to_string(i)).Text("slot", binding.requirement.slot);
    out.Text("interface", binding.requirement.interface.Text());
    out.Text("cardinality", loader::CardinalityName(binding.requirement.cardinality));
    out.OpenArray("instances");
    for (size_t j = 0; j < binding.providers.size(); ++j) {
      out.Text(std::to_string(j), plan.instances[binding.providers[j]].name);
    }
    out.Close().Close();
  }
  out.Close();
}

void AppendInstance(const Plan& plan, const PlannedInstance& planned, std::string_view state,
                    const std::string& reason, bson::Builder& out) {
  const loader::Manifest& manifest = planned.file.manifest;
  out.Text("name", planned.name).Text("library", planned.library);
  out.Text("path", planned.file.path).Text("id", manifest.id).Text("version", manifest.version);
  out.Text("state", state);
  out.OpenArray("provides");
  for (size_t i = 0; i < manifest.provides.size(); ++i) {
    out.Text(std::to_string(i), manifest.provides[i].Text());
  }
  out.Close();
  AppendSlots(plan, planned, out);
  out.OpenObject("config");
  config::RenderBson(planned.config, &manifest.config_schema, out);
  out.Close();
  out.Text("fingerprint", planned.file.fingerprint).Text("reason", reason);
}

}  // namespace

InfoService::InfoService(Kernel& kernel)
    : kernel_(kernel), started_ns_(kernel.env().Clock().MonotonicNs()) {}

StringView InfoService::Version() noexcept { return NEXADB_VERSION; }
StringView InfoService::State() noexcept { return StateName(kernel_.State()); }

uint64_t InfoService::UptimeMs() noexcept {
  return (kernel_.env().Clock().MonotonicNs() - started_ns_) / 1000000;
}

Result<Buffer> InfoService::Instances() noexcept {
  return sdk::Guard([&]() -> Result<Buffer> {
    const Plan& plan = kernel_.plan();
    bson::Builder out;
    out.OpenArray("instances");
    out.OpenObject("0");
    const bool running = kernel_.State() == KernelState::kRunning;
    AppendInstance(plan, plan.instances[0],
                   running ? "started" : std::string_view(StateName(kernel_.State())), "", out);
    out.Close();
    size_t index = 1;
    const auto lock = kernel_.LockInstances();
    for (const auto& instance : kernel_.instances()) {
      out.OpenObject(std::to_string(index++));
      AppendInstance(plan, instance->plan(), StateName(instance->State()), instance->Reason(), out);
      out.Close();
    }
    out.Close();
    return Buffer::Own(out.Finish());
  });
}

Result<Buffer> InfoService::Config() noexcept {
  return sdk::Guard([&]() -> Result<Buffer> {
    const Plan& plan = kernel_.plan();
    bson::Builder out;
    out.OpenObject("kernel");
    config::RenderBson(plan.settings.kernel_table, &KernelSchema(), out);
    out.Close().OpenObject("plugins");
    const auto lock = kernel_.LockInstances();
    for (const auto& running : kernel_.instances()) {
      const PlannedInstance& instance = running->plan();
      out.OpenObject(instance.name).Text("library", instance.library).OpenObject("config");
      config::RenderBson(instance.config, &instance.file.manifest.config_schema, out);
      out.Close().Close();
    }
    out.Close();
    return Buffer::Own(out.Finish());
  });
}

Result<Buffer> InfoService::MetricsText() noexcept {
  return sdk::Guard([&]() -> Result<Buffer> { return Buffer::Own(kernel_.metrics().Text()); });
}

}  // namespace nexadb::kernel
