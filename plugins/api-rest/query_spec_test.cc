#include "plugins/api-rest/query_spec.h"

#include <gtest/gtest.h>

#include "core/document/error.h"
#include "core/document/json.h"
#include "plugins/api-rest/members.h"
#include "plugins/api-rest/preconditions.h"
#include "plugins/api-rest/problem.h"

namespace nexadb::rest {
namespace {

std::string Bson(std::string_view json) {
  Result<std::string> bson = JsonToBson(json);
  EXPECT_TRUE(bson.ok()) << json;
  return *bson;
}

std::string Json(const Result<std::string>& bson) {
  EXPECT_TRUE(bson.ok()) << bson.status().message();
  return bson->empty() ? "" : BsonToJson(AsDocument(*bson), JsonMode::kRelaxed);
}

// JSON's white space is the writer's choice.
std::string Same(std::string_view json) { return Json(Bson(json)); }

TEST(FieldsTest, AListIsAProjection) {
  EXPECT_EQ(Json(ParseFields("a, b.c ,-d")), Same(R"({"a":1,"b.c":1,"d":0})"));
  EXPECT_EQ(Json(ParseFields(R"({"a":{"$slice":2}})")), Same(R"({"a":{"$slice":2}})"));
  for (const char* bad : {",", "a,", "a,,b", "-"}) EXPECT_FALSE(ParseFields(bad).ok()) << bad;
}

TEST(FieldsTest, AnArrayOfPathsIsAProjection) {
  const std::string body = Bson(R"({"fields":["a","b.c"],"bad":[1],"empty":[]})");
  EXPECT_EQ(Json(ReadFields(AsDocument(body)["fields"].value())), Same(R"({"a":1,"b.c":1})"));
  EXPECT_FALSE(ReadFields(AsDocument(body)["bad"].value()).ok());
  EXPECT_TRUE(ReadFields(AsDocument(body)["empty"].value())->empty());
}

TEST(SortTest, AMinusSignDescends) {
  EXPECT_EQ(Json(ParseSort("-age,name")), Same(R"({"age":-1,"name":1})"));
  EXPECT_EQ(Json(ParseSort(R"({"age":-1})")), Same(R"({"age":-1})"));
  EXPECT_FALSE(ParseSort("").ok());
}

TEST(FilterTest, QueryAndFilterMeanTheSame) {
  EXPECT_EQ(Json(ReadFilter(AsDocument(Bson(R"({"query":{"a":1}})")))), Same(R"({"a":1})"));
  EXPECT_EQ(Json(ReadFilter(AsDocument(Bson(R"({"filter":{"a":1}})")))), Same(R"({"a":1})"));
  EXPECT_EQ(Json(ReadFilter(AsDocument(Bson("{}")))), Same("{}"));
  EXPECT_FALSE(ReadFilter(AsDocument(Bson(R"({"query":{},"filter":{}})"))).ok());
  EXPECT_FALSE(ReadFilter(AsDocument(Bson(R"({"filter":[]})"))).ok());
}

TEST(FindCommandTest, CarriesWhatWasAskedFor) {
  QuerySpec spec;
  spec.filter = Bson(R"({"a":1})");
  spec.sort = Bson(R"({"b":-1})");
  spec.extras = Bson(R"({"hint":"a_1"})");
  spec.skip = 2;
  EXPECT_EQ(Json(spec.FindCommand("users", 3, 11)),
            Same(R"({"find":"users","filter":{"a":1},"sort":{"b":-1},"skip":5,"limit":11,)"
                 R"("hint":"a_1"})"));
}

TEST(MembersTest, AnUnknownMemberIsNamedWithASuggestion) {
  const std::string body = Bson(R"({"limt":1})");
  Status status = Members(AsDocument(body)).Only({"limit", "skip"});
  ASSERT_FALSE(status.ok());
  EXPECT_TRUE(Is(status, ErrorId::kUnknownOption));
  EXPECT_NE(status.message().find("'limit'"), std::string_view::npos) << status.message();
  EXPECT_EQ(bson::Document(status.detail())["pointer"].value().Text(), "/limt");
}

TEST(MembersTest, IntegersMayBeWrittenAsDoubles) {
  const std::string body =
      Bson(R"({"a":2.0,"b":2.5,"c":"2","d":{"$numberLong":"9007199254740993"}})");
  const Members members(AsDocument(body));
  EXPECT_EQ(*members.Integer("a", 0, 0, 10), 2);
  EXPECT_FALSE(members.Integer("b", 0, 0, 10).ok());
  EXPECT_FALSE(members.Integer("c", 0, 0, 10).ok());
  EXPECT_EQ(*members.Integer("d", 0, 0, INT64_MAX), 9007199254740993);
  EXPECT_FALSE(members.Integer("a", 0, 3, 10).ok());
  EXPECT_EQ(*members.Integer("absent", 5, 0, 10), 5);
}

TEST(DidYouMeanTest, OffersTheNearestOnlyWhenNear) {
  constexpr std::string_view kNames[] = {"limit", "fields", "sort"};
  EXPECT_EQ(DidYouMean("limt", kNames), " Did you mean 'limit'?");
  EXPECT_EQ(DidYouMean("field", kNames), " Did you mean 'fields'?");
  EXPECT_EQ(DidYouMean("something_else", kNames), "");
  EXPECT_EQ(DidYouMean("", kNames), "");
}

TEST(EntityTagTest, AListMatchesAnyOfItsTags) {
  EXPECT_TRUE(MatchesAnyTag("*", "\"a\""));
  EXPECT_TRUE(MatchesAnyTag("\"b\", W/\"a\"", "\"a\""));
  EXPECT_FALSE(MatchesAnyTag("\"b\",\"c\"", "\"a\""));
  EXPECT_FALSE(MatchesAnyTag("a", "\"a\""));
}

}  // namespace
}  // namespace nexadb::rest
