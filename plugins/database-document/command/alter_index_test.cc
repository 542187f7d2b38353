// Laws of collMod's `index`: a hidden index is kept and enforced but not read, and comes back as it
// was; a change of when documents expire holds from the next sweep on.
#include "plugins/database-document/testing/fixture.h"

namespace nexadb::database {
namespace {

class AlterIndex : public DatabaseFixture {
 protected:
  void SetUp() override {
    DatabaseFixture::SetUp();
    std::string documents;
    for (int i = 0; i < 500; ++i) {
      documents += (i ? "," : "") + std::string(R"({"_id": )") + std::to_string(i) + R"(, "a": )" +
                   std::to_string(i) + "}";
    }
    Run(R"({"insert": "c", "documents": [)" + documents + "]}");
    Run(R"({"createIndexes": "c", "indexes": [{"name": "a", "key": {"a": 1}, "unique": true}]})");
  }
  std::string Change(std::string_view index) {
    return Run(R"({"collMod": "c", "index": )" + std::string(index) + "}");
  }
  int CodeOfChange(std::string_view index) {
    return CodeOf(R"({"collMod": "c", "index": )" + std::string(index) + "}");
  }
  bool ReadsIndex() {
    return Run(R"({"explain": {"find": "c", "filter": {"a": 7}}, "verbosity": "queryPlanner"})")
               .find(R"("stage":"IXSCAN")") != std::string::npos;
  }
};

TEST_F(AlterIndex, AHiddenIndexIsEnforcedButNotRead) {
  EXPECT_TRUE(ReadsIndex());
  EXPECT_EQ(Change(R"({"name": "a", "hidden": true})"),
            R"({"hidden_old":false,"hidden_new":true,"ok":1.0})");
  EXPECT_FALSE(ReadsIndex());
  EXPECT_EQ(CodeOf(R"({"find": "c", "hint": "a"})"), 2);
  EXPECT_NE(Run(R"({"insert": "c", "documents": [{"_id": "x", "a": 7}]})").find("11000"),
            std::string::npos);
  EXPECT_NE(Batch(R"({"listIndexes": "c"})").find(R"("hidden":true)"), std::string::npos);
  // What is written meanwhile is in it when it comes back.
  Run(R"({"update": "c", "updates": [{"q": {"_id": 7}, "u": {"$set": {"a": 1007}}}]})");
  EXPECT_EQ(Change(R"({"keyPattern": {"a": 1}, "hidden": false})"),
            R"({"hidden_old":true,"hidden_new":false,"ok":1.0})");
  EXPECT_EQ(Change(R"({"name": "a", "hidden": false})"), R"({"ok":1.0})") << "as it was";
  EXPECT_TRUE(ReadsIndex());
  EXPECT_EQ(Batch(R"({"find": "c", "hint": "a", "filter": {"a": {"$in": [7, 1007]}}})"),
            R"([{"_id":7,"a":1007}])");
}

TEST_F(AlterIndex, AnIndexBeginsToExpireDocuments) {
  EXPECT_EQ(Change(R"({"name": "a", "expireAfterSeconds": 60})"),
            R"({"expireAfterSeconds_new":60,"ok":1.0})");
  EXPECT_EQ(Change(R"({"name": "a", "expireAfterSeconds": 90, "hidden": true})"),
            R"({"hidden_old":false,"hidden_new":true,"expireAfterSeconds_old":60,)"
            R"("expireAfterSeconds_new":90,"ok":1.0})");
  EXPECT_NE(Batch(R"({"listIndexes": "c"})").find(R"("expireAfterSeconds":90)"), std::string::npos);
  EXPECT_EQ(Change(R"({"name": "a", "expireAfterSeconds": {"$numberDecimal": "51.5"}})"),
            R"({"expireAfterSeconds_old":90,"expireAfterSeconds_new":52,"ok":1.0})");
}

TEST_F(AlterIndex, WhatCannotBeChangedIsRefusedAndChangesNothing) {
  EXPECT_EQ(CodeOfChange(R"({"name": "b", "hidden": true})"), 27);
  EXPECT_EQ(CodeOfChange(R"({"name": "_id_", "hidden": true})"), 2);
  EXPECT_EQ(CodeOfChange(R"({"keyPattern": {"_id": 1}, "hidden": true})"), 2);
  EXPECT_EQ(CodeOfChange(R"({"name": "a"})"), 72);
  EXPECT_EQ(CodeOfChange(R"({"hidden": true})"), 72);
  EXPECT_EQ(CodeOfChange(R"({"name": "a", "keyPattern": {"a": 1}, "hidden": true})"), 72);
  EXPECT_EQ(CodeOfChange(R"({"name": "a", "hidden": "yes"})"), 14);
  EXPECT_EQ(CodeOfChange(R"({"name": "a", "wrong": 1})"), 40415);
  EXPECT_EQ(CodeOfChange(R"({"name": "a", "hidden": true, "expireAfterSeconds": -1})"), 67);
  EXPECT_TRUE(ReadsIndex());
}

// Whoever may manage a collection may make its indexes, without a right to its documents.
TEST_F(AlterIndex, TheRightToManageIsEnoughForIndexes) {
  FakePrincipal manager;
  manager.allows = [](Action action, const Resource&) { return action == Action::kManage; };
  auto session = NewSession(manager, 0);
  EXPECT_NE(Run(*session, R"({"createIndexes": "c", "indexes": [{"name": "b", "key": {"b": 1}}]})")
                .find(R"("numIndexesAfter":3)"),
            std::string::npos);
  EXPECT_NE(Run(*session, R"({"insert": "c", "documents": [{"_id": "x"}]})").find("error"),
            std::string::npos);
  FakePrincipal writer;
  writer.allows = [](Action action, const Resource&) { return action != Action::kManage; };
  auto other = NewSession(writer, 0);
  EXPECT_NE(Run(*other, R"({"createIndexes": "c", "indexes": [{"name": "d", "key": {"d": 1}}]})")
                .find("error"),
            std::string::npos);
}

}  // namespace
}  // namespace nexadb::database
