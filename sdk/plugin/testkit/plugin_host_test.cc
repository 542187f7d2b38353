#include "nexadb/testkit/plugin_host.h"

#include <gtest/gtest.h>

#include <string>

#include "nexadb/storage_engine.h"

namespace nexadb::testkit {
namespace {

const char* const kLibrary = NEXADB_PLUGIN_DIRECTORY "/storage-memory.so";

HostOptions WithConfig(const char* config) {
  HostOptions options;
  options.config = config;
  return options;
}

Status Put(StorageEngine& engine, std::string_view key, std::string_view value) {
  Mutation put{Mutation::Op::kPut, 0, AsBytes(key), AsBytes(value)};
  return engine.Write({&put, 1}, {}).status();
}

TEST(PluginHost, ALibraryLivesItsLife) {
  auto host = PluginHost::Open(kLibrary, {});
  ASSERT_TRUE(host.ok()) << host.status().message();
  EXPECT_EQ((*host)->PluginId(), "nexadb.storage-memory");
  ASSERT_TRUE((*host)->Start().ok());
  auto* engine = (*host)->Service<StorageEngine>();
  ASSERT_NE(engine, nullptr);
  EXPECT_TRUE(Put(*engine, "a", "1").ok());
  (*host)->Stop();
  (*host)->Stop();
}

TEST(PluginHost, TwoInstancesOfOneLibraryShareNothing) {
  auto first = PluginHost::Open(kLibrary, {});
  auto second = PluginHost::Open(kLibrary, WithConfig(R"({"memory_budget": "0B"})"));
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_TRUE(Put(*(*first)->Service<StorageEngine>(), "a", "1").ok());
  EXPECT_EQ(Put(*(*second)->Service<StorageEngine>(), "a", "1").code(), Code::kResourceExhausted);
}

TEST(PluginHost, ReleaseWithoutStartIsLegal) { EXPECT_TRUE(PluginHost::Open(kLibrary, {}).ok()); }

TEST(PluginHost, AWrongConfigurationIsRefusedAsByTheKernel) {
  for (const char* config : {R"({"memory_budgt": "1MiB"})", R"({"memory_budget": "lots"})",
                             R"({"memory_budget": true})", "{", "[]"}) {
    auto host = PluginHost::Open(kLibrary, WithConfig(config));
    EXPECT_EQ(host.status().code(), Code::kInvalidArgument) << config;
  }
}

TEST(PluginHost, ReconfigureTakesEffect) {
  auto host = PluginHost::Open(kLibrary, {});
  ASSERT_TRUE(host.ok());
  auto* engine = (*host)->Service<StorageEngine>();
  EXPECT_TRUE(Put(*engine, "a", "1").ok());
  ASSERT_TRUE((*host)->Reconfigure(R"({"memory_budget": "0B"})").ok());
  EXPECT_EQ(Put(*engine, "b", "1").code(), Code::kResourceExhausted);
  EXPECT_FALSE((*host)->Reconfigure(R"({"memory_budget": 1.5})").ok());
}

TEST(PluginHost, WhatIsNoPluginIsNotLoaded) {
  EXPECT_EQ(PluginHost::Open("/does/not/exist.so", {}).status().code(), Code::kNotFound);
  EXPECT_FALSE(PluginHost::Open("/proc/self/exe", {}).ok());
}

}  // namespace
}  // namespace nexadb::testkit
