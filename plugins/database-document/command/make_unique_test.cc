// Laws of collMod's `unique`: an index becomes unique where no documents share values, and from
// then on is like one that always was; where they do, they are named and nothing changes; beside
// writers no two documents ever share values of an index that calls itself unique.
#include <thread>

#include "plugins/database-document/testing/fixture.h"

namespace nexadb::database {
namespace {

constexpr std::string_view kUnique = R"({"collMod": "c", "index": {"name": "a", "unique": true}})";

class MakeUnique : public DatabaseFixture {
 protected:
  void Insert(std::string_view documents) {
    const std::string reply =
        Run(R"({"insert": "c", "documents": [)" + std::string(documents) + "]}");
    ASSERT_EQ(reply.find("rror"), std::string::npos) << reply;
  }
  void Create(std::string_view more = "") {
    const std::string reply = Run(R"({"createIndexes": "c", "indexes": [
        {"name": "a", "key": {"a": 1})" +
                                  std::string(more) + "}]}");
    ASSERT_EQ(reply.find("error"), std::string::npos) << reply;
  }
  // The groups of a refusal as JSON; empty when there are none.
  std::string Violations(Session& session) {
    auto reply = TryRun(session, kUnique);
    EXPECT_EQ(MongoCode(reply.status()), 359) << reply.status().message();
    EXPECT_EQ(MongoCodeName(MongoCode(reply.status())), "CannotConvertIndexToUnique");
    if (reply.ok() || reply.status().detail().empty()) return "";
    return Json(reply.status().detail());
  }
  void ExpectValid() {
    const std::string valid = Run(R"({"validate": "c", "full": true})");
    EXPECT_NE(valid.find(R"("valid":true)"), std::string::npos) << valid;
  }
  bool TakesSecond(std::string_view value) {
    return Run(R"({"insert": "c", "documents": [{"_id": "second", "a": )" + std::string(value) +
               "}]}")
               .find("11000") == std::string::npos;
  }
};

TEST_F(MakeUnique, AnIndexBecomesUniqueAndKeepsWhatElseItWas) {
  std::string documents;
  for (int i = 0; i < 2000; ++i) {
    documents += (i ? "," : "") + std::string(R"({"_id": )") + std::to_string(i) + R"(, "a": [)" +
                 std::to_string(2 * i) + ", " + std::to_string(2 * i + 1) + "]}";
  }
  Insert(documents);
  Create(R"(, "hidden": true)");
  EXPECT_EQ(Run(kUnique), R"({"unique_new":true,"ok":1.0})");
  EXPECT_EQ(Run(kUnique), R"({"ok":1.0})");
  ExpectValid();
  EXPECT_EQ(Batch(R"({"listIndexes": "c"})"),
            R"([{"v":2,"key":{"_id":1},"name":"_id_"},)"
            R"({"v":2,"name":"a","key":{"a":1},"hidden":true,"unique":true}])");
  EXPECT_FALSE(TakesSecond("[9999999, 77]"));
  Run(R"({"collMod": "c", "index": {"name": "a", "hidden": false}})");
  EXPECT_EQ(Batch(R"({"find": "c", "filter": {"a": 77}, "hint": "a"})"),
            R"([{"_id":38,"a":[76,77]}])");
  Reopen();
  EXPECT_FALSE(TakesSecond("77"));
  EXPECT_TRUE(TakesSecond("-1"));
  ExpectValid();
}

TEST_F(MakeUnique, DocumentsThatShareValuesAreNamedAndNothingChanges) {
  Insert(R"({"_id": 1, "a": 5}, {"_id": "x", "a": [5.0, 6]}, {"_id": 3, "a": 6}, {"_id": 4},
            {"_id": 5, "a": null}, {"_id": 6, "a": 7}, {"_id": 7, "a": {"$numberDecimal": "5"}})");
  Create();
  EXPECT_EQ(Violations(*session_),
            R"({"violations":[{"ids":[4,5]},{"ids":[1,7,"x"]},{"ids":[3,"x"]}]})");
  EXPECT_EQ(Batch(R"({"listIndexes": "c"})").find("unique"), std::string::npos);
  EXPECT_TRUE(TakesSecond("7"));
  EXPECT_EQ(Violations(*session_),
            R"({"violations":[{"ids":[4,5]},{"ids":[1,7,"x"]},{"ids":[3,"x"]},)"
            R"({"ids":[6,"second"]}]})");
  Run(R"({"delete": "c", "deletes": [{"q": {"_id": {"$in": ["x", "second", 5, 7]}}, "limit": 0}]})");
  EXPECT_EQ(Run(kUnique), R"({"unique_new":true,"ok":1.0})");
  EXPECT_FALSE(TakesSecond("null"));
  ExpectValid();
}

TEST_F(MakeUnique, WhatThePartialIndexLeavesOutMayRepeat) {
  Insert(R"({"_id": 1, "a": 5}, {"_id": 2, "a": 5, "b": 1}, {"_id": 3, "a": 5})");
  Create(R"(, "partialFilterExpression": {"b": 1})");
  EXPECT_EQ(Run(kUnique), R"({"unique_new":true,"ok":1.0})");
  EXPECT_TRUE(TakesSecond("5"));
  EXPECT_FALSE(TakesSecond(R"(5, "b": 1)"));
}

TEST_F(MakeUnique, ManyViolationsAreNamedUpToALimit) {
  std::string documents;
  for (int i = 0; i < 3000; ++i) {
    documents += (i ? "," : "") + std::string(R"({"_id": )") + std::to_string(i) + R"(, "a": 1})";
  }
  Insert(documents);
  Create();
  const std::string found = Violations(*session_);
  EXPECT_NE(found.find("997,998,999]"), std::string::npos) << found.substr(found.size() - 50);
  EXPECT_EQ(found.find("1000"), std::string::npos);
}

TEST_F(MakeUnique, ADryRunOnlyLooks) {
  Insert(R"({"_id": 1, "a": 5}, {"_id": 2, "a": 6})");
  Create();
  const std::string dry =
      R"({"collMod": "c", "dryRun": true, "index": {"name": "a", "unique": true}})";
  EXPECT_EQ(Run(dry), R"({"ok":1.0})");
  EXPECT_TRUE(TakesSecond("5"));
  EXPECT_EQ(CodeOf(dry), 359);
}

TEST_F(MakeUnique, WhoMayNotReadLearnsNoIds) {
  Insert(R"({"_id": 1, "a": 5}, {"_id": 2, "a": 5})");
  Create();
  FakePrincipal manager;
  manager.allows = [](Action action, const Resource&) { return action == Action::kManage; };
  auto session = NewSession(manager, 0);
  EXPECT_EQ(Violations(*session), "");
  FakePrincipal reader;
  reader.allows = [](Action action, const Resource&) { return action != Action::kManage; };
  auto other = NewSession(reader, 0);
  EXPECT_EQ(MongoCode(TryRun(*other, kUnique).status()), 13);
}

TEST_F(MakeUnique, WhatCannotBeDoneIsRefused) {
  Insert(R"({"_id": 1, "a": 5})");
  Create();
  Run(R"({"createIndexes": "c", "indexes": [{"name": "w", "key": {"$**": 1}}]})");
  const auto code = [&](std::string_view index, std::string_view more = "") {
    return CodeOf(R"({"collMod": "c", "index": )" + std::string(index) + std::string(more) + "}");
  };
  EXPECT_EQ(code(R"({"name": "a", "unique": false})"), 2);
  EXPECT_EQ(code(R"({"name": "b", "unique": true})"), 27);
  EXPECT_EQ(code(R"({"name": "_id_", "unique": true})"), 2);
  EXPECT_EQ(code(R"({"name": "w", "unique": true})"), 67);
  EXPECT_EQ(code(R"({"name": "a", "prepareUnique": true})"), 115);
  EXPECT_EQ(code(R"({"name": "a", "unique": true, "hidden": true})"), 72);
  EXPECT_EQ(code(R"({"name": "a", "unique": true})", R"(, "validator": {})"), 72);
  EXPECT_EQ(code(R"({"name": "a", "hidden": true})", R"(, "dryRun": true)"), 72);
  EXPECT_EQ(code(R"({"name": "a", "hidden": false})", R"(, "dryRun": 0)"), 0);
  EXPECT_EQ(CodeOf(R"({"collMod": "none", "index": {"name": "a", "unique": true}})"), 26);
  EXPECT_TRUE(TakesSecond("5"));
}

// Two writers try to give documents the same values all the while.
TEST_F(MakeUnique, BesideWritersNoTwoDocumentsShareValues) {
  std::atomic<bool> stop{false};
  std::atomic<int> others{0};
  const auto write = [&](int thread) {
    auto session = NewSession();
    for (int i = 0; !stop; ++i) {
      const std::string id = "\"" + std::to_string(thread) + "-" + std::to_string(i % 400) + "\"";
      const std::string a = std::to_string((i * 7) % 500);
      const std::string commands[] = {
          R"({"insert": "c", "documents": [{"_id": )" + id + R"(, "a": )" + a + "}]}",
          R"({"update": "c", "updates": [{"q": {"_id": )" + id + R"(}, "u": {"$set": {"a": )" +
              std::to_string((i * 11) % 500) + "}}}]}",
          R"({"delete": "c", "deletes": [{"q": {"_id": )" + id + R"(}, "limit": 1}]})"};
      for (const std::string& command : commands) {
        // Taken keys are write errors of a reply; only other failures are not OK.
        others += TryRun(*session, command).ok() ? 0 : 1;
      }
    }
  };
  std::string documents;
  for (int i = 0; i < 3000; ++i) {
    documents += (i ? "," : "") + std::string(R"({"_id": )") + std::to_string(i) + R"(, "a": )" +
                 std::to_string(1000 + i) + "}";
  }
  Insert(documents);
  Create();
  std::thread first(write, 0), second(write, 1);
  int made = 0;
  for (int round = 0; round < 60 && made < 5; ++round) {
    const std::string reply = Run(kUnique);
    if (reply.find("unique_new") != std::string::npos) {
      ++made;
      EXPECT_EQ(Batch(R"({"aggregate": "c", "cursor": {}, "pipeline": [{"$group": {"_id": "$a",
                          "n": {"$sum": 1}}}, {"$match": {"n": {"$gt": 1}}}]})"),
                "[]");
      ExpectValid();
      EXPECT_EQ(Run(R"({"dropIndexes": "c", "index": {"a": 1}})").find("error"), std::string::npos);
      Create();
    } else {
      EXPECT_NE(reply.find("error 359"), std::string::npos) << reply;
      ExpectValid();
    }
  }
  stop = true;
  first.join();
  second.join();
  EXPECT_EQ(others, 0);
  Run(R"({"delete": "c", "deletes": [{"q": {"a": {"$lt": 1000}}, "limit": 0}]})");
  EXPECT_EQ(Run(kUnique), R"({"unique_new":true,"ok":1.0})");
  ExpectValid();
}

}  // namespace
}  // namespace nexadb::database
