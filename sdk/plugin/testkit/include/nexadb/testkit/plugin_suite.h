// The laws that every plugin keeps, and those of the interfaces it provides, as GoogleTest cases
// over a built library:
//
//   int main(int argc, char** argv) {
//     ::testing::InitGoogleTest(&argc, argv);
//     nexadb::testkit::PluginSuite suite{"Foo", {"build/…/vector-foo.so", "{}"}, {}};
//     nexadb::testkit::RegisterEveryPluginSuite(suite);
//     nexadb::testkit::RegisterVectorIndexSuite(suite);
//     return RUN_ALL_TESTS();
//   }
//
// Nothing of the library runs before its first law. Each law gets a data directory of its own and
// is named <name>.<Law>; random ones draw from NEXADB_TEST_SEED (a fixed seed without it). The laws
// of nexadb.storage_engine are in storage_engine_suite.h. nexadb-plugin-check runs them all.
#pragma once
#include <string>
#include <vector>

#include "nexadb/abi.h"

namespace nexadb::testkit {

// A library and its [plugins.x.config] table as a JSON object.
struct PluginPart {
  std::string library;
  std::string config = "{}";
};

struct PluginSuite {
  std::string name;
  PluginPart plugin;
  // What fills the plugin's slots, by interface: each part is started before those behind it, and
  // its own slots are filled by those before it. nexadb.kernel_info is always there.
  std::vector<PluginPart> with;
};

// What a library says of itself; read without running any of its code.
struct PluginSummary {
  std::string id;
  std::string version;
  std::vector<std::string> provides;  // "nexadb.storage_engine/0.1"
};
Result<PluginSummary> InspectPlugin(const std::string& library);

// A configuration as JSON, from a file in TOML, or in JSON when its name ends in ".json".
Result<std::string> ReadConfiguration(const std::string& path);

// The seed of random laws in this process.
uint64_t TestSeed();

void RegisterEveryPluginSuite(const PluginSuite& suite);
void RegisterVectorIndexSuite(const PluginSuite& suite);
void RegisterDatabaseSuite(const PluginSuite& suite);
void RegisterAuthenticatorSuite(const PluginSuite& suite);
// The plugin must listen on a port that the system chooses: "listen": ["127.0.0.1:0"].
void RegisterHttpRouterSuite(const PluginSuite& suite);

}  // namespace nexadb::testkit
