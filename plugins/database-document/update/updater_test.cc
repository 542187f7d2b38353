// Laws of updates, in the language of their users.
#include "plugins/database-document/update/updater.h"

#include <gtest/gtest.h>

#include "core/document/error.h"
#include "core/document/json.h"

namespace nexadb::query {
namespace {

struct Case {
  const char* document;
  const char* update;
  const char* result;
};

std::string Bson(std::string_view json) {
  Result<std::string> bytes = JsonToBson(json);
  EXPECT_TRUE(bytes.ok()) << json << ": " << bytes.status().message();
  return *std::move(bytes);
}

Result<UpdateOutcome> Update(std::string_view document, std::string_view update,
                             std::string_view filters = "{}", int64_t position = -1) {
  const std::string u = Bson("{\"u\": " + std::string(update) + "}");
  const std::string f = Bson(filters);
  const std::string d = Bson(document);
  const bson::Value list = bson::Document(AsBytes(f))["f"].value();
  auto updater = Updater::Parse(bson::Document(AsBytes(u))["u"].value(),
                                list ? list.Doc() : bson::Document(), {});
  if (!updater.ok()) return updater.status();
  return (*updater)->Apply(bson::Document(AsBytes(d)), {position, false});
}

void ExpectResult(const Case& c, std::string_view filters = "{}", int64_t position = -1) {
  const auto outcome = Update(c.document, c.update, filters, position);
  ASSERT_TRUE(outcome.ok()) << c.update << ": " << outcome.status().message();
  EXPECT_EQ(BsonToJson(bson::Document(AsBytes(outcome->document)), JsonMode::kRelaxed),
            BsonToJson(bson::Document(AsBytes(Bson(c.result))), JsonMode::kRelaxed))
      << c.update;
  EXPECT_EQ(bson::Validate(AsBytes(outcome->document)), nullptr);
}

int32_t ErrorOfUpdate(std::string_view document, std::string_view update) {
  const auto outcome = Update(document, update);
  return outcome.ok() ? 0 : MongoCode(outcome.status());
}

TEST(UpdaterTest, FieldOperators) {
  for (const Case& c : {
           Case{R"({"a": 1})", R"({"$set": {"b.c": 2, "a": 3}})", R"({"a": 3, "b": {"c": 2}})"},
           Case{R"({"a": [1]})", R"({"$set": {"a.3": 4}})", R"({"a": [1, null, null, 4]})"},
           Case{R"({})", R"({"$set": {"a.0": 1}})", R"({"a": {"0": 1}})"},
           Case{R"({"a": 1, "b": 2})", R"({"$unset": {"a": ""}})", R"({"b": 2})"},
           Case{R"({"a": [1, 2]})", R"({"$unset": {"a.0": 1}})", R"({"a": [null, 2]})"},
           Case{R"({"n": 2147483647})", R"({"$inc": {"n": 1, "m": 2}})",
                R"({"n": 2147483648, "m": 2})"},
           Case{R"({"n": 3})", R"({"$mul": {"n": 2.5, "m": 4}})", R"({"n": 7.5, "m": 0})"},
           Case{R"({"n": 3})", R"({"$min": {"n": 2}, "$max": {"m": 1}})", R"({"n": 2, "m": 1})"},
           Case{R"({"a": {"b": 1}, "c": 2})", R"({"$rename": {"a.b": "d"}})",
                R"({"a": {}, "c": 2, "d": 1})"},
           Case{R"({"n": 13})", R"({"$bit": {"n": {"and": 10}}})", R"({"n": 8})"},
           Case{R"({"a": 1})", R"({"$setOnInsert": {"b": 1}})", R"({"a": 1})"},
           Case{R"({"_id": 1, "a": 1})", R"({"b": 2})", R"({"_id": 1, "b": 2})"},
           Case{R"({"_id": 1, "a": 1})", R"([{"$set": {"b": {"$add": ["$a", 1]}}}])",
                R"({"_id": 1, "a": 1, "b": 2})"},
       }) {
    ExpectResult(c);
  }
}

TEST(UpdaterTest, ArrayOperators) {
  for (const Case& c : {
           Case{R"({"a": [1]})", R"({"$push": {"a": 2, "b": 3}})", R"({"a": [1, 2], "b": [3]})"},
           Case{R"({"a": [3]})", R"({"$push": {"a": {"$each": [1, 2], "$sort": 1, "$slice": -2}}})",
                R"({"a": [2, 3]})"},
           Case{R"({"a": [1, 4]})", R"({"$push": {"a": {"$each": [2, 3], "$position": 1}}})",
                R"({"a": [1, 2, 3, 4]})"},
           Case{R"({"a": [1]})", R"({"$addToSet": {"a": {"$each": [1, 2, 2]}}})",
                R"({"a": [1, 2]})"},
           Case{R"({"a": [1, 5, 9]})", R"({"$pull": {"a": {"$gt": 4}}})", R"({"a": [1]})"},
           Case{R"({"a": [{"x": 1, "y": 2}, {"x": 2}]})", R"({"$pull": {"a": {"x": 1}}})",
                R"({"a": [{"x": 2}]})"},
           Case{R"({"a": [1, 2, 1]})", R"({"$pullAll": {"a": [1]}})", R"({"a": [2]})"},
           Case{R"({"a": [1, 2]})", R"({"$pop": {"a": -1}})", R"({"a": [2]})"},
       }) {
    ExpectResult(c);
  }
}

TEST(UpdaterTest, PositionalOperators) {
  ExpectResult({R"({"a": [1, 2]})", R"({"$inc": {"a.$[]": 10}})", R"({"a": [11, 12]})"});
  ExpectResult({R"({"a": [{"x": 1}, {"x": 5}]})", R"({"$set": {"a.$[e].x": 0}})",
                R"({"a": [{"x": 1}, {"x": 0}]})"},
               R"({"f": [{"e.x": {"$gt": 2}}]})");
  ExpectResult({R"({"a": [1, 2]})", R"({"$set": {"a.$": 9}})", R"({"a": [1, 9]})"}, "{}", 1);
}

TEST(UpdaterTest, MistakesCarryMongoCodesAndChangeNothing) {
  EXPECT_EQ(ErrorOfUpdate(R"({"a": 1})", R"({"$foo": {"a": 1}})"), 9);
  EXPECT_EQ(ErrorOfUpdate(R"({"a": 1})", R"({"$set": {"a": 1}, "$inc": {"a.b": 1}})"), 40);
  EXPECT_EQ(ErrorOfUpdate(R"({"a": 1})", R"({"$set": {"a.b": 1}})"), 28);
  EXPECT_EQ(ErrorOfUpdate(R"({"_id": 1})", R"({"$set": {"_id": 2}})"), 66);
  EXPECT_EQ(ErrorOfUpdate(R"({"a": "x"})", R"({"$inc": {"a": 1}})"), 14);
  EXPECT_EQ(ErrorOfUpdate(R"({"a": 1})", R"({"$push": {"a": 1}})"), 2);
  EXPECT_EQ(
      ErrorOfUpdate(R"({"n": {"$numberLong": "9223372036854775807"}})", R"({"$inc": {"n": 1}})"),
      2);
  EXPECT_EQ(ErrorOfUpdate(R"({"a": [1]})", R"({"$set": {"a.$": 1}})"), 2);
  EXPECT_EQ(ErrorOfUpdate(R"({"a": [1]})", R"({"$set": {"a.9999999": 1}})"), 2);
}

TEST(UpdaterTest, AnUpdateToTheSameIsNoModification) {
  const auto outcome =
      Update(R"({"a": 1, "b": [1]})", R"({"$set": {"a": 1}, "$max": {"c": null}})");
  ASSERT_TRUE(outcome.ok());
  EXPECT_TRUE(outcome->modified);
  const auto same = Update(R"({"a": 1, "b": [1]})", R"({"$set": {"a": 1}, "$addToSet": {"b": 1}})");
  ASSERT_TRUE(same.ok());
  EXPECT_FALSE(same->modified);
}

TEST(UpdaterTest, UpsertsStartFromTheEqualitiesOfTheFilter) {
  const std::string f =
      Bson(R"({"a": 1, "b.c": {"$eq": 2}, "$and": [{"d": 3}], "e": {"$gt": 4}, "_id": 9})");
  const auto base = UpsertBase(bson::Document(AsBytes(f)));
  ASSERT_TRUE(base.ok());
  EXPECT_EQ(
      BsonToJson(bson::Document(AsBytes(*base)), JsonMode::kRelaxed),
      BsonToJson(bson::Document(AsBytes(Bson(R"({"_id": 9, "a": 1, "b": {"c": 2}, "d": 3})"))),
                 JsonMode::kRelaxed));
}

}  // namespace
}  // namespace nexadb::query
