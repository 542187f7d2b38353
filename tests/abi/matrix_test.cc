// The load matrix: one kernel loads the same plugin built by different compilers, standard
// libraries and debug modes, all in one process, and everything crosses the boundary unharmed.
//
// NEXADB_MATRIX lists the libraries, separated by ':'.
#include <gtest/gtest.h>

#include <map>

#include "core/base/system_env.h"
#include "core/config/config_view.h"
#include "core/loader/library.h"
#include "core/base/thread_pools.h"
#include "core/runtime/logger.h"
#include "core/runtime/metrics.h"
#include "nexadb/storage_engine.h"

namespace nexadb {
namespace {

class TestContext final : public PluginContext {
 public:
  StringView InstanceName() noexcept override { return "matrix"; }
  StringView DataDirectory() noexcept override { return "/nowhere/matrix"; }
  StringView KernelDataDirectory() noexcept override { return "/nowhere"; }
  const ConfigView& Config() noexcept override { return config_; }
  Logger& Log() noexcept override { return log_; }
  MetricsRegistry& Metrics() noexcept override { return metrics_; }
  nexadb::Executor& Executor() noexcept override { return pools_; }
  nexadb::Env& Env() noexcept override { return base::SystemEnv(); }
  bool DevMode() noexcept override { return false; }
  Status ProvideRaw(const InterfaceId& id, void* service) noexcept override {
    services_[id.name] = service;
    return {};
  }
  Result<Handle<ServiceLease>> LeaseRaw(const InterfaceId&, StringView,
                                        uint32_t) noexcept override {
    return Status::Error(Code::kNotFound, "no slots here");
  }
  uint32_t SlotSize(StringView) noexcept override { return 0; }
  void ReportFailure(const Status& reason) noexcept override { ADD_FAILURE() << reason.message(); }
  StorageEngine* Storage() {
    return static_cast<StorageEngine*>(services_[StorageEngine::kInterface.name]);
  }

 private:
  std::map<std::string, void*> services_;
  const config::Value table_ = config::Value::Table("default");
  const config::TableView config_{table_};
  runtime::InstanceLogger log_{"matrix", {}, base::SystemEnv().Clock()};
  runtime::MetricStore store_;
  runtime::InstanceMetrics metrics_{"matrix", store_, log_};
  base::ThreadPools pools_{{1, 1, 10}};
};

class LoadMatrix : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    auto file = loader::InspectLibrary(GetParam());
    ASSERT_TRUE(file.ok()) << file.status().message();
    RecordProperty("fingerprint", file->fingerprint);
    auto descriptor = loader::LoadLibrary(*file);
    ASSERT_TRUE(descriptor.ok()) << descriptor.status().message();
    plugin_ = Handle<Plugin>((*descriptor)->create());
    ASSERT_TRUE(plugin_->Configure(context_).ok());
    ASSERT_TRUE(plugin_->Start().ok());
    engine_ = context_.Storage();
    ASSERT_NE(engine_, nullptr);
  }
  void TearDown() override {
    if (!plugin_) return;
    plugin_->Drain(0);
    plugin_->Stop();
  }
  Result<uint64_t> Put(std::string_view key, std::string_view value) {
    const Mutation put{Mutation::Op::kPut, 0, AsBytes(key), AsBytes(value)};
    return engine_->Write({&put, 1}, {});
  }

  TestContext context_;
  Handle<Plugin> plugin_;
  StorageEngine* engine_ = nullptr;
};

TEST_P(LoadMatrix, WritesAreReadBack) {
  ASSERT_EQ(*Put("a", "1"), 1u);
  auto snapshot = engine_->OpenSnapshot();
  ASSERT_TRUE(snapshot.ok());
  ASSERT_EQ(*Put("a", std::string(100000, 'x')), 2u);
  EXPECT_EQ((*snapshot)->Sequence(), 1u);
  auto old_value = (*snapshot)->Get(AsBytes("a"), {});
  ASSERT_TRUE(old_value.ok());
  EXPECT_EQ(old_value->text(), "1");
  auto later = engine_->OpenSnapshot();
  Buffer kept = *(*later)->Get(AsBytes("a"), {});
  // The bytes outlive the snapshot they came from, and are freed by the side that made them.
  later->Reset();
  EXPECT_EQ(kept.size(), 100000u);
  EXPECT_EQ((*snapshot)->Get(AsBytes("b"), {}).status().code(), Code::kNotFound);
}

TEST_P(LoadMatrix, ScansComeInBatches) {
  std::vector<std::string> keys;
  std::vector<Mutation> batch;
  for (int i = 0; i < 1000; ++i) keys.push_back("key" + std::to_string(10000 + i));
  for (const std::string& key : keys) {
    batch.push_back({Mutation::Op::kPut, 0, AsBytes(key), AsBytes("value")});
  }
  ASSERT_TRUE(engine_->Write(batch, {}).ok());
  auto snapshot = engine_->OpenSnapshot();
  ScanOptions options;
  options.begin = AsBytes(keys[10]);
  options.end = AsBytes(keys[990]);
  auto cursor = (*snapshot)->Scan(options);
  ASSERT_TRUE(cursor.ok());
  Row rows[128];
  size_t seen = 10;
  for (;;) {
    auto count = (*cursor)->Next({rows, std::size(rows)});
    ASSERT_TRUE(count.ok());
    if (*count == 0) break;
    for (uint64_t i = 0; i < *count; ++i) {
      ASSERT_EQ(AsText(rows[i].key), keys[seen++]);
      ASSERT_EQ(AsText(rows[i].value), "value");
    }
  }
  EXPECT_EQ(seen, 990u);
  BytesView asked[] = {AsBytes(keys[0]), AsBytes("absent")};
  Lookup found[2];
  ASSERT_TRUE((*snapshot)->GetMany({asked, 2}, {}, {found, 2}).ok());
  EXPECT_EQ(found[0].value.text(), "value");
  EXPECT_EQ(found[1].found, 0u);
}

TEST_P(LoadMatrix, ExceptionsInsideBecomeStatuses) {
  const auto thrown = Put("throw me", "");
  ASSERT_FALSE(thrown.ok());
  EXPECT_EQ(thrown.status().code(), Code::kInternal);
  EXPECT_EQ(thrown.status().message(), "thrown inside: throw me");
  EXPECT_EQ(Put("odd!", "").status().code(), Code::kInternal);
  auto snapshot = engine_->OpenSnapshot();
  EXPECT_EQ((*snapshot)->Sequence(), 0u);
}

TEST_P(LoadMatrix, TwoInstancesOfOneLibraryAreStrangers) {
  auto file = loader::InspectLibrary(GetParam());
  TestContext other_context;
  Handle<Plugin> other((*loader::LoadLibrary(*file))->create());
  ASSERT_TRUE(other->Configure(other_context).ok());
  ASSERT_TRUE(Put("mine", "1").ok());
  auto theirs = other_context.Storage()->OpenSnapshot();
  EXPECT_EQ((*theirs)->Get(AsBytes("mine"), {}).status().code(), Code::kNotFound);
}

std::vector<std::string> Libraries() {
  std::vector<std::string> paths;
  std::string_view list = NEXADB_MATRIX;
  for (;;) {
    const size_t colon = list.find(':');
    paths.emplace_back(list.substr(0, colon));
    if (colon == std::string_view::npos) return paths;
    list.remove_prefix(colon + 1);
  }
}

std::string NameOf(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = info.param.substr(info.param.rfind('/') + 1);
  name = name.substr(0, name.rfind('.'));
  for (char& c : name) c = c == '-' || c == '+' ? '_' : c;
  return name;
}

INSTANTIATE_TEST_SUITE_P(Built, LoadMatrix, ::testing::ValuesIn(Libraries()), NameOf);

}  // namespace
}  // namespace nexadb
