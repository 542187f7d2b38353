// The plugin nexadb.api-rest: reads its configuration, binds its slots, keeps the cursors' key.
#include <memory>

#include "nexadb/plugin.h"
#include "nexadb/sdk/guard.h"
#include "plugins/api-rest/api.h"

namespace nexadb::rest {
namespace {

constexpr std::string_view kCursorKeyFile = "cursor.key";

// Reads the key that signs cursors, or makes it on the first start. A file of another length was
// not written by us, or not wholly: it is replaced, at the cost of the cursors that were out.
Status LoadCursorKey(Env& env, std::string_view directory, CursorKey& key) {
  FileSystem& files = env.Files();
  if (Status made = files.CreateDirectories(directory); !made.ok()) return made;
  const std::string path = std::string(directory) + "/" + std::string(kCursorKeyFile);
  Result<Handle<File>> file = files.Open(path, FileMode::kCreate);
  if (!file.ok()) return std::move(file).status();
  Result<uint64_t> size = (*file)->Size();
  if (!size.ok()) return std::move(size).status();
  if (*size == key.size()) {
    Result<uint64_t> read = (*file)->ReadAt(0, Span<uint8_t>(key.data(), key.size()));
    if (!read.ok()) return std::move(read).status();
    if (*read == key.size()) return {};
  }
  env.Random().Fill(Span<uint8_t>(key.data(), key.size()));
  if (Status status = (*file)->Truncate(0); !status.ok()) return status;
  if (Status status = (*file)->WriteAt(0, BytesView(key.data(), key.size())); !status.ok()) {
    return status;
  }
  if (Status status = (*file)->Sync(); !status.ok()) return status;
  return files.SyncDirectory(directory);
}

template <class T, class U>
Status Take(Result<T> value, U& into) {
  if (!value.ok()) return std::move(value).status();
  into = static_cast<U>(*value);
  return {};
}

class RestPlugin final : public Plugin, public Successor {
 public:
  Status Configure(PluginContext& context) noexcept override {
    return sdk::Guard([&]() -> Status {
      context_ = &context;
      options_.instance = std::string_view(context.InstanceName());
      const ConfigView& config = context.Config();
      Result<StringView> database = config.Text("default_database");
      if (!database.ok()) return std::move(database).status();
      options_.default_database = std::string_view(*database);
      for (const Status& status :
           {Take(config.Bool("metrics_public"), options_.metrics_public),
            Take(config.Milliseconds("query_time"), options_.query_time_ms),
            Take(config.Milliseconds("query_time_max"), options_.query_time_max_ms),
            Take(config.Milliseconds("slow_query"), options_.slow_query_ms),
            Take(config.Milliseconds("transaction_idle"), options_.transactions.idle_ms),
            Take(config.Integer("transactions_max"), options_.transactions.open_max)}) {
        if (!status.ok()) return status;
      }
      return {};
    });
  }

  Status Start() noexcept override {
    return sdk::Guard([&]() -> Status {
      Services services;
      for (const Status& status :
           {Bind("router", services.router), Bind("database", services.database),
            Bind("auth", services.auth), Bind("kernel", services.kernel)}) {
        if (!status.ok()) return status;
      }
      services.clock = &context_->Env().Clock();
      services.random = &context_->Env().Random();
      services.executor = &context_->Executor();
      services.log = &context_->Log();
      services.metrics = &context_->Metrics();
      CursorKey key;
      if (Status status = LoadCursorKey(context_->Env(), context_->DataDirectory(), key);
          !status.ok()) {
        return status;
      }
      services.router.lease()->OnRebind(
          {[](void* self) noexcept { static_cast<RestPlugin*>(self)->MoveRoutes(); }, this});
      api_ = std::make_unique<Api>(std::move(services), options_, key);
      return api_->Open();
    });
  }

  // The HTTP server, which this plugin depends on, ends the requests that run.
  void Drain(uint64_t) noexcept override {}

  void Stop() noexcept override { api_.reset(); }

  Status Reconfigure(const ConfigView&) noexcept override {
    return Status::Error(Code::kUnsupported, "api-rest takes new options by being replaced");
  }
  void* Facet(const InterfaceId& id) noexcept override {
    return id == Successor::kInterface ? static_cast<Successor*>(this) : nullptr;
  }
  // Routes of one owner take one another's place, and the signing key of cursors is in a file:
  // there is nothing to take over. Open transactions and held cursors end with the predecessor.
  Status Succeed(Plugin&) noexcept override { return {}; }
  void Release() noexcept override { delete this; }

 private:
  template <class I>
  Status Bind(std::string_view slot, ServiceRef<I>& into) {
    Result<ServiceRef<I>> service = context_->Require<I>(slot);
    if (!service.ok()) return std::move(service).status();
    into = std::move(*service);
    return {};
  }

  void MoveRoutes() {
    const Status moved = sdk::Guard([&]() -> Status { return api_->Open(); });
    if (!moved.ok()) context_->ReportFailure(moved);
  }

  PluginContext* context_ = nullptr;
  ApiOptions options_;
  std::unique_ptr<Api> api_;
};

}  // namespace
}  // namespace nexadb::rest

NEXADB_PLUGIN("nexadb.api-rest", nexadb::rest::RestPlugin)
