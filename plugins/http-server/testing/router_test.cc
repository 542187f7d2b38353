#include "plugins/http-server/router.h"

#include <gtest/gtest.h>

namespace nexadb::http {
namespace {

std::shared_ptr<RouteEntry> MakeRoute(std::string method, std::string pattern) {
  auto route = std::make_shared<RouteEntry>();
  route->method = std::move(method);
  route->pattern = std::move(pattern);
  return route;
}

class RouterTest : public testing::Test {
 protected:
  RouterTest()
      : table_({MakeRoute("GET", "/"), MakeRoute("GET", "/collections"),
                MakeRoute("POST", "/collections"), MakeRoute("GET", "/collections/{name}"),
                MakeRoute("GET", "/collections/{name}/{id}"),
                MakeRoute("PUT", "/collections/{name}/{id}"),
                MakeRoute("POST", "/collections/{name}/query"),
                MakeRoute("GET", "/collections/all/{id}"), MakeRoute("GET", "/ui/{rest...}"),
                MakeRoute("HEAD", "/head"), MakeRoute("GET", "/head")}) {}
  // "pattern(capture,capture)", "404", "405 allow" or "400".
  std::string Find(std::string_view method, std::string_view path) {
    Match match;
    table_.Find(method, path, match);
    switch (match.kind) {
      case MatchKind::kNotFound: return "404";
      case MatchKind::kBadPath: return "400";
      case MatchKind::kWrongMethod: return "405 " + match.allow;
      case MatchKind::kFound: break;
    }
    std::string out = (*match.route)->method + " " + (*match.route)->pattern;
    for (size_t i = 0; i < match.capture_count; ++i) out += "|" + std::string(match.captures[i]);
    return out;
  }
  RouteTable table_;
};

TEST_F(RouterTest, LiteralsBeatCaptures) {
  EXPECT_EQ(Find("GET", "/"), "GET /");
  EXPECT_EQ(Find("GET", "/collections/all/7"), "GET /collections/all/{id}|7");
  EXPECT_EQ(Find("GET", "/collections/a/7"), "GET /collections/{name}/{id}|a|7");
  EXPECT_EQ(Find("POST", "/collections/a/query"), "POST /collections/{name}/query|a");
}

TEST_F(RouterTest, ARouteWithAnotherMethodIsPassedOver) {
  EXPECT_EQ(Find("GET", "/collections/a/query"), "GET /collections/{name}/{id}|a|query");
  EXPECT_EQ(Find("PUT", "/collections/all/7"), "PUT /collections/{name}/{id}|all|7");
}

TEST_F(RouterTest, KnownPathsSayWhichMethodsTheyHave) {
  EXPECT_EQ(Find("DELETE", "/collections/a/query"), "405 GET, HEAD, POST, PUT");
  EXPECT_EQ(Find("PATCH", "/collections"), "405 GET, HEAD, POST");
}

TEST_F(RouterTest, GetServesHeadUnlessHeadIsMounted) {
  EXPECT_EQ(Find("HEAD", "/collections"), "GET /collections");
  EXPECT_EQ(Find("HEAD", "/head"), "HEAD /head");
}

TEST_F(RouterTest, UnknownPathsAreNotFound) {
  for (const std::string_view path :
       {"/x", "/collections/", "/collections//7", "/collections/a/b/c", "//", "collections", "*"}) {
    EXPECT_EQ(Find("GET", path), "404") << path;
  }
}

TEST_F(RouterTest, RestTakesAllThatIsLeft) {
  EXPECT_EQ(Find("GET", "/ui/"), "GET /ui/{rest...}|");
  EXPECT_EQ(Find("GET", "/ui/a/b.js"), "GET /ui/{rest...}|a/b.js");
}

TEST_F(RouterTest, EscapesAreDecodedWithinTheirSegment) {
  EXPECT_EQ(Find("GET", "/%63ollections"), "GET /collections");
  EXPECT_EQ(Find("GET", "/collections/a%2Fb/c"), "GET /collections/{name}/{id}|a%2Fb|c");
  for (const std::string_view path : {"/collections/%", "/collections/%4", "/collections/%zz"}) {
    EXPECT_EQ(Find("GET", path), "400") << path;
  }
}

TEST(PercentDecode, RefusesNulAndWhatIsNotUtf8) {
  std::string out;
  EXPECT_TRUE(PercentDecode("a%2Fb%C3%A9", out));
  EXPECT_EQ(out, "a/b\xC3\xA9");
  for (const std::string_view text : {"%00", "%FF", "%C3", "%C0%AF", "%ED%A0%80"}) {
    std::string ignored;
    EXPECT_FALSE(PercentDecode(text, ignored)) << text;
  }
}

TEST(CheckPattern, SaysWhatIsWrong) {
  EXPECT_EQ(CheckPattern("/a/{b}/{c...}"), nullptr);
  EXPECT_EQ(CheckPattern("/"), nullptr);
  for (const std::string_view pattern :
       {"", "a", "/{a...}/b", "/a{b}", "/a//b", "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}"}) {
    EXPECT_NE(CheckPattern(pattern), nullptr) << pattern;
  }
}

}  // namespace
}  // namespace nexadb::http
