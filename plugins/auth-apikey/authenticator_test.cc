// The plugin as a whole: keys, their life, restarts, throttling, dev mode.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "nexadb/authenticator.h"
#include "nexadb/bson.h"
#include "nexadb/repeat_authenticator.h"
#include "nexadb/testkit/plugin_host.h"
#include "plugins/auth-apikey/authenticator.h"

namespace nexadb {
namespace {

constexpr int32_t kUnauthorized = 100;
constexpr int32_t kInvalidKey = 101;
constexpr int32_t kLoginThrottled = 103;
constexpr int32_t kRateLimited = 104;
constexpr int32_t kKeyNotFound = 107;
constexpr int32_t kLastRootKey = 108;
constexpr const char* kPublished = "b8c37e33faa946d43c2f6e5a0bc7e7e0";

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {(std::istreambuf_iterator<char>(file)), {}};
}

class AuthTest : public testing::Test {
 protected:
  AuthTest() {
    static int count = 0;
    directory_ = (std::filesystem::temp_directory_path() /
                  ("nexadb_auth_" + std::to_string(::getpid()) + "_" + std::to_string(++count)))
                     .string();
    std::filesystem::create_directories(directory_);
  }
  ~AuthTest() override {
    Stop();
    std::filesystem::remove_all(directory_);
  }
  Status TryStart(const std::string& config = "{}", bool dev_mode = false) {
    testkit::HostOptions options;
    options.instance = "auth";
    options.data_directory = directory_;
    options.config = config;
    options.dev_mode = dev_mode;
    auto host = testkit::PluginHost::Open(NEXADB_AUTH_APIKEY_LIBRARY, options);
    if (!host.ok()) return host.status();
    host_ = std::move(*host);
    auth_ = host_->Service<Authenticator>();
    admin_ = static_cast<KeyAdmin*>(auth_->Facet(KeyAdmin::kInterface));
    return host_->Start();
  }
  void Start(const std::string& config = "{}", bool dev_mode = false) {
    const Status started = TryStart(config, dev_mode);
    ASSERT_TRUE(started.ok()) << started.message();
  }
  void Stop() {
    if (host_) host_->Stop();
    host_.reset();
  }
  Result<Handle<Principal>> Login(std::string_view secret, std::string_view peer = "10.0.0.1",
                                  bool loopback = false) {
    Credentials credentials;
    credentials.secret = secret;
    credentials.peer = peer;
    credentials.peer_is_loopback = loopback ? 1 : 0;
    return auth_->Authenticate(credentials);
  }
  // A key of so many requests in a second that none is earned while a test runs, and none before it
  // has slept for a second.
  static std::string RatedSpec(int32_t per_second, int32_t burst) {
    bson::Builder spec;
    spec.Elements(bson::Document(AsBytes(Spec({"read"}, {"*"}))));
    spec.Int32("requests_per_second", per_second).Int32("burst", burst);
    return spec.Finish();
  }
  int AdmittedOf(int tries, const std::string& secret) {
    int admitted = 0;
    for (int i = 0; i < tries; ++i) admitted += Login(secret).ok() ? 1 : 0;
    return admitted;
  }
  std::string RootKey() {
    std::string key = ReadFile(directory_ + "/root.key");
    EXPECT_EQ(key.back(), '\n');
    key.pop_back();
    return key;
  }
  static std::string Spec(const std::vector<std::string>& actions,
                          const std::vector<std::string>& patterns) {
    bson::Builder spec;
    spec.Text("name", "test").OpenArray("actions");
    for (size_t i = 0; i < actions.size(); ++i) spec.Text(std::to_string(i), actions[i]);
    spec.Close().OpenArray("patterns");
    for (size_t i = 0; i < patterns.size(); ++i) spec.Text(std::to_string(i), patterns[i]);
    return spec.Close().Finish();
  }
  struct Made {
    std::string id;
    std::string secret;
  };
  Made Create(const std::string& spec) {
    auto made = admin_->Create(AsBytes(spec));
    EXPECT_TRUE(made.ok()) << made.status().message();
    if (!made.ok()) return {};
    const bson::Document document(made->bytes());
    return {std::string(document["id"].value().Text()),
            std::string(document["key"].value().Text())};
  }
  std::string LogText() {
    std::string text;
    for (const testkit::LogLine& line : host_->TakeLog()) text += line.text + "\n";
    return text;
  }

  std::string directory_;
  std::unique_ptr<testkit::PluginHost> host_;
  Authenticator* auth_ = nullptr;
  KeyAdmin* admin_ = nullptr;
};

TEST_F(AuthTest, FirstStartWritesARootKeyThatMayDoEverything) {
  Start();
  const std::string key = RootKey();
  EXPECT_GE(key.size(), 43u);
  struct stat info {};
  ASSERT_EQ(::stat((directory_ + "/root.key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  auto root = Login(key);
  ASSERT_TRUE(root.ok());
  EXPECT_EQ(std::string_view((*root)->Id()), "root");
  for (const Action action : {Action::kRead, Action::kWrite, Action::kManage, Action::kAdmin}) {
    EXPECT_TRUE((*root)->Allows(action, {"shop", "orders"}));
    EXPECT_TRUE((*root)->Allows(action, {"", ""}));
  }
  const std::string log = LogText();
  EXPECT_NE(log.find(directory_ + "/root.key"), std::string::npos);
  EXPECT_EQ(log.find(key), std::string::npos);
}

TEST_F(AuthTest, KeysSurviveARestartAndTheRootKeyIsNotRewritten) {
  Start();
  const std::string key = RootKey();
  const Made made = Create(Spec({"read"}, {"logs_*"}));
  Stop();
  Start();
  EXPECT_EQ(RootKey(), key);
  EXPECT_TRUE(Login(key).ok());
  auto reader = Login(made.secret);
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ(std::string_view((*reader)->Id()), made.id);
  EXPECT_TRUE((*reader)->Allows(Action::kRead, {"nexadb", "logs_1"}));
  EXPECT_FALSE((*reader)->Allows(Action::kWrite, {"nexadb", "logs_1"}));
  EXPECT_FALSE((*reader)->Allows(Action::kRead, {"nexadb", "users"}));
}

TEST_F(AuthTest, ARootKeyThatIsThereIsTakenOver) {
  const std::string key(40, 'k');
  std::ofstream(directory_ + "/root.key") << key << "\n";
  Start();
  EXPECT_TRUE(Login(key).ok());
  EXPECT_EQ(RootKey(), key);
}

TEST_F(AuthTest, AnEmptyRootKeyFileIsRefused) {
  std::ofstream(directory_ + "/root.key") << "\n";
  const Status started = TryStart();
  EXPECT_EQ(started.code(), Code::kCorruption);
  EXPECT_NE(started.message().find("root.key"), std::string_view::npos);
}

TEST_F(AuthTest, WorksOnWithoutTheRootKeyFile) {
  Start();
  const std::string key = RootKey();
  Stop();
  std::filesystem::remove(directory_ + "/root.key");
  Start();
  EXPECT_TRUE(Login(key).ok());
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/root.key"));
}

TEST_F(AuthTest, ATamperedStoreIsRefusedAndLeftAlone) {
  Start();
  Stop();
  const std::string path = directory_ + "/auth/keys";
  std::string bytes = ReadFile(path);
  ASSERT_FALSE(bytes.empty());
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 4);
  std::ofstream(path, std::ios::binary) << bytes;
  const Status started = TryStart();
  EXPECT_EQ(started.code(), Code::kCorruption);
  EXPECT_NE(started.message().find(path), std::string_view::npos);
  EXPECT_FALSE(Login("x").ok());
  EXPECT_EQ(ReadFile(path), bytes);
}

TEST_F(AuthTest, NoSecretIsOnDiskOrInTheLog) {
  Start();
  const Made made = Create(Spec({"read"}, {"*"}));
  const auto rotated = admin_->Rotate(made.id, 0);
  ASSERT_TRUE(rotated.ok());
  const std::string secret(bson::Document(rotated->bytes())["key"].value().Text());
  EXPECT_FALSE(Login("nxk_wrong_wrong_wrong").ok());
  const std::string log = LogText();
  for (const std::string& one : {made.secret, secret, RootKey(), std::string("nxk_wrong")}) {
    EXPECT_EQ(log.find(one), std::string::npos);
    EXPECT_EQ(ReadFile(directory_ + "/auth/keys").find(one), std::string::npos);
  }
  EXPECT_NE(log.find("audit: key created id=" + made.id), std::string::npos) << log;
  EXPECT_NE(log.find("audit: a bad key was refused peer=10.0.0.1"), std::string::npos) << log;
}

TEST_F(AuthTest, WhereThereIsNoRoomTheOldestRevokedKeyIsForgottenAndTheLogSaysSo) {
  Start();
  Stop();
  const std::string path = directory_ + "/auth/keys";
  std::vector<auth::KeyRecord> keys;
  ASSERT_EQ(auth::DecodeKeys(ReadFile(path), keys), nullptr);
  for (size_t i = keys.size(); i < auth::kKeysMax; ++i) {
    keys.push_back(keys.front());
    keys.back().id = "k" + std::to_string(i);
    keys.back().digest = auth::DigestOf(keys.back().id);
    if (i == 70 || i == 90) keys.back().revoked_ms = 1;
  }
  std::ofstream(path, std::ios::binary | std::ios::trunc) << auth::EncodeKeys(keys);
  Start();
  for (const char* forgotten : {"k70", "k90"}) {
    EXPECT_TRUE(admin_->Get(forgotten).ok());
    Create(Spec({"read"}, {"*"}));
    EXPECT_EQ(admin_->Get(forgotten).status().number(), kKeyNotFound);
    EXPECT_NE(LogText().find("audit: revoked key forgotten id=" + std::string(forgotten)),
              std::string::npos);
  }
  const std::string spec = Spec({"read"}, {"*"});
  EXPECT_FALSE(admin_->Create(AsBytes(spec)).ok());
}

TEST_F(AuthTest, EveryBadKeyIsRefusedWithOneText) {
  Start();
  const Made revoked = Create(Spec({"read"}, {"*"}));
  ASSERT_TRUE(admin_->Revoke(revoked.id).ok());
  const Status wrong = Login("wrong").status();
  EXPECT_EQ(wrong.code(), Code::kPermissionDenied);
  EXPECT_EQ(wrong.number(), kInvalidKey);
  for (const std::string& secret : {revoked.secret, std::string(5000, 'x'), RootKey() + "x",
                                    RootKey().substr(1), std::string(kPublished)}) {
    const Status refused = Login(secret).status();
    EXPECT_EQ(refused.number(), kInvalidKey);
    EXPECT_EQ(refused.message(), wrong.message());
  }
  EXPECT_EQ(Login("").status().number(), kUnauthorized);
  EXPECT_EQ(Login("", "127.0.0.1", true).status().number(), kUnauthorized);
}

TEST_F(AuthTest, RevocationReachesPrincipalsThatAreHeld) {
  Start();
  const Made made = Create(Spec({"read", "write"}, {"*"}));
  auto held = Login(made.secret);
  ASSERT_TRUE(held.ok());
  EXPECT_TRUE((*held)->Allows(Action::kWrite, {"nexadb", "a"}));
  ASSERT_TRUE(admin_->Revoke(made.id).ok());
  EXPECT_FALSE((*held)->Valid());
  EXPECT_FALSE((*held)->Allows(Action::kRead, {"nexadb", "a"}));
  EXPECT_FALSE(Login(made.secret).ok());
  ASSERT_TRUE(admin_->Revoke(made.id).ok());
  EXPECT_EQ(
      admin_->Update(made.id, AsBytes(bson::Builder().Text("name", "b").Finish())).status().code(),
      Code::kConflict);
  Stop();
  Start();
  EXPECT_FALSE(Login(made.secret).ok());
}

TEST_F(AuthTest, AChangedScopeReachesPrincipalsThatAreHeld) {
  Start();
  const Made made = Create(Spec({"read", "write"}, {"*"}));
  auto held = Login(made.secret);
  ASSERT_TRUE(held.ok());
  ASSERT_TRUE(admin_->Update(made.id, AsBytes(Spec({"read"}, {"a"}))).ok());
  EXPECT_TRUE((*held)->Allows(Action::kRead, {"nexadb", "a"}));
  EXPECT_FALSE((*held)->Allows(Action::kWrite, {"nexadb", "a"}));
  EXPECT_FALSE((*held)->Allows(Action::kRead, {"nexadb", "b"}));
}

TEST_F(AuthTest, AKeyExpires) {
  Start();
  const int64_t now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                             std::chrono::system_clock::now().time_since_epoch())
                             .count();
  bson::Builder spec;
  spec.Elements(bson::Document(AsBytes(Spec({"read"}, {"*"}))));
  // Longer than it takes to store the key, on a busy disk too.
  const Made made = Create(spec.DateMs("expires_at", now_ms + 1500).Finish());
  auto held = Login(made.secret);
  ASSERT_TRUE(held.ok());
  while ((*held)->Valid()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_FALSE((*held)->Allows(Action::kRead, {"nexadb", "a"}));
  EXPECT_EQ(Login(made.secret).status().number(), kInvalidKey);
}

TEST_F(AuthTest, RotationGivesAGraceOrNone) {
  Start();
  const Made made = Create(Spec({"read"}, {"*"}));
  auto graced = admin_->Rotate(made.id, 60'000);
  ASSERT_TRUE(graced.ok());
  const std::string second(bson::Document(graced->bytes())["key"].value().Text());
  EXPECT_TRUE(Login(made.secret).ok());
  EXPECT_TRUE(Login(second).ok());
  auto at_once = admin_->Rotate(made.id, 0);
  ASSERT_TRUE(at_once.ok());
  EXPECT_FALSE(Login(made.secret).ok());
  EXPECT_FALSE(Login(second).ok());
  EXPECT_TRUE(Login(bson::Document(at_once->bytes())["key"].value().Text()).ok());
  EXPECT_EQ(admin_->Rotate("nobody", 0).status().number(), kKeyNotFound);
}

TEST_F(AuthTest, RootKeyFileFollowsItsRotation) {
  Start();
  const std::string before = RootKey();
  ASSERT_TRUE(admin_->Rotate("root", 0).ok());
  EXPECT_NE(RootKey(), before);
  EXPECT_TRUE(Login(RootKey()).ok());
  EXPECT_FALSE(Login(before).ok());
}

TEST_F(AuthTest, TheLastFullKeyStays) {
  Start();
  EXPECT_EQ(admin_->Revoke("root").number(), kLastRootKey);
  EXPECT_EQ(admin_->Update("root", AsBytes(Spec({"read"}, {"*"}))).status().number(), kLastRootKey);
  EXPECT_TRUE(Login(RootKey()).ok());
  const Made other = Create(Spec({"read", "write", "manage", "admin"}, {"*/*"}));
  EXPECT_TRUE(admin_->Revoke("root").ok());
  EXPECT_EQ(admin_->Revoke(other.id).number(), kLastRootKey);
}

TEST_F(AuthTest, ListAndGetShowEverythingButSecrets) {
  Start();
  const Made made = Create(Spec({"read"}, {"logs_*", "kv:sessions"}));
  ASSERT_TRUE(Login(made.secret).ok());
  auto list = admin_->List();
  ASSERT_TRUE(list.ok());
  ASSERT_EQ(bson::Validate(list->bytes()), nullptr);
  EXPECT_EQ(bson::Document(list->bytes())["keys"].value().Doc().CountElements(), 2u);
  auto one = admin_->Get(made.id);
  ASSERT_TRUE(one.ok());
  const bson::Document shown(one->bytes());
  EXPECT_EQ(shown["name"].value().Text(), "test");
  EXPECT_EQ(shown["patterns"].value().Doc()["1"].value().Text(), "kv:sessions");
  EXPECT_EQ(shown["expires_at"].type(), bson::Type::kNull);
  EXPECT_EQ(shown["last_used_at"].type(), bson::Type::kDate);
  EXPECT_FALSE(shown["key"]);
  EXPECT_FALSE(shown["digest"]);
  EXPECT_EQ(admin_->Get("nobody").status().number(), kKeyNotFound);
}

TEST_F(AuthTest, MalformedDescriptionsNameTheirMember) {
  Start();
  const std::string good = Spec({"read"}, {"*"});
  const auto with = [&](auto change) {
    bson::Builder spec;
    for (const bson::Element& element : bson::Document(AsBytes(good))) spec.Element(element);
    change(spec);
    return spec.Finish();
  };
  struct Case {
    std::string spec;
    std::string pointer;
  };
  const Case cases[] = {
      {Spec({}, {"*"}), "/actions"},
      {Spec({"fly"}, {"*"}), "/actions"},
      {Spec({"read"}, {}), "/patterns"},
      {Spec({"read"}, {"a/b/c"}), "/patterns"},
      {bson::Builder().Text("name", "x").Finish(), "/actions"},
      {with([](bson::Builder& b) { b.Int32("colour", 1); }), "/colour"},
      {with([](bson::Builder& b) { b.Text("expires_at", "tomorrow"); }), "/expires_at"},
      {with([](bson::Builder& b) { b.Text("expires_at", "2001-01-01T00:00:00Z"); }), "/expires_at"},
      {with([](bson::Builder& b) { b.Text("name", "a\nb"); }), "/name"},
      {with([](bson::Builder& b) { b.Int32("requests_per_second", 0); }), "/requests_per_second"},
      {with([](bson::Builder& b) { b.Int32("requests_per_second", -1); }), "/requests_per_second"},
      {with([](bson::Builder& b) { b.Double("requests_per_second", 1.5); }),
       "/requests_per_second"},
      {with([](bson::Builder& b) { b.Int64("requests_per_second", 1'000'001); }),
       "/requests_per_second"},
      {with([](bson::Builder& b) { b.Text("burst", "2"); }), "/burst"},
      {with([](bson::Builder& b) { b.Int32("burst", 2); }), "/burst"},
  };
  for (const Case& one : cases) {
    const auto made = admin_->Create(AsBytes(one.spec));
    ASSERT_FALSE(made.ok()) << one.pointer;
    EXPECT_EQ(made.status().code(), Code::kInvalidArgument);
    EXPECT_EQ(bson::Document(made.status().detail())["pointer"].value().Text(), one.pointer);
  }
  EXPECT_FALSE(admin_->Create(AsBytes("nonsense")).ok());
  EXPECT_FALSE(admin_->Update("root", AsBytes(bson::Builder().Finish())).ok());
  EXPECT_TRUE(admin_
                  ->Create(AsBytes(
                      with([](bson::Builder& b) { b.Text("expires_at", "2999-01-01T00:00:00Z"); })))
                  .ok());
}

TEST_F(AuthTest, BadKeysAreThrottledByAddressAndGoodOnesNever) {
  Start();
  const std::string key = RootKey();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Login("bad").status().number(), kInvalidKey);
  const Status throttled = Login("bad").status();
  EXPECT_EQ(throttled.code(), Code::kResourceExhausted);
  EXPECT_EQ(throttled.number(), kLoginThrottled);
  const int64_t wait_s = bson::Document(throttled.detail())["retry_after_s"].value().Int64();
  EXPECT_GE(wait_s, 1);
  EXPECT_LE(wait_s, 60);
  EXPECT_TRUE(Login(key).ok());
  EXPECT_EQ(Login("").status().number(), kUnauthorized);
  EXPECT_EQ(Login("bad", "10.0.0.2").status().number(), kInvalidKey);
}

TEST_F(AuthTest, AKeyWithARateSendsItsBurstThenWaitsAndHoldsUpNobody) {
  Start();
  const Made rated = Create(RatedSpec(1, 3)), other = Create(RatedSpec(1, 3));
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(AdmittedOf(3, rated.secret), 3);
  const Status refused = Login(rated.secret).status();
  EXPECT_EQ(refused.code(), Code::kResourceExhausted);
  EXPECT_EQ(refused.number(), kRateLimited);
  EXPECT_EQ(bson::Document(refused.detail())["retry_after_s"].value().Int64(), 1);
  EXPECT_EQ(AdmittedOf(20, RootKey()), 20);
  EXPECT_EQ(AdmittedOf(3, other.secret), 3);
  EXPECT_EQ(host_->Metric("nexadb_auth_rate_limited_total"), 1);
  std::this_thread::sleep_for(std::chrono::milliseconds(1010));
  EXPECT_TRUE(Login(rated.secret).ok());
  // A new secret brings no new turns: of those that came free since the beginning, one is taken.
  auto rotated = admin_->Rotate(rated.id, 0);
  ASSERT_TRUE(rotated.ok());
  const std::string secret(bson::Document(rotated->bytes())["key"].value().Text());
  const int admitted = AdmittedOf(3, secret);
  EXPECT_LE(1 + admitted, (std::chrono::steady_clock::now() - began) / std::chrono::seconds(1));
  const std::string log = LogText();
  const std::string told = "audit: a key sent more requests than it may id=" + rated.id;
  EXPECT_NE(log.find(told), std::string::npos) << log;
  EXPECT_EQ(log.find(told), log.rfind(told)) << "told more than once a minute";
  EXPECT_EQ(log.find(rated.secret), std::string::npos);
}

TEST_F(AuthTest, ARequestThatComesAgainCountsOnce) {
  Start();
  auto* repeat = static_cast<RepeatAuthenticator*>(auth_->Facet(RepeatAuthenticator::kInterface));
  ASSERT_NE(repeat, nullptr);
  const Made rated = Create(RatedSpec(1, 2));
  Credentials credentials;
  credentials.secret = rated.secret;
  credentials.peer = "10.0.0.1";
  EXPECT_EQ(AdmittedOf(1, rated.secret), 1);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(repeat->AuthenticateAgain(credentials).ok());
  EXPECT_EQ(AdmittedOf(5, rated.secret), 1);
  EXPECT_TRUE(repeat->AuthenticateAgain(credentials).ok());
  ASSERT_TRUE(admin_->Revoke(rated.id).ok());
  EXPECT_EQ(repeat->AuthenticateAgain(credentials).status().number(), kInvalidKey);
}

TEST_F(AuthTest, ARateIsChangedTakenAwayAndKept) {
  Start();
  const Made rated = Create(RatedSpec(1, 2));
  const auto shown = [&](const char* member) -> int32_t {
    auto key = admin_->Get(rated.id);
    EXPECT_TRUE(key.ok());
    const bson::Value value = bson::Document(key->bytes())[member].value();
    return value.type() == bson::Type::kInt32 ? value.Int32() : 0;
  };
  EXPECT_EQ(shown("requests_per_second"), 1);
  EXPECT_EQ(shown("burst"), 2);
  Stop();
  Start();
  EXPECT_EQ(shown("burst"), 2);
  EXPECT_EQ(AdmittedOf(5, rated.secret), 2);
  bson::Builder wider;
  wider.Int64("burst", 50);
  ASSERT_TRUE(admin_->Update(rated.id, AsBytes(wider.Finish())).ok());
  EXPECT_EQ(AdmittedOf(100, rated.secret), 48);
  bson::Builder none;
  none.Null("requests_per_second");
  ASSERT_TRUE(admin_->Update(rated.id, AsBytes(none.Finish())).ok());
  EXPECT_EQ(shown("requests_per_second"), 0);
  EXPECT_EQ(shown("burst"), 0) << "a burst without a rate";
  EXPECT_EQ(AdmittedOf(100, rated.secret), 100);
  bson::Builder alone;
  alone.Int32("burst", 5);
  const Status refused = admin_->Update(rated.id, AsBytes(alone.Finish())).status();
  EXPECT_EQ(bson::Document(refused.detail())["pointer"].value().Text(), "/burst");
}

TEST_F(AuthTest, DevModeLetsLoopbackInAndNobodyElse) {
  for (const bool by_flag : {true, false}) {
    Start(by_flag ? "{}" : R"({"dev_loopback": true})", by_flag);
    EXPECT_NE(LogText().find("dev mode"), std::string::npos);
    for (const std::string secret : {"", kPublished}) {
      auto local = Login(secret, "127.0.0.1", true);
      ASSERT_TRUE(local.ok());
      EXPECT_TRUE((*local)->Allows(Action::kAdmin, {"", ""}));
      EXPECT_FALSE(Login(secret, "10.0.0.1", false).ok());
    }
    EXPECT_EQ(Login("wrong", "127.0.0.1", true).status().number(), kInvalidKey);
    EXPECT_TRUE(Login(RootKey(), "10.0.0.1", false).ok());
    Stop();
  }
}

TEST_F(AuthTest, ThePublishedKeyIsWorthNothingOutsideDevMode) {
  Start();
  EXPECT_EQ(Login(kPublished, "127.0.0.1", true).status().number(), kInvalidKey);
}

TEST_F(AuthTest, TheSystemMayDoEverything) {
  Start();
  const Handle<Principal> system = auth_->System();
  EXPECT_TRUE(system->Allows(Action::kAdmin, {"", ""}));
  EXPECT_EQ(std::string_view(system->Id()), "system");
}

TEST_F(AuthTest, ASecondServerOnTheSameDirectoryIsRefused) {
  Start();
  testkit::HostOptions options;
  options.instance = "auth";
  options.data_directory = directory_;
  auto second = testkit::PluginHost::Open(NEXADB_AUTH_APIKEY_LIBRARY, options);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ((*second)->Start().code(), Code::kConflict);
}

TEST_F(AuthTest, LoginsAndChangesGoOnSideBySide) {
  Start();
  const std::string key = RootKey();
  std::atomic<bool> done{false};
  std::atomic<int> failures{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 3; ++i) {
    callers.emplace_back([&] {
      while (!done) {
        auto root = Login(key);
        if (!root.ok() || !(*root)->Allows(Action::kAdmin, {"", ""})) ++failures;
      }
    });
  }
  for (int i = 0; i < 30; ++i) {
    const Made made = Create(Spec({"read"}, {"*"}));
    EXPECT_TRUE(Login(made.secret).ok());
    EXPECT_TRUE(admin_->Rotate(made.id, 0).ok());
    EXPECT_TRUE(admin_->Revoke(made.id).ok());
  }
  done = true;
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(failures, 0);
}

}  // namespace
}  // namespace nexadb
