// Laws of an index's life: built beside writers, cut short by a crash, read for counts alone,
// emptied by time.
#include <thread>

#include "plugins/database-document/testing/fixture.h"

namespace nexadb::database {
namespace {

class IndexLife : public DatabaseFixture {
 protected:
  void InsertMany(int count, std::string_view collection = "c") {
    std::string documents;
    for (int i = 0; i < count; ++i) {
      documents += (i ? "," : "") + std::string(R"({"_id": )") + std::to_string(i) + R"(, "a": )" +
                   std::to_string(i % 50) + "}";
    }
    ASSERT_EQ(Run(R"({"insert": ")" + std::string(collection) + R"(", "documents": [)" + documents +
                  "]}"),
              R"({"n":)" + std::to_string(count) + R"(,"ok":1.0})");
  }
  std::string Create(std::string_view key, std::string_view more = "") {
    return Run(R"({"createIndexes": "c", "indexes": [{"name": "i", "key": )" + std::string(key) +
               std::string(more) + "}]}");
  }
  void ExpectValid() {
    const std::string valid = Run(R"({"validate": "c", "full": true})");
    EXPECT_NE(valid.find(R"("valid":true)"), std::string::npos) << valid;
  }
  void WaitFor(const std::function<bool()>& done) {
    const uint64_t until = env_.MonotonicNs() + 30'000'000'000;
    while (!done() && env_.MonotonicNs() < until) std::this_thread::yield();
  }
};

TEST_F(IndexLife, AnIndexBuiltBesideWritersHoldsWhatTheyWrote) {
  InsertMany(3000);
  std::atomic<bool> stop{false};
  std::atomic<int> failures{0};
  const auto write = [&](int thread) {
    auto session = NewSession();
    for (int i = 0; !stop; ++i) {
      const std::string id = std::to_string((i * 37 + thread * 1500) % 3000);
      const std::string value = std::to_string(i % 70);
      const std::string commands[] = {
          R"({"update": "c", "updates": [{"q": {"_id": )" + id + R"(}, "u": {"$set": {"a": )" +
              value + "}}}]}",
          R"({"delete": "c", "deletes": [{"q": {"_id": )" + id + R"(}, "limit": 1}]})",
          R"({"insert": "c", "documents": [{"_id": "n)" + std::to_string(thread) + "-" +
              std::to_string(i) + R"(", "a": [1, )" + value + "]}]}"};
      failures += TryRun(*session, commands[i % 3]).ok() ? 0 : 1;
    }
  };
  std::thread first(write, 0), second(write, 1);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Create(R"({"a": 1})").find("error"), std::string::npos);
    ExpectValid();
    EXPECT_EQ(Run(R"({"dropIndexes": "c", "index": "i"})").find("error"), std::string::npos);
  }
  EXPECT_EQ(Create(R"({"a": -1, "b": 1})").find("error"), std::string::npos);
  stop = true;
  first.join();
  second.join();
  EXPECT_EQ(failures, 0);
  ExpectValid();
}

TEST_F(IndexLife, ABuildThatMeetsDuplicatesLeavesNothing) {
  InsertMany(600);
  EXPECT_EQ(CodeOf(R"({"createIndexes": "c", "indexes": [
      {"name": "u", "key": {"a": 1}, "unique": true}]})"),
            11000);
  EXPECT_EQ(Batch(R"({"listIndexes": "c"})").find("\"u\""), std::string::npos);
  EXPECT_EQ(Run(R"({"insert": "c", "documents": [{"_id": "x", "a": 1}]})"), R"({"n":1,"ok":1.0})");
  EXPECT_EQ(Create(R"({"a": 1})").find("error"), std::string::npos);
  ExpectValid();
}

TEST_F(IndexLife, ExactBoundsAreCountedInTheIndexAlone) {
  InsertMany(1000);
  Create(R"({"a": 1})");
  const auto count = [&](std::string_view query) {
    return Run(R"({"count": "c", "query": )" + std::string(query) + "}");
  };
  EXPECT_EQ(count(R"({"a": 7})"), R"({"n":20,"ok":1.0})");
  EXPECT_EQ(count(R"({"a": {"$gte": 10, "$lt": 12}})"), R"({"n":40,"ok":1.0})");
  EXPECT_EQ(count(R"({"a": {"$in": [1, 2, 99]}})"), R"({"n":40,"ok":1.0})");
  Run(R"({"insert": "c", "documents": [{"_id": "m", "a": [7, 8, 7]}]})");
  EXPECT_EQ(count(R"({"a": {"$in": [7, 8]}})"), R"({"n":41,"ok":1.0})");
  // Two elements meet what none does alone.
  EXPECT_EQ(count(R"({"a": {"$gte": 8, "$lt": 8}})"), R"({"n":1,"ok":1.0})");
  EXPECT_EQ(count(R"({"a": null})"), R"({"n":0,"ok":1.0})");
}

TEST_F(IndexLife, ASortOfTheIndexReadsNoMoreThanItGives) {
  InsertMany(1000);
  Create(R"({"a": 1})");
  const std::string explained = Run(
      R"({"explain": {"find": "c", "sort": {"a": -1}, "limit": 5}, "verbosity": "queryPlanner"})");
  EXPECT_NE(explained.find(R"("direction":"backward")"), std::string::npos) << explained;
  EXPECT_EQ(explained.find(R"("SORT")"), std::string::npos) << explained;
  EXPECT_EQ(Batch(R"({"find": "c", "sort": {"a": -1}, "limit": 2})"),
            R"([{"_id":999,"a":49},{"_id":949,"a":49}])");
}

// $match, $sort and $limit as find's filter, sort and limit: nothing is sorted, nothing more read.
TEST_F(IndexLife, APipelinesSortIsReadFromTheIndex) {
  InsertMany(1000);
  Create(R"({"a": 1})");
  const auto explain = [&](const std::string& stages) {
    return Run(R"({"explain": {"aggregate": "c", "cursor": {}, "pipeline": [)" + stages +
               R"(]}, "verbosity": "executionStats"})");
  };
  const std::string stages =
      R"({"$match": {"_id": {"$ne": 999}}}, {"$match": {"a": {"$gte": 3}}}, {"$sort": {"a": -1}},
         {"$skip": 1}, {"$limit": 2})";
  const std::string explained = explain(stages);
  EXPECT_NE(explained.find(R"("direction":"backward")"), std::string::npos) << explained;
  EXPECT_EQ(explained.find(R"("SORT")"), std::string::npos) << explained;
  EXPECT_NE(explained.find(R"("nReturned":3)"), std::string::npos) << explained;
  EXPECT_EQ(Batch(R"({"aggregate": "c", "cursor": {}, "pipeline": [)" + stages + "]}"),
            R"([{"_id":899,"a":49},{"_id":849,"a":49}])");
  const std::string sorted = explain(R"({"$sort": {"b": 1}})");
  EXPECT_NE(sorted.find(R"("stage":"SORT")"), std::string::npos) << sorted;
  // By _id nothing is ever sorted.
  EXPECT_EQ(Batch(R"({"aggregate": "c", "cursor": {}, "pipeline": [{"$sort": {"_id": -1}},
                     {"$limit": 2}]})"),
            R"([{"_id":999,"a":49},{"_id":998,"a":48}])");
}

// Reading in the order of a sort ends early where much matches, and reads everything where little
// does: which of both it is, documents say.
TEST_F(IndexLife, ARareMatchIsNotSearchedInTheOrderOfTheSort) {
  InsertMany(4000);
  Create(R"({"a": 1})");
  const auto plan = [&](const std::string& filter) {
    return Run(R"({"explain": {"find": "c", "filter": )" + filter +
               R"(, "sort": {"a": 1}, "limit": 10}, "verbosity": "queryPlanner"})");
  };
  const std::string common = plan(R"({"_id": {"$mod": [2, 0]}})");
  EXPECT_NE(common.find(R"("stage":"IXSCAN")"), std::string::npos) << common;
  EXPECT_NE(common.find(R"("sampledSelectivity":0.5)"), std::string::npos) << common;
  const std::string rare = plan(R"({"z": 5})");
  EXPECT_NE(rare.find(R"("stage":"COLLSCAN")"), std::string::npos) << rare;
  EXPECT_NE(rare.find(R"("sampledSelectivity":0.00)"), std::string::npos) << rare;
}

TEST_F(IndexLife, ExplainShowsBoundsReasonsAndAdvice) {
  InsertMany(1000);
  Run(R"({"createIndexes": "c", "indexes": [
      {"name": "ab", "key": {"a": 1, "b": -1}},
      {"name": "s", "key": {"z": 1}, "sparse": true},
      {"name": "h", "key": {"a": 1}, "hidden": true}]})");
  const std::string plan = Run(R"({"explain": {"find": "c", "filter": {
      "a": {"$in": [3, 4]}, "b": {"$lt": 5.5}}}, "verbosity": "queryPlanner"})");
  EXPECT_NE(plan.find(R"x("indexBounds":{"a":["[3, 3]","[4, 4]"],"b":["[-inf, 5.5)"]})x"),
            std::string::npos)
      << plan;
  EXPECT_NE(plan.find(R"({"indexName":"h","reason":"hidden"})"), std::string::npos) << plan;
  const std::string scan = Run(R"({"explain": {"find": "c", "filter": {"q": 5, "z": null},
      "sort": {"t": -1}}, "verbosity": "queryPlanner"})");
  EXPECT_NE(scan.find(R"("indexAdvice":{"key":{"q":1,"z":1,"t":-1}})"), std::string::npos) << scan;
  EXPECT_NE(scan.find("sparse: the filter also wants documents without"), std::string::npos)
      << scan;
  EXPECT_EQ(CodeOf(R"({"find": "c", "filter": {}, "hint": "h"})"), 2);
  EXPECT_EQ(CodeOf(R"({"find": "c", "filter": {}, "hint": "none"})"), 2);
}

TEST_F(IndexLife, DocumentsExpireByTheDateOfATtlIndex) {
  config_ = R"({"ttl_sweep": "5ms"})";
  Reopen();
  Run(R"({"createIndexes": "c", "indexes": [
      {"name": "t", "key": {"at": 1}, "expireAfterSeconds": 60}]})");
  // The clock stands at 2023-11-14T22:13:20Z.
  Run(R"({"insert": "c", "documents": [
      {"_id": "old", "at": {"$date": "2023-11-14T22:13:00Z"}},
      {"_id": "array", "at": [{"$date": "2030-01-01T00:00:00Z"},
                              {"$date": "2023-11-14T22:13:00Z"}]},
      {"_id": "new", "at": {"$date": "2023-11-14T22:14:00Z"}},
      {"_id": "text", "at": "2001-01-01"}, {"_id": "none"}]})");
  EXPECT_EQ(Count("c"), 5);
  env_.now_ms += 61'000;
  WaitFor([&] { return Count("c") == 3; });
  EXPECT_EQ(Batch(R"({"find": "c", "projection": {"at": 0}})"),
            R"([{"_id":"new"},{"_id":"none"},{"_id":"text"}])");
  ExpectValid();
  EXPECT_EQ(CodeOf(R"({"createIndexes": "c", "indexes": [
      {"name": "x", "key": {"a": 1, "b": 1}, "expireAfterSeconds": 60}]})"),
            67);
}

TEST_F(IndexLife, ASlowQueryIsLoggedWithTheIndexThatItLacks) {
  config_ = R"({"ttl_sweep": "1h", "slow_query": "1ms"})";
  Reopen();
  InsertMany(20000);
  host_->TakeLog();
  Run(R"({"find": "c", "filter": {"a": 3}, "sort": {"b": 1}})");
  std::string logged;
  for (const auto& line : host_->TakeLog()) logged += line.text + "\n";
  EXPECT_NE(logged.find("slow query on test.c: COLLSCAN"), std::string::npos) << logged;
  EXPECT_NE(logged.find(R"(an index on {"a":1,"b":1} would help)"), std::string::npos) << logged;
}

TEST_F(IndexLife, ManyValuesOnBothFieldsStayManyAndNotTheirProduct) {
  InsertMany(200);
  Create(R"({"a": 1, "_id": 1})");
  std::string values;
  for (int i = 0; i < 20000; ++i) values += (i ? "," : "") + std::to_string(i);
  const std::string filter = R"({"a": {"$in": [)" + values + R"(]}, "b": null})";
  EXPECT_EQ(Run(R"({"count": "c", "hint": "i", "query": )" + filter + "}"),
            R"({"n":200,"ok":1.0})");
  const std::string both = R"({"a": {"$in": [3, 4]}, "_id": {"$not": {"$in": [)" + values + "]}}}";
  EXPECT_EQ(Run(R"({"count": "c", "hint": "i", "query": )" + both + "}"), R"({"n":0,"ok":1.0})");
}

TEST_F(IndexLife, PartsOfOneArrayStayTogether) {
  Run(R"({"insert": "c", "documents": [
      {"_id": 1, "a": [{"x": 1, "y": 2}, {"x": 3, "y": 4}]}]})");
  Run(R"({"createIndexes": "c", "indexes": [
      {"name": "u", "key": {"a.x": 1, "a.y": 1}, "unique": true}]})");
  // (1, 4) is no pair of the first document, though it has both values.
  EXPECT_EQ(Run(R"({"insert": "c", "documents": [{"_id": 2, "a": [{"x": 1, "y": 4}]}]})"),
            R"({"n":1,"ok":1.0})");
  EXPECT_EQ(Batch(R"({"find": "c", "filter": {"a.x": 1, "a.y": 4}, "hint": "u",
                      "projection": {"a": 0}})"),
            R"([{"_id":1},{"_id":2}])");
  EXPECT_EQ(Batch(R"({"find": "c", "filter": {"a": {"$elemMatch": {"x": 1, "y": 4}}}, "hint": "u",
                      "projection": {"a": 0}})"),
            R"([{"_id":2}])");
  EXPECT_EQ(
      CodeOf(R"({"createIndexes": "c", "indexes": [{"name": "p", "key": {"a": 1, "b": 1}}]})"), 0);
  const std::string refused =
      Run(R"({"insert": "c", "documents": [{"_id": 3, "a": [1], "b": [2]}]})");
  EXPECT_NE(refused.find("171"), std::string::npos) << refused;
}

}  // namespace
}  // namespace nexadb::database
