// Collations as commands have them: what each of them compares, where the collation comes from, and
// which indexes may answer.
#include <random>

#include "plugins/database-document/testing/fixture.h"

namespace nexadb::database {
namespace {

constexpr const char* kInsensitive = R"("collation": {"locale": "en", "strength": 1})";
constexpr const char* kFruit = R"([{"_id": 1, "x": "apple"}, {"_id": 2, "x": "Apple"},
    {"_id": 3, "x": "Banana"}, {"_id": 4, "x": 7}, {"_id": 5, "x": ["APPLE", "kiwi"]}])";

class CollationCommands : public DatabaseFixture {
 protected:
  void Insert(std::string_view collection, std::string_view documents) {
    const std::string reply = Run(R"({"insert": ")" + std::string(collection) +
                                  R"(", "documents": )" + std::string(documents) + "}");
    ASSERT_EQ(reply.find("rror"), std::string::npos) << reply;
  }
  // A command with a collation at its end.
  static std::string With(std::string_view command, std::string_view collation = kInsensitive) {
    return "{" + std::string(command) + ", " + std::string(collation) + "}";
  }
};

TEST_F(CollationCommands, EveryReadComparesByIt) {
  Insert("c", kFruit);
  const auto batch = [&](std::string_view command) { return Batch(With(command)); };
  EXPECT_EQ(batch(R"("find": "c", "filter": {"x": "APPLE"}, "projection": {"x": 0})"),
            R"([{"_id":1},{"_id":2},{"_id":5}])");
  EXPECT_EQ(batch(R"("find": "c", "filter": {"x": {"$in": ["banana"]}})"),
            R"([{"_id":3,"x":"Banana"}])");
  EXPECT_EQ(batch(R"("find": "c", "filter": {"x": {"$regex": "^apple"}})"),
            R"([{"_id":1,"x":"apple"}])");
  EXPECT_EQ(batch(R"("find": "c", "filter": {"$expr": {"$eq": ["$x", "APPLE"]}}, "limit": 1)"),
            R"([{"_id":1,"x":"apple"}])");
  EXPECT_EQ(Run(With(R"("count": "c", "query": {"x": {"$gt": "APPLE", "$lt": "c"}})")),
            R"({"n":2,"ok":1.0})");
  EXPECT_EQ(Run(With(R"("distinct": "c", "key": "x")")),
            R"({"values":[7,"apple","Banana","kiwi"],"ok":1.0})");
  EXPECT_EQ(batch(R"("aggregate": "c", "cursor": {}, "pipeline": [{"$match": {"_id": {"$lte": 3}}},
                     {"$group": {"_id": "$x", "n": {"$sum": 1}}}, {"$sort": {"_id": -1}}])"),
            R"([{"_id":"Banana","n":1},{"_id":"apple","n":2}])");
  EXPECT_EQ(batch(R"("aggregate": 1, "cursor": {}, "pipeline": [{"$documents": [{}]},
      {"$project": {"_id": 0, "in": {"$in": ["a", ["A"]]},
       "at": {"$indexOfArray": [["B", "A"], "a"]},
       "set": {"$setUnion": [["b", "A"], ["a", "B"]]}, "max": {"$max": ["a", "B"]},
       "sorted": {"$sortArray": {"input": ["b", "A"], "sortBy": 1}},
       "bytes": {"$indexOfBytes": ["A", "a"]}}}])"),
            R"([{"in":true,"at":1,"set":["A","b"],"max":"B","sorted":["A","b"],"bytes":-1}])");
}

TEST_F(CollationCommands, ASortIsOfTheLanguageAndItsTiesAreOfTheId) {
  Insert("c", R"([{"_id": "b", "x": "A"}, {"_id": "a", "x": "b"}, {"_id": "C", "x": "a"},
                  {"_id": "A", "x": "B"}])");
  EXPECT_EQ(Batch(With(R"("find": "c", "sort": {"x": 1}, "projection": {"x": 0})")),
            R"([{"_id":"C"},{"_id":"b"},{"_id":"A"},{"_id":"a"}])");
  EXPECT_EQ(Batch(With(R"("find": "c", "sort": {"_id": 1}, "projection": {"x": 0})")),
            R"([{"_id":"A"},{"_id":"a"},{"_id":"b"},{"_id":"C"}])");
  EXPECT_EQ(Batch(With(R"("find": "c", "filter": {"_id": "B"})")), R"([{"_id":"b","x":"A"}])");
  // By the bytes of _id documents lie there already.
  const std::string by_id = R"("find": "c", "sort": {"_id": -1})";
  const std::string sorts = R"("stage":"SORT")";
  EXPECT_EQ(Run(R"({"explain": {)" + by_id + "}}").find(sorts), std::string::npos);
  EXPECT_NE(Run(R"({"explain": )" + With(by_id) + "}").find(sorts), std::string::npos);
}

TEST_F(CollationCommands, EveryWriteComparesByItsStatements) {
  Insert("c", kFruit);
  EXPECT_EQ(
      Run(R"({"update": "c", "updates": [{"q": {"x": "BANANA"}, "u": {"$set": {"u": 1}}, )" +
          std::string(kInsensitive) + R"(}, {"q": {"x": "BANANA"}, "u": {"$set": {"u": 2}}}]})"),
      R"({"n":1,"nModified":1,"ok":1.0})");
  EXPECT_EQ(Run(R"({"update": "c", "updates": [{"q": {"_id": 5}, "u": {"$pull": {"x": "Kiwi"},
                    "$min": {"m": "a"}, "$addToSet": {"s": "q"}}, )" +
                std::string(kInsensitive) + "}]}"),
            R"({"n":1,"nModified":1,"ok":1.0})");
  EXPECT_EQ(Run(R"({"update": "c", "updates": [{"q": {"_id": 5}, "u": {"$min": {"m": "A"},
                    "$addToSet": {"s": "Q"}, "$pullAll": {"x": ["none"]}}, )" +
                std::string(kInsensitive) + "}]}"),
            R"({"n":1,"nModified":0,"ok":1.0})");
  EXPECT_EQ(Run(With(R"("findAndModify": "c", "query": {"x": "BANANA"}, "remove": true)")),
            R"({"lastErrorObject":{"n":1},"value":{"_id":3,"x":"Banana","u":1},"ok":1.0})");
  EXPECT_EQ(Run(R"({"delete": "c", "deletes": [{"q": {"x": "aPPLE"}, "limit": 0, )" +
                std::string(kInsensitive) + "}]}"),
            R"({"n":3,"ok":1.0})");
  EXPECT_EQ(Batch(R"({"find": "c"})"), R"([{"_id":4,"x":7}])");
}

TEST_F(CollationCommands, ACollectionsOwnIsTheDefaultOfAllThatIsDoneWithIt) {
  EXPECT_EQ(CodeOf(With(R"("create": "c")")), 0);
  Insert("c", kFruit);
  Run(R"({"createIndexes": "c", "indexes": [{"key": {"x": 1}, "name": "x_1"}]})");
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(Run(R"({"count": "c", "query": {"x": "APPLE"}})"), R"({"n":3,"ok":1.0})");
    EXPECT_EQ(Run(R"({"count": "c", "query": {"x": "APPLE"}, "hint": "x_1"})"),
              R"({"n":3,"ok":1.0})");
    EXPECT_EQ(Run(R"({"count": "c", "query": {"x": "APPLE"}, "collation": {"locale": "simple"}})"),
              R"({"n":1,"ok":1.0})");
    EXPECT_NE(Run(R"({"listIndexes": "c"})").find(R"("strength":1)"), std::string::npos);
    EXPECT_NE(Run(R"({"listCollections": 1})").find(R"("strength":1)"), std::string::npos);
    Reopen();
  }
  EXPECT_EQ(Run(R"({"update": "c", "updates": [{"q": {"x": "BANANA"}, "u": {"$set": {"u": 1}}}]})"),
            R"({"n":1,"nModified":1,"ok":1.0})");
  EXPECT_EQ(Run(R"({"delete": "c", "deletes": [{"q": {"x": "APPLE"}, "limit": 0}]})"),
            R"({"n":3,"ok":1.0})");
}

TEST_F(CollationCommands, AUniqueIndexIsUniqueByItsCollation) {
  Run(R"({"createIndexes": "c", "indexes": [{"key": {"x": 1}, "name": "x_1", "unique": true, )" +
      std::string(kInsensitive) + "}]}");
  Insert("c", R"([{"_id": 1, "x": "apple"}])");
  EXPECT_NE(Run(R"({"insert": "c", "documents": [{"_id": 2, "x": "APPLE"}]})").find("11000"),
            std::string::npos);
  EXPECT_EQ(Run(R"({"insert": "c", "documents": [{"_id": 3, "x": "pear"}]})"),
            R"({"n":1,"ok":1.0})");
}

TEST_F(CollationCommands, AnIndexAnswersForStringsOnlyWhereCollationsAgree) {
  std::string documents;
  for (int i = 0; i < 500; ++i) {
    documents += (i ? "," : "") + std::string(R"({"x": "name)") + std::to_string(i) +
                 R"(", "n": )" + std::to_string(i) + "}";
  }
  Insert("c", "[" + documents + "]");
  Run(R"({"createIndexes": "c", "indexes": [{"key": {"x": 1}, "name": "x_1", )" +
      std::string(kInsensitive) + R"(}, {"key": {"n": 1}, "name": "n_1", )" +
      std::string(kInsensitive) + "}]}");
  const auto plan = [&](std::string_view find) {
    return Run(R"({"explain": {)" + std::string(find) + R"(}, "verbosity": "executionStats"})");
  };
  const std::string agrees =
      plan(R"("find": "c", "filter": {"x": "NAME77"}, )" + std::string(kInsensitive));
  EXPECT_NE(agrees.find(R"("indexName":"x_1")"), std::string::npos) << agrees;
  EXPECT_NE(agrees.find(R"("nReturned":1,)"), std::string::npos) << agrees;
  EXPECT_NE(agrees.find("CollationKey(0x"), std::string::npos) << agrees;
  const std::string other = plan(R"("find": "c", "filter": {"x": "name77"})");
  EXPECT_EQ(other.find(R"("stage":"IXSCAN")"), std::string::npos) << other;
  EXPECT_NE(other.find(R"("nReturned":1,)"), std::string::npos) << other;
  const std::string number = plan(R"("find": "c", "filter": {"n": 77})");
  EXPECT_NE(number.find(R"("indexName":"n_1")"), std::string::npos) << number;
}

TEST_F(CollationCommands, AViewHasOneCollationAndNoOther) {
  Insert("c", kFruit);
  EXPECT_EQ(CodeOf(With(R"("create": "v", "viewOn": "c", "pipeline": [])")), 0);
  EXPECT_EQ(Run(R"({"count": "v", "query": {"x": "APPLE"}})"), R"({"n":3,"ok":1.0})");
  EXPECT_EQ(CodeOf(R"({"find": "v", "collation": {"locale": "fr"}})"), 167);
  EXPECT_EQ(CodeOf(R"({"aggregate": "c", "cursor": {}, "pipeline": [{"$unionWith": "v"}]})"), 167);
  EXPECT_EQ(CodeOf(With(R"("aggregate": "c", "cursor": {}, "pipeline": [{"$unionWith": "v"}])")),
            0);
}

TEST_F(CollationCommands, AValidatorComparesByTheCollectionsCollation) {
  EXPECT_EQ(CodeOf(With(R"("create": "c", "validator": {"x": {"$in": ["yes", "no"]}})")), 0);
  EXPECT_EQ(Run(R"({"insert": "c", "documents": [{"_id": 1, "x": "YES"}]})"),
            R"({"n":1,"ok":1.0})");
  EXPECT_NE(Run(R"({"insert": "c", "documents": [{"_id": 2, "x": "maybe"}]})").find("121"),
            std::string::npos);
}

// Indexes of all collations, under queries of all collations, change no answer.
TEST_F(CollationCommands, AQueryGivesTheSameUnderIndexesOfAnyCollation) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto pick = [&](size_t n) {
    return std::uniform_int_distribution<size_t>(0, n - 1)(random);
  };
  const auto any = [&]<size_t n>(const char* const(&list)[n]) {
    return std::string(list[pick(n)]);
  };
  static constexpr const char* const kCollations[] = {
      R"({"locale": "simple"})", R"({"locale": "en", "strength": 1})",
      R"({"locale": "en", "strength": 2})", R"({"locale": "sv", "numericOrdering": true})"};
  static constexpr const char* const kValues[] = {
      R"("a")",        R"("A")",          R"("á")",   R"("b")",
      R"("B")",        R"("z2")",         R"("z10")", "1",
      "null",          R"(["A", "b"])",   R"("å")",   R"({"x": "A"})",
      R"({"x": "a"})", R"([["a"], "z"])", "2.5"};
  static constexpr const char* const kOperators[] = {"$eq", "$gt", "$gte", "$lt", "$lte", "$ne"};
  const auto condition = [&] {
    switch (pick(4)) {
      case 0: return any(kValues);
      case 1: return R"({"$in": [)" + any(kValues) + "," + any(kValues) + "]}";
      case 2: return std::string(R"({"$regex": "^a"})");
      default: return "{\"" + any(kOperators) + "\": " + any(kValues) + "}";
    }
  };
  for (int round = 0; round < 12; ++round) {
    Run(R"({"drop": "c"})");
    Run(R"({"create": "c", "collation": )" + any(kCollations) + "}");
    std::string documents;
    for (int i = 0; i < 40; ++i) {
      documents += (i ? "," : "") + std::string(R"({"_id": )") + std::to_string(i) + R"(, "a": )" +
                   any(kValues) + R"(, "b": )" + std::to_string(pick(3)) + "}";
    }
    Run(R"({"insert": "c", "documents": [)" + documents + "]}");
    for (int i = 0; i < 4; ++i) {
      const std::string partial =
          pick(4) == 0 ? R"(, "partialFilterExpression": {"a": {"$gte": "A"}})" : "";
      Run(R"({"createIndexes": "c", "indexes": [{"key": {"a": )" +
          std::string(pick(2) ? "1" : "-1") + std::string(pick(2) ? R"(, "b": 1)" : "") +
          R"(}, "name": "i)" + std::to_string(i) + R"(", "collation": )" + any(kCollations) +
          partial + "}]}");
    }
    for (int i = 0; i < 40; ++i) {
      std::string filter = R"({"a": )" + condition() + "}";
      if (pick(3) == 0) filter = R"({"$or": [)" + filter + R"(, {"a": )" + condition() + "}]}";
      const std::string collation = R"(, "collation": )" + any(kCollations);
      const std::string sort =
          pick(2) ? R"(, "sort": {"a": )" + std::string(pick(2) ? "1}" : "-1}") : std::string();
      const std::string rest =
          R"(, "filter": )" + filter + R"(, "batchSize": 100)" + collation + sort;
      const std::string scanned = Batch(R"({"find": "c", "hint": {"$natural": 1})" + rest + "}");
      ASSERT_NE(scanned.substr(0, 5), "error") << scanned;
      ASSERT_EQ(Batch(R"({"find": "c")" + rest + "}"), scanned) << rest;
      for (int index = 0; index < 4; ++index) {
        const std::string hinted =
            Batch(R"({"find": "c", "hint": "i)" + std::to_string(index) + "\"" + rest + "}");
        // Not every index could be made.
        if (hinted.starts_with("error 2:")) continue;
        ASSERT_EQ(hinted, scanned) << rest << "\n" << Run(R"({"listIndexes": "c"})");
      }
      const auto count = [&](const std::string& query) {
        auto reply = TryRun(*session_, R"({"count": "c", "query": )" + query + collation + "}");
        return reply.ok() ? bson::Document(reply->bytes())["n"].value().Int32() : -1000;
      };
      // A filter and its negation share the collection between them.
      ASSERT_EQ(count(filter) + count(R"({"$nor": [)" + filter + "]}"), 40) << filter;
    }
    const std::string valid = Run(R"({"validate": "c"})");
    ASSERT_NE(valid.find(R"("valid":true)"), std::string::npos) << valid;
  }
}

}  // namespace
}  // namespace nexadb::database
