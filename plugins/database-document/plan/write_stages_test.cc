// Laws of $out and $merge, and of reading through views.
#include <gtest/gtest.h>

#include "plugins/database-document/testing/fixture.h"

namespace nexadb::database {
namespace {

class WriteStages : public DatabaseFixture {
 protected:
  void SetUp() override {
    DatabaseFixture::SetUp();
    Run(R"({"insert": "c", "documents": [{"_id": 1, "n": 1}, {"_id": 2, "n": 2},
            {"_id": 3, "n": 2}]})");
  }
  std::string Aggregate(std::string_view stages, std::string_view more = "") {
    return R"({"aggregate": "c", "cursor": {}, "pipeline": [)" + std::string(stages) + "]" +
           std::string(more) + "}";
  }
  // The collections of the database that no test made.
  std::string Leftovers() {
    return Batch(
        R"({"listCollections": 1, "nameOnly": true, "filter": {"name": {"$regex": "^tmp"}}})");
  }
};

TEST_F(WriteStages, OutKeepsTheOptionsAndIndexesOfWhatItReplaces) {
  Run(R"({"create": "t", "collation": {"locale": "en", "strength": 2},
          "validator": {"n": {"$lt": 5}}})");
  Run(R"({"insert": "t", "documents": [{"_id": 9, "n": 0}]})");
  Run(R"({"createIndexes": "t", "indexes": [{"key": {"n": 1}, "name": "n"},
          {"key": {"u": 1}, "name": "u", "unique": true, "sparse": true}]})");
  EXPECT_EQ(CodeOf(Aggregate(R"({"$set": {"s": "A"}}, {"$out": "t"})")), 0);
  EXPECT_EQ(Batch(R"({"find": "t", "filter": {"s": "a", "n": 2}, "hint": "n"})"),
            R"([{"_id":2,"n":2,"s":"A"},{"_id":3,"n":2,"s":"A"}])");
  EXPECT_EQ(CodeOf(R"({"insert": "t", "documents": [{"_id": 10, "n": 7}]})"), 0);
  EXPECT_EQ(Count("t"), 3) << "the validator refused it";
  Run(R"({"insert": "t", "documents": [{"_id": 11, "n": 1, "u": "x"},
          {"_id": 12, "n": 1, "u": "X"}]})");
  EXPECT_EQ(Count("t"), 4) << "the unique index holds, and its collation";
  EXPECT_NE(Run(R"({"validate": "t"})").find(R"("valid":true)"), std::string::npos);
}

TEST_F(WriteStages, WhatTheTargetRefusesLeavesItAsItWas) {
  Run(R"({"create": "t", "validator": {"n": {"$lt": 2}}})");
  Run(R"({"insert": "t", "documents": [{"_id": 9, "n": 0}]})");
  const std::string before = Batch(R"({"find": "t"})");
  EXPECT_EQ(CodeOf(Aggregate(R"({"$out": "t"})")), 121);
  EXPECT_EQ(CodeOf(Aggregate(R"({"$match": {"n": 2}}, {"$merge": "t"})")), 121);
  EXPECT_EQ(CodeOf(Aggregate(R"({"$out": "t"})", R"(, "bypassDocumentValidation": false)")), 121);
  Run(R"({"createIndexes": "t", "indexes": [{"key": {"k": 1}, "name": "k", "unique": true}]})");
  const std::string bypass = R"(, "bypassDocumentValidation": true)";
  EXPECT_EQ(CodeOf(Aggregate(R"({"$out": "t"})", bypass)), 11000) << "two documents without k";
  EXPECT_EQ(Batch(R"({"find": "t", "filter": {"_id": 9}})"), before);
  EXPECT_EQ(Leftovers(), "[]");
  Run(R"({"dropIndexes": "t", "index": "k"})");
  EXPECT_EQ(CodeOf(Aggregate(R"({"$out": "t"})", bypass)), 0);
  EXPECT_EQ(Count("t"), 3);
}

TEST_F(WriteStages, AViewIsNeverReplaced) {
  Run(R"({"create": "v", "viewOn": "c", "pipeline": []})");
  EXPECT_EQ(CodeOf(Aggregate(R"({"$out": "v"})")), 17017);
  EXPECT_EQ(Leftovers(), "[]");
}

TEST_F(WriteStages, ViewsOnViewsAreAsDeepAsAQueryFollows) {
  std::string on = "c";
  for (int depth = 1; depth <= 20; ++depth) {
    const std::string name = "v" + std::to_string(depth);
    const std::string create =
        R"({"create": ")" + name + R"(", "viewOn": ")" + on + R"(", "pipeline": []})";
    ASSERT_EQ(CodeOf(create), 0) << name;
    on = name;
  }
  EXPECT_EQ(CodeOf(R"({"create": "v21", "viewOn": "v20", "pipeline": []})"), 165);
  EXPECT_EQ(Batch(R"({"find": "v20", "filter": {"_id": 1}})"), R"([{"_id":1,"n":1}])");
  EXPECT_EQ(CodeOf(R"({"collMod": "v1", "viewOn": "v3", "pipeline": []})"), 5);
  EXPECT_EQ(CodeOf(R"({"create": "w", "viewOn": "w", "pipeline": []})"), 5);
}

TEST_F(WriteStages, AViewOfWhatMayNotBeReadIsRefusedBeforeAnyDocument) {
  Run(R"({"create": "empty"})");
  Run(R"({"insert": "secret", "documents": [{"_id": 1}]})");
  Run(R"({"create": "v", "viewOn": "empty", "pipeline": [
          {"$lookup": {"from": "secret", "localField": "n", "foreignField": "_id", "as": "s"}}]})");
  principal_.allows = [](Action, const Resource& resource) {
    return std::string_view(resource.name) != "secret";
  };
  for (const char* read :
       {R"({"find": "v"})", R"({"count": "v"})", R"({"distinct": "v", "key": "n"})",
        R"({"aggregate": "v", "cursor": {}, "pipeline": []})"}) {
    EXPECT_EQ(CodeOf(read), 13) << read;
  }
}

TEST_F(WriteStages, AViewBehindALookupIsRefusedBeforeAnyDocument) {
  Run(R"({"create": "empty"})");
  Run(R"({"insert": "secret", "documents": [{"_id": 1}]})");
  Run(R"({"create": "peek", "viewOn": "secret", "pipeline": []})");
  Run(R"({"create": "joins", "viewOn": "empty", "pipeline": [
          {"$lookup": {"from": "peek", "pipeline": [], "as": "s"}}]})");
  Run(R"({"create": "over", "viewOn": "joins", "pipeline": [{"$unionWith": "over2"}]})");
  Run(R"({"create": "over2", "viewOn": "empty", "pipeline": [{"$unionWith": "joins"}]})");
  const auto reads = [&](std::string_view name) {
    const std::string stages = R"("pipeline": [{"$lookup": {"from": ")" + std::string(name) +
                               R"(", "pipeline": [], "as": "s"}}], "cursor": {}})";
    const std::string aggregate = R"({"aggregate": "empty", )" + stages;
    EXPECT_EQ(CodeOf(aggregate), CodeOf(R"({"explain": )" + aggregate + "}")) << name;
    return CodeOf(aggregate);
  };
  EXPECT_EQ(reads("over"), 0);
  principal_.allows = [](Action, const Resource& resource) {
    return std::string_view(resource.name) != "secret";
  };
  for (const char* name : {"peek", "joins", "over", "over2"}) EXPECT_EQ(reads(name), 13) << name;
  EXPECT_EQ(CodeOf(R"({"create": "w", "viewOn": "empty", "pipeline": [{"$unionWith": "over"}]})"),
            13);
  EXPECT_EQ(reads("empty"), 0);
}

}  // namespace
}  // namespace nexadb::database
