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

}  // namespace
}  // namespace nexadb::database
