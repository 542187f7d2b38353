// Laws of inferred schemas and of validators, on the plugin as a whole.
#include <gtest/gtest.h>

#include "plugins/database-document/testing/fixture.h"

namespace nexadb::database {
namespace {

class SchemaTest : public DatabaseFixture {
 protected:
  std::string Infer(uint64_t sample, std::string_view name = "c") {
    auto* facet = static_cast<SchemaInference*>(database_->Facet(SchemaInference::kInterface));
    auto reply = facet->Infer(*session_, "test", name, sample);
    if (!reply.ok()) return "error " + std::to_string(reply.status().number());
    reply_ = std::string(AsText(reply->bytes()));
    return Json(reply->bytes());
  }
  std::string Field(std::string_view path) {
    for (const bson::Element& e : bson::Document(AsBytes(reply_))["fields"].value().Doc()) {
      if (e.value().Doc()["path"].value().Text() == path) return Json(e.value().Doc().bytes());
    }
    return "none";
  }
  std::string reply_;
};

TEST_F(SchemaTest, PathsAreCountedWithTheirTypes) {
  Run(R"({"insert": "c", "documents": [{"_id": 1, "a": {"b": 1}, "t": ["x", 2]},
          {"_id": 2, "a": {"b": 7.5, "c": null}, "t": [{"k": true}]}]})");
  Infer(100);
  EXPECT_EQ(Field("a.b"),
            R"({"path":"a.b","count":2,"share":1.0,"types":[{"type":"double","count":1},)"
            R"({"type":"int","count":1}],"min":1,"max":7.5})");
  EXPECT_EQ(Field("a.c"),
            R"({"path":"a.c","count":1,"share":0.5,"types":[{"type":"null","count":1}]})");
  EXPECT_EQ(Field("t"), R"({"path":"t","count":2,"share":1.0,"types":[{"type":"array","count":2}],)"
                        R"("items":[{"type":"int","count":1},{"type":"object","count":1},)"
                        R"({"type":"string","count":1}]})");
  EXPECT_EQ(Field("t.k"),
            R"({"path":"t.k","count":1,"share":1.0,"types":[{"type":"bool","count":1}]})");
}

TEST_F(SchemaTest, EveryDocumentSatisfiesTheSchemaInferredFromIt) {
  Run(R"({"insert": "c", "documents": [{"_id": 1, "a": {"b": 1}, "t": ["x", {"k": 1}]},
          {"_id": "two", "a": 5, "t": null}, {"_id": 3, "t": [[1]], "x": {"$numberLong": "5"}}]})");
  Infer(100);
  const std::string schema =
      BsonToJson(bson::Document(AsBytes(reply_))["schema"].value().Doc(), JsonMode::kRelaxed);
  EXPECT_EQ(Run(R"({"count": "c", "query": {"$jsonSchema": )" + schema + "}}"),
            R"({"n":3,"ok":1.0})");
}

TEST_F(SchemaTest, ASampleHasBothEnds) {
  for (int i = 0; i < 10; ++i) {
    Run(R"({"insert": "c", "documents": [{"_id": )" + std::to_string(i) + R"(, "f)" +
        std::to_string(i) + R"(": 1}]})");
  }
  const std::string all = Infer(4);
  EXPECT_NE(all.find(R"("documents":10,"sampled":4)"), std::string::npos) << all;
  EXPECT_NE(Field("f0"), "none");
  EXPECT_NE(Field("f9"), "none");
  EXPECT_EQ(Field("f5"), "none");
  EXPECT_EQ(Infer(4, "absent"),
            "error " + std::to_string(static_cast<int>(ErrorId::kCollectionNotFound)));
}

TEST_F(SchemaTest, TheRefusalSaysWhichRuleDoesNotHold) {
  Run(R"({"create": "c", "validator": {"$jsonSchema": {"required": ["a"],
          "properties": {"n": {"bsonType": "int", "description": "a whole number"}}}}})");
  auto reply = TryRun(*session_, R"({"insert": "c", "documents": [{"_id": 1, "n": "x"}]})");
  ASSERT_TRUE(reply.ok());
  const bson::Document error =
      (*bson::Document(reply->bytes())["writeErrors"].value().Doc().begin()).value().Doc();
  EXPECT_EQ(error["code"].value().Int32(), 121);
  EXPECT_EQ(Json(error["errInfo"].value().Doc().bytes()),
            R"({"failingDocumentId":1,"details":{"operatorName":"$jsonSchema",)"
            R"("schemaRulesNotSatisfied":[{"operatorName":"required","specifiedAs":["a"],)"
            R"("missingProperties":["a"]},{"operatorName":"properties","propertiesNotSatisfied":)"
            R"([{"propertyName":"n","description":"a whole number",)"
            R"("specifiedAs":{"bsonType":"int","description":"a whole number"},)"
            R"("consideredValue":"x"}]}]}})");
  EXPECT_EQ(Count("c"), 0);
}

TEST_F(SchemaTest, ModerateLeavesWhatWasWrongAndWarnTakesAll) {
  Run(R"({"insert": "c", "documents": [{"_id": 1, "n": -1}, {"_id": 2, "n": 2}]})");
  Run(R"({"collMod": "c", "validator": {"n": {"$gt": 0}}, "validationLevel": "moderate"})");
  const auto set = [&](int id, int n) {
    return Run(R"({"update": "c", "updates": [{"q": {"_id": )" + std::to_string(id) +
               R"(}, "u": {"$set": {"n": )" + std::to_string(n) + "}}}]}");
  };
  EXPECT_EQ(set(1, -5).find("writeErrors"), std::string::npos);
  EXPECT_NE(set(2, -5).find("\"code\":121"), std::string::npos);
  Run(R"({"collMod": "c", "validationLevel": "strict"})");
  EXPECT_NE(set(1, -6).find("\"code\":121"), std::string::npos);
  Run(R"({"collMod": "c", "validationAction": "warn"})");
  EXPECT_EQ(set(2, -5).find("writeErrors"), std::string::npos);
}

}  // namespace
}  // namespace nexadb::database
