#include "laws.h"

#include <fnmatch.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "nexadb/authenticator.h"
#include "nexadb/database.h"
#include "nexadb/http.h"
#include "nexadb/storage_engine.h"
#include "nexadb/testkit/assembly.h"
#include "nexadb/testkit/storage_engine_suite.h"
#include "nexadb/vector_index.h"

namespace nexadb::check {
namespace {

using testkit::PluginSuite;

bool Names(const std::string& provided, const InterfaceId& id) {
  return provided.substr(0, provided.find('/')) == id.name;
}

PluginSuite Named(const PluginSuite& suite, const char* name) {
  PluginSuite named = suite;
  named.name = name;
  return named;
}

void RegisterStorage(const PluginSuite& suite, Durability durability) {
  testkit::RegisterStoragePluginSuites(
      {suite.name, suite.plugin, durability == Durability::kDurable});
}

bool RegisterKit(const std::string& provided, const PluginSuite& suite, Durability durability) {
  if (Names(provided, StorageEngine::kInterface)) {
    RegisterStorage(Named(suite, "StorageEngine"), durability);
  } else if (Names(provided, VectorIndexProvider::kInterface)) {
    testkit::RegisterVectorIndexSuite(Named(suite, "VectorIndex"));
  } else if (Names(provided, Database::kInterface)) {
    testkit::RegisterDatabaseSuite(Named(suite, "Database"));
  } else if (Names(provided, Authenticator::kInterface)) {
    testkit::RegisterAuthenticatorSuite(Named(suite, "Authenticator"));
  } else if (Names(provided, HttpRouter::kInterface)) {
    testkit::RegisterHttpRouterSuite(Named(suite, "HttpRouter"));
  } else {
    return false;
  }
  return true;
}

}  // namespace

std::vector<std::string> RegisterKits(const PluginSuite& suite,
                                      const testkit::PluginSummary& summary,
                                      Durability durability) {
  testkit::RegisterEveryPluginSuite(Named(suite, "EveryPlugin"));
  std::vector<std::string> without;
  for (const std::string& provided : summary.provides) {
    if (!RegisterKit(provided, suite, durability)) without.push_back(provided);
  }
  return without;
}

std::vector<std::string> LawsMatching(const std::string& pattern) {
  std::vector<std::string> laws;
  const auto& all = *::testing::UnitTest::GetInstance();
  for (int i = 0; i < all.total_test_suite_count(); ++i) {
    const auto& kit = *all.GetTestSuite(i);
    for (int j = 0; j < kit.total_test_count(); ++j) {
      const std::string law = std::string(kit.name()) + "." + kit.GetTestInfo(j)->name();
      if (::fnmatch(pattern.c_str(), law.c_str(), 0) == 0) laws.push_back(law);
    }
  }
  return laws;
}

int RunLaw(const std::string& law) {
  ::testing::GTEST_FLAG(filter) = law;
  return RUN_ALL_TESTS();
}

Result<Durability> AskDurability(const PluginSuite& suite) {
  std::string directory = ::testing::TempDir() + "nexadb_check_XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr) {
    return Status::Error(Code::kIoError, "cannot make " + directory);
  }
  Result<Durability> answer = Durability::kVolatile;
  {
    auto assembly = testkit::Assembly::Open(suite, directory);
    Status started = assembly.ok() ? (*assembly)->Start() : assembly.status();
    if (!started.ok()) {
      answer = started;
    } else if (auto* engine = (*assembly)->Service<StorageEngine>()) {
      if (engine->Capabilities().durable != 0) answer = Durability::kDurable;
    }
  }
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
  return answer;
}

}  // namespace nexadb::check
