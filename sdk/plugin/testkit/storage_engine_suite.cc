#include "nexadb/testkit/storage_engine_suite.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "core/base/system_env.h"
#include "storage_laws.h"

namespace nexadb::testkit {
namespace {

constexpr uint64_t kDefaultSeed = 20'240'601;

uint64_t Seed() {
  const char* text = std::getenv("NEXADB_TEST_SEED");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : kDefaultSeed;
}

class LawTest final : public ::testing::Test {
 public:
  LawTest(StorageEngineSuite suite, StorageLaw law) : suite_(std::move(suite)), law_(law) {}
  void TestBody() override {
    uint64_t seed = Seed();
    SCOPED_TRACE("NEXADB_TEST_SEED=" + std::to_string(seed));
    auto fixture = suite_.with_engine();
    Bench bench{*fixture, suite_.durable, seed};
    law_.check(bench);
  }

 private:
  const StorageEngineSuite suite_;
  const StorageLaw law_;
};

}  // namespace

void RegisterStorageEngineSuite(const StorageEngineSuite& suite) {
  for (const auto& laws :
       {StorageBasicLaws(), StorageScanLaws(), StorageMutationLaws(), StorageTransactionLaws(),
        StorageConflictLaws(), StorageRandomLaws(), StorageConcurrencyLaws(),
        StorageDurabilityLaws(), StorageFacetLaws(), StorageIngestLaws()}) {
    for (const StorageLaw& law : laws) {
      if (law.durable_only && !suite.durable) continue;
      ::testing::RegisterTest(
          suite.name.c_str(), law.name, nullptr, nullptr, __FILE__, __LINE__,
          [suite, law]() -> ::testing::Test* { return new LawTest(suite, law); });
    }
  }
}

PluginStorageFixture::PluginStorageFixture(std::string library, HostOptions options)
    : library_(std::move(library)), options_(std::move(options)) {
  Open();
}
PluginStorageFixture::~PluginStorageFixture() = default;

void PluginStorageFixture::Open() {
  auto host = PluginHost::Open(library_, options_);
  Status status = host.status();
  if (status.ok()) status = (*host)->Start();
  if (status.ok() && (*host)->Service<StorageEngine>() == nullptr) {
    status = Status::Error(Code::kInvalidArgument, "the plugin provides no storage engine");
  }
  if (!status.ok()) {
    std::fprintf(stderr, "%s: %s\n", library_.c_str(), std::string(status.message()).c_str());
    std::abort();
  }
  host_ = std::move(*host);
}

StorageEngine& PluginStorageFixture::Engine() { return *host_->Service<StorageEngine>(); }
void PluginStorageFixture::Reopen() {
  host_.reset();
  Open();
}
Env& PluginStorageFixture::Environment() {
  return options_.env != nullptr ? *options_.env : base::SystemEnv();
}

}  // namespace nexadb::testkit
