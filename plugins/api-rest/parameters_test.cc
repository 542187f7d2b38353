#include "plugins/api-rest/parameters.h"

#include <gtest/gtest.h>

#include "core/document/error.h"

namespace nexadb::rest {
namespace {

Parameters Parsed(std::string_view query) {
  Result<Parameters> parsed = Parameters::Parse(query);
  EXPECT_TRUE(parsed.ok()) << parsed.status().message();
  return std::move(*parsed);
}

TEST(ParametersTest, DecodesEscapesAndPlusSigns) {
  const Parameters p = Parsed("query=%7B%22age%22%3A+%7B%22%24gt%22%3A+30%7D%7D&limit=100");
  EXPECT_EQ(p.Get("query"), "{\"age\": {\"$gt\": 30}}");
  EXPECT_EQ(p.Get("limit"), "100");
  EXPECT_EQ(p.Get("skip"), std::nullopt);
}

TEST(ParametersTest, KeepsEqualsSignsOfAValue) { EXPECT_EQ(Parsed("a=b=c").Get("a"), "b=c"); }

TEST(ParametersTest, RefusesWhatCannotBeDecoded) {
  for (const char* query : {"a=%", "a=%1", "a=%zz", "%G0=1", "a=%ff%fe"}) {
    Result<Parameters> parsed = Parameters::Parse(query);
    ASSERT_FALSE(parsed.ok()) << query;
    EXPECT_TRUE(Is(parsed.status(), ErrorId::kInvalidParameter)) << query;
  }
}

TEST(ParametersTest, RefusesANameThatStandsTwice) {
  EXPECT_FALSE(Parameters::Parse("limit=1&limit=2").ok());
}

TEST(ParametersTest, NumbersStayWithinTheirRange) {
  const Parameters p = Parsed("limit=10&skip=-1&big=99999999999999999999&bad=1x&empty=");
  EXPECT_EQ(*p.Number("limit", 1, 1, 10), 10u);
  EXPECT_EQ(*p.Number("absent", 7, 1, 10), 7u);
  EXPECT_FALSE(p.Number("limit", 1, 1, 9).ok());
  for (const char* name : {"skip", "big", "bad", "empty"}) {
    EXPECT_FALSE(p.Number(name, 0, 0, UINT64_MAX).ok()) << name;
  }
}

TEST(ParametersTest, FlagsTakeTrueFalseAndNothing) {
  const Parameters p = Parsed("a=true&b=false&c&d=1&e=yes");
  EXPECT_TRUE(*p.Flag("a", false));
  EXPECT_FALSE(*p.Flag("b", true));
  EXPECT_TRUE(*p.Flag("c", false));
  EXPECT_TRUE(*p.Flag("d", false));
  EXPECT_FALSE(p.Flag("e", false).ok());
  EXPECT_TRUE(*p.Flag("absent", true));
}

TEST(ParametersTest, DurationsCarryUnits) {
  const Parameters p = Parsed("a=500ms&b=60s&c=5m&d=2h&e=7d&f=30&g=0s&h=s&i=99999999999d&j=-1s");
  EXPECT_EQ(*p.Duration("a", 0), 500u);
  EXPECT_EQ(*p.Duration("b", 0), 60'000u);
  EXPECT_EQ(*p.Duration("c", 0), 300'000u);
  EXPECT_EQ(*p.Duration("d", 0), 7'200'000u);
  EXPECT_EQ(*p.Duration("e", 0), 604'800'000u);
  EXPECT_EQ(*p.Duration("f", 0), 30'000u);
  for (const char* name : {"g", "h", "i", "j"}) EXPECT_FALSE(p.Duration(name, 0).ok()) << name;
}

TEST(ParametersTest, WhatIsEncodedDecodesToItself) {
  std::string all;
  for (int c = 1; c < 256; ++c) all.push_back(static_cast<char>(c));
  std::string back;
  EXPECT_TRUE(DecodePercent(EncodePercent(all), back));
  EXPECT_EQ(back, all);
}

}  // namespace
}  // namespace nexadb::rest
