// The plugin storage-memory: one MemoryEngine for each instance.
#include "nexadb/plugin.h"

#include <memory>

#include "nexadb/sdk/guard.h"
#include "plugins/storage-memory/engine.h"

namespace nexadb::memory {
namespace {

class MemoryPlugin final : public Plugin {
 public:
  Status Configure(PluginContext& context) noexcept override {
    return sdk::Guard([&]() -> Status {
      auto budget = context.Config().Bytes("memory_budget");
      if (!budget.ok()) return budget.status();
      engine_ = std::make_unique<MemoryEngine>(context.Env(), *budget);
      return context.Provide<StorageEngine>(*engine_);
    });
  }
  Status Start() noexcept override { return {}; }
  void Drain(uint64_t) noexcept override {}
  void Stop() noexcept override {}
  Status Reconfigure(const ConfigView& config) noexcept override {
    return sdk::Guard([&]() -> Status {
      auto budget = config.Bytes("memory_budget");
      if (!budget.ok()) return budget.status();
      engine_->SetBudget(*budget);
      return {};
    });
  }
  void* Facet(const InterfaceId&) noexcept override { return nullptr; }
  void Release() noexcept override { delete this; }

 private:
  std::unique_ptr<MemoryEngine> engine_;
};

}  // namespace
}  // namespace nexadb::memory

NEXADB_PLUGIN("nexadb.storage-memory", nexadb::memory::MemoryPlugin)
