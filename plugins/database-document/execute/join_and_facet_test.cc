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
