#include "plugins/auth-apikey/scope.h"

#include <gtest/gtest.h>

namespace nexadb::auth {
namespace {

struct Row {
  const char* pattern;
  const char* database;
  const char* name;
  bool allowed;
};

TEST(Scope, MatchesPatternByPattern) {
  const Row rows[] = {
      {"logs_*", "nexadb", "logs_2026", true},
      {"logs_*", "", "logs_2026", true},
      {"logs_*", "nexadb", "logs_", true},
      {"logs_*", "nexadb", "log", false},
      {"logs_*", "nexadb", "xlogs_1", false},
      {"logs_*", "shop", "logs_2026", false},
      {"logs_*", "nexadb", "", false},
      {"logs_*", "", "", false},
      {"*_log", "nexadb", "a_log", true},
      {"a*b*c", "nexadb", "aXbXbc", true},
      {"a*b*c", "nexadb", "aXcXb", false},
      {"users", "nexadb", "users", true},
      {"users", "nexadb", "users2", false},
      {"users", "nexadb", "kv:users", false},
      {"shop/orders", "shop", "orders", true},
      {"shop/orders", "nexadb", "orders", false},
      {"shop/orders", "shop", "kv:orders", false},
      {"kv:sessions", "nexadb", "kv:sessions", true},
      {"kv:sessions", "nexadb", "sessions", false},
      {"kv:sessions", "shop", "kv:sessions", false},
      {"kv:*", "nexadb", "kv:any", true},
      {"kv:*", "nexadb", "any", false},
      {"k*", "nexadb", "kv:any", false},
      {"shop/kv:a*", "shop", "kv:ab", true},
      {"*", "nexadb", "users", true},
      {"*", "nexadb", "kv:any", true},
      {"*", "nexadb", "", true},
      {"*", "shop", "users", false},
      {"*", "", "", false},
      {"shop/*", "shop", "", true},
      {"shop/*", "shop", "kv:any", true},
      {"*/users", "shop", "users", true},
      {"*/users", "shop", "", false},
      {"*/users", "", "", false},
      {"*/*", "shop", "users", true},
      {"*/*", "", "", true},
  };
  for (const Row& row : rows) {
    const Scope scope(ActionBit("read"), {row.pattern});
    EXPECT_EQ(scope.Allows(Action::kRead, {row.database, row.name}), row.allowed)
        << row.pattern << " on " << row.database << "/" << row.name;
    EXPECT_FALSE(scope.Allows(Action::kWrite, {row.database, row.name}));
  }
}

TEST(Scope, ActionsAreIndependent) {
  const Action actions[] = {Action::kRead, Action::kWrite, Action::kManage, Action::kAdmin};
  for (uint32_t bits = 0; bits <= kAllActions; ++bits) {
    const Scope scope(bits, {"*/*"});
    for (const Action action : actions) {
      EXPECT_EQ(scope.Allows(action, {"a", "b"}), (bits >> static_cast<uint32_t>(action) & 1) != 0);
    }
    EXPECT_EQ(scope.full(), bits == kAllActions);
  }
  EXPECT_FALSE(Scope(kAllActions, {"*"}).full());
  EXPECT_FALSE(Scope(kAllActions, {"*/*"}).Allows(static_cast<Action>(4), {"a", "b"}));
  EXPECT_FALSE(Scope(kAllActions, {"*/*"}).Allows(static_cast<Action>(99), {"a", "b"}));
  EXPECT_FALSE(Scope().Allows(Action::kRead, {"a", "b"}));
}

TEST(Scope, ManyStarsStayFast) {
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "a*";
  pattern += "b";
  EXPECT_FALSE(Scope(1, {pattern}).Allows(Action::kRead, {"nexadb", std::string(5000, 'a')}));
}

TEST(Scope, MalformedPatternsAreNamed) {
  for (const std::string& pattern :
       {std::string(), std::string("/a"), std::string("a/"), std::string("a/b/c"),
        std::string("a b"), std::string("a\n"), std::string(257, 'a')}) {
    EXPECT_NE(CheckPattern(pattern), nullptr) << pattern;
  }
  for (const std::string& pattern :
       {std::string("*"), std::string("*/*"), std::string("kv:x"), std::string(256, 'a')}) {
    EXPECT_EQ(CheckPattern(pattern), nullptr) << pattern;
  }
}

}  // namespace
}  // namespace nexadb::auth
