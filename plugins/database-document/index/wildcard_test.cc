// Wildcard indexes: which entries a document has, what is read from them and what is refused.
// That their answers are those of no index is held in plan/index_laws_test.cc.
#include "plugins/database-document/testing/fixture.h"

namespace nexadb::database {
namespace {

class WildcardIndexes : public DatabaseFixture {
 protected:
  int Create(const std::string& spec) {
    return CodeOf(R"({"createIndexes": "c", "indexes": [{"name": "w", )" + spec + "}]}");
  }
  std::string Explained(const std::string& filter) {
    return Run(R"({"explain": {"find": "c", "filter": )" + filter +
               R"(, "hint": "w"}, "verbosity": "executionStats"})");
  }
  static bool Has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }
  // Whether the filter is answered by so many entries of the index.
  ::testing::AssertionResult Reads(const std::string& filter, int entries) {
    const std::string plan = Explained(filter);
    const std::string keys = "\"totalKeysExamined\":" + std::to_string(entries) + ",";
    if (Has(plan, R"("stage":"IXSCAN")") && Has(plan, keys)) return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << plan;
  }
  ::testing::AssertionResult Scans(const std::string& filter) {
    const std::string plan = Explained(filter);
    if (Has(plan, R"("stage":"COLLSCAN")")) return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << plan;
  }
};

TEST_F(WildcardIndexes, AConditionOnAnyPathReadsItsEntriesAlone) {
  ASSERT_EQ(Create(R"("key": {"$**": 1})"), 0);
  Run(R"({"insert": "c", "documents": [{"_id": 1, "a": 5, "b": {"c": {"d": 7}}},
         {"_id": 2, "a": [5, {"x": 1}, []], "b": {}}, {"_id": 3, "a": null}]})");
  EXPECT_TRUE(Reads(R"({"a": 5})", 2));
  EXPECT_TRUE(Reads(R"({"b.c.d": {"$gt": 6}})", 1));
  EXPECT_TRUE(Reads(R"({"a.x": 1})", 1));
  EXPECT_TRUE(Reads(R"({"b": {}})", 1));
  EXPECT_TRUE(Reads(R"({"nowhere": 1})", 0));
  const std::string plan = Explained(R"({"b.c.d": 7})");
  EXPECT_TRUE(Has(plan, R"("keyPattern":{"$_path":1,"b.c.d":1})")) << plan;
  EXPECT_TRUE(Has(plan, R"("$_path":["[\"b.c.d\", \"b.c.d\"]"],"b.c.d":["[7, 7]"])")) << plan;
}

TEST_F(WildcardIndexes, WhatHasNoEntryIsNotAskedForThere) {
  ASSERT_EQ(Create(R"("key": {"$**": 1})"), 0);
  Run(R"({"insert": "c", "documents": [{"_id": 1, "a": {"b": 1}}, {"_id": 2}]})");
  for (const char* filter :
       {R"({"a": null})", R"({"a": {"$exists": false}})", R"({"a": {"$ne": 1}})",
        R"({"a": {"b": 1}})", R"({"a.0": 1})", R"({"a": {"$in": [null, 1]}})", "{}"}) {
    EXPECT_TRUE(Scans(filter)) << filter;
  }
  EXPECT_EQ(Batch(R"({"find": "c", "filter": {"a": {"b": 1}}, "hint": "w"})"),
            R"([{"_id":1,"a":{"b":1}}])");
}

TEST_F(WildcardIndexes, ARangeHasBothSidesWhereNoArrayIs) {
  ASSERT_EQ(Create(R"("key": {"$**": 1})"), 0);
  std::string documents = R"({"_id": -1, "tags": [1, 2, 3]})";
  for (int i = 0; i < 50; ++i) {
    documents += R"(,{"_id": )" + std::to_string(i) + R"(, "n": )" + std::to_string(i) + "}";
  }
  Run(R"({"insert": "c", "documents": [)" + documents + "]}");
  EXPECT_TRUE(Reads(R"({"n": {"$gte": 10, "$lt": 15}})", 5));
  EXPECT_TRUE(Reads(R"({"tags": {"$gte": 2, "$lt": 3}})", 2));
}

TEST_F(WildcardIndexes, AProjectionSaysWhichPathsThereAre) {
  ASSERT_EQ(Create(R"("key": {"$**": 1}, "wildcardProjection": {"a": {"b": 1}, "_id": 1})"), 0);
  Run(R"({"insert": "c", "documents": [{"_id": 1, "a": {"b": 1, "c": 1}, "d": 1}]})");
  EXPECT_TRUE(Reads(R"({"a.b": 1})", 1));
  EXPECT_TRUE(Reads(R"({"_id": {"$gt": 0}})", 1));
  EXPECT_TRUE(Scans(R"({"a.c": 1})"));
  EXPECT_TRUE(Scans(R"({"d": 1})"));
  Run(R"({"dropIndexes": "c", "index": "w"})");
  ASSERT_EQ(Create(R"("key": {"$**": 1}, "wildcardProjection": {"a.b": 0})"), 0);
  EXPECT_TRUE(Scans(R"({"a.b": 1})"));
  EXPECT_TRUE(Reads(R"({"a.c": 1})", 1));
  Run(R"({"dropIndexes": "c", "index": {"$**": 1}})");
  ASSERT_EQ(Create(R"("key": {"a.$**": 1})"), 0);
  EXPECT_TRUE(Reads(R"({"a.c": 1})", 1));
  EXPECT_TRUE(Scans(R"({"d": 1})"));
}

TEST_F(WildcardIndexes, WritesKeepItTrue) {
  Run(R"({"insert": "c", "documents": [{"_id": 1, "a": {"b": [1, 2]}}]})");
  ASSERT_EQ(Create(R"("key": {"$**": 1})"), 0);
  Run(R"({"update": "c", "updates": [{"q": {"_id": 1}, "u": {"$set": {"a.c": 9}, "$pop": {"a.b": 1}}}]})");
  EXPECT_TRUE(Reads(R"({"a.c": 9})", 1));
  EXPECT_TRUE(Reads(R"({"a.b": 2})", 0));
  Run(R"({"delete": "c", "deletes": [{"q": {"a.b": 1}, "limit": 0, "hint": "w"}]})");
  EXPECT_TRUE(Reads(R"({"a.c": 9})", 0));
  const std::string valid = Run(R"({"validate": "c"})");
  EXPECT_TRUE(Has(valid, R"("valid":true)")) << valid;
}

TEST_F(WildcardIndexes, WhatMongoDBRefusesIsRefused) {
  const struct {
    const char* spec;
    int code;
  } kCases[] = {
      {R"("key": {"$**": -1})", 67},
      {R"("key": {"$**": "text"})", 67},
      {R"("key": {"$**": 0})", 67},
      {R"("key": {"$**": 1}, "unique": true)", 67},
      {R"("key": {"$**": 1}, "sparse": true)", 67},
      {R"("key": {"$**": 1}, "v": 1)", 67},
      {R"("key": {"$**": 1}, "expireAfterSeconds": 1)", 67},
      {R"("key": {"a.$**": 1, "b.$**": 1})", 67},
      {R"("key": {"a.$**.b": 1})", 67},
      {R"("key": {"a": 1}, "wildcardProjection": {"b": 1})", 2},
      {R"("key": {"a.$**": 1}, "wildcardProjection": {"b": 1})", 9},
      {R"("key": {"$**": 1}, "wildcardProjection": {})", 9},
      {R"("key": {"$**": 1}, "wildcardProjection": 1)", 14},
      {R"("key": {"$**": 1}, "wildcardProjection": {"a": 1, "b": 0})", 31254},
      {R"("key": {"$**": 1}, "wildcardProjection": {"a": 1, "a.b": 1})", 31249},
      {R"("key": {"$**": 1}, "wildcardProjection": {"a": "x"})", 51271},
      {R"("key": {"a": 1, "$**": 1})", 67},
      {R"("key": {"a.b": 1, "a.$**": 1})", 67},
      {R"("key": {"a": 1, "$**": 1}, "wildcardProjection": {"b": 0})", 7246209},
  };
  for (const auto& refused : kCases) EXPECT_EQ(Create(refused.spec), refused.code) << refused.spec;
}

}  // namespace
}  // namespace nexadb::database
