// Laws of $rankFusion: scores are sums of weighted reciprocal ranks, whatever memory there is; they
// go with the documents to wherever $meta asks for them, and are in no document otherwise.
#include <cmath>
#include <map>
#include <random>

#include "plugins/database-document/testing/fixture.h"

namespace nexadb::database {
namespace {

class RankFusion : public DatabaseFixture {
 protected:
  void SetUp() override {
    DatabaseFixture::SetUp();
    Run(R"({"insert": "c", "documents": [{"_id": 1, "a": 10, "b": 1, "t": ["x", "y"]},
            {"_id": 2, "a": 5, "b": 2, "s": {"k": 2}}, {"_id": 3, "a": 1, "b": 3}]})");
  }
  static std::string Fusion(const std::string& pipelines, const std::string& more = "") {
    return R"({"$rankFusion": {"input": {"pipelines": {)" + pipelines + "}}" + more + "}}";
  }
  static std::string Aggregate(const std::string& stages, const std::string& from = "c") {
    return R"({"aggregate": ")" + from + R"(", "cursor": {"batchSize": 100000}, "pipeline": [)" +
           stages + "]}";
  }
  // By `a` the documents are 1 2 3, by `b` 3 2 1; the weights make that 1 2 3 together.
  const std::string two_ = Fusion(R"("up": [{"$sort": {"a": -1}}], "down": [{"$sort": {"b": -1}}])",
                                  R"(, "combination": {"weights": {"up": 2}})");
};

TEST_F(RankFusion, DocumentsAreTheirOwnAndComeByTheirScores) {
  EXPECT_EQ(Batch(Aggregate(two_)),
            R"([{"_id":1,"a":10,"b":1,"t":["x","y"]},{"_id":2,"a":5,"b":2,"s":{"k":2}},)"
            R"({"_id":3,"a":1,"b":3}])");
  EXPECT_EQ(Batch(Aggregate(two_ + R"(, {"$limit": 1}, {"$project": {"_id": 1}})")),
            R"([{"_id":1}])");
  // Of equal scores by _id.
  EXPECT_EQ(Batch(Aggregate(Fusion(R"("p": [{"$sort": {"none": 1}}])") +
                            R"(, {"$project": {"r": {"$divide": [1, {"$meta": "score"}]}}})")),
            R"([{"_id":1,"r":61.0},{"_id":2,"r":61.0},{"_id":3,"r":61.0}])");
}

// What each input gives, put together here document by document.
TEST_F(RankFusion, ScoresAreSumsOfWeightedReciprocalRanksWhateverMemoryThereIs) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto below = [&](int n) { return std::uniform_int_distribution<int>(0, n - 1)(random); };
  constexpr int kDocuments = 2000;
  std::string documents;
  std::vector<std::pair<int, int>> values;
  for (int i = 0; i < kDocuments; ++i) {
    values.emplace_back(below(50), below(1000));
    documents += (i == 0 ? "" : ",") + std::string(R"({"_id": )") + std::to_string(i) +
                 R"(, "a": )" + std::to_string(values.back().first) + R"(, "b": )" +
                 std::to_string(values.back().second) + R"(, "x": ")" + std::string(100, 'x') +
                 R"("})";
  }
  Run(R"({"insert": "many", "documents": [)" + documents + "]}");
  Run(R"({"createIndexes": "many", "indexes": [{"key": {"b": 1}, "name": "b"}]})");
  const int least = below(1000);
  const std::string stages =
      Fusion(R"("p": [{"$sort": {"a": 1}}], "q": [{"$match": {"b": {"$gte": )" +
                 std::to_string(least) + R"(}}}, {"$sort": {"b": -1}}])",
             R"(, "combination": {"weights": {"q": 0.5}})") +
      R"(, {"$project": {"score": {"$meta": "score"}}})";

  std::map<int, double> scores;
  for (int i = 0; i < kDocuments; ++i) {
    int rank_p = 1;
    int rank_q = 1;
    for (const auto& [a, b] : values) {
      rank_p += a < values[static_cast<size_t>(i)].first;
      rank_q += b > values[static_cast<size_t>(i)].second;
    }
    scores[i] = 1.0 / (60 + rank_p);
    if (values[static_cast<size_t>(i)].second >= least) scores[i] += 0.5 * (1.0 / (60 + rank_q));
  }
  std::vector<std::pair<double, int>> wanted;
  for (const auto& [id, score] : scores) wanted.emplace_back(-score, id);
  std::sort(wanted.begin(), wanted.end());

  SessionOptions little;
  little.principal = &principal_;
  little.memory_bytes = 64u << 10;
  auto poor = database_->OpenSession(little);
  ASSERT_TRUE(poor.ok());
  for (Session* session : {&*session_, &**poor}) {
    auto reply = TryRun(*session, Aggregate(stages, "many"));
    ASSERT_TRUE(reply.ok()) << reply.status().message();
    const bson::Document batch =
        bson::Document(reply->bytes())["cursor"].value().Doc()["firstBatch"].value().Doc();
    size_t at = 0;
    for (const bson::Element& e : batch) {
      ASSERT_LT(at, wanted.size());
      const double score = e.value().Doc()["score"].value().Double();
      ASSERT_NEAR(score, -wanted[at].first, 1e-15) << at;
      ASSERT_NEAR(score, scores[e.value().Doc()["_id"].value().Int32()], 1e-15) << at;
      ++at;
    }
    EXPECT_EQ(at, wanted.size());
  }
}

TEST_F(RankFusion, DetailsSayWhatEachInputGave) {
  const std::string one =
      Fusion(R"("z": [{"$sort": {"a": -1}}], "few": [{"$match": {"b": 3}}, {"$sort": {"b": 1}}])",
             R"(, "scoreDetails": true, "combination": {"weights": {"few": 0}})") +
      R"(, {"$match": {"_id": {"$ne": 2}}}, {"$project": {"d": {"$meta": "scoreDetails"}}})";
  const std::string got = Batch(Aggregate(one));
  EXPECT_NE(got.find(R"("details":[{"inputPipelineName":"few","rank":"NA","weight":0.0},)"
                     R"({"inputPipelineName":"z","rank":1,"weight":1.0,"details":[]}])"),
            std::string::npos)
      << got;
  EXPECT_NE(got.find(R"("details":[{"inputPipelineName":"few","rank":1,"weight":0.0,"details":[]},)"
                     R"({"inputPipelineName":"z","rank":3,"weight":1.0,"details":[]}])"),
            std::string::npos)
      << got;
  // Nobody asked for them here.
  EXPECT_EQ(Batch(Aggregate(two_ + R"(, {"$limit": 1}, {"$project": {
                  "d": {"$meta": "scoreDetails"}}})")),
            R"([{"_id":1}])");
}

TEST_F(RankFusion, ScoresGoWithTheDocumentsThroughEveryStage) {
  const std::string ask = R"(, {"$project": {"_id": 0, "n": {"$round": [
      {"$multiply": [1000, {"$meta": "score"}]}, 1]}}})";
  const std::string all = R"([{"n":48.7},{"n":48.4},{"n":48.1}])";
  for (const char* stages :
       {"", R"(, {"$match": {"a": {"$gt": 0}}})", R"(, {"$project": {"a": 1}})",
        R"(, {"$project": {"a": 0}})", R"(, {"$set": {"q": 1}}, {"$unset": "b"})",
        R"(, {"$replaceWith": {"new": "$a"}})", R"(, {"$sort": {"score": {"$meta": "score"}}})",
        R"(, {"$sort": {"b": 1}}, {"$limit": 3}, {"$skip": 0})", R"(, {"$redact": "$$KEEP"})",
        R"(, {"$lookup": {"from": "c", "localField": "b", "foreignField": "b", "as": "l"}})",
        R"(, {"$setWindowFields": {"sortBy": {"a": -1}, "output": {"r": {"$rank": {}}}}})",
        R"(, {"$redact": {"$cond": [{"$gt": ["$a", 0]}, "$$DESCEND", "$$PRUNE"]}})"}) {
    EXPECT_EQ(Batch(Aggregate(two_ + stages + ask)), all) << stages;
  }
  EXPECT_EQ(Batch(Aggregate(two_ + R"(, {"$unwind": "$t"})" + ask)), R"([{"n":48.7},{"n":48.7}])");
  EXPECT_EQ(Batch(Aggregate(two_ + R"(, {"$facet": {"f": [{"$limit": 1}, {"$project": {
                "_id": 0, "m": {"$gt": [{"$meta": "score"}, 0.048]}}}], "all": [{"$match": {
                "_id": 3}}]}})")),
            R"([{"f":[{"m":true}],"all":[{"_id":3,"a":1,"b":3}]}])");
  EXPECT_EQ(Batch(Aggregate(two_ + R"(, {"$group": {"_id": null, "n": {"$max": {"$round": [
                {"$multiply": [1000, {"$meta": "score"}]}, 1]}}}})")),
            R"([{"_id":null,"n":48.7}])");
}

TEST_F(RankFusion, ScoresAreInNoDocumentThatDidNotAsk) {
  EXPECT_EQ(Batch(Aggregate(two_ + R"(, {"$limit": 1}, {"$project": {"_id": 0, "r": "$$ROOT"}})")),
            R"([{"r":{"_id":1,"a":10,"b":1,"t":["x","y"]}}])");
  EXPECT_EQ(Batch(Aggregate(two_ + R"(, {"$match": {"_id": 3}}, {"$group": {"_id": 1,
                "r": {"$push": "$$ROOT"}, "o": {"$first": {"$objectToArray": "$$CURRENT"}}}})")),
            R"([{"_id":1,"r":[{"_id":3,"a":1,"b":3}],)"
            R"("o":[{"k":"_id","v":3},{"k":"a","v":1},{"k":"b","v":3}]}])");
  EXPECT_EQ(CodeOf(Aggregate(two_ + R"(, {"$out": "made"})")), 0);
  EXPECT_EQ(Batch(R"({"find": "made", "filter": {"_id": 3}})"), R"([{"_id":3,"a":1,"b":3}])");
}

TEST_F(RankFusion, ItReadsThroughViewsAndInOtherCollectionsPipelines) {
  Run(R"({"create": "v", "viewOn": "c", "pipeline": [{"$match": {"_id": {"$gt": 1}}}]})");
  const std::string ids = R"(, {"$project": {"_id": 1}})";
  EXPECT_EQ(Batch(Aggregate(two_ + ids, "v")), R"([{"_id":2},{"_id":3}])");
  EXPECT_EQ(CodeOf(R"({"create": "best", "viewOn": "c", "pipeline": [)" + two_ + "]}"), 0);
  EXPECT_EQ(Batch(R"({"find": "best", "filter": {"_id": {"$ne": 2}}, "projection": {"_id": 1}})"),
            R"([{"_id":1},{"_id":3}])");
  EXPECT_EQ(
      Batch(Aggregate(R"({"$match": {"_id": 3}}, {"$unionWith": {"coll": "v", "pipeline": [)" +
                      two_ + "]}}" + ids)),
      R"([{"_id":3},{"_id":2},{"_id":3}])");
  principal_.allows = [](Action, const Resource& resource) {
    return std::string_view(resource.name) != "c";
  };
  EXPECT_EQ(CodeOf(Aggregate(two_)), 13);
}

TEST_F(RankFusion, WhatIsNoRankingIsRefused) {
  const auto code = [&](const std::string& pipelines, const std::string& more = "") {
    return CodeOf(Aggregate(Fusion(pipelines, more)));
  };
  EXPECT_EQ(code(R"("p": [])"), 9834300);
  EXPECT_EQ(code(R"("p": [{"$match": {}}])"), 9191100);
  EXPECT_EQ(code(R"("p": [{"$sort": {"a": 1}}, {"$unset": "a"}])"), 9191103);
  EXPECT_EQ(code(R"("p": [{"$sort": {"a": 1}}, {"$nosuch": "a"}])"), 40324);
  EXPECT_EQ(code(R"("p": [)" + two_ + "]"), 10473002);
  EXPECT_EQ(code(R"("p": [{"$sort": {"a": 7}}])"), 15975);
  EXPECT_EQ(code(R"("p": [{"$sort": 7}])"), 15973);
  EXPECT_EQ(code(R"("p": [{}])"), 40323);
  EXPECT_EQ(code(R"("p": 1)"), 14);
  EXPECT_EQ(code(""), 2);
  for (const char* name : {"$p", "a.b", ""}) {
    EXPECT_NE(code("\"" + std::string(name) + R"(": [{"$sort": {"a": 1}}])"), 0) << name;
  }
  const std::string fine = R"("p": [{"$sort": {"a": 1}}])";
  EXPECT_EQ(code(fine, R"(, "combination": {"weights": {"p": -1}})"), 9460300);
  EXPECT_EQ(code(fine, R"(, "combination": {"weights": {"p": "1"}})"), 14);
  EXPECT_EQ(code(fine, R"(, "combination": {"weights": {"x": 1}})"), 9967500);
  EXPECT_EQ(code(fine, R"(, "combination": {"weights": {"p": 1, "x": 1}})"), 9460301);
  EXPECT_EQ(code(fine, R"(, "scoreDetails": 1)"), 14);
  EXPECT_EQ(code(fine, R"(, "more": 1)"), 40415);
  EXPECT_EQ(CodeOf(Aggregate(R"({"$rankFusion": {}})")), 40414);
  EXPECT_EQ(CodeOf(Aggregate(R"({"$rankFusion": 1})")), 9);
  EXPECT_EQ(CodeOf(Aggregate(R"({"$match": {}}, )" + two_)), 10170100);
  EXPECT_EQ(CodeOf(Aggregate(R"({"$facet": {"f": [)" + two_ + "]}}")), 40600);
  EXPECT_EQ(
      CodeOf(Aggregate(R"({"$lookup": {"from": "c", "as": "x", "pipeline": [)" + two_ + "]}}")),
      51047);
}

}  // namespace
}  // namespace nexadb::database
