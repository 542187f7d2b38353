// Laws of who gets in: refusals that teach nothing, secrets that stay secret, no waiting.
#include <atomic>
#include <chrono>
#include <future>
#include <thread>

#include "auth_laws.h"

namespace nexadb::testkit {
namespace {

// All that a caller can tell refusals apart by.
std::string Shown(const Status& status) {
  return std::to_string(static_cast<uint32_t>(status.code())) + " " + std::string(status.domain()) +
         " " + std::to_string(status.number()) + " " + std::string(status.message()) + " " +
         std::string(AsText(status.detail()));
}

void EveryBadKeyIsRefusedAlike(LawBench& bench) {
  AuthBench auth(bench);
  const std::string good = auth.Make("good").secret;
  const MadeKey revoked = auth.Make("revoked"), rotated = auth.Make("rotated");
  Must(auth.keys().Revoke(revoked.id));
  static_cast<void>(Must(auth.keys().Rotate(rotated.id, 0)));
  bson::Builder expiring;
  expiring.Elements(bson::Document(AsBytes(KeySpec("expired", {"read"}, {"shop/*"}))));
  expiring.DateMs("expires_at", bench.env().Clock().UnixMs() + 60'000);
  const std::string spec = expiring.Finish();
  const std::string expired = TextOf(Must(auth.keys().Create(AsBytes(spec))), "key");
  bench.env().Advance(120'000);

  const Status first = auth.Try("no such key").status();
  EXPECT_EQ(first.code(), Code::kPermissionDenied);
  std::string flipped = good;
  flipped.back() = flipped.back() == 'a' ? 'b' : 'a';
  const std::pair<const char*, std::string> cases[] = {
      {"unknown", std::string(good.size(), 'x')},
      {"one character changed", flipped},
      {"truncated", good.substr(0, good.size() - 1)},
      {"its first half", good.substr(0, good.size() / 2)},
      {"extended", good + "a"},
      {"with white space", " " + good},
      {"1 MiB", std::string(1 << 20, 'k')},
      {"1 MiB that begins with a good one", good + std::string(1 << 20, 'k')},
      {"with a NUL behind", good + std::string(1, '\0')},
      {"not UTF-8", "\xff\xfe"},
      {"revoked", revoked.secret},
      {"rotated away", rotated.secret},
      {"expired", expired}};
  for (const auto& [what, secret] : cases) {
    auto tried = auth.Try(secret);
    EXPECT_FALSE(tried.ok()) << what;
    EXPECT_EQ(Shown(tried.status()), Shown(first)) << what;
  }
  EXPECT_TRUE(auth.Try(good).ok());
}

void NoKeyIsNoPermission(LawBench& bench) {
  AuthBench auth(bench);
  const Status refused = auth.Try("").status();
  EXPECT_EQ(refused.code(), Code::kPermissionDenied) << refused.message();
  EXPECT_FALSE(refused.message().empty());
}

void SecretsAppearNowhere(LawBench& bench) {
  AuthBench auth(bench);
  const MadeKey key = auth.Make("one");
  const std::string almost = key.secret.substr(0, key.secret.size() - 1) + "~";
  std::string seen;
  auto note = [&](const Status& status) { seen += Shown(status) + "\n"; };
  note(auth.Try(almost).status());
  seen += AsText(Must(auth.keys().List()).bytes());
  seen += AsText(Must(auth.keys().Get(key.id)).bytes());
  bson::Builder change;
  change.Text("name", "renamed");
  const std::string renamed = change.Finish();
  seen += AsText(Must(auth.keys().Update(key.id, AsBytes(renamed))).bytes());
  const std::string fresh = TextOf(Must(auth.keys().Rotate(key.id, 60'000)), "key");
  EXPECT_NE(fresh, key.secret);
  auto principal = auth.Enter(fresh);
  seen.append(std::string_view(principal->Id())).append(std::string_view(principal->Name()));
  for (const LogLine& line : auth.assembly().plugin().TakeLog()) seen += line.text + "\n";
  // Ids and the like may share a secret's beginning; its second half nobody could guess.
  for (const std::string& secret : {key.secret, fresh, almost}) {
    const std::string tail = secret.substr(secret.size() / 2);
    const size_t at = seen.find(tail);
    EXPECT_EQ(at, std::string::npos)
        << "a secret is shown in: " << seen.substr(at < 80 ? 0 : at - 80, 100);
  }
}

// While a change of the keys waits for its disk, callers get in.
void AuthenticateNeverWaitsForTheDisk(LawBench& bench) {
  AuthBench auth(bench);
  const std::string secret = auth.Make("one").secret;
  bench.env().HoldSyncs();
  std::atomic<bool> made{false};
  std::thread admin([&] {
    EXPECT_TRUE(auth.keys().Create(AsBytes(KeySpec("two", {"read"}, {"*"}))).ok());
    made = true;
  });
  // An engine that keeps its keys elsewhere is through at once.
  bench.env().WaitUntilHeld(made);
  auto good = std::async(std::launch::async, [&] { return auth.Try(secret).ok(); });
  auto bad = std::async(std::launch::async,
                        [&] { return auth.TryFrom("192.0.2.250", "no such key").status().code(); });
  constexpr auto kPatience = std::chrono::seconds(10);
  EXPECT_EQ(good.wait_for(kPatience), std::future_status::ready) << "a good key waits for a disk";
  EXPECT_EQ(bad.wait_for(kPatience), std::future_status::ready) << "a bad key waits for a disk";
  bench.env().Resume();
  admin.join();
  EXPECT_TRUE(good.get());
  EXPECT_EQ(bad.get(), Code::kPermissionDenied);
}

void ThrottlingNeverBlocksAValidKey(LawBench& bench) {
  AuthBench auth(bench);
  const std::string secret = auth.Make("one").secret;
  const std::string peer = "198.51.100.7";
  bool throttled = false;
  for (int i = 0; i < 1000; ++i) {
    const Code code = auth.TryFrom(peer, "bad" + std::to_string(i)).status().code();
    throttled = throttled || code == Code::kResourceExhausted;
    ASSERT_TRUE(code == Code::kPermissionDenied || code == Code::kResourceExhausted);
    if (i % 100 == 0) {
      ASSERT_TRUE(auth.TryFrom(peer, secret).ok()) << "after " << i + 1 << " bad keys";
    }
  }
  EXPECT_TRUE(auth.TryFrom(peer, secret).ok());
  EXPECT_EQ(auth.TryFrom("198.51.100.8", "bad").status().code(), Code::kPermissionDenied)
      << "one address's mistakes are not another's";
  if (throttled) {
    bench.env().Advance(3'600'000);
    EXPECT_EQ(auth.TryFrom(peer, "bad").status().code(), Code::kPermissionDenied)
        << "a throttle lets go";
  }
}

struct Answers {
  std::atomic<int> count{0};
  std::atomic<bool> ok{false};
  std::promise<void> first;
  static void Done(void* state, Result<Handle<Principal>> principal) noexcept {
    auto* self = static_cast<Answers*>(state);
    self->ok = principal.ok();
    if (self->count.fetch_add(1) == 0) self->first.set_value();
  }
};

void TheAsynchronousFormAnswersOnce(LawBench& bench) {
  AuthBench auth(bench);
  const std::string secret = auth.Make("one").secret;
  Answers good, bad;
  for (const auto& [text, answers] :
       {std::pair<std::string, Answers*>{secret, &good}, {"no such key", &bad}}) {
    Credentials credentials;
    credentials.secret = text;
    credentials.peer = "203.0.113.5";
    auth.authenticator().AuthenticateAsync(credentials, {Answers::Done, answers});
    answers->first.get_future().wait();
  }
  EXPECT_TRUE(good.ok);
  EXPECT_FALSE(bad.ok);
  auth.assembly().Stop();
  EXPECT_EQ(good.count, 1);
  EXPECT_EQ(bad.count, 1);
}

// Keys come and go while a good one is used from several threads.
void AGoodKeyGetsInWhileOthersChange(LawBench& bench) {
  AuthBench auth(bench);
  const std::string secret = auth.Make("steady").secret;
  std::atomic<bool> stop{false};
  std::atomic<int> refused{0};
  auto enter = [&](std::string_view peer) {
    while (!stop) {
      auto principal = auth.TryFrom(peer, secret);
      if (!principal.ok() || !(*principal)->Valid() ||
          !(*principal)->Allows(Action::kRead, {"shop", "orders"})) {
        ++refused;
      }
    }
  };
  std::thread callers[] = {std::thread(enter, "192.0.2.1"), std::thread(enter, "192.0.2.2")};
  for (int i = 0; i < 40; ++i) {
    const MadeKey other = auth.Make("other" + std::to_string(i));
    static_cast<void>(Must(auth.keys().Rotate(other.id, 1000)));
    Must(auth.keys().Revoke(other.id));
  }
  stop = true;
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(refused, 0);
}

}  // namespace

std::vector<PluginLaw> AuthRefusalLaws() {
  return {{"EveryBadKeyIsRefusedAlike", EveryBadKeyIsRefusedAlike},
          {"NoKeyIsNoPermission", NoKeyIsNoPermission},
          {"SecretsAppearNowhere", SecretsAppearNowhere},
          {"AuthenticateNeverWaitsForTheDisk", AuthenticateNeverWaitsForTheDisk},
          {"ThrottlingNeverBlocksAValidKey", ThrottlingNeverBlocksAValidKey},
          {"TheAsynchronousFormAnswersOnce", TheAsynchronousFormAnswersOnce},
          {"AGoodKeyGetsInWhileOthersChange", AGoodKeyGetsInWhileOthersChange}};
}

}  // namespace nexadb::testkit
