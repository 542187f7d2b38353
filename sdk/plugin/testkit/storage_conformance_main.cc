// Runs the laws of nexadb.storage_engine over a built library:
//
//   nexadb-storage-conformance NAME LIBRARY durable|volatile [CONFIG]
//
// once on the real system and, with names ending in "Sim<seed>", on simulated machines; durable
// ones also through power cuts and disk faults.
#include <gtest/gtest.h>
#include <stdlib.h>

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
}  // namespace nexadb::testkit

int main(int argc, char** argv) {
  using namespace nexadb::testkit;
  ::testing::InitGoogleTest(&argc, argv);
  if (argc < 4) {
    std::fprintf(stderr, "use: %s NAME LIBRARY durable|volatile [CONFIG]\n", argv[0]);
    return 2;
  }
  const std::string name = argv[1], library = argv[2], config = argc > 4 ? argv[4] : "{}";
  const bool durable = std::string(argv[3]) == "durable";
  RegisterStorageEngineSuite(
      {name, [=] { return std::make_unique<SystemFixture>(library, config); }, durable});
  constexpr uint64_t kSimSeeds = 3;
  for (uint64_t seed = 1; seed <= kSimSeeds; ++seed) {
    RegisterStorageEngineSuite({name + "Sim" + std::to_string(seed),
                                [=] { return std::make_unique<SimFixture>(library, config, seed); },
                                durable});
  }
  if (durable) RegisterStorageCrashSuite(name, library, config);
  return RUN_ALL_TESTS();
}
