// Laws of limits through the boundary: max time, cancellation and memory hold inside expressions
// and stages, whoever reads the results.
#include "plugins/database-document/testing/fixture.h"

namespace nexadb::database {
namespace {

class Limits : public DatabaseFixture {
 protected:
  void SetUp() override {
    DatabaseFixture::SetUp();
    Run(R"({"insert": "c", "documents": [{"_id": 1}, {"_id": 2}]})");
  }
  std::string ErrorOfRun(Session& session, const std::string& command) {
    auto reply = TryRun(session, command);
    return reply.ok() ? "" : std::string(ErrorOf(reply.status()).name);
  }
  static std::string Aggregate(const std::string& stages, int64_t max_time_ms) {
    return R"({"aggregate": "c", "cursor": {}, "maxTimeMS": )" + std::to_string(max_time_ms) +
           R"(, "pipeline": [)" + stages + "]}";
  }
  static constexpr const char* kEndless = R"({"$project": {"v": {"$size": {"$map": {
      "input": {"$range": ["$_id", 900000]}, "as": "x", "in": {"$size": {"$map": {
      "input": {"$range": ["$$x", 900000]}, "as": "y", "in": {"$add": ["$$x", "$$y"]}}}}}}}}})";
};

TEST_F(Limits, MaxTimeEndsWhatWouldRunForHours) {
  for (const std::string& stages : {
           std::string(kEndless),
           std::string(
               R"({"$project": {"s": {"$size": {"$reduce": {"input": {"$range": [0, 900000]},
               "initialValue": [], "in": {"$concatArrays": ["$$value", ["$$this"]]}}}}}})"),
           std::string(R"({"$set": {"a": {"$range": [0, 900000]}, "b": {"$range": [0, 100000]}}},
               {"$unwind": "$a"}, {"$unwind": "$b"}, {"$count": "n"})"),
       }) {
    EXPECT_EQ(ErrorOfRun(*session_, Aggregate(stages, 20)), "time_limit") << stages;
  }
}

TEST_F(Limits, MaxTimeHoldsInFiltersUpdatesAndProjections) {
  const std::string expression = R"({"$map": {"input": {"$range": ["$_id", 900000]}, "in": {"$max":
      {"$range": ["$$this", 900000]}}}})";
  const std::string limit = R"(, "maxTimeMS": 20})";
  EXPECT_EQ(
      ErrorOfRun(*session_, R"({"find": "c", "filter": {"$expr": )" + expression + "}" + limit),
      "time_limit");
  EXPECT_EQ(
      ErrorOfRun(*session_, R"({"find": "c", "projection": {"a": )" + expression + "}" + limit),
      "time_limit");
  EXPECT_EQ(ErrorOfRun(*session_, R"({"findAndModify": "c", "update": [{"$set": {"a": )" +
                                      expression + "}}]" + limit),
            "time_limit");
  EXPECT_EQ(Batch(R"({"find": "c"})"), R"([{"_id":1},{"_id":2}])");
}

TEST_F(Limits, MaxTimeHoldsForEachBatchOfACursor) {
  const std::string command = Bson(Aggregate(kEndless, 20));
  auto cursor = database_->Query(*session_, "test", AsBytes(command), {});
  ASSERT_TRUE(cursor.ok()) << cursor.status().message();
  std::vector<BytesView> batch(10);
  auto next = (*cursor)->Next({batch.data(), batch.size()});
  ASSERT_FALSE(next.ok());
  EXPECT_EQ(ErrorOf(next.status()).name, "time_limit");
}

TEST_F(Limits, ACancelledSessionEndsInsideAnExpression) {
  auto session = NewSession();
  session->Cancel();
  EXPECT_EQ(ErrorOfRun(*session, Aggregate(kEndless, 0)), "cancelled");
}

TEST_F(Limits, MemoryOfValuesIsTheQuerys) {
  SessionOptions options;
  options.principal = &principal_;
  options.memory_bytes = 1u << 20;
  auto session = database_->OpenSession(options);
  ASSERT_TRUE(session.ok());
  const std::string doubling = R"({"$project": {"a": {"$reduce": {"input": {"$range": [0, 40]},
      "initialValue": "xxxxxxxx", "in": {"$concat": ["$$value", "$$value"]}}}}})";
  EXPECT_EQ(ErrorOfRun(**session, Aggregate(doubling, 0)), "memory_limit");
}

// A server that lets queries look at ten documents.
class ScanLimit : public Limits {
 protected:
  static constexpr int kMax = 10;
  void SetUp() override {
    compute_threads_ = 2;
    config_ = R"({"ttl_sweep": "1h", "query_scan_max": 10})";
    Limits::SetUp();
    for (const char* name : {"ten", "many"}) {
      std::string documents;
      const int count = name[0] == 't' ? kMax : 20'500;
      for (int i = 0; i < count; ++i) {
        documents += (i == 0 ? "" : ", ") + std::string(R"({"_id": )") + std::to_string(i) +
                     R"(, "k": )" + std::to_string(i % 2) + R"(, "i": )" + std::to_string(i) + "}";
      }
      Run(R"({"insert": ")" + std::string(name) + R"(", "documents": [)" + documents + "]}");
    }
    Run(R"({"createIndexes": "many", "indexes": [{"key": {"i": 1}, "name": "i"}]})");
  }
  std::string ErrorOfRun(const std::string& command) {
    return Limits::ErrorOfRun(*session_, command);
  }
};

TEST_F(ScanLimit, HoldsAtItsEdgeForDocumentsAndEntries) {
  EXPECT_EQ(Run(R"({"count": "ten", "query": {"k": 1}})"), R"({"n":5,"ok":1.0})");
  EXPECT_EQ(Run(R"({"count": "many", "query": {"i": {"$lt": 10}}})"), R"({"n":10,"ok":1.0})");
  Run(R"({"insert": "ten", "documents": [{"_id": 10}]})");
  EXPECT_EQ(ErrorOfRun(R"({"count": "ten", "query": {"k": 1}})"), "scan_limit");
  EXPECT_EQ(ErrorOfRun(R"({"count": "many", "query": {"i": {"$lt": 11}}})"), "scan_limit");
  // An entry and its document are two.
  EXPECT_EQ(ErrorOfRun(R"({"find": "many", "filter": {"i": {"$lt": 5}}})"), "");
  EXPECT_EQ(ErrorOfRun(R"({"find": "many", "filter": {"i": {"$lt": 6}}})"), "scan_limit");
}

TEST_F(ScanLimit, HoldsForQueriesUpdatesJoinsAndThreads) {
  for (const char* command :
       {R"({"find": "many", "filter": {"k": 9}})", R"({"distinct": "many", "key": "k"})",
        R"({"update": "many", "updates": [{"q": {"k": 9}, "u": {"$set": {"a": 1}}}]})",
        R"({"delete": "many", "deletes": [{"q": {"k": 9}, "limit": 0}]})",
        R"({"findAndModify": "many", "query": {"k": 9}, "remove": true})",
        R"({"aggregate": "many", "cursor": {}, "pipeline": [{"$group": {"_id": "$k"}}]})",
        R"({"aggregate": "many", "cursor": {}, "pipeline": [{"$sort": {"k": 1}}]})",
        R"({"aggregate": "ten", "cursor": {}, "pipeline": [{"$lookup": {
               "from": "many", "localField": "k", "foreignField": "k", "as": "j"}}]})"}) {
    EXPECT_NE(Run(command).find("query_scan_max"), std::string::npos) << Run(command);
  }
  EXPECT_EQ(Count("many"), 20'500);
}

// It is about what is looked at in vain, not about long answers and long bulks.
TEST_F(ScanLimit, BeginsAnewWithEachBatchAndEachStatement) {
  EXPECT_EQ(ErrorOfRun(R"({"find": "many", "batchSize": 5})"), "");
  const std::string all = Bson(R"({"find": "many"})");
  auto cursor = database_->Query(*session_, "test", AsBytes(all), {});
  ASSERT_TRUE(cursor.ok());
  std::vector<BytesView> batch(5);
  uint64_t read = 0;
  for (;;) {
    auto count = (*cursor)->Next(batch);
    ASSERT_TRUE(count.ok()) << count.status().message();
    if (*count == 0) break;
    read += *count;
  }
  EXPECT_EQ(read, 20'500u);
  std::string updates;
  for (int i = 0; i < 3 * kMax; ++i) {
    updates += (i == 0 ? "" : ", ") + std::string(R"({"q": {"_id": )") + std::to_string(i) +
               R"(}, "u": {"$set": {"a": 1}}})";
  }
  EXPECT_NE(Run(R"({"update": "many", "updates": [)" + updates + "]}").find(R"("nModified":30)"),
            std::string::npos);
}

}  // namespace
}  // namespace nexadb::database
