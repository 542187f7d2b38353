// The laws of nexadb.storage_engine, as GoogleTest cases for any engine:
//
//   int main(int argc, char** argv) {
//     ::testing::InitGoogleTest(&argc, argv);
//     nexadb::testkit::RegisterStorageEngineSuite({"Foo", [] { return …a fixture…; }, true});
//     return RUN_ALL_TESTS();
//   }
//
// Each law gets a fixture of its own, with an empty engine, and is named <name>.<Law>. Random laws
// draw from the seed in NEXADB_TEST_SEED (a fixed one without it) and print it when they fail.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "nexadb/env.h"
#include "nexadb/storage_engine.h"
#include "nexadb/testkit/plugin_host.h"
#include "nexadb/testkit/plugin_suite.h"

namespace nexadb::testkit {

class StorageFixture {
 public:
  virtual ~StorageFixture() = default;
  virtual StorageEngine& Engine() = 0;
  // Stops the engine and opens it again over the same data. Engine() may be another object then.
  // Called for durable engines only.
  virtual void Reopen() = 0;
  // Where the laws' own threads come from.
  virtual Env& Environment() = 0;
};

// A fixture over a plugin's library, started in a PluginHost.
class PluginStorageFixture final : public StorageFixture {
 public:
  // Aborts with the plugin's message when it does not start: no law can say more.
  PluginStorageFixture(std::string library, HostOptions options);
  ~PluginStorageFixture() override;
  StorageEngine& Engine() override;
  void Reopen() override;
  Env& Environment() override;
  PluginHost& Host() { return *host_; }

 private:
  void Open();

  const std::string library_;
  const HostOptions options_;
  std::unique_ptr<PluginHost> host_;
};

struct StorageEngineSuite {
  std::string name;
  std::function<std::unique_ptr<StorageFixture>()> with_engine;
  bool durable = false;
};

void RegisterStorageEngineSuite(const StorageEngineSuite& suite);

struct StoragePluginSuite {
  std::string name;
  PluginPart plugin;
  bool durable = false;
};

// The laws over a built plugin: as <name> on the real system, as <name>Sim<seed> on simulated
// machines of three seeds and, when durable, as <name>Crash through power cuts.
void RegisterStoragePluginSuites(const StoragePluginSuite& suite);

}  // namespace nexadb::testkit
