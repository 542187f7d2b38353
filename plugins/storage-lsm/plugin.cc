// storage-lsm as a plugin: configuration in, one storage_engine out.
#include <array>
#include <memory>
#include <string>

#include "nexadb/plugin.h"
#include "nexadb/sdk/guard.h"
#include "plugins/storage-lsm/encryption/key_file.h"
#include "plugins/storage-lsm/engine/engine.h"
#include "plugins/storage-lsm/util/error.h"

namespace nexadb::lsm {
namespace {

constexpr uint64_t kBlockBytesMin = 512;
constexpr uint64_t kBlockBytesMax = 1u << 20;
constexpr uint64_t kTableBytesMin = 64u << 10;

Status ReadBytes(const ConfigView& config, StringView key, uint64_t min, uint64_t max,
                 uint64_t* out) {
  auto value = config.Bytes(key);
  if (!value.ok()) return value.status();
  if (*value < min || *value > max) {
    return Invalid(std::string(std::string_view(config.Where(key))) + ": " +
                   std::string(std::string_view(key)) + " must lie between " + std::to_string(min) +
                   " and " + std::to_string(max) + " bytes");
  }
  *out = *value;
  return Status::Ok();
}

Status ReadChoices(const ConfigView& config, StoreOptions* options) {
  auto durability = config.Text("durability");
  if (!durability.ok()) return durability.status();
  const std::string_view name = *durability;
  options->durability = name == "process"    ? Durability::kProcess
                        : name == "os"       ? Durability::kOs
                        : name == "interval" ? Durability::kInterval
                                             : Durability::kDisk;
  auto compression = config.Text("compression");
  if (!compression.ok()) return compression.status();
  options->compression =
      std::string_view(*compression) == "none" ? Compression::kNone : Compression::kLz4;
  auto interval = config.Milliseconds("interval");
  if (!interval.ok()) return interval.status();
  if (*interval == 0) return Invalid("interval must be at least 1ms");
  options->interval_ms = *interval;
  return Status::Ok();
}

Status ReadKeys(const ConfigView& config, StoreOptions* options) {
  auto path = config.Text("encryption_key_file");
  if (!path.ok()) return path.status();
  if (path->empty()) return Status::Ok();
  auto keys = ReadKeyFile(std::string(std::string_view(*path)));
  if (!keys.ok()) return keys.status();
  options->keys = std::move(*keys);
  return Status::Ok();
}

Status ReadOptionsFrom(const ConfigView& config, StoreOptions* options) {
  constexpr uint64_t kNoMax = uint64_t{1} << 62;
  LSM_RETURN_IF_ERROR(
      ReadBytes(config, "memory_budget", kMemoryBudgetMin, kNoMax, &options->memory_budget_bytes));
  LSM_RETURN_IF_ERROR(
      ReadBytes(config, "memtable_size", 0, uint64_t{1} << 30, &options->memtable_bytes));
  if (options->memtable_bytes != 0 && options->memtable_bytes < kMemtableBytesMin) {
    return Invalid("memtable_size must be 0 or at least 64KiB");
  }
  LSM_RETURN_IF_ERROR(
      ReadBytes(config, "block_size", kBlockBytesMin, kBlockBytesMax, &options->block_bytes));
  LSM_RETURN_IF_ERROR(
      ReadBytes(config, "table_size", kTableBytesMin, kNoMax, &options->table_bytes));
  LSM_RETURN_IF_ERROR(ReadBytes(config, "disk_reserve", 0, kNoMax, &options->disk_reserve_bytes));
  LSM_RETURN_IF_ERROR(
      ReadBytes(config, "changes_retained", 0, kNoMax, &options->changes_retained_bytes));
  LSM_RETURN_IF_ERROR(ReadKeys(config, options));
  return ReadChoices(config, options);
}

class LsmPlugin final : public Plugin {
 public:
  virtual ~LsmPlugin() = default;

  Status Configure(PluginContext& context) noexcept override {
    return sdk::Guard([&]() -> Status {
      context_ = &context;
      LSM_RETURN_IF_ERROR(ReadOptionsFrom(context.Config(), &options_));
      return context.Provide<StorageEngine>(engine_);
    });
  }
  Status Start() noexcept override {
    return sdk::Guard([&]() -> Status {
      const std::string_view directory = context_->DataDirectory();
      return engine_.Open(context_->Env(), &context_->Log(), std::string(directory), options_);
    });
  }
  void Drain(uint64_t) noexcept override {}  // every call is finished when it returns
  void Stop() noexcept override {
    const Status status = engine_.Close();
    if (!status.ok()) context_->Log().Error(status.message());
  }
  Status Reconfigure(const ConfigView&) noexcept override {
    return Status::Error(Code::kUnsupported, "storage-lsm takes a new configuration at a restart");
  }
  void* Facet(const InterfaceId&) noexcept override { return nullptr; }
  void Release() noexcept override { delete this; }

 private:
  PluginContext* context_ = nullptr;
  StoreOptions options_;
  Engine engine_;
};

}  // namespace
}  // namespace nexadb::lsm

NEXADB_PLUGIN("nexadb.storage-lsm", nexadb::lsm::LsmPlugin)
