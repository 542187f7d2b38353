// A third party's plugin around an engine of its own.
#include <memory>

#include "nexadb/plugin.h"
#include "nexadb/sdk/guard.h"
#include "plugins/storage-memory/engine.h"

namespace com_example {

class ExamplePlugin final : public nexadb::Plugin {
 public:
  nexadb::Status Configure(nexadb::PluginContext& context) noexcept override {
    return nexadb::sdk::Guard([&]() -> nexadb::Status {
      auto budget = context.Config().Bytes("budget");
      if (!budget.ok()) return budget.status();
      engine_ = std::make_unique<nexadb::memory::MemoryEngine>(context.Env(), *budget);
      context.Log().Info("com.example.memory: an engine built elsewhere");
      return context.Provide<nexadb::StorageEngine>(*engine_);
    });
  }
  nexadb::Status Start() noexcept override { return {}; }
  void Drain(uint64_t) noexcept override {}
  void Stop() noexcept override {}
  nexadb::Status Reconfigure(const nexadb::ConfigView&) noexcept override {
    return nexadb::Status::Error(nexadb::Code::kUnsupported, "restart to change the budget");
  }
  void* Facet(const nexadb::InterfaceId&) noexcept override { return nullptr; }
  void Release() noexcept override { delete this; }

 private:
  std::unique_ptr<nexadb::memory::MemoryEngine> engine_;
};

}  // namespace com_example

NEXADB_PLUGIN("com.example.memory", com_example::ExamplePlugin)
