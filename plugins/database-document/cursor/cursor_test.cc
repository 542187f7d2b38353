// Laws of cursors: batches add up to the whole, positions go on where they were taken.
#include "plugins/database-document/testing/fixture.h"

namespace nexadb::database {
namespace {

class Cursors : public DatabaseFixture {
 protected:
  void Fill(int count) {
    std::string documents;
    for (int i = 0; i < count; ++i) {
      documents += (i == 0 ? "" : ",") + ("{\"_id\": " + std::to_string(i)) +
                   ", \"k\": " + std::to_string(i * 7 % 5) + "}";
    }
    ASSERT_EQ(CodeOf(R"({"insert": "c", "documents": [)" + documents + "]}"), 0);
  }
  // Reads one page and gives its ids; `position` goes on.
  std::vector<int> Page(std::string_view command, Buffer* position) {
    const std::string bytes = Bson(command);
    QueryOptions options;
    options.after = position->bytes();
    auto cursor = database_->Query(*session_, "test", AsBytes(bytes), options);
    EXPECT_TRUE(cursor.ok()) << cursor.status().message();
    if (!cursor.ok()) return {};
    std::vector<int> ids;
    std::array<BytesView, 7> batch;
    for (;;) {
      auto count = (*cursor)->Next(batch);
      EXPECT_TRUE(count.ok()) << count.status().message();
      if (!count.ok() || *count == 0) break;
      for (size_t i = 0; i < *count; ++i) {
        ids.push_back(bson::Document(batch[i])["_id"].value().Int32());
      }
    }
    auto next = (*cursor)->Position();
    EXPECT_TRUE(next.ok());
    *position = next.ok() ? *next : Buffer();
    return ids;
  }
  std::vector<int> AllPages(std::string_view command) {
    std::vector<int> all;
    Buffer position;
    for (int pages = 0; pages < 100; ++pages) {
      const std::vector<int> ids = Page(command, &position);
      all.insert(all.end(), ids.begin(), ids.end());
      if (position.empty()) return all;
      EXPECT_FALSE(ids.empty());
    }
    ADD_FAILURE() << "the pages do not end";
    return all;
  }
};

TEST_F(Cursors, GetMoreGivesTheRest) {
  Fill(250);
  auto reply = TryRun(*session_, R"({"find": "c", "batchSize": 100})");
  ASSERT_TRUE(reply.ok());
  bson::Document cursor = bson::Document(reply->bytes())["cursor"].value().Doc();
  const int64_t id = cursor["id"].value().Int64();
  ASSERT_NE(id, 0);
  EXPECT_EQ(cursor["firstBatch"].value().Doc().CountElements(), 100u);
  // The cursor reads what was there when it began.
  Run(R"({"insert": "c", "documents": [{"_id": 9999}]})");
  const std::string more =
      R"({"getMore": {"$numberLong": ")" + std::to_string(id) + R"("}, "collection": "c"})";
  auto rest = TryRun(*session_, more);
  ASSERT_TRUE(rest.ok()) << rest.status().message();
  cursor = bson::Document(rest->bytes())["cursor"].value().Doc();
  EXPECT_EQ(cursor["nextBatch"].value().Doc().CountElements(), 150u);
  EXPECT_EQ(cursor["id"].value().Int64(), 0);
  EXPECT_EQ(CodeOf(more), 43);
}

TEST_F(Cursors, ABatchOfExactlyTheRestEndsTheCursor) {
  Fill(10);
  const std::string reply = Run(R"({"find": "c", "batchSize": 10})");
  EXPECT_NE(reply.find(R"("id":0)"), std::string::npos) << reply.substr(reply.size() - 60);
}

TEST_F(Cursors, KilledAndForeignCursorsAreRefused) {
  Fill(10);
  auto reply = TryRun(*session_, R"({"find": "c", "batchSize": 1})");
  ASSERT_TRUE(reply.ok());
  const std::string id =
      std::to_string(bson::Document(reply->bytes())["cursor"].value().Doc()["id"].value().Int64());
  FakePrincipal stranger;
  stranger.id = "stranger";
  auto foreign = NewSession(stranger, 0);
  const std::string more = R"({"getMore": {"$numberLong": ")" + id + R"("}, "collection": "c"})";
  EXPECT_EQ(MongoCode(TryRun(*foreign, more).status()), 13);
  const std::string kill = R"({"killCursors": "c", "cursors": [{"$numberLong": ")" + id + R"("}]})";
  EXPECT_NE(Run(*foreign, kill).find("\"cursorsKilled\":[]"), std::string::npos);
  EXPECT_EQ(Run(kill).find("\"cursorsKilled\":[]"), std::string::npos);
  EXPECT_EQ(CodeOf(more), 43);
}

TEST_F(Cursors, PagesInOrderOfIdAddUpToTheWhole) {
  Fill(25);
  std::vector<int> expected(25);
  for (int i = 0; i < 25; ++i) expected[static_cast<size_t>(i)] = i;
  EXPECT_EQ(AllPages(R"({"find": "c", "limit": 10})"), expected);
  EXPECT_EQ(AllPages(R"({"find": "c", "limit": 5})"), expected);
  std::reverse(expected.begin(), expected.end());
  EXPECT_EQ(AllPages(R"({"find": "c", "sort": {"_id": -1}, "limit": 10})"), expected);
  EXPECT_EQ(AllPages(R"({"find": "c", "filter": {"_id": {"$in": [3, 9, 1, 9]}}, "limit": 2})"),
            (std::vector<int>{1, 3, 9}));
}

TEST_F(Cursors, SortedPagesAddUpToTheWhole) {
  Fill(25);
  const std::vector<int> all = AllPages(R"({"find": "c", "sort": {"k": -1}, "limit": 100})");
  ASSERT_EQ(all.size(), 25u);
  EXPECT_EQ(AllPages(R"({"find": "c", "sort": {"k": -1}, "limit": 4})"), all);
  EXPECT_EQ(AllPages(R"({"find": "c", "sort": {"k": -1}, "limit": 5,
                         "projection": {"_id": 1}})"),
            all);
}

TEST_F(Cursors, APositionSurvivesARestartAndBelongsToItsQuery) {
  Fill(25);
  Buffer position;
  EXPECT_EQ(Page(R"({"find": "c", "limit": 3})", &position), (std::vector<int>{0, 1, 2}));
  Reopen();
  Buffer same = position;
  EXPECT_EQ(Page(R"({"find": "c", "limit": 3})", &same), (std::vector<int>{3, 4, 5}));
  const std::string other = Bson(R"({"find": "c", "filter": {"k": 1}})");
  QueryOptions options;
  options.after = position.bytes();
  EXPECT_TRUE(Is(database_->Query(*session_, "test", AsBytes(other), options).status(),
                 ErrorId::kCursorMismatch));
}

TEST_F(Cursors, SkipAndLimitCutTheSortedWhole) {
  Fill(10);
  EXPECT_EQ(Batch(R"({"find": "c", "skip": 8, "projection": {"_id": 1}})"),
            R"([{"_id":8},{"_id":9}])");
  EXPECT_EQ(Batch(R"({"find": "c", "sort": {"_id": -1}, "skip": 1, "limit": 2,
                      "projection": {"_id": 1}})"),
            R"([{"_id":8},{"_id":7}])");
}

TEST_F(Cursors, ExplainTellsTheAccessPath) {
  Fill(10);
  const auto stage = [&](std::string_view filter) {
    return Run(R"({"explain": {"find": "c", "filter": )" + std::string(filter) + "}}");
  };
  EXPECT_NE(stage(R"({"_id": 3})").find("IDHACK"), std::string::npos);
  EXPECT_NE(stage(R"({"_id": 3})").find(R"("totalDocsExamined":1)"), std::string::npos);
  EXPECT_NE(stage(R"({"k": 3})").find("COLLSCAN"), std::string::npos);
  EXPECT_NE(stage(R"({"_id": {"$gt": 6}})").find(R"("totalDocsExamined":3)"), std::string::npos);
}

}  // namespace
}  // namespace nexadb::database
