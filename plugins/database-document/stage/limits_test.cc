// Laws of what no query may do: run on when its time is over, or take more memory than it may.
// Time is a count of looks at the clock; the meter's last one says that it is over.
#include <gtest/gtest.h>

#include "core/document/error.h"
#include "core/document/json.h"
#include "plugins/database-document/stage/pipeline.h"
#include "plugins/database-document/value/meter.h"

namespace nexadb::query {
namespace {

// What one kind of test has enough of, the other runs out of.
struct Limits {
  int looks_max;
  size_t memory;
};
constexpr Limits kShortOfTime{20, 256u << 20};
constexpr Limits kShortOfMemory{1'000'000, 8u << 20};

// Says that the time is over at the last of its looks.
struct CountedClock {
  int looks_max;
  mutable int looks = 0;
  static Status Check(const void* self) {
    const auto* clock = static_cast<const CountedClock*>(self);
    if (++clock->looks < clock->looks_max) return {};
    return MakeError(ErrorId::kTimeLimit, "operation exceeded time limit");
  }
};

std::string Bson(std::string_view json) {
  Result<std::string> bytes = JsonToBson(json);
  EXPECT_TRUE(bytes.ok()) << json << ": " << bytes.status().message();
  return *std::move(bytes);
}

// The same small documents, in whatever collection.
class FewDocuments final : public DocumentSource {
 public:
  explicit FewDocuments(size_t count) : left_(count) {}
  Result<size_t> Next(std::span<BatchDocument> out) override {
    size_t n = 0;
    while (n < out.size() && left_ != 0) {
      bson::Builder b;
      b.Int32("_id", static_cast<int32_t>(left_)).Int32("next", static_cast<int32_t>(left_ + 1));
      out[n++] = BatchDocument::Own(b.Finish());
      --left_;
    }
    return n;
  }

 private:
  size_t left_;
};

class BoundedContext final : public PipelineContext {
 public:
  BoundedContext(const CountedClock& clock, size_t memory) : clock_(clock), memory_(memory) {}
  Result<SourcePtr> OpenCollection(std::string_view, bson::Document) override {
    return SourcePtr(std::make_unique<FewDocuments>(10));
  }
  Result<SourcePtr> OpenDatabaseStage(bson::Document, SourcePtr) override {
    return MongoError(40324, "no such stage");
  }
  Status ParseDatabaseStage(bson::Document, bool, bool) override {
    return MongoError(40324, "no such stage");
  }
  Status CheckInterrupt() override { return CountedClock::Check(&clock_); }
  size_t MemoryBytesMax() const override { return memory_; }

 private:
  const CountedClock& clock_;
  size_t memory_;
};

struct Outcome {
  std::string error;  // the error's name; empty: it ended
  size_t documents = 0;
};

Outcome RunToTheEnd(std::string_view stages, size_t input = 10,
                    const Limits& limits = kShortOfTime) {
  CountedClock clock{limits.looks_max};
  BoundedContext context(clock, limits.memory);
  Meter meter(CountedClock::Check, &clock, limits.memory);
  const MeterScope scope(&meter);
  const auto name = [](const Status& s) { return std::string(ErrorOf(s).name); };
  const std::string p = Bson("{\"p\": " + std::string(stages) + "}");
  auto pipeline = Pipeline::Parse(bson::Document(AsBytes(p))["p"].value().Doc(), context, {});
  if (!pipeline.ok()) return {name(pipeline.status())};
  auto source = (*pipeline)->Open(std::make_unique<FewDocuments>(input));
  if (!source.ok()) return {name(source.status())};
  std::vector<BatchDocument> batch(kBatchDocuments);
  size_t documents = 0;
  while (true) {
    Result<size_t> n = (*source)->Next(batch);
    if (!n.ok()) return {name(n.status()), documents};
    if (*n == 0) return {"", documents};
    documents += *n;
  }
}

std::string Project(std::string_view expression) {
  return R"([{"$project": {"v": )" + std::string(expression) + "}}]";
}

TEST(TimeLimit, IsNoticedInsideAnExpression) {
  const std::string kRange = R"({"$range": [0, 300000]})";
  const std::string kOfId = R"({"$range": ["$_id", 300000]})";
  for (const std::string& expression : {
           R"({"$size": {"$reduce": {"input": )" + kRange + R"(, "initialValue": [],
               "in": {"$concatArrays": ["$$value", ["$$this"]]}}}})",
           R"({"$size": {"$map": {"input": )" + kOfId + R"(, "as": "x", "in": {"$size": {"$map":
               {"input": )" +
               kOfId + R"(, "as": "y", "in": {"$add": ["$$x", "$$y"]}}}}}}})",
           R"({"$filter": {"input": )" + kOfId + R"(, "cond": {"$in": [-1, )" + kOfId + "]}}}",
           R"({"$map": {"input": )" + kOfId + R"(, "in": {"$size": {"$setUnion": [)" + kOfId +
               ", " + kRange + "]}}}}",
           R"({"$map": {"input": )" + kOfId + R"(, "in": {"$size": {"$setDifference": [)" + kOfId +
               R"(, ["$$this"]]}}}})",
           R"({"$map": {"input": )" + kOfId + R"(, "in": {"$size": {"$sortArray": {"input": )" +
               kOfId + R"(, "sortBy": -1}}}}})",
           R"({"$map": {"input": )" + kOfId + R"(, "in": {"$size": {"$reverseArray": )" + kOfId +
               "}}}}",
           R"({"$map": {"input": )" + kOfId + R"(, "in": {"$eq": ["$$ROOT", {"a": )" + kOfId +
               "}]}}}",
           R"({"$reduce": {"input": )" + kOfId + R"(, "initialValue": "",
               "in": {"$concat": ["$$value", "x"]}}})",
       }) {
    EXPECT_EQ(RunToTheEnd(Project(expression)).error, "time_limit") << expression;
  }
}

TEST(TimeLimit, IsNoticedInEveryStage) {
  const std::string kMany = R"({"$set": {"r": {"$range": [0, 900000]}}}, {"$unwind": "$r"})";
  for (const std::string& stages : {
           "[" + kMany + R"(, {"$set": {"s": {"$range": [0, 100000]}}}, {"$unwind": "$s"},
              {"$count": "n"}])",
           "[" + kMany + R"(, {"$match": {"r": -1}}])",
           "[" + kMany + R"(, {"$skip": 100000000}])",
           "[" + kMany + R"(, {"$redact": "$$PRUNE"}])",
           "[" + kMany + R"(, {"$group": {"_id": null, "n": {"$sum": 1}}}])",
           "[" + kMany + R"(, {"$bucket": {"groupBy": "$r", "boundaries": [0, 1000000]}}])",
           "[" + kMany + R"(, {"$sample": {"size": 1}}])",
           "[" + kMany + R"(, {"$facet": {"a": [{"$count": "n"}]}}])",
           "[" + kMany + R"(, {"$lookup": {"from": "f", "localField": "r", "foreignField": "_id",
              "as": "l"}}])",
           "[" + kMany + R"(, {"$lookup": {"from": "f", "as": "l", "pipeline": [)" + kMany + "]}}]",
           "[" + kMany + R"(, {"$graphLookup": {"from": "f", "startWith": "$r",
              "connectFromField": "next", "connectToField": "_id", "as": "g"}}])",
           "[" + kMany + R"(, {"$unionWith": "f"}, {"$count": "n"}])",
           R"([{"$lookup": {"from": "f", "as": "l", "pipeline": [)" + kMany +
               R"(, {"$match": {"r": -1}}]}}])",
           R"([{"$unionWith": {"coll": "f", "pipeline": [)" + kMany + R"(, {"$count": "n"}]}}])",
       }) {
    EXPECT_EQ(RunToTheEnd(stages).error, "time_limit") << stages;
  }
}

TEST(TimeLimit, IsNoticedWhileTheWindowOfEachRowIsComputed) {
  EXPECT_EQ(RunToTheEnd(R"([{"$setWindowFields": {"sortBy": {"_id": 1}, "output": {
      "s": {"$sum": "$_id", "window": {"documents": [-1000000, 1000000]}},
      "m": {"$median": {"input": "$_id", "method": "approximate"},
            "window": {"documents": [-1000, 1000]}}}}}])",
                        10000)
                .error,
            "time_limit");
}

TEST(TimeLimit, IsNoticedInAFilterOfLargeArrays) {
  EXPECT_EQ(RunToTheEnd(R"([{"$set": {"r": {"$range": [0, 100000]}}},
      {"$match": {"r": {"$elemMatch": {"$gt": 10, "$lt": 5}}}}])",
                        1000)
                .error,
            "time_limit");
}

TEST(MemoryLimit, HoldsForTheValuesOfAnExpression) {
  const std::string kText = R"({"$reduce": {"input": {"$range": ["$_id", 22]}, "initialValue": "xx",
                                "in": {"$concat": ["$$value", "$$value"]}}})";
  for (const std::string& expression : {
           // Doubled in each step.
           std::string(R"({"$reduce": {"input": {"$range": [0, 40]}, "initialValue": "xxxxxxxx",
               "in": {"$concat": ["$$value", "$$value"]}}})"),
           std::string(R"({"$reduce": {"input": {"$range": [0, 40]}, "initialValue": [1],
               "in": {"$concatArrays": ["$$value", "$$value"]}}})"),
           std::string(R"({"$reduce": {"input": {"$range": [0, 40]}, "initialValue": {},
               "in": {"a": "$$value", "b": "$$value"}}})"),
           // Each small enough, but alive together.
           R"({"$let": {"vars": {"a": )" + kText + R"(, "b": )" + kText + R"(, "c": )" + kText +
               R"(, "d": )" + kText + R"(, "e": )" + kText + R"(}, "in": 1}})",
           R"({"$concat": [)" + kText + "," + kText + "," + kText + "," + kText + "," + kText +
               "]}",
           R"({"$let": {"vars": {"a": )" + kText + R"(}, "in": {"$concat": ["$$a", "$$a", "$$a",
               "$$a", "$$a", "$$a"]}}})",
           // In objects and arrays that are not finished.
           R"({"$ifNull": [{"a": )" + kText + R"(, "b": {"a": )" + kText + R"(, "b": {"a": )" +
               kText + R"(, "b": {"a": )" + kText + R"(, "b": )" + kText + "}}}}, 1]}",
           "[" + kText + ", [" + kText + ", [" + kText + ", [" + kText + "," + kText + "]]]]",
       }) {
    EXPECT_EQ(RunToTheEnd(Project(expression), 1, kShortOfMemory).error, "memory_limit")
        << expression;
  }
}

TEST(MemoryLimit, HoldsForConstants) {
  EXPECT_EQ(RunToTheEnd(Project(R"([{"$range": [0, 400000]}, {"$range": [0, 400000]},
                                    {"$range": [0, 400000]}])"),
                        1, kShortOfMemory)
                .error,
            "memory_limit");
}

TEST(MemoryLimit, IsOneEvaluationsAndGivenBack) {
  const Outcome each =
      RunToTheEnd(Project(R"({"$reduce": {"input": {"$range": [0, 18]}, "initialValue": "$$ROOT.x",
                  "in": {"$concat": [{"$ifNull": ["$$value", "xxxx"]},
                                     {"$ifNull": ["$$value", "xxxx"]}]}}})"),
                  12, kShortOfMemory);
  EXPECT_EQ(each.error, "");
  EXPECT_EQ(each.documents, 12u);
}

TEST(MemoryLimit, HoldsForWhatStagesKeep) {
  const std::string kMany = R"({"$set": {"r": {"$range": [0, 90000]}}}, {"$unwind": "$r"})";
  for (const std::string& stages : {
           "[" + kMany + R"(, {"$sample": {"size": 1000000}}])",
           "[" + kMany + R"(, {"$facet": {"a": [{"$match": {}}]}}])",
           std::string(R"([{"$set": {"x": {"$range": [0, 100000]}}}, {"$facet": {"a": []}}])"),
       }) {
    EXPECT_EQ(RunToTheEnd(stages, 20, kShortOfMemory).error, "memory_limit") << stages;
  }
  EXPECT_EQ(RunToTheEnd(R"([{"$setWindowFields": {"sortBy": {"_id": 1}, "output": {
      "p": {"$push": "$_id", "window": {"documents": ["unbounded", "current"]}}}}}])",
                        3000, kShortOfMemory)
                .error,
            "memory_limit");
}

TEST(UnwindTest, IsLazy) {
  // Ten thousand documents of a megabyte: only the first is made.
  const Outcome first = RunToTheEnd(R"([{"$set": {"x": {"$range": [0, 80000]},
      "r": {"$range": [0, 10000]}}}, {"$unwind": "$r"}, {"$limit": 1}])",
                                    1);
  EXPECT_EQ(first.error, "");
  EXPECT_EQ(first.documents, 1u);
}

TEST(SampleTest, DoesNotCountAsASkip) {
  // A $sample between a $sort and a $limit wants all of the sort's documents.
  EXPECT_EQ(
      RunToTheEnd(R"([{"$sort": {"_id": 1}}, {"$sample": {"size": 5}}, {"$limit": 3}])").documents,
      3u);
}

}  // namespace
}  // namespace nexadb::query
