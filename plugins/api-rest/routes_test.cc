#include "plugins/api-rest/routes.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace nexadb::rest {
namespace {

TEST(RoutesTest, NoRowStandsTwice) {
  std::set<std::string> seen;
  for (const RouteSpec& route : Routes()) {
    EXPECT_TRUE(seen.insert(std::string(route.method) + " " + std::string(route.pattern)).second)
        << route.pattern;
  }
}

TEST(RoutesTest, EveryParameterIsDescribed) {
  for (const RouteSpec& route : Routes()) {
    ForEachWord(route.parameters, [&](std::string_view word) {
      EXPECT_NE(FindParameter(word), nullptr) << route.pattern << " " << word;
    });
  }
}

TEST(RoutesTest, OnlyRequestsWithBodiesSayWhichTypes) {
  for (const RouteSpec& route : Routes()) {
    const bool types_fit = route.body != BodyMode::kNone || route.content_types.empty();
    EXPECT_TRUE(types_fit) << route.pattern;
    EXPECT_NE(route.handler, nullptr);
    EXPECT_FALSE(route.summary.empty()) << route.pattern;
    EXPECT_TRUE(route.pattern.starts_with('/'));
  }
}

TEST(RoutesTest, WhatNeedsAnAdministratorIsNotInADatabase) {
  for (const RouteSpec& route : Routes()) {
    const bool in_database = route.scope == Scope::kDatabase;
    EXPECT_FALSE(route.access == Access::kAdmin && in_database) << route.pattern;
    EXPECT_FALSE(route.operation == Operation::kYes && !in_database) << route.pattern;
  }
}

TEST(MatchRouteTest, LiteralsWinOverCaptures) {
  std::vector<std::string_view> captures;
  const RouteSpec* bulk = MatchRoute("POST", "/collections/users/bulk", captures);
  ASSERT_NE(bulk, nullptr);
  EXPECT_EQ(bulk->pattern, "/collections/{name}/bulk");
  EXPECT_EQ(captures, std::vector<std::string_view>{"users"});
  const RouteSpec* get = MatchRoute("GET", "/collections/users/bulk", captures);
  ASSERT_NE(get, nullptr);
  EXPECT_EQ(get->pattern, "/collections/{name}/{id}");
  EXPECT_EQ(captures, (std::vector<std::string_view>{"users", "bulk"}));
}

TEST(MatchRouteTest, FindsEveryRowByItsOwnPattern) {
  for (const RouteSpec& route : Routes()) {
    std::string path;
    bool inside = false;
    for (const char c : route.pattern) {
      if (c == '{') path += "x", inside = true;
      if (!inside) path.push_back(c);
      if (c == '}') inside = false;
    }
    std::vector<std::string_view> captures;
    EXPECT_EQ(MatchRoute(route.method, path, captures), &route) << path;
  }
}

TEST(MatchRouteTest, RefusesOtherShapes) {
  std::vector<std::string_view> captures;
  for (const char* path : {"", "collections", "/collections/", "/collections/a/b/c/d", "/nothing",
                           "/collections//x"}) {
    EXPECT_EQ(MatchRoute("GET", path, captures), nullptr) << path;
  }
}

}  // namespace
}  // namespace nexadb::rest
