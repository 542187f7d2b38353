#include "core/kernel/plan.h"

#include "core/config/overlay.h"
#include "core/loader/fingerprint.h"
#include "nexadb/kernel_info.h"

namespace nexadb::kernel {
namespace {

using config::Problems;

PlannedInstance KernelInstance() {
  PlannedInstance kernel;
  kernel.name = kKernelInstance;
  kernel.file.fingerprint = loader::KernelFingerprint();
  kernel.file.manifest.id = "nexadb.kernel";
  kernel.file.manifest.version = NEXADB_VERSION;
  const InterfaceId id = KernelInfo::kInterface;
  kernel.file.manifest.provides = {{id.name, id.major, id.minor}};
  kernel.config = config::Value::Table("default");
  return kernel;
}

Result<loader::LibraryFile> ReadLibrary(const std::string& library, const Settings& settings) {
  auto path = loader::FindLibrary(library, settings.plugin_path);
  if (!path.ok()) return path.status();
  return loader::InspectLibrary(*path);
}

PlannedInstance ReadInstance(const InstanceSettings& from, const Settings& settings,
                             Problems& problems) {
  PlannedInstance instance{from, {}, {}};
  const std::string path = "plugins." + from.name;
  if (from.library.empty()) {
    // Missing is reported already; instances without a library are the kernel's alone.
    if (!from.library_where.empty()) {
      problems.Add(from.library_where, path + ".library", "must not be empty");
    }
    instance.library = "?";
    instance.readable = false;
    return instance;
  }
  auto file = ReadLibrary(from.library, settings);
  if (!file.ok()) {
    problems.Add(from.library_where, path + ".library", file.status().message());
    instance.readable = false;
    return instance;
  }
  instance.file = std::move(*file);
  const config::Schema& schema = instance.file.manifest.config_schema;
  config::ApplyEnvironment(from.name, schema, instance.config);
  config::Validate(schema, instance.config, path + ".config", problems);
  return instance;
}

}  // namespace

Plan MakePlan(const Options& options, Problems& problems) {
  Plan plan;
  plan.settings = ReadSettings(options, problems);
  plan.instances.push_back(KernelInstance());
  for (const InstanceSettings& instance : plan.settings.instances) {
    plan.instances.push_back(ReadInstance(instance, plan.settings, problems));
  }
  Wire(plan, problems);
  if (!problems.empty()) return plan;
  std::vector<std::pair<std::string, const config::Schema*>> owners;
  for (const PlannedInstance& instance : plan.instances) {
    owners.emplace_back(instance.name, instance.IsKernel() ? &KernelSchema()
                                                           : &instance.file.manifest.config_schema);
  }
  plan.warnings = config::UnknownVariables(owners);
  return plan;
}

}  // namespace nexadb::kernel
