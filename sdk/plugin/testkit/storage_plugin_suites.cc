// The storage laws over a built plugin: on the real system, on simulated machines, and, for durable
// engines, under power cuts.
#include <stdlib.h>

#include <gtest/gtest.h>

#include <filesystem>
#include <optional>

#include "core/base/sim_env.h"
#include "nexadb/testkit/storage_crash_suite.h"
#include "nexadb/testkit/storage_engine_suite.h"

namespace nexadb::testkit {
namespace {
// On the real system, in a directory of its own.
class SystemFixture final : public StorageFixture {
 public:
  SystemFixture(const std::string& library, const std::string& config) {
    std::string pattern = ::testing::TempDir() + "nexadb_conformance_XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    directory_ = pattern;
    HostOptions options;
    options.data_directory = directory_;
    options.config = config;
    plugin_.emplace(library, options);
  }
  ~SystemFixture() override {
    plugin_.reset();
    std::filesystem::remove_all(directory_);
    std::filesystem::remove_all(directory_ + ".replaced");  // beside it, when a law restored
  }
  StorageEngine& Engine() override { return plugin_->Engine(); }
  void Reopen() override { plugin_->Reopen(); }
  Env& Environment() override { return plugin_->Environment(); }

 private:
  std::string directory_;
  std::optional<PluginStorageFixture> plugin_;
};

class SimFixture final : public StorageFixture {
 public:
  SimFixture(const std::string& library, const std::string& config, uint64_t seed) : env_(seed) {
    HostOptions options;
    options.data_directory = "/data";
    options.config = config;
    options.env = &env_;
    plugin_.emplace(library, options);
  }
  StorageEngine& Engine() override { return plugin_->Engine(); }
  void Reopen() override { plugin_->Reopen(); }
  Env& Environment() override { return env_; }

 private:
  base::SimEnv env_;
  std::optional<PluginStorageFixture> plugin_;
};

}  // namespace

void RegisterStoragePluginSuites(const StoragePluginSuite& suite) {
  const auto [name, plugin, durable] = suite;
  const std::string library = plugin.library, config = plugin.config;
  RegisterStorageEngineSuite(
      {name, [=] { return std::make_unique<SystemFixture>(library, config); }, durable});
  constexpr uint64_t kSimSeeds = 3;
  for (uint64_t seed = 1; seed <= kSimSeeds; ++seed) {
    RegisterStorageEngineSuite({name + "Sim" + std::to_string(seed),
                                [=] { return std::make_unique<SimFixture>(library, config, seed); },
                                durable});
  }
  if (durable) RegisterStorageCrashSuite(name, library, config);
}

}  // namespace nexadb::testkit
