// Laws of what a key may touch, and of its life: made, changed, rotated, revoked, kept.
#include "auth_laws.h"

namespace nexadb::testkit {
namespace {

struct Place {
  const char* what;
  Resource resource;
};

const Place kPlaces[] = {{"shop/orders", {"shop", "orders"}},
                         {"shop/orders_2", {"shop", "orders_2"}},
                         {"shop/logs_", {"shop", "logs_"}},
                         {"shop/logs_2024", {"shop", "logs_2024"}},
                         {"shop/kv:sessions", {"shop", "kv:sessions"}},
                         {"shop/kv:carts", {"shop", "kv:carts"}},
                         {"shop as a whole", {"shop", ""}},
                         {"bank/orders", {"bank", "orders"}},
                         {"bank as a whole", {"bank", ""}},
                         {"the server", {"", ""}}};

// What each pattern reaches, as a string of one character a place, in the order above.
const std::pair<const char*, const char*> kReach[] = {{"shop/orders", "1000000000"},
                                                      {"shop/logs_*", "0011000000"},
                                                      {"shop/kv:sessions", "0000100000"},
                                                      {"shop/kv:*", "0000110000"},
                                                      {"shop/*", "1111111000"},
                                                      {"*/orders", "1000000100"},
                                                      {"*/*", "1111111111"}};

const std::pair<const char*, Action> kActions[] = {{"read", Action::kRead},
                                                   {"write", Action::kWrite},
                                                   {"manage", Action::kManage},
                                                   {"admin", Action::kAdmin}};

void ActionsAndPatternsMultiply(LawBench& bench) {
  AuthBench auth(bench);
  for (const auto& [pattern, reach] : kReach) {
    for (const auto& [granted, granted_action] : kActions) {
      const MadeKey key = auth.Make("k", {granted}, {pattern});
      auto principal = auth.Enter(key.secret);
      for (size_t place = 0; place < std::size(kPlaces); ++place) {
        for (const auto& [asked, asked_action] : kActions) {
          const bool expected = asked_action == granted_action && reach[place] == '1';
          EXPECT_EQ(principal->Allows(asked_action, kPlaces[place].resource), expected)
              << granted << " on " << pattern << ": " << asked << " of " << kPlaces[place].what;
        }
      }
    }
  }
}

void SeveralPatternsAddUp(LawBench& bench) {
  AuthBench auth(bench);
  const MadeKey key = auth.Make("k", {"read", "write"}, {"shop/orders", "bank/*"});
  auto principal = auth.Enter(key.secret);
  EXPECT_TRUE(principal->Allows(Action::kWrite, {"shop", "orders"}));
  EXPECT_TRUE(principal->Allows(Action::kRead, {"bank", "orders"}));
  EXPECT_FALSE(principal->Allows(Action::kRead, {"shop", "logs_1"}));
  EXPECT_FALSE(principal->Allows(Action::kManage, {"bank", "orders"}));
  EXPECT_FALSE(principal->Allows(static_cast<Action>(99), {"bank", "orders"}))
      << "an action nobody has heard of";
}

void TheSystemMayDoEverything(LawBench& bench) {
  AuthBench auth(bench);
  auto system = auth.authenticator().System();
  ASSERT_TRUE(system);
  EXPECT_TRUE(system->Valid());
  for (const Place& place : kPlaces) {
    for (const auto& [name, action] : kActions) {
      EXPECT_TRUE(system->Allows(action, place.resource)) << name << " of " << place.what;
    }
  }
}

void APrincipalKnowsItsKey(LawBench& bench) {
  AuthBench auth(bench);
  const MadeKey key = auth.Make("the reader");
  auto principal = auth.Enter(key.secret);
  EXPECT_EQ(std::string(std::string_view(principal->Id())), key.id);
  EXPECT_EQ(std::string(std::string_view(principal->Name())), "the reader");
  EXPECT_TRUE(principal->Valid());
}

void ARevocationReachesHeldPrincipals(LawBench& bench) {
  constexpr uint64_t kRevocationMs = 1000;
  AuthBench auth(bench);
  const MadeKey key = auth.Make("one", {"read"}, {"*/*"}), other = auth.Make("other");
  auto held = auth.Enter(key.secret), bystander = auth.Enter(other.secret);
  ASSERT_TRUE(held->Allows(Action::kRead, {"shop", "orders"}));
  Must(auth.keys().Revoke(key.id));
  bench.env().Advance(kRevocationMs);
  EXPECT_FALSE(held->Valid());
  EXPECT_FALSE(held->Allows(Action::kRead, {"shop", "orders"}));
  EXPECT_FALSE(auth.Try(key.secret).ok());
  EXPECT_TRUE(bystander->Valid());
  Must(auth.keys().Revoke(key.id));  // twice is as good as once
}

void AnExpiryReachesHeldPrincipals(LawBench& bench) {
  AuthBench auth(bench);
  bson::Builder spec;
  spec.Elements(bson::Document(AsBytes(KeySpec("short", {"read"}, {"shop/*"}))));
  spec.DateMs("expires_at", bench.env().Clock().UnixMs() + 60'000);
  const std::string bytes = spec.Finish();
  const std::string secret = TextOf(Must(auth.keys().Create(AsBytes(bytes))), "key");
  auto held = auth.Enter(secret);
  EXPECT_TRUE(held->Allows(Action::kRead, {"shop", "orders"}));
  bench.env().Advance(61'000);
  EXPECT_FALSE(held->Valid());
  EXPECT_FALSE(held->Allows(Action::kRead, {"shop", "orders"}));
  EXPECT_FALSE(auth.Try(secret).ok());
}

// The members that Create was given, as the document shows them.
std::string Scope(const Buffer& document) {
  std::string scope;
  for (const bson::Element& element : bson::Document(document.bytes())) {
    if (element.name() != "actions" && element.name() != "patterns") continue;
    for (const bson::Element& item : element.value().Doc()) {
      scope += std::string(item.value().Text()) + " ";
    }
  }
  return scope;
}

size_t CountKeys(KeyAdmin& keys, const std::string& id) {
  size_t count = 0;
  const Buffer list = Must(keys.List());
  for (const bson::Element& member : bson::Document(list.bytes())) {
    if (member.name() != "keys") continue;
    for (const bson::Element& key : member.value().Doc()) {
      for (const bson::Element& part : key.value().Doc()) {
        count += part.name() == "id" && part.value().Text() == id ? 1u : 0u;
      }
    }
  }
  return count;
}

void KeysAreMadeShownAndChanged(LawBench& bench) {
  AuthBench auth(bench);
  const MadeKey key = auth.Make("one", {"read", "write"}, {"shop/orders", "shop/kv:carts"});
  const Buffer shown = Must(auth.keys().Get(key.id));
  EXPECT_EQ(TextOf(shown, "id"), key.id);
  EXPECT_EQ(TextOf(shown, "name"), "one");
  EXPECT_EQ(TextOf(shown, "key"), "") << "the secret is shown once";
  EXPECT_EQ(Scope(shown), "read write shop/orders shop/kv:carts ");
  EXPECT_EQ(CountKeys(auth.keys(), key.id), 1u);
  auto held = auth.Enter(key.secret);
  const Buffer changed =
      Must(auth.keys().Update(key.id, AsBytes(KeySpec("two", {"manage"}, {"bank/*"}))));
  EXPECT_EQ(TextOf(changed, "name"), "two");
  EXPECT_EQ(Scope(Must(auth.keys().Get(key.id))), "manage bank/* ");
  bench.env().Advance(1000);
  EXPECT_TRUE(held->Allows(Action::kManage, {"bank", "orders"})) << "held principals change too";
  EXPECT_FALSE(held->Allows(Action::kRead, {"shop", "orders"}));
}

void ARotatedSecretHasItsGrace(LawBench& bench) {
  AuthBench auth(bench);
  const MadeKey key = auth.Make("one");
  auto held = auth.Enter(key.secret);
  const std::string second = TextOf(Must(auth.keys().Rotate(key.id, 30'000)), "key");
  EXPECT_NE(second, key.secret);
  EXPECT_TRUE(auth.Try(key.secret).ok()) << "within the time of grace";
  EXPECT_TRUE(auth.Try(second).ok());
  EXPECT_EQ(std::string(std::string_view(auth.Enter(second)->Id())), key.id);
  bench.env().Advance(31'000);
  EXPECT_FALSE(auth.Try(key.secret).ok());
  EXPECT_TRUE(auth.Try(second).ok());
  EXPECT_TRUE(held->Valid()) << "it is the same key";
  const std::string third = TextOf(Must(auth.keys().Rotate(key.id, 0)), "key");
  EXPECT_FALSE(auth.Try(second).ok()) << "no grace";
  EXPECT_TRUE(auth.Try(third).ok());
}

void KeysAndRevocationsSurviveARestart(LawBench& bench) {
  AuthBench auth(bench);
  const MadeKey kept = auth.Make("kept"), revoked = auth.Make("revoked");
  Must(auth.keys().Revoke(revoked.id));
  const std::string rotated = TextOf(Must(auth.keys().Rotate(kept.id, 0)), "key");
  for (int i = 0; i < 2; ++i) {
    auth.Restart();
    EXPECT_TRUE(auth.Try(rotated).ok());
    EXPECT_FALSE(auth.Try(kept.secret).ok());
    EXPECT_FALSE(auth.Try(revoked.secret).ok());
    EXPECT_TRUE(auth.Enter(rotated)->Allows(Action::kRead, {"shop", "orders"}));
    EXPECT_EQ(TextOf(Must(auth.keys().Get(kept.id)), "name"), "kept");
  }
}

// A change that the disk refused is not there, and takes nothing with it.
void AChangeThatFailsChangesNothing(LawBench& bench) {
  AuthBench auth(bench);
  const MadeKey key = auth.Make("one");
  for (uint64_t n = 0; n < 20; ++n) {
    bench.env().FailFrom(n);
    const Status revoked = auth.keys().Revoke(key.id);
    bench.env().Heal();
    EXPECT_EQ(auth.Try(key.secret).ok(), !revoked.ok()) << "operation " << n << " failed";
    if (revoked.ok()) return;
    EXPECT_FALSE(revoked.message().empty());
  }
}

void UnknownIdsAreNotFound(LawBench& bench) {
  AuthBench auth(bench);
  KeyAdmin& keys = auth.keys();
  for (const std::string& id : {std::string("nobody"), std::string(), std::string(1 << 20, 'i')}) {
    EXPECT_EQ(keys.Get(id).status().code(), Code::kNotFound);
    EXPECT_EQ(keys.Revoke(id).code(), Code::kNotFound);
    EXPECT_EQ(keys.Rotate(id, 0).status().code(), Code::kNotFound);
    const std::string spec = KeySpec("x", {"read"}, {"shop/*"});
    EXPECT_EQ(keys.Update(id, AsBytes(spec)).status().code(), Code::kNotFound);
  }
}

void MalformedKeysAreNotMade(LawBench& bench) {
  AuthBench auth(bench);
  const std::string good = KeySpec("x", {"read"}, {"shop/*"});
  std::vector<std::string> bad = {"",
                                  "garbage",
                                  good.substr(0, good.size() - 1),
                                  good + "x",
                                  bson::Builder().Finish(),
                                  KeySpec("x", {"fly"}, {"shop/*"}),
                                  KeySpec("x", {}, {"shop/*"}),
                                  KeySpec("x", {"read"}, {})};
  bson::Builder numbers;
  numbers.Int32("name", 1).Int32("actions", 2).Int32("patterns", 3);
  bad.push_back(numbers.Finish());
  const size_t before = Must(auth.keys().List()).size();
  for (const std::string& spec : bad) {
    const Status refused = auth.keys().Create(AsBytes(spec)).status();
    EXPECT_EQ(refused.code(), Code::kInvalidArgument) << refused.message();
  }
  EXPECT_EQ(Must(auth.keys().List()).size(), before);
}

}  // namespace

std::vector<PluginLaw> AuthKeyLaws() {
  return {{"ActionsAndPatternsMultiply", ActionsAndPatternsMultiply},
          {"SeveralPatternsAddUp", SeveralPatternsAddUp},
          {"TheSystemMayDoEverything", TheSystemMayDoEverything},
          {"APrincipalKnowsItsKey", APrincipalKnowsItsKey},
          {"ARevocationReachesHeldPrincipals", ARevocationReachesHeldPrincipals},
          {"AnExpiryReachesHeldPrincipals", AnExpiryReachesHeldPrincipals},
          {"KeysAreMadeShownAndChanged", KeysAreMadeShownAndChanged},
          {"ARotatedSecretHasItsGrace", ARotatedSecretHasItsGrace},
          {"KeysAndRevocationsSurviveARestart", KeysAndRevocationsSurviveARestart},
          {"AChangeThatFailsChangesNothing", AChangeThatFailsChangesNothing},
          {"UnknownIdsAreNotFound", UnknownIdsAreNotFound},
          {"MalformedKeysAreNotMade", MalformedKeysAreNotMade}};
}

}  // namespace nexadb::testkit
