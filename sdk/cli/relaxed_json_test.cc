#include "sdk/cli/relaxed_json.h"

#include <gtest/gtest.h>

namespace nexadb::cli {
namespace {

TEST(RelaxedJson, WhatPeopleTypeBecomesStrictJson) {
  EXPECT_EQ(ToStrictJson("{name: 'Ada', $gt: 1, \"x\": [1, 2,],}"),
            R"({"name":"Ada","$gt":1,"x":[1,2]})");
  EXPECT_EQ(ToStrictJson("{a: True, b: None, c: false} // end"),
            R"({"a":true,"b":null,"c":false})");
  EXPECT_EQ(ToStrictJson("{/* why */ a: .5, b: -1e3, c: +2}"), R"({"a":0.5,"b":-1e3,"c":2})");
  EXPECT_EQ(ToStrictJson(R"({a: 'it\'s "x"'})"), R"({"a":"it's \"x\""})");
  EXPECT_EQ(ToStrictJson("{'a.b': 1, c.d: 2}"), R"({"a.b":1,"c.d":2})");
  EXPECT_EQ(ToStrictJson("'tab\there'"), R"("tab\u0009here")");
}

TEST(RelaxedJson, StrictJsonStaysAsItIs) {
  const char* strict = R"({"a":[1,-2.5e10,"x\u00e9\n"],"b":{},"c":null})";
  EXPECT_EQ(ToStrictJson(strict), strict);
}

TEST(RelaxedJson, ArgumentsAreSplitAtTheTopLevelOnly) {
  EXPECT_EQ(ToStrictArguments("'id, 1', {a: [1, 2]}"),
            (std::vector<std::string>{R"("id, 1")", R"({"a":[1,2]})"}));
  EXPECT_TRUE(ToStrictArguments("  ").empty());
}

TEST(RelaxedJson, MalformedInputSaysWhere) {
  for (const char* bad : {"{a: }", "{a 1}", "{a: 1", "[1, 2", "'x", "{a: 1} x", "hello", "", "{,}",
                          "/* x", "{a: 1,, b: 2}", "-"}) {
    EXPECT_THROW(ToStrictJson(bad), RelaxedJsonError) << bad;
  }
  try {
    ToStrictJson("{name: Ada}");
    FAIL();
  } catch (const RelaxedJsonError& error) {
    EXPECT_STREQ(error.what(), "'Ada' needs quotes at character 8, before 'Ada}'");
  }
}

TEST(RelaxedJson, NestingIsBounded) {
  auto nested = [](int depth) {
    return std::string(static_cast<size_t>(depth), '[') +
           std::string(static_cast<size_t>(depth), ']');
  };
  EXPECT_NO_THROW(ToStrictJson(nested(kRelaxedDepthMax)));
  EXPECT_THROW(ToStrictJson(nested(100'000)), RelaxedJsonError);
}

TEST(RelaxedJson, AnOpenBracketOrQuoteWaitsForMore) {
  EXPECT_FALSE(IsComplete("db.insert({a: 1"));
  EXPECT_FALSE(IsComplete("db.insert({a: 'x})"));
  EXPECT_TRUE(IsComplete("db.insert({a: '}'})"));
  EXPECT_TRUE(IsComplete("show dbs"));
}

}  // namespace
}  // namespace nexadb::cli
