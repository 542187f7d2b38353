// One authenticator takes another's place while both serve, as the kernel does it on a reload:
// configure, succeed, start the new one; move the callers; drain, stop and release the old one.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "nexadb/attributed_key_admin.h"
#include "nexadb/authenticator.h"
#include "nexadb/bson.h"
#include "nexadb/testkit/plugin_host.h"

namespace nexadb {
namespace {

constexpr int32_t kInvalidKey = 101;
constexpr int32_t kLoginThrottled = 103;
constexpr int32_t kRateLimited = 104;

// One generation of the plugin.
struct Generation {
  std::unique_ptr<testkit::PluginHost> host;
  Authenticator* auth = nullptr;
  KeyAdmin* admin = nullptr;

  // Drain, Stop and Release.
  void End() { host.reset(); }
  Result<Handle<Principal>> Login(std::string_view secret, bool loopback = false) const {
    Credentials credentials;
    credentials.secret = secret;
    credentials.peer = "10.0.0.1";
    credentials.peer_is_loopback = loopback ? 1 : 0;
    return auth->Authenticate(credentials);
  }
};

struct Made {
  std::string id;
  std::string secret;
};

class HandoverTest : public testing::Test {
 protected:
  HandoverTest() {
    static int count = 0;
    directory_ = testing::TempDir() + "nexadb_handover_" + std::to_string(::getpid()) + "_" +
                 std::to_string(++count);
    std::filesystem::create_directories(directory_);
  }
  ~HandoverTest() override { std::filesystem::remove_all(directory_); }

  // Configured, not started.
  Generation Configured(const std::string& config) {
    testkit::HostOptions options;
    options.instance = "auth";
    options.data_directory = directory_;
    options.config = config;
    auto host = testkit::PluginHost::Open(NEXADB_AUTH_APIKEY_LIBRARY, options);
    EXPECT_TRUE(host.ok()) << host.status().message();
    Generation made;
    made.host = std::move(*host);
    made.auth = made.host->Service<Authenticator>();
    made.admin = static_cast<KeyAdmin*>(made.auth->Facet(KeyAdmin::kInterface));
    return made;
  }
  Generation First(const std::string& config = "{}") {
    Generation made = Configured(config);
    const Status started = made.host->Start();
    EXPECT_TRUE(started.ok()) << started.message();
    return made;
  }
  // Started beside `now`, which still serves.
  Generation HeirOf(const Generation& now, const std::string& config = "{}") {
    Generation made = Configured(config);
    auto* successor = static_cast<Successor*>(made.host->Plugin().Facet(Successor::kInterface));
    EXPECT_NE(successor, nullptr);
    EXPECT_TRUE(successor->Succeed(now.host->Plugin()).ok());
    const Status started = made.host->Start();
    EXPECT_TRUE(started.ok()) << started.message();
    return made;
  }
  static Made Create(const Generation& at) {
    bson::Builder spec;
    spec.Text("name", "test").OpenArray("actions").Text("0", "read").Close();
    spec.OpenArray("patterns").Text("0", "logs").Close();
    const std::string text = spec.Finish();
    auto made = at.admin->Create(AsBytes(text));
    EXPECT_TRUE(made.ok()) << made.status().message();
    if (!made.ok()) return {};
    const bson::Document document(made->bytes());
    return {std::string(document["id"].value().Text()),
            std::string(document["key"].value().Text())};
  }
  static bool MayRead(Principal& who) { return who.Allows(Action::kRead, {"nexadb", "logs"}); }

  std::string directory_;
};

TEST_F(HandoverTest, WhoHasGuessedTooOftenIsHeldUpByTheHeirToo) {
  Generation old = First();
  for (int i = 0; i < 11; ++i) EXPECT_FALSE(old.Login("nxk_guess").ok());
  Generation heir = HeirOf(old);
  old.End();
  EXPECT_EQ(heir.Login("nxk_guess").status().number(), kLoginThrottled);
  Generation third = HeirOf(heir);
  heir.End();
  EXPECT_EQ(third.Login("nxk_guess").status().number(), kLoginThrottled);
  EXPECT_TRUE(third.Login(Create(third).secret).ok());
}

TEST_F(HandoverTest, BadKeysSentToEitherCountTogetherOnceTheOldOneHasEnded) {
  Generation old = First();
  const Generation heir = HeirOf(old);
  for (int i = 0; i < 6; ++i) EXPECT_EQ(old.Login("nxk_guess").status().number(), kInvalidKey);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(heir.Login("nxk_guess").status().number(), kInvalidKey);
  old.End();
  EXPECT_EQ(heir.Login("nxk_guess").status().number(), kInvalidKey);  // the tenth
  EXPECT_EQ(heir.Login("nxk_guess").status().number(), kLoginThrottled);
}

TEST_F(HandoverTest, AKeyThatHasUsedItsBurstHasUsedItAtTheHeirToo) {
  Generation old = First();
  const Made rated = Create(old);
  const Made other = Create(old);
  for (const Made* key : {&rated, &other}) {
    bson::Builder rate;
    rate.Int32("requests_per_second", 1).Int32("burst", 100);
    const std::string changes = rate.Finish();
    ASSERT_TRUE(old.admin->Update(key->id, AsBytes(changes)).ok());
  }
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(old.Login(rated.secret).ok());
  const Generation heir = HeirOf(old);
  old.End();
  // One turn comes back in a second, and the test may take a few.
  int answered = 0;
  while (answered < 100 && heir.Login(rated.secret).ok()) ++answered;
  EXPECT_LT(answered, 50);
  EXPECT_EQ(heir.Login(rated.secret).status().number(), kRateLimited);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(heir.Login(other.secret).ok());
}

TEST_F(HandoverTest, APrincipalOfThePredecessorLosesWhatTheHeirTakesAway) {
  Generation old = First();
  const Made key = Create(old);
  const Made other = Create(old);
  auto held = old.Login(key.secret);
  auto kept = old.Login(other.secret);
  ASSERT_TRUE(held.ok() && kept.ok());
  const Generation heir = HeirOf(old);
  old.End();
  EXPECT_TRUE(MayRead(**held));
  ASSERT_TRUE(heir.admin->Revoke(key.id).ok());
  EXPECT_FALSE((*held)->Valid());
  EXPECT_FALSE(MayRead(**held));
  EXPECT_FALSE(heir.Login(key.secret).ok());
  EXPECT_TRUE(MayRead(**kept));
}

TEST_F(HandoverTest, WhileBothServeAChangeHoldsAtBothWhicheverIsAsked) {
  Generation old = First();
  const Made early = Create(old);
  const Generation heir = HeirOf(old);
  const Made by_old = Create(old);
  const Made by_heir = Create(heir);
  for (const Generation* at : {&std::as_const(old), &heir}) {
    for (const Made& key : {early, by_old, by_heir}) EXPECT_TRUE(at->Login(key.secret).ok());
  }
  ASSERT_TRUE(old.admin->Revoke(by_heir.id).ok());
  ASSERT_TRUE(heir.admin->Revoke(by_old.id).ok());
  for (const Generation* at : {&std::as_const(old), &heir}) {
    EXPECT_FALSE(at->Login(by_old.secret).ok());
    EXPECT_FALSE(at->Login(by_heir.secret).ok());
  }
  old.End();
  EXPECT_TRUE(heir.Login(early.secret).ok());
  EXPECT_FALSE(heir.Login(by_old.secret).ok());
}

TEST_F(HandoverTest, ChangesOfBothAreInTheStoreAndInTheAuditLog) {
  Made by_old;
  {
    Generation old = First();
    const Generation heir = HeirOf(old);
    by_old = Create(old);
    std::string log;
    for (const testkit::LogLine& line : heir.host->TakeLog()) log += line.text + "\n";
    EXPECT_NE(log.find("audit: key created id=" + by_old.id), std::string::npos) << log;
    old.End();
  }
  EXPECT_TRUE(First().Login(by_old.secret).ok());
}

TEST_F(HandoverTest, TheHeirIsToldWhoChangesAKeyByThePredecessor) {
  Generation old = First();
  const Made key = Create(old);
  const Generation heir = HeirOf(old);
  auto* changes = static_cast<AttributedKeyAdmin*>(old.auth->Facet(AttributedKeyAdmin::kInterface));
  KeyActor actor;
  actor.id = "k_someone";
  actor.peer = "10.0.0.9";
  ASSERT_TRUE(changes->RevokeFor(actor, key.id).ok());
  std::string log;
  for (const testkit::LogLine& line : heir.host->TakeLog()) log += line.text + "\n";
  EXPECT_NE(log.find("audit: key revoked id=" + key.id + " name=test by=k_someone peer=10.0.0.9"),
            std::string::npos)
      << log;
}

TEST_F(HandoverTest, WhoStillCallsAPredecessorThatIsGoneIsAnsweredByTheHeir) {
  Generation old = First();
  const Generation heir = HeirOf(old);
  Authenticator* const late = old.auth;
  old.End();
  const Made key = Create(heir);
  Credentials credentials;
  credentials.secret = key.secret;
  EXPECT_TRUE(late->Authenticate(credentials).ok());
  credentials.secret = "nxk_wrong";
  EXPECT_FALSE(late->Authenticate(credentials).ok());
  EXPECT_EQ(heir.host->Metric("nexadb_auth_refused_total"), 1);
}

TEST_F(HandoverTest, AnHeirThatIsGivenUpReturnsTheKeysWithWhatItChanged) {
  const Generation old = First();
  auto held = old.Login(Create(old).secret);
  Generation heir = HeirOf(old);
  const Made by_heir = Create(heir);
  heir.End();
  EXPECT_TRUE(old.Login(by_heir.secret).ok());
  const Made later = Create(old);
  EXPECT_TRUE(old.admin->Revoke(by_heir.id).ok());
  EXPECT_FALSE(old.Login(by_heir.secret).ok());
  EXPECT_TRUE((*held)->Valid());
  // And it may be succeeded again.
  const Generation next = HeirOf(old);
  EXPECT_TRUE(next.Login(later.secret).ok());
}

TEST_F(HandoverTest, PrincipalsFollowOverGenerations) {
  Generation first = First();
  const Made key = Create(first);
  auto held = first.Login(key.secret);
  Generation second = HeirOf(first);
  first.End();
  Generation third = HeirOf(second);
  second.End();
  EXPECT_TRUE((*held)->Valid());
  ASSERT_TRUE(third.admin->Revoke(key.id).ok());
  EXPECT_FALSE((*held)->Valid());
  third.End();
  EXPECT_FALSE((*held)->Valid());
}

TEST_F(HandoverTest, AnHeirWithoutDevModeEndsItForThoseWhoAreIn) {
  Generation old = First(R"({"dev_loopback": true})");
  auto developer = old.Login("", true);
  ASSERT_TRUE(developer.ok());
  EXPECT_TRUE((*developer)->Valid());
  const Generation heir = HeirOf(old);
  old.End();
  EXPECT_FALSE((*developer)->Valid());
  EXPECT_FALSE(heir.Login("", true).ok());
}

TEST_F(HandoverTest, GoodKeysAreNeverRefusedAndRevokedOnesNeverServedWhileItIsReplaced) {
  Generation now = First();
  const Made good = Create(now);
  // Moves as the kernel's lease does.
  std::atomic<Authenticator*> slot{now.auth};
  std::atomic<bool> end{false};
  std::atomic<uint64_t> logins{0};
  std::atomic<uint64_t> wrong{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 3; ++i) {
    callers.emplace_back([&] {
      Credentials credentials;
      credentials.secret = good.secret;
      while (!end) {
        auto who = slot.load()->Authenticate(credentials);
        if (!who.ok() || !(*who)->Valid()) ++wrong;
        ++logins;
      }
    });
  }
  std::vector<Handle<Principal>> revoked;
  for (int round = 0; round < 5; ++round) {
    const Made key = Create(now);
    auto held = now.Login(key.secret);
    ASSERT_TRUE(held.ok());
    Generation heir = HeirOf(now);
    // Asked of either, while both serve.
    ASSERT_TRUE((round % 2 == 0 ? now : heir).admin->Revoke(key.id).ok());
    EXPECT_FALSE(now.Login(key.secret).ok());
    EXPECT_FALSE(heir.Login(key.secret).ok());
    revoked.push_back(std::move(*held));
    slot = heir.auth;
    const uint64_t until = logins + 100;
    while (logins < until) std::this_thread::yield();
    now.End();
    now = std::move(heir);
    for (const auto& principal : revoked) EXPECT_FALSE(principal->Valid());
  }
  end = true;
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0u);
}

}  // namespace
}  // namespace nexadb
