// The plugin: reads memory_max and provides the service. It owns no threads and no files.
#include <memory>

#include "nexadb/plugin.h"
#include "nexadb/sdk/guard.h"
#include "plugins/vector-bruteforce/index.h"

namespace nexadb::bruteforce {
namespace {

class BruteForcePlugin final : public Plugin {
 public:
  Status Configure(PluginContext& context) noexcept override {
    return sdk::Guard([&]() -> Status {
      Result<uint64_t> memory_max = context.Config().Bytes("memory_max");
      if (!memory_max.ok()) return memory_max.status();
      const Machine machine{&context.Env().Clock(), &context.Executor()};
      provider_ = std::make_unique<Provider>(machine, *memory_max);
      return context.Provide<VectorIndexProvider>(*provider_);
    });
  }
  Status Start() noexcept override { return Status::Ok(); }
  void Drain(uint64_t) noexcept override {}
  void Stop() noexcept override {}
  Status Reconfigure(const ConfigView&) noexcept override {
    return Status::Error(Code::kUnsupported, "memory_max is read at start: restart to change it");
  }
  void* Facet(const InterfaceId&) noexcept override { return nullptr; }
  void Release() noexcept override { delete this; }

 private:
  std::unique_ptr<Provider> provider_;
};

}  // namespace
}  // namespace nexadb::bruteforce

NEXADB_PLUGIN("nexadb.vector-bruteforce", nexadb::bruteforce::BruteForcePlugin)
