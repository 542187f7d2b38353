// Laws of pipelines, projections, sorts and expressions, in the language of their users.
#include "plugins/database-document/stage/pipeline.h"

#include <gtest/gtest.h>

#include "core/document/error.h"
#include "core/document/json.h"
#include "plugins/database-document/expression/expression.h"
#include "plugins/database-document/match/matcher.h"
#include "plugins/database-document/project/projection.h"

namespace nexadb::query {
namespace {

std::string Bson(std::string_view json) {
  Result<std::string> bytes = JsonToBson(json);
  EXPECT_TRUE(bytes.ok()) << json << ": " << bytes.status().message();
  return *std::move(bytes);
}

class ListSource final : public DocumentSource {
 public:
  explicit ListSource(std::vector<std::string> documents) : documents_(std::move(documents)) {}
  Result<size_t> Next(std::span<BatchDocument> out) override {
    size_t n = 0;
    while (n < out.size() && at_ < documents_.size()) {
      out[n++] = BatchDocument::Borrow(bson::Document(AsBytes(documents_[at_++])));
    }
    return n;
  }

 private:
  std::vector<std::string> documents_;
  size_t at_ = 0;
};

class MemorySpill final : public SpillFile {
 public:
  Status Append(BytesView bytes) override {
    bytes_.append(AsText(bytes));
    return Status::Ok();
  }
  Status Rewind() override {
    at_ = 0;
    return Status::Ok();
  }
  Result<size_t> Read(std::span<uint8_t> out) override {
    const size_t n = std::min(out.size(), bytes_.size() - at_);
    std::memcpy(out.data(), bytes_.data() + at_, n);
    at_ += n;
    return n;
  }

 private:
  std::string bytes_;
  size_t at_ = 0;
};

class TestContext final : public PipelineContext {
 public:
  std::vector<std::string> foreign;
  size_t memory = kStageMemoryBytesDefault;
  bool spills = true;
  Result<SourcePtr> OpenCollection(std::string_view, bson::Document filter) override {
    auto matcher = Matcher::Parse(filter, {});
    if (!matcher.ok()) return matcher.status();
    std::vector<std::string> kept;
    for (const std::string& d : foreign) {
      if (*(*matcher)->Matches(bson::Document(AsBytes(d)))) kept.push_back(d);
    }
    return SourcePtr(std::make_unique<ListSource>(std::move(kept)));
  }
  Result<SourcePtr> OpenDatabaseStage(bson::Document, SourcePtr) override {
    return MongoError(40324, "no such stage");
  }
  Status ParseDatabaseStage(bson::Document, bool, bool) override {
    return MongoError(40324, "no such stage");
  }
  Status CheckInterrupt() override { return Status::Ok(); }
  size_t MemoryBytesMax() const override { return memory; }
  Result<std::unique_ptr<SpillFile>> OpenSpillFile() override {
    if (!spills) return std::unique_ptr<SpillFile>();
    return std::unique_ptr<SpillFile>(std::make_unique<MemorySpill>());
  }
};

// The results as a JSON array, or "error CODE".
std::string RunPipeline(TestContext& context, const std::vector<std::string>& documents,
                        std::string_view stages) {
  const std::string p = Bson("{\"p\": " + std::string(stages) + "}");
  auto pipeline = Pipeline::Parse(bson::Document(AsBytes(p))["p"].value().Doc(), context, {});
  if (!pipeline.ok()) return "error " + std::to_string(MongoCode(pipeline.status()));
  auto source = (*pipeline)->Open(std::make_unique<ListSource>(documents));
  if (!source.ok()) return "error " + std::to_string(MongoCode(source.status()));
  std::string out = "[";
  std::vector<BatchDocument> batch(3);
  while (true) {
    Result<size_t> n = (*source)->Next(batch);
    if (!n.ok()) return "error " + std::to_string(MongoCode(n.status()));
    if (*n == 0) break;
    for (size_t i = 0; i < *n; ++i) {
      EXPECT_EQ(bson::Validate(batch[i].view().bytes()), nullptr);
      out += (out.size() > 1 ? "," : "") + BsonToJson(batch[i].view(), JsonMode::kRelaxed);
    }
  }
  return out + "]";
}

std::string Aggregate(const std::vector<std::string>& json, std::string_view stages) {
  TestContext context;
  std::vector<std::string> documents;
  for (const std::string& d : json) documents.push_back(Bson(d));
  return RunPipeline(context, documents, stages);
}

std::string Normal(std::string_view json) {
  const std::string doc = Bson("{\"v\": " + std::string(json) + "}");
  std::string out;
  AppendJsonArray(out, bson::Document(AsBytes(doc))["v"].value().Doc(), JsonMode::kRelaxed);
  return out;
}

const std::vector<std::string> kSales = {R"({"_id": 1, "item": "a", "n": 2, "tags": ["x", "y"]})",
                                         R"({"_id": 2, "item": "b", "n": 1, "tags": []})",
                                         R"({"_id": 3, "item": "a", "n": 5, "tags": ["y"]})"};

TEST(PipelineTest, StagesDoWhatTheySay) {
  EXPECT_EQ(Aggregate(kSales, R"([{"$match": {"n": {"$gte": 2}}}, {"$project": {"n": 1}}])"),
            Normal(R"([{"_id": 1, "n": 2}, {"_id": 3, "n": 5}])"));
  EXPECT_EQ(Aggregate(kSales, R"([{"$group": {"_id": "$item", "sum": {"$sum": "$n"},
                                 "avg": {"$avg": "$n"}}}, {"$sort": {"_id": 1}}])"),
            Normal(R"([{"_id": "a", "sum": 7, "avg": 3.5}, {"_id": "b", "sum": 1, "avg": 1.0}])"));
  EXPECT_EQ(Aggregate(kSales, R"([{"$unwind": "$tags"}, {"$sortByCount": "$tags"}])"),
            Normal(R"([{"_id": "y", "count": 2}, {"_id": "x", "count": 1}])"));
  EXPECT_EQ(Aggregate(kSales, R"([{"$sort": {"n": -1}}, {"$skip": 1}, {"$limit": 1},
                                 {"$addFields": {"n": {"$multiply": ["$n", 2]}}},
                                 {"$unset": "tags"}])"),
            Normal(R"([{"_id": 1, "item": "a", "n": 4}])"));
  EXPECT_EQ(Aggregate(kSales, R"([{"$count": "total"}])"), Normal(R"([{"total": 3}])"));
  EXPECT_EQ(Aggregate(kSales, R"([{"$facet": {"few": [{"$limit": 1}, {"$project": {"_id": 1}}],
                                 "all": [{"$count": "n"}]}}])"),
            Normal(R"([{"few": [{"_id": 1}], "all": [{"n": 3}]}])"));
  EXPECT_EQ(Aggregate(kSales, R"([{"$bucket": {"groupBy": "$n", "boundaries": [0, 2, 10]}}])"),
            Normal(R"([{"_id": 0, "count": 1}, {"_id": 2, "count": 2}])"));
}

TEST(PipelineTest, GroupsKeepTheFirstFormOfANumber) {
  EXPECT_EQ(Aggregate({R"({"x": 1.0})", R"({"x": 1})"}, R"([{"$group": {"_id": "$x"}}])"),
            Normal(R"([{"_id": 1.0}])"));
}

TEST(PipelineTest, LookupJoinsByEqualityAndByPipeline) {
  TestContext context;
  context.foreign = {Bson(R"({"_id": 10, "k": 1})"), Bson(R"({"_id": 11, "k": [1, 2]})"),
                     Bson(R"({"_id": 12})")};
  const std::vector<std::string> local = {Bson(R"({"_id": 1, "k": 1})"), Bson(R"({"_id": 2})")};
  EXPECT_EQ(
      RunPipeline(context, local, R"([{"$lookup": {"from": "f", "localField": "k",
                        "foreignField": "k", "as": "r"}}, {"$project": {"r._id": 1}}])"),
      Normal(R"([{"_id": 1, "r": [{"_id": 10}, {"_id": 11}]}, {"_id": 2, "r": [{"_id": 12}]}])"));
  EXPECT_EQ(RunPipeline(context, local, R"([{"$limit": 1}, {"$lookup": {"from": "f",
                        "let": {"mine": "$k"}, "as": "r", "pipeline": [
                        {"$match": {"$expr": {"$eq": ["$k", "$$mine"]}}}]}}])"),
            Normal(R"([{"_id": 1, "k": 1, "r": [{"_id": 10, "k": 1}]}])"));
}

TEST(PipelineTest, SortsThatDoNotFitIntoMemorySpillAndGiveTheSameOrder) {
  std::vector<std::string> documents;
  for (int i = 0; i < 500; ++i) {
    documents.push_back(Bson("{\"_id\": " + std::to_string((i * 7919) % 500) + "}"));
  }
  TestContext roomy;
  TestContext tight;
  tight.memory = 4096;
  const std::string sorted = RunPipeline(roomy, documents, R"([{"$sort": {"_id": 1}}])");
  EXPECT_EQ(RunPipeline(tight, documents, R"([{"$sort": {"_id": 1}}])"), sorted);
  tight.spills = false;
  EXPECT_EQ(RunPipeline(tight, documents, R"([{"$sort": {"_id": 1}}])"), "error 146");
}

TEST(PipelineTest, MistakesCarryMongoCodes) {
  EXPECT_EQ(Aggregate({}, R"([{"$foo": 1}])"), "error 40324");
  EXPECT_EQ(Aggregate({}, R"([{"$match": 1}])"), "error 15959");
  EXPECT_EQ(Aggregate({}, R"([{"$limit": 0}])"), "error 15958");
  EXPECT_EQ(Aggregate({}, R"([{"$project": {"a": {"$foo": 1}}}])"), "error 168");
  EXPECT_EQ(Aggregate({}, R"([{"$project": {"a": {"$divide": [1, 0]}}}])"), "error 2");
  EXPECT_EQ(Aggregate({}, R"([{"$project": {"a": 1, "b": 0}}])"), "error 31254");
}

// {"v": EXPRESSION} of {"a": 5, "s": "héllo", "l": [{"b": 1}, {"b": 2}, 3]}.
std::string Evaluate(std::string_view expression) {
  return Aggregate({R"({"_id": 0, "a": 5, "s": "h\u00e9llo", "l": [{"b": 1}, {"b": 2}, 3]})"},
                   "[{\"$project\": {\"_id\": 0, \"v\": " + std::string(expression) + "}}]");
}
std::string Value(std::string_view json) { return Normal("[{\"v\": " + std::string(json) + "}]"); }

TEST(ExpressionTest, OperatorsGiveMongoResults) {
  const struct {
    const char* expression;
    const char* value;
  } kCases[] = {
      {R"({"$add": ["$a", 2.5]})", "7.5"},
      {R"({"$add": [2147483647, 1]})", "2147483648"},
      {R"({"$mod": [-7, 3]})", "-1"},
      {R"({"$round": [2.5]})", "2.0"},
      {R"({"$cond": [{"$gt": ["$a", 4]}, "big", "small"]})", R"("big")"},
      {R"("$l.b")", "[1, 2]"},
      {R"({"$concat": ["x", {"$toUpper": "yz"}]})", R"("xYZ")"},
      {R"({"$strLenCP": "$s"})", "5"},
      {R"({"$strLenBytes": "$s"})", "6"},
      {R"({"$substrCP": ["$s", 1, 2]})", "\"\\u00e9l\""},
      {R"({"$map": {"input": [1, 2], "in": {"$multiply": ["$$this", "$a"]}}})", "[5, 10]"},
      {R"({"$filter": {"input": [1, 6, 9], "as": "x", "cond": {"$gt": ["$$x", "$a"]}}})", "[6, 9]"},
      {R"({"$reduce": {"input": [1, 2, 3], "initialValue": 0, "in": {"$add": ["$$value", "$$this"]}}})",
       "6"},
      {R"({"$let": {"vars": {"q": {"$add": ["$a", 1]}}, "in": {"$multiply": ["$$q", 2]}}})", "12"},
      {R"({"$setUnion": [[2, 1], [1, 3]]})", "[1, 2, 3]"},
      {R"({"$arrayToObject": [[["k", 1]]]})", R"({"k": 1})"},
      {R"({"$toInt": "42"})", "42"},
      {R"({"$dateToString": {"date": {"$date": "2024-02-29T12:00:00Z"}, "format": "%Y-%m-%d %H", "timezone": "+02:00"}})",
       R"("2024-02-29 14")"},
      {R"({"$dateAdd": {"startDate": {"$date": "2024-01-31T00:00:00Z"}, "unit": "month", "amount": 1}})",
       R"({"$date": "2024-02-29T00:00:00Z"})"},
      {R"({"$regexMatch": {"input": "$s", "regex": "^h.l"}})", "true"},
      {R"({"$ifNull": ["$nothing", "$a"]})", "5"},
  };
  for (const auto& c : kCases) EXPECT_EQ(Evaluate(c.expression), Value(c.value)) << c.expression;
}

TEST(DensifyTest, MakesTheStepsThatAreMissing) {
  EXPECT_EQ(Aggregate({R"({"n": 0})", R"({"n": 6})", R"({"n": 3, "x": 1})"},
                      R"([{"$densify": {"field": "n", "range": {"step": 2, "bounds": "full"}}}])"),
            Normal(R"([{"n": 0}, {"n": 2}, {"n": 3, "x": 1}, {"n": 4}, {"n": 6}])"));
  // The upper bound is left out, and what lies outside stays.
  EXPECT_EQ(Aggregate({R"({"n": -5})", R"({"n": 1})", R"({"n": null})"},
                      R"([{"$densify": {"field": "n", "range": {"step": 1, "bounds": [0, 3]}}}])"),
            Normal(R"([{"n": null}, {"n": -5}, {"n": 0}, {"n": 1}, {"n": 2}])"));
  EXPECT_EQ(Aggregate({}, R"([{"$densify": {"field": "n", "range": {"step": 1,
                              "bounds": [0, 2]}}}])"),
            Normal(R"([{"n": 0}, {"n": 1}])"));
}

TEST(DensifyTest, FillsEachPartitionInItsOwnBoundsOrInThoseOfAll) {
  const std::vector<std::string> rows = {R"({"p": "a", "n": 1})", R"({"p": "b", "n": 2})",
                                         R"({"p": "b", "n": 4})"};
  EXPECT_EQ(Aggregate(rows, R"([{"$densify": {"field": "n", "partitionByFields": ["p"],
                                "range": {"step": 1, "bounds": "partition"}}}])"),
            Normal(R"([{"p": "a", "n": 1}, {"p": "b", "n": 2}, {"p": "b", "n": 3},
                       {"p": "b", "n": 4}])"));
  EXPECT_EQ(Aggregate(rows, R"([{"$densify": {"field": "n", "partitionByFields": ["p"],
                                "range": {"step": 2, "bounds": "full"}}}])"),
            Normal(R"([{"p": "a", "n": 1}, {"p": "a", "n": 3}, {"p": "b", "n": 1},
                       {"p": "b", "n": 2}, {"p": "b", "n": 3}, {"p": "b", "n": 4}])"));
}

TEST(DensifyTest, StepsOfMonthsCountFromTheFirst) {
  EXPECT_EQ(Aggregate({R"({"d": {"$date": "2024-01-31T00:00:00Z"}})",
                       R"({"d": {"$date": "2024-03-31T00:00:00Z"}})"},
                      R"([{"$densify": {"field": "d", "range": {"step": 1, "unit": "month",
                                        "bounds": "full"}}}])"),
            Normal(R"([{"d": {"$date": "2024-01-31T00:00:00Z"}},
                       {"d": {"$date": "2024-02-29T00:00:00Z"}},
                       {"d": {"$date": "2024-03-31T00:00:00Z"}}])"));
}

TEST(DensifyTest, RefusesWhatHasNoSteps) {
  const auto with = [](std::string_view range) {
    return Aggregate({R"({"n": "x"})"},
                     R"([{"$densify": {"field": "n", "range": )" + std::string(range) + "}}]");
  };
  EXPECT_EQ(with(R"({"step": 0, "bounds": "full"})"), "error 5733401");
  EXPECT_EQ(with(R"({"step": 1, "bounds": [2, 1]})"), "error 5733402");
  EXPECT_EQ(with(R"({"step": 1, "bounds": [2]})"), "error 5733403");
  EXPECT_EQ(with(R"({"step": 1, "bounds": "partition"})"), "error 5733408");
  EXPECT_EQ(with(R"({"step": 1, "bounds": "full"})"), "error 5733201");
  EXPECT_EQ(Aggregate({}, R"([{"$densify": {"field": "n", "range": {"step": 1,
                              "bounds": [0, 1000000]}}}])"),
            "error 5897900");
}

TEST(ExpressionTest, SumsOfSeveralKindsOfNumbersAreExact) {
  // 2^53 + 1 as long and as decimal, 2^53 as double.
  const std::vector<std::string> numbers = {R"({"n": {"$numberLong": "9007199254740993"}})",
                                            R"({"n": 9007199254740992.0})",
                                            R"({"n": {"$numberDecimal": "9007199254740993"}})"};
  EXPECT_EQ(Aggregate(numbers, R"([{"$group": {"_id": null, "sum": {"$sum": "$n"}}}])"),
            Normal(R"([{"_id": null, "sum": {"$numberDecimal": "27021597764222978"}}])"));
  EXPECT_EQ(Aggregate({R"({"n": {"$numberLong": "9223372036854775807"}})",
                       R"({"n": {"$numberLong": "9223372036854775807"}})",
                       R"({"n": {"$numberDecimal": "1"}})"},
                      R"([{"$group": {"_id": null, "sum": {"$sum": "$n"}}}])"),
            Normal(R"([{"_id": null, "sum": {"$numberDecimal": "18446744073709551615"}}])"));
}

TEST(ExpressionTest, DatesAreReadAsPeopleWriteThem) {
  for (const char* text : {"2024-06-15T12:30:45Z ", "2024-06-15\\t12:30:45Z",
                           "\\u00a02024-06-15 12:30:45Z", "2024-06-15 17:30:45 +0500"}) {
    EXPECT_EQ(Evaluate(R"({"$toDate": ")" + std::string(text) + "\"}"),
              Value(R"({"$date": "2024-06-15T12:30:45Z"})"))
        << text;
  }
  EXPECT_EQ(Evaluate(R"({"$toDate": "2024-06-15 x 12:30:45"})"), "error 241");
  EXPECT_EQ(Evaluate(R"({"$toDate": "2024-06 -15T12:30:45Z"})"), "error 241");
}

TEST(ExpressionTest, ACommandsVariablesMayLoop) {
  TestContext context;
  ParseOptions options;
  const std::string let =
      Bson(R"({"x": {"$map": {"input": [1, 2], "in": {"$add": ["$$this", 1]}}}})");
  options.let = bson::Document(AsBytes(let));
  EXPECT_TRUE(Expression::CheckLet(options).ok());
  const std::string spec = Bson(R"({"v": "$$x"})");
  auto expression = Expression::Parse(bson::Document(AsBytes(spec))["v"].value(), options);
  ASSERT_TRUE(expression.ok());
  const auto value = (*expression)->Evaluate(bson::Document());
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(value->view().Doc().CountElements(), 2u);
  const std::string reads = Bson(R"({"x": "$field"})");
  options.let = bson::Document(AsBytes(reads));
  EXPECT_EQ(MongoCode(Expression::CheckLet(options)), 4890500);
}

TEST(ProjectionTest, FindProjections) {
  const std::string doc = Bson(R"({"_id": 1, "a": {"b": 1, "c": 2}, "l": [1, 2, 3], "z": 9})");
  const auto project = [&](const char* spec) {
    const std::string s = Bson(spec);
    auto p = Projection::ParseFind(bson::Document(AsBytes(s)), {}, {});
    EXPECT_TRUE(p.ok()) << spec;
    return BsonToJson(bson::Document(AsBytes(*(*p)->Apply(bson::Document(AsBytes(doc))))),
                      JsonMode::kRelaxed);
  };
  const auto json = [](const char* text) {
    return BsonToJson(bson::Document(AsBytes(Bson(text))), JsonMode::kRelaxed);
  };
  EXPECT_EQ(project(R"({"a.b": 1})"), json(R"({"_id": 1, "a": {"b": 1}})"));
  EXPECT_EQ(project(R"({"a": 0, "_id": 0})"), json(R"({"l": [1, 2, 3], "z": 9})"));
  EXPECT_EQ(project(R"({"l": {"$slice": -1}, "a": 0})"), json(R"({"_id": 1, "l": [3], "z": 9})"));
  EXPECT_EQ(project(R"({"l": {"$elemMatch": {"$gt": 1}}})"), json(R"({"_id": 1, "l": [2]})"));
  EXPECT_EQ(project(R"({"z": 1, "n": {"$add": ["$z", 1]}})"),
            json(R"({"_id": 1, "z": 9, "n": 10})"));
}

const std::vector<std::string> kDays = {
    R"({"_id": 1, "p": "a", "x": 1, "y": 2})", R"({"_id": 2, "p": "a", "x": 3, "y": 4})",
    R"({"_id": 3, "p": "b", "x": 2, "y": 8})", R"({"_id": 4, "p": "a", "x": 3, "y": null})"};

// One output of $setWindowFields, by document.
std::string Windowed(std::string_view function, std::string_view sort = R"({"x": 1})") {
  return Aggregate(kDays, R"([{"$setWindowFields": {"partitionBy": "$p", "sortBy": )" +
                              std::string(sort) + R"(, "output": {"r": )" + std::string(function) +
                              R"(}}}, {"$project": {"_id": 0, "r": 1}}])");
}

TEST(WindowTest, FunctionsSeeTheirFrameOfTheirPartition) {
  const struct {
    const char* function;
    const char* results;  // of 1, 2, 4 and 3, whose partition is the second
  } kCases[] = {
      {R"({"$sum": "$y"})", "[6, 6, 6, 8]"},
      {R"({"$sum": "$y", "window": {"documents": ["unbounded", "current"]}})", "[2, 6, 6, 8]"},
      {R"({"$push": "$_id", "window": {"documents": ["unbounded", "current"]}})",
       "[[1], [1, 2], [1, 2, 4], [3]]"},
      {R"({"$push": "$_id", "window": {"documents": [-1, 0]}})", "[[1], [1, 2], [2, 4], [3]]"},
      {R"({"$push": "$_id", "window": {"documents": [1, 1]}})", "[[2], [4], [], []]"},
      {R"({"$push": "$_id", "window": {"range": [-2, "current"]}})",
       "[[1], [1, 2, 4], [1, 2, 4], [3]]"},
      {R"({"$rank": {}})", "[1, 2, 2, 1]"},
      {R"({"$denseRank": {}})", "[1, 2, 2, 1]"},
      {R"({"$documentNumber": {}})", "[1, 2, 3, 1]"},
      {R"({"$shift": {"output": "$_id", "by": -1, "default": 0}})", "[0, 1, 2, 0]"},
      {R"({"$locf": "$y"})", "[2, 4, 4, 8]"},
      {R"({"$covariancePop": ["$x", "$y"]})", "[1.0, 1.0, 1.0, 0.0]"},
      {R"({"$covarianceSamp": ["$x", "$y"]})", "[2.0, 2.0, 2.0, null]"},
      {R"({"$expMovingAvg": {"input": "$y", "alpha": 0.5}})", "[2.0, 3.0, 3.0, 8.0]"},
      {R"({"$derivative": {"input": "$_id"}, "window": {"documents": [-1, 0]}})",
       "[null, 0.5, null, null]"},
      {R"({"$integral": {"input": "$x"}})", "[4.0, 4.0, 4.0, 0.0]"},
  };
  for (const auto& c : kCases) {
    const std::string values = Bson("{\"v\": " + std::string(c.results) + "}");
    std::string wanted = "[";
    for (const bson::Element& e : bson::Document(AsBytes(values))["v"].value().Doc()) {
      const std::string one = bson::Builder().Value("r", e.value()).Finish();
      wanted += (wanted.size() > 1 ? "," : "") +
                BsonToJson(bson::Document(AsBytes(one)), JsonMode::kRelaxed);
    }
    EXPECT_EQ(Windowed(c.function), wanted + "]") << c.function;
  }
}

TEST(WindowTest, MistakesHaveMongoDbsCodes) {
  EXPECT_EQ(Windowed(R"({"$sum": "$y", "window": {"range": [1, -1]}})"), "error 5339900");
  EXPECT_EQ(Windowed(R"({"$sum": "$y", "window": {"range": [-1, 1]}})", R"({"x": -1})"),
            "error 8947401");
  EXPECT_EQ(Windowed(R"({"$sum": "$y", "window": {"range": [-1, 1]}})", R"({"p": 1})"),
            "error 5429414");
  EXPECT_EQ(Windowed(R"({"$rank": {}, "window": {"documents": [0, 1]}})"), "error 5371601");
  EXPECT_EQ(Windowed(R"({"$sun": "$y"})"), "error 9");
  EXPECT_EQ(Aggregate(kDays, R"([{"$setWindowFields": {"output": {"r": {"$rank": {}}}}}])"),
            "error 5371602");
  EXPECT_EQ(Aggregate(kDays, R"([{"$setWindowFields": {"sortBy": {"x": 1}}}])"), "error 40414");
}

TEST(PipelineTest, FillTakesTheLastOrTheLineBetween) {
  const std::vector<std::string> gaps = {R"({"t": 0, "v": 2})", R"({"t": 1})",
                                         R"({"t": 4, "v": 10})", R"({"t": 5, "w": 1})"};
  EXPECT_EQ(Aggregate(gaps, R"([{"$fill": {"sortBy": {"t": 1}, "output":
                {"v": {"method": "linear"}, "w": {"value": 0}}}}])"),
            Normal(R"([{"t": 0, "v": 2, "w": 0}, {"t": 1, "v": 4.0, "w": 0},
                       {"t": 4, "v": 10, "w": 0}, {"t": 5, "w": 1, "v": null}])"));
  EXPECT_EQ(Aggregate(gaps, R"([{"$fill": {"sortBy": {"t": 1}, "output":
                {"v": {"method": "locf"}}}}, {"$project": {"w": 0}}])"),
            Normal(R"([{"t": 0, "v": 2}, {"t": 1, "v": 2}, {"t": 4, "v": 10},
                       {"t": 5, "v": 10}])"));
}

TEST(PipelineTest, RedactDecidesLevelByLevel) {
  const std::vector<std::string> levels = {
      R"({"_id": 1, "l": 1, "a": {"l": 5, "s": 1}, "b": [{"l": 1, "s": 2}, {"l": 9}, 3]})",
      R"({"_id": 2, "l": 9})"};
  EXPECT_EQ(Aggregate(levels, R"([{"$redact": {"$cond": [{"$gt": ["$l", 3]}, "$$PRUNE",
                                  "$$DESCEND"]}}])"),
            Normal(R"([{"_id": 1, "l": 1, "b": [{"l": 1, "s": 2}, 3]}])"));
  EXPECT_EQ(Aggregate(levels, R"([{"$redact": {"$cond": [{"$eq": ["$$ROOT._id", 2]}, "$$KEEP",
                                  "$$PRUNE"]}}])"),
            Normal(R"([{"_id": 2, "l": 9}])"));
  EXPECT_EQ(Aggregate(levels, R"([{"$redact": "keeps"}])"), "error 17053");
}

TEST(PipelineTest, GraphLookupFollowsToItsDepthAndMeetsEachOnce) {
  TestContext context;
  for (const char* d : {R"({"_id": "a", "to": "b"})", R"({"_id": "b", "to": ["c", "a"]})",
                        R"({"_id": "c", "to": null})"}) {
    context.foreign.push_back(Bson(d));
  }
  const auto reach = [&](std::string_view more) {
    return RunPipeline(context, {Bson(R"({"s": "a"})")},
                       R"([{"$graphLookup": {"from": "g", "startWith": "$s", "as": "r",
                            "connectFromField": "to", "connectToField": "_id")" +
                           std::string(more) + R"(}}, {"$project": {"s": 0, "r.to": 0}}])");
  };
  EXPECT_EQ(reach(""), Normal(R"([{"r": [{"_id": "a"}, {"_id": "b"}, {"_id": "c"}]}])"));
  EXPECT_EQ(reach(R"(, "maxDepth": 1, "depthField": "d")"),
            Normal(R"([{"r": [{"_id": "a", "d": 0}, {"_id": "b", "d": 1}]}])"));
  EXPECT_EQ(reach(R"(, "restrictSearchWithMatch": {"_id": {"$ne": "b"}})"),
            Normal(R"([{"r": [{"_id": "a"}]}])"));
}

// What a sort keeps when a limit follows is what it would have given without knowing.
TEST(PipelineTest, ASortBeforeALimitKeepsTheBestInLittleMemory) {
  TestContext context;
  context.memory = 4000;
  context.spills = false;
  std::vector<std::string> documents;
  for (int i = 0; i < 1000; ++i) {
    documents.push_back(Bson("{\"_id\": " + std::to_string((i * 617) % 1000) + "}"));
  }
  EXPECT_EQ(
      RunPipeline(context, documents, R"([{"$sort": {"_id": 1}}, {"$skip": 2}, {"$limit": 2}])"),
      Normal(R"([{"_id": 2}, {"_id": 3}])"));
  EXPECT_EQ(RunPipeline(context, documents, R"([{"$sort": {"_id": 1}}, {"$count": "n"}])"),
            "error 146");
}

}  // namespace
}  // namespace nexadb::query
