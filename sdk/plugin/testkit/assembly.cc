#include "nexadb/testkit/assembly.h"

#include <utility>

#include "core/loader/library.h"
#include "nexadb/bson.h"
#include "nexadb/kernel_info.h"
#include "nexadb/sdk/guard.h"

namespace nexadb::testkit {

// A kernel that runs nothing else.
class Assembly::FixedKernelInfo final : public KernelInfo {
 public:
  StringView Version() noexcept override { return "testkit"; }
  StringView State() noexcept override { return "running"; }
  uint64_t UptimeMs() noexcept override { return 0; }
  Result<Buffer> Instances() noexcept override {
    return sdk::Guard([&]() -> Result<Buffer> {
      bson::Builder out;
      out.OpenArray("instances").Close();
      return Buffer::Own(out.Finish());
    });
  }
  Result<Buffer> Config() noexcept override {
    return sdk::Guard([&]() -> Result<Buffer> { return Buffer::Own(bson::Builder().Finish()); });
  }
  Result<Buffer> MetricsText() noexcept override { return Buffer(); }
};

Assembly::Assembly() : kernel_(std::make_unique<FixedKernelInfo>()) {}

Assembly::~Assembly() {
  for (auto member = hosts_.rbegin(); member != hosts_.rend(); ++member) member->host->Stop();
  while (!hosts_.empty()) hosts_.pop_back();
}

Result<std::unique_ptr<Assembly>> Assembly::Open(const PluginSuite& suite,
                                                 const std::string& data_directory, Env* env) {
  std::unique_ptr<Assembly> assembly(new Assembly);
  for (size_t i = 0; i < suite.with.size(); ++i) {
    const PluginPart& part = suite.with[i];
    Status added = assembly->Add(part, "with_" + std::to_string(i), data_directory, nullptr);
    if (added.ok()) added = assembly->Start();
    if (!added.ok()) {
      return Status::Error(added.code(), part.library + ": " + std::string(added.message()));
    }
  }
  Status added = assembly->Add(suite.plugin, "test", data_directory, env);
  if (!added.ok()) return added;
  return assembly;
}

Status Assembly::Add(const PluginPart& part, const std::string& instance,
                     const std::string& directory, Env* env) {
  HostOptions options;
  options.instance = instance;
  options.data_directory = directory;
  options.config = part.config;
  options.env = env;
  constexpr uint32_t kBlockingThreads = 4;
  options.blocking_threads = kBlockingThreads;
  auto host = PluginHost::Open(part.library, options);
  if (!host.ok()) return host.status();
  auto summary = InspectPlugin(part.library);
  if (!summary.ok()) return summary.status();
  Member member{std::move(summary->provides), instance, std::move(*host)};
  if (Status filled = FillSlots(member, part.library); !filled.ok()) return filled;
  hosts_.push_back(std::move(member));
  return {};
}

Status Assembly::FillSlots(Member& member, const std::string& library) {
  auto file = loader::InspectLibrary(library);
  if (!file.ok()) return file.status();
  for (const loader::Requirement& requirement : file->manifest.requirements) {
    const loader::InterfaceName& wanted = requirement.interface;
    const InterfaceId id{wanted.name.c_str(), wanted.major, wanted.minor};
    uint32_t filled = 0;
    const bool single = requirement.cardinality != loader::Cardinality::kMany;
    if (wanted.name == KernelInfo::kInterface.name) {
      member.host->Bind<KernelInfo>(requirement.slot, *kernel_);
      ++filled;
    }
    for (const Member& other : hosts_) {
      if (single && filled > 0) break;
      void* service = other.host->ServiceRaw(id);
      if (service == nullptr) continue;
      member.host->Bind(requirement.slot, id, service, other.instance);
      ++filled;
    }
    if (filled > 0 || requirement.cardinality != loader::Cardinality::kOne) continue;
    return Status::Error(Code::kInvalidArgument,
                         library + ": slot \"" + requirement.slot + "\" needs " + wanted.Text() +
                             "; give a plugin that provides it (--with LIBRARY)");
  }
  return {};
}

Result<PluginSummary> InspectPlugin(const std::string& library) {
  auto file = loader::InspectLibrary(library);
  if (!file.ok()) return file.status();
  PluginSummary summary{file->manifest.id, file->manifest.version, {}};
  for (const auto& interface : file->manifest.provides) {
    summary.provides.push_back(interface.Text());
  }
  return summary;
}

}  // namespace nexadb::testkit
