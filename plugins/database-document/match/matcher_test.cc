// Laws of filters, in the language of their users.
#include "plugins/database-document/match/matcher.h"

#include <gtest/gtest.h>

#include "core/document/error.h"
#include "core/document/json.h"

namespace nexadb::query {
namespace {

std::string Bson(std::string_view json) {
  Result<std::string> bytes = JsonToBson(json);
  EXPECT_TRUE(bytes.ok()) << json << ": " << bytes.status().message();
  return *std::move(bytes);
}

bool Matches(std::string_view filter, std::string_view doc) {
  const std::string f = Bson(filter);
  const std::string d = Bson(doc);
  auto matcher = Matcher::Parse(bson::Document(AsBytes(f)), {});
  EXPECT_TRUE(matcher.ok()) << filter << ": " << matcher.status().message();
  if (!matcher.ok()) return false;
  Result<bool> matched = (*matcher)->Matches(bson::Document(AsBytes(d)));
  EXPECT_TRUE(matched.ok());
  return *matched;
}

int32_t ErrorOfFilter(std::string_view filter) {
  const std::string f = Bson(filter);
  auto matcher = Matcher::Parse(bson::Document(AsBytes(f)), {});
  return matcher.ok() ? 0 : MongoCode(matcher.status());
}

TEST(MatcherTest, ComparisonsBracketTypes) {
  EXPECT_TRUE(Matches(R"({"a": {"$gt": 5}})", R"({"a": 6.5})"));
  EXPECT_FALSE(Matches(R"({"a": {"$gt": 5}})", R"({"a": "9"})"));
  EXPECT_FALSE(Matches(R"({"a": {"$gt": null}})", R"({"a": 1})"));
  EXPECT_TRUE(Matches(R"({"a": {"$gte": null}})", R"({"b": 1})"));
  EXPECT_FALSE(Matches(R"({"a": {"$gte": {"$numberDouble": "NaN"}}})", R"({"a": 1})"));
  EXPECT_TRUE(Matches(R"({"a": {"$gte": {"$numberDouble": "NaN"}}})",
                      R"({"a": {"$numberDouble": "NaN"}})"));
}

TEST(MatcherTest, NullMatchesMissingAndElementsThatLackTheField) {
  EXPECT_TRUE(Matches(R"({"a.b": null})", R"({"a": {}})"));
  EXPECT_TRUE(Matches(R"({"a.b": null})", R"({})"));
  EXPECT_TRUE(Matches(R"({"a.b": null})", R"({"a": [{"b": 1}, {"c": 2}]})"));
  EXPECT_FALSE(Matches(R"({"a.b": null})", R"({"a": []})"));
  EXPECT_FALSE(Matches(R"({"a.b": null})", R"({"a": [1, 2]})"));
  EXPECT_FALSE(Matches(R"({"a": null})", R"({"a": []})"));
  EXPECT_TRUE(Matches(R"({"a": null})", R"({"a": [1, null]})"));
}

TEST(MatcherTest, ArraysMatchWholeOrByElementOneLevelDeep) {
  EXPECT_TRUE(Matches(R"({"a": 1})", R"({"a": [2, 1]})"));
  EXPECT_FALSE(Matches(R"({"a": 1})", R"({"a": [[1]]})"));
  EXPECT_TRUE(Matches(R"({"a": [1, 2]})", R"({"a": [1, 2]})"));
  EXPECT_TRUE(Matches(R"({"a": [1, 2]})", R"({"a": [[1, 2], 3]})"));
  EXPECT_TRUE(Matches(R"({"a.1": 7})", R"({"a": [0, 7]})"));
  EXPECT_TRUE(Matches(R"({"a": {"$gt": 5, "$lt": 4}})", R"({"a": [3, 6]})"));
  EXPECT_FALSE(Matches(R"({"a": {"$elemMatch": {"$gt": 5, "$lt": 4}}})", R"({"a": [3, 6]})"));
}

TEST(MatcherTest, NegationsNegateTheWholeMatch) {
  for (const char* doc : {R"({"a": 1})", R"({"a": [1, 2]})", R"({})", R"({"a": null})",
                          R"({"a": [[1]]})", R"({"a": {"b": 1}})"}) {
    for (const char* test : {"1", "null", "[1, 2]", "\"x\""}) {
      const std::string v(test);
      const bool equal = Matches("{\"a\": {\"$eq\": " + v + "}}", doc);
      EXPECT_NE(equal, Matches("{\"a\": {\"$ne\": " + v + "}}", doc)) << doc << v;
      EXPECT_NE(equal, Matches("{\"a\": {\"$not\": {\"$eq\": " + v + "}}}", doc)) << doc << v;
      EXPECT_NE(equal, Matches("{\"$nor\": [{\"a\": " + v + "}]}", doc)) << doc << v;
      EXPECT_EQ(equal, Matches("{\"a\": {\"$in\": [" + v + "]}}", doc)) << doc << v;
      EXPECT_NE(equal, Matches("{\"a\": {\"$nin\": [" + v + "]}}", doc)) << doc << v;
    }
  }
}

TEST(MatcherTest, ArrayOperators) {
  EXPECT_TRUE(Matches(R"({"a": {"$all": [1, 2]}})", R"({"a": [2, 3, 1]})"));
  EXPECT_FALSE(Matches(R"({"a": {"$all": []}})", R"({"a": []})"));
  EXPECT_TRUE(Matches(R"({"a": {"$size": 2}})", R"({"a": [1, 2]})"));
  EXPECT_TRUE(Matches(R"({"a": {"$elemMatch": {"b": 1, "c": {"$gt": 1}}}})",
                      R"({"a": [{"b": 1, "c": 1}, {"b": 1, "c": 2}]})"));
  EXPECT_TRUE(Matches(R"({"a": {"$type": "array"}})", R"({"a": [1]})"));
  EXPECT_TRUE(Matches(R"({"a": {"$type": ["string", "number"]}})", R"({"a": [1]})"));
  EXPECT_TRUE(Matches(R"({"a": {"$exists": true}})", R"({"a": null})"));
}

TEST(MatcherTest, OtherOperators) {
  EXPECT_TRUE(Matches(R"({"a": {"$mod": [4, 1]}})", R"({"a": 9.7})"));
  EXPECT_TRUE(Matches(R"({"a": {"$regex": "^AB", "$options": "i"}})", R"({"a": "abc"})"));
  EXPECT_TRUE(Matches(R"({"a": {"$bitsAllSet": [0, 63]}})", R"({"a": -1})"));
  EXPECT_TRUE(Matches(R"({"$expr": {"$gt": ["$a", "$b"]}})", R"({"a": 2, "b": 1})"));
  EXPECT_TRUE(
      Matches(R"({"$jsonSchema": {"required": ["a"], "properties": {"a": {"minimum": 1}}}})",
              R"({"a": 1})"));
  EXPECT_FALSE(Matches(R"({"$jsonSchema": {"properties": {"a": {"minimum": 1}}}})", R"({"a": 0})"));
}

TEST(MatcherTest, MistakesCarryMongoCodes) {
  EXPECT_EQ(ErrorOfFilter(R"({"a": {"$gte2": 1}})"), 2);
  EXPECT_EQ(ErrorOfFilter(R"({"$xor": []})"), 2);
  EXPECT_EQ(ErrorOfFilter(R"({"$and": []})"), 2);
  EXPECT_EQ(ErrorOfFilter(R"({"a": {"$in": 1}})"), 2);
  EXPECT_EQ(ErrorOfFilter(R"({"a": {"$regex": "("}})"), 51091);
  EXPECT_EQ(ErrorOfFilter(R"({"a": {"$regex": "a", "$options": "q"}})"), 51108);
}

TEST(MatcherTest, AnUnknownOperatorIsAnsweredWithTheOneThatWasMeant) {
  const std::string f = Bson(R"({"age": {"$gte2": 1}})");
  ParseOptions options;
  options.pointer = "/filter";
  const auto matcher = Matcher::Parse(bson::Document(AsBytes(f)), options);
  ASSERT_FALSE(matcher.ok());
  EXPECT_TRUE(Is(matcher.status(), ErrorId::kUnknownOperator));
  const bson::Document detail(matcher.status().detail());
  EXPECT_EQ(detail["pointer"].value().Text(), "/filter/age/$gte2");
  EXPECT_EQ(detail["suggestion"].value().Text(), "$gte");
}

TEST(MatcherTest, ThePositionOfTheMatchingElementIsKnown) {
  const std::string f = Bson(R"({"a": {"$elemMatch": {"x": 2}}, "b": 1})");
  const std::string d = Bson(R"({"a": [{"x": 1}, {"x": 2}], "b": 1})");
  const auto matcher = Matcher::Parse(bson::Document(AsBytes(f)), {});
  ASSERT_TRUE(matcher.ok());
  MatchDetails details;
  EXPECT_TRUE(*(*matcher)->Matches(bson::Document(AsBytes(d)), &details));
  EXPECT_EQ(details.position, 1);
}

TEST(MatcherTest, PlanningSeesIdsAndBounds) {
  const std::string f = Bson(R"({"_id": 7, "a": {"$gt": 1, "$lte": 5}})");
  const auto matcher = Matcher::Parse(bson::Document(AsBytes(f)), {});
  ASSERT_TRUE(matcher.ok());
  ASSERT_TRUE((*matcher)->IdEquality().has_value());
  EXPECT_EQ((*matcher)->IdEquality()->Int32(), 7);
  const auto bounds = (*matcher)->Bounds("a");
  ASSERT_TRUE(bounds.has_value());
  EXPECT_EQ(bounds->low.Int32(), 1);
  EXPECT_FALSE(bounds->low_inclusive);
  EXPECT_TRUE(bounds->high_inclusive);
  EXPECT_FALSE((*matcher)->Bounds("b").has_value());
}

}  // namespace
}  // namespace nexadb::query
