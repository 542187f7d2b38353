// The plugin: reads rows_max and provides the engine. It has no threads and no files, so Start and
// Stop have nothing to do.
#include "nexadb/plugin.h"

#include <memory>

#include "engine.h"
#include "nexadb/sdk/guard.h"

namespace storage_example {
namespace {

class StoragePlugin final : public nexadb::Plugin {
 public:
  nexadb::Status Configure(nexadb::PluginContext& context) noexcept override {
    return nexadb::sdk::Guard([&]() -> nexadb::Status {
      auto rows_max = context.Config().Integer("rows_max");
      if (!rows_max.ok()) return rows_max.status();
      engine_ = std::make_unique<Engine>(context.Env(), static_cast<uint64_t>(*rows_max));
      return context.Provide<nexadb::StorageEngine>(*engine_);
    });
  }
  nexadb::Status Start() noexcept override { return {}; }
  void Drain(uint64_t) noexcept override {}
  void Stop() noexcept override {}
  nexadb::Status Reconfigure(const nexadb::ConfigView&) noexcept override {
    return nexadb::Status::Error(nexadb::Code::kUnsupported, "restart to change rows_max");
  }
  void* Facet(const nexadb::InterfaceId&) noexcept override { return nullptr; }
  void Release() noexcept override { delete this; }

 private:
  std::unique_ptr<Engine> engine_;
};

}  // namespace
}  // namespace storage_example

NEXADB_PLUGIN("com.example.storage", storage_example::StoragePlugin)
