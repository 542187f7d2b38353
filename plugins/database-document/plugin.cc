// The plugin: reads its settings, leases storage and vector indexes, and provides the database.
#include "nexadb/plugin.h"

#include <memory>

#include "nexadb/sdk/guard.h"
#include "plugins/database-document/catalog/catalog.h"
#include "plugins/database-document/changes/hub.h"
#include "plugins/database-document/cursor/cursor_store.h"
#include "plugins/database-document/database.h"
#include "plugins/database-document/index/build.h"
#include "plugins/database-document/keyvalue/sweeper.h"
#include "plugins/database-document/plan/spill_file.h"
#include "plugins/database-document/tasks/task_table.h"
#include "plugins/database-document/vectors/registry.h"

namespace nexadb::database {

class DatabasePlugin final : public Plugin {
 public:
  Status Configure(PluginContext& context) noexcept override {
    return sdk::Guard([&]() -> Status {
      context_ = &context;
      auto settings = Settings::Read(context.Config());
      if (!settings.ok()) return settings.status();
      environment_.settings = *settings;
      auto retention = RetentionRule::Read(context.Config());
      if (!retention.ok()) return retention.status();
      database_.set_retention(*retention);
      return context.Provide<Database>(database_);
    });
  }

  Status Start() noexcept override {
    return sdk::Guard([&]() -> Status {
      auto storage = context_->Require<StorageEngine>("storage");
      if (!storage.ok()) return storage.status();
      environment_.storage = std::move(*storage);
      environment_.nonblocking = static_cast<StorageNonblocking*>(
          environment_.store().Facet(StorageNonblocking::kInterface));
      for (uint32_t i = 0; i < context_->SlotSize("vectors"); ++i) {
        auto provider = context_->Require<VectorIndexProvider>("vectors", i);
        if (!provider.ok()) return provider.status();
        environment_.vector_providers.push_back(std::move(*provider));
      }
      environment_.system = &context_->Env();
      environment_.executor = &context_->Executor();
      environment_.log = &context_->Log();
      environment_.data_directory = std::string(context_->DataDirectory());
      return Open();
    });
  }

  void Drain(uint64_t) noexcept override { database_.set_draining(true); }

  void Stop() noexcept override {
    sweeper_.reset();
    if (environment_.tasks != nullptr) environment_.tasks->Close();
    // Cursors and indexes hold what belongs to storage and to the index plugins.
    environment_.cursors.reset();
    environment_.vectors.reset();
    environment_.vector_providers.clear();
    environment_.nonblocking = nullptr;
    environment_.storage = {};
  }

  Status Reconfigure(const ConfigView&) noexcept override {
    return Status::Error(Code::kUnsupported, "database-document takes new settings at its start");
  }
  void* Facet(const InterfaceId&) noexcept override { return nullptr; }
  void Release() noexcept override { delete this; }

 private:
  Status Open() {
    Env& system = *environment_.system;
    environment_.object_ids = std::make_unique<ObjectIdGenerator>(system.Clock(), system.Random());
    environment_.ids = std::make_unique<IdGenerator>(system.Clock(), system.Random());
    environment_.catalog = std::make_unique<Catalog>();
    environment_.changes = std::make_unique<ChangeHub>();
    environment_.tasks = std::make_unique<TaskTable>(environment_);
    environment_.cursors = std::make_unique<CursorStore>(environment_);
    environment_.vectors = std::make_unique<VectorRegistry>(environment_);
    if (Status status = environment_.catalog->Load(environment_.store()); !status.ok()) {
      return status;
    }
    if (Status status = RemoveOldSpillFiles(environment_); !status.ok()) return status;
    if (Status status = RepairIndexes(environment_); !status.ok()) return status;
    sweeper_ = std::make_unique<Sweeper>(environment_);
    return sweeper_->Start();
  }

  PluginContext* context_ = nullptr;
  Environment environment_;
  DocumentDatabase database_{environment_};
  std::unique_ptr<Sweeper> sweeper_;
};

}  // namespace nexadb::database

NEXADB_PLUGIN("nexadb.database-document", nexadb::database::DatabasePlugin)
