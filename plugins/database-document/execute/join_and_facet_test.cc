// Laws of $lookup by equality and of $facet, whatever the memory.
#include <gtest/gtest.h>

#include "core/document/json.h"
#include "plugins/database-document/execute/memory_spill.h"
#include "plugins/database-document/execute/random_documents.h"

namespace nexadb::query {
namespace {

constexpr uint64_t kSeed = 20'261'122;

using Documents = std::vector<std::string>;

Documents RandomOnes(RandomDocuments& random, int count) {
  Documents documents;
  for (int i = 0; i < count; ++i) documents.push_back(random.Document());
  return documents;
}

std::string Stages(std::string_view json) {
  auto bytes = JsonToBson(json);
  EXPECT_TRUE(bytes.ok()) << json;
  return *bytes;
}

std::string LookupOf(const std::string& local, const std::string& foreign, bool by_pipeline) {
  bson::Builder out;
  out.OpenObject("0").OpenObject("$lookup").Text("from", "other").Text("as", "found");
  out.Text("localField", local).Text("foreignField", foreign);
  // With a pipeline, be it empty, each document asks for its own.
  if (by_pipeline) out.OpenArray("pipeline").Close();
  out.Close().Close();
  return out.Finish();
}

TEST(EqualityJoinTest, AgreesWithAQueryForEachDocument) {
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  RandomDocuments random(kSeed);
  for (int i = 0; i < 40; ++i) {
    const Documents documents = RandomOnes(random, 300);
    SpillContext context;
    context.foreign = RandomOnes(random, 60);
    if (i % 4 == 0) context.memory = 16 << 10;
    const std::string local = random.Path(), foreign = random.Path();
    const Documents got = RunPipeline(LookupOf(local, foreign, false), documents, context);
    ASSERT_TRUE(context.failure.ok()) << context.failure.message();
    context.memory = kStageMemoryBytesDefault;
    const Documents expected = RunPipeline(LookupOf(local, foreign, true), documents, context);
    ASSERT_TRUE(context.failure.ok()) << context.failure.message();
    ASSERT_EQ(expected, got) << local << " " << foreign;
  }
}

// A filter of the joined documents is tested for each value once, and by $count without making any;
// behind a stage that keeps every document it is tested on each of them.
TEST(EqualityJoinTest, AFilterOfTheJoinedDocumentsKeepsTheSameOnes) {
  SCOPED_TRACE("seed " + std::to_string(kSeed + 1));
  RandomDocuments random(kSeed + 1);
  const auto stages = [](const bson::Document& lookup, const std::string& filter, bool barred,
                         bool counted) {
    std::string all = "{\"0\": " + BsonToJson(lookup["0"].value().Doc(), JsonMode::kCanonical);
    if (barred) all += R"(, "1": {"$redact": "$$KEEP"})";
    all += R"(, "2": {"$match": )" + filter + "}";
    if (counted) all += R"(, "3": {"$count": "n"})";
    return Stages(all + "}");
  };
  int kept = 0;
  for (int i = 0; i < 60; ++i) {
    const Documents documents = RandomOnes(random, 200);
    SpillContext context;
    context.foreign = RandomOnes(random, 60);
    if (i % 4 == 0) context.memory = 16 << 10;
    const std::string lookup = LookupOf(random.Path(), random.Path(), false);
    const std::string path = "\"found." + random.Path() + "\": ";
    const std::string filters[] = {"{" + path + "7}",
                                   "{" + path + R"({"$gt": 0}, "found": {"$ne": []}})",
                                   R"({"found": {"$size": 1}})",
                                   R"({"$or": [{)" + path + R"(null}, {"found.a": 1}]})",
                                   R"({"$nor": [{)" + path + R"({"$exists": true}}]})",
                                   R"({"found.a": {"$lt": 3}, "a": {"$exists": true}})"};
    const std::string& filter = filters[random.Below(std::size(filters))];
    for (const bool counted : {false, true}) {
      const bson::Document spec(AsBytes(lookup));
      const Documents got = RunPipeline(stages(spec, filter, false, counted), documents, context);
      ASSERT_TRUE(context.failure.ok()) << context.failure.message();
      const Documents expected =
          RunPipeline(stages(spec, filter, true, counted), documents, context);
      ASSERT_EQ(expected, got) << filter;
      kept += static_cast<int>(got.size());
    }
  }
  EXPECT_GT(kept, 1000);
}

TEST(EqualityJoinTest, ASmallCollectionIsAskedOnce) {
  Documents documents;
  for (int32_t i = 0; i < 5000; ++i)
    documents.push_back(bson::Builder().Int32("k", i % 50).Finish());
  SpillContext context;
  for (int32_t i = 0; i < 50; ++i)
    context.foreign.push_back(bson::Builder().Int32("_id", i).Finish());
  const Documents got = RunPipeline(LookupOf("k", "_id", false), documents, context);
  ASSERT_EQ(got.size(), documents.size());
  for (const std::string& document : got) {
    EXPECT_EQ(bson::Document(AsBytes(document))["found"].value().Doc().CountElements(), 1u);
  }
  EXPECT_LE(context.queries, 2);
}

// From one document to thousands at once, more than one query asks for.
TEST(GraphLookupTest, ManyValuesAreFollowedAndEachDocumentIsFoundOnce) {
  constexpr int32_t kFan = 10'000;
  SpillContext context;
  bson::Builder start;
  start.OpenArray("to");
  for (int32_t i = 0; i < kFan; ++i) start.Int32(std::to_string(i), i % (kFan - 1));
  start.Close();
  for (int32_t i = 0; i < kFan; ++i) {
    context.foreign.push_back(bson::Builder().Int32("_id", i).Int32("to", i / 2).Finish());
  }
  const Documents got = RunPipeline(
      Stages(R"({"0": {"$graphLookup": {"from": "other", "startWith": "$to", "as": "all",
          "connectFromField": "to", "connectToField": "_id", "depthField": "d"}},
          "1": {"$project": {"n": {"$size": "$all"}, "far": {"$max": "$all.d"}}}})"),
      {start.Finish()}, context);
  ASSERT_TRUE(context.failure.ok()) << context.failure.message();
  ASSERT_EQ(got.size(), 1u);
  // All but the last, which nothing leads to.
  EXPECT_EQ(bson::Document(AsBytes(got[0]))["n"].value().Int32(), kFan - 1);
  EXPECT_EQ(bson::Document(AsBytes(got[0]))["far"].value().Int64(), 0);
}

// Neither what is found nor what is remembered grows beyond the query's memory.
TEST(GraphLookupTest, ASearchThatOutgrowsMemoryFails) {
  SpillContext context;
  context.memory = 64 << 10;
  for (int32_t i = 0; i < 1000; ++i) {
    context.foreign.push_back(bson::Builder().Int32("_id", i).Int32("to", i + 1).Finish());
  }
  const std::string stages =
      Stages(R"({"0": {"$graphLookup": {"from": "other", "startWith": "$k", "as": "all",
          "connectFromField": "to", "connectToField": "_id"}}})");
  const Documents near{bson::Builder().Int32("k", 900).Finish()};
  EXPECT_EQ(RunPipeline(stages, near, context).size(), 1u);
  ASSERT_TRUE(context.failure.ok()) << context.failure.message();
  RunPipeline(stages, {bson::Builder().Int32("k", 0).Finish()}, context);
  EXPECT_TRUE(Is(context.failure, ErrorId::kMemoryLimit)) << context.failure.message();
  // Values that lead nowhere count, too.
  bson::Builder many;
  many.OpenArray("k");
  for (int32_t i = 0; i < 2000; ++i) many.Int32(std::to_string(i), -i);
  context.failure = {};
  RunPipeline(stages, {many.Close().Finish()}, context);
  EXPECT_TRUE(Is(context.failure, ErrorId::kMemoryLimit)) << context.failure.message();
}

TEST(FacetTest, InputsThatOutgrowMemoryAreReadFromDisk) {
  Documents documents;
  for (int32_t i = 0; i < 3000; ++i) documents.push_back(bson::Builder().Int32("k", i).Finish());
  const std::string stages = Stages(
      R"({"0": {"$facet": {"n": [{"$count": "n"}], "few": [{"$skip": 1500}, {"$limit": 2}],
          "s": [{"$group": {"_id": null, "s": {"$sum": "$k"}}}]}}})");
  SpillContext roomy;
  const Documents expected = RunPipeline(stages, documents, roomy);
  EXPECT_EQ(roomy.files, 0);
  SpillContext tight;
  tight.memory = 8192;
  EXPECT_EQ(RunPipeline(stages, documents, tight), expected);
  EXPECT_TRUE(tight.failure.ok()) << tight.failure.message();
  EXPECT_EQ(tight.files, 1);
  tight.spills = false;
  RunPipeline(stages, documents, tight);
  EXPECT_TRUE(Is(tight.failure, ErrorId::kMemoryLimit));
}

}  // namespace
}  // namespace nexadb::query
