// For tests: the database plugin on storage-memory (and vector-bruteforce where it is built), each
// loaded as the kernel loads it, with commands and replies as JSON, a clock that tests move, and a
// principal whose rights they set. Header-only; used by *_test.cc alone.
#pragma once
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/system_env.h"
#include "core/document/error.h"
#include "core/document/json.h"
#include "nexadb/database.h"
#include "nexadb/testkit/plugin_host.h"
#include "nexadb/vector_index.h"

namespace nexadb::database {

// The system's Env, but for the wall clock, which tests move.
class MovableEnv final : public Env, public Clock {
 public:
  explicit MovableEnv(Env& base) : base_(base) {}
  FileSystem& Files() noexcept override { return base_.Files(); }
  nexadb::Clock& Clock() noexcept override { return *this; }
  nexadb::Random& Random() noexcept override { return base_.Random(); }
  Handle<Mutex> NewMutex() noexcept override { return base_.NewMutex(); }
  Handle<CondVar> NewCondVar() noexcept override { return base_.NewCondVar(); }
  Result<Handle<Thread>> StartThread(StringView name, const Callback& body) noexcept override {
    if (std::string_view(name) == "compute") ++compute_threads_started;
    return base_.StartThread(name, body);
  }
  void SleepNs(uint64_t duration_ns) noexcept override { base_.SleepNs(duration_ns); }
  uint64_t MonotonicNs() noexcept override { return base_.Clock().MonotonicNs(); }
  int64_t UnixMs() noexcept override { return now_ms.fetch_add(step_ms.load()); }

  std::atomic<int64_t> now_ms{1'700'000'000'000};
  std::atomic<int64_t> step_ms{0};  // how far each look at the clock moves it
  std::atomic<int64_t> compute_threads_started{0};

 private:
  Env& base_;
};

class FakePrincipal final : public Principal {
 public:
  StringView Id() noexcept override { return id; }
  StringView Name() noexcept override { return id; }
  bool Allows(Action action, const Resource& resource) noexcept override {
    return !allows || allows(action, resource);
  }
  bool Valid() noexcept override { return true; }
  void Release() noexcept override {}

  std::string id = "tester";
  std::function<bool(Action, const Resource&)> allows;  // empty: everything
};

inline std::string Bson(std::string_view json) {
  auto bytes = JsonToBson(json, kEnvelopeJson);
  EXPECT_TRUE(bytes.ok()) << bytes.status().message() << " in " << json;
  return bytes.ok() ? *bytes : std::string();
}

inline std::string Json(BytesView bytes) {
  return BsonToJson(bson::Document(bytes), JsonMode::kRelaxed);
}

class DatabaseFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ = std::filesystem::temp_directory_path() /
                 ("nexadb-database-" + std::to_string(::getpid()) + "-" +
                  ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(directory_);
    storage_ = OpenHost("storage-memory", "{}");
    ASSERT_TRUE(storage_ != nullptr && storage_->Start().ok());
    if (std::filesystem::exists(Library("vector-bruteforce"))) {
      vectors_ = OpenHost("vector-bruteforce", "{}");
      ASSERT_TRUE(vectors_ != nullptr && vectors_->Start().ok());
    }
    OpenDatabase();
  }

  void TearDown() override {
    session_.Reset();
    host_.reset();
    vectors_.reset();
    storage_.reset();
    std::filesystem::remove_all(directory_);
  }

  static std::string Library(const std::string& name) {
    return std::string(NEXADB_TEST_PLUGINS) + "/" + name + ".so";
  }

  std::unique_ptr<testkit::PluginHost> OpenHost(const std::string& name,
                                                const std::string& config) {
    testkit::HostOptions options;
    options.instance = name;
    options.data_directory = directory_.string();
    options.config = config;
    options.env = &env_;
    options.compute_threads = compute_threads_;
    auto host = testkit::PluginHost::Open(Library(name), options);
    EXPECT_TRUE(host.ok()) << host.status().message();
    return host.ok() ? std::move(*host) : nullptr;
  }

  void OpenDatabase() {
    // A sweep every hour: tests that are about time move the clock and look at absence itself.
    host_ = OpenHost("database-document", config_);
    ASSERT_NE(host_, nullptr);
    host_->Bind<StorageEngine>("storage", *storage_->Service<StorageEngine>());
    if (vectors_ != nullptr) {
      host_->Bind<VectorIndexProvider>("vectors", *vectors_->Service<VectorIndexProvider>());
    }
    const Status started = host_->Start();
    ASSERT_TRUE(started.ok()) << started.message();
    database_ = host_->Service<Database>();
    ASSERT_NE(database_, nullptr);
    session_ = NewSession();
  }

  // As after a restart of the server: all but what storage keeps is gone.
  void Reopen() {
    session_.Reset();
    host_.reset();
    OpenDatabase();
  }

  Handle<Session> NewSession(uint32_t timestamps = 0) { return NewSession(principal_, timestamps); }
  Handle<Session> NewSession(Principal& principal, uint32_t timestamps) {
    SessionOptions options;
    options.principal = &principal;
    options.timestamps = timestamps;
    auto session = database_->OpenSession(options);
    EXPECT_TRUE(session.ok());
    return session.ok() ? std::move(*session) : Handle<Session>();
  }

  Result<Buffer> TryRun(Session& session, std::string_view command) {
    const std::string bytes = Bson(command);
    return database_->Run(session, "test", AsBytes(bytes));
  }
  // The reply as relaxed JSON, or the error's code.
  std::string Run(Session& session, std::string_view command) {
    auto reply = TryRun(session, command);
    if (reply.ok()) return Json(reply->bytes());
    return "error " + std::to_string(MongoCode(reply.status())) + ": " +
           std::string(reply.status().message());
  }
  std::string Run(std::string_view command) { return Run(*session_, command); }
  int32_t CodeOf(std::string_view command) {
    auto reply = TryRun(*session_, command);
    return reply.ok() ? 0 : MongoCode(reply.status());
  }
  // firstBatch of a find or an aggregate.
  std::string Batch(Session& session, std::string_view command) {
    auto reply = TryRun(session, command);
    if (!reply.ok())
      return "error " + std::to_string(MongoCode(reply.status())) + ": " +
             std::string(reply.status().message());
    std::string out;
    AppendJsonArray(
        out, bson::Document(reply->bytes())["cursor"].value().Doc()["firstBatch"].value().Doc(),
        JsonMode::kRelaxed);
    return out;
  }
  std::string Batch(std::string_view command) { return Batch(*session_, command); }
  int64_t Count(std::string_view collection) {
    auto reply = TryRun(*session_, R"({"count": ")" + std::string(collection) + R"("})");
    EXPECT_TRUE(reply.ok());
    return reply.ok() ? bson::Document(reply->bytes())["n"].value().Int32() : -1;
  }

  std::filesystem::path directory_;
  std::string config_ = R"({"ttl_sweep": "1h"})";
  uint32_t compute_threads_ = 1;
  MovableEnv env_{base::SystemEnv()};
  FakePrincipal principal_;
  std::unique_ptr<testkit::PluginHost> storage_;
  std::unique_ptr<testkit::PluginHost> vectors_;
  std::unique_ptr<testkit::PluginHost> host_;
  Database* database_ = nullptr;
  Handle<Session> session_;
};

}  // namespace nexadb::database
