#include "plugins/database-document/execute/external_sort.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/document/json.h"
#include "plugins/database-document/execute/memory_spill.h"
#include "plugins/database-document/execute/random_documents.h"

namespace nexadb::query {
namespace {

constexpr uint64_t kSeed = 20'261'122;

struct Sorted {
  std::vector<std::string> keys;
  std::vector<int32_t> numbers;  // of the documents, counted as they came
};

Sorted Sort(const std::vector<std::string>& keys, uint64_t limit, SpillContext& context) {
  ExternalSort sort(context, "$sort", limit);
  for (size_t i = 0; i < keys.size(); ++i) {
    const std::string document = bson::Builder().Int32("n", static_cast<int32_t>(i)).Finish();
    sort.Add(keys[i], BatchDocument::Borrow(bson::Document(AsBytes(document))));
  }
  Sorted out;
  while (const auto row = sort.Take()) {
    out.keys.push_back(row->key);
    out.numbers.push_back(bson::Document(row->document.bytes())["n"].value().Int32());
  }
  return out;
}

TEST(ExternalSortTest, RunsOnDiskGiveTheOrderOfMemory) {
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  RandomDocuments random(kSeed);
  std::vector<std::string> keys;
  for (int i = 0; i < 30'000; ++i) keys.push_back(std::to_string(random.Below(5000)));
  SpillContext roomy;
  const Sorted expected = Sort(keys, 0, roomy);
  EXPECT_EQ(roomy.files, 0);
  EXPECT_TRUE(std::is_sorted(expected.keys.begin(), expected.keys.end()));
  EXPECT_EQ(expected.keys.size(), keys.size());
  SpillContext tight;
  tight.memory = 20'000;  // more runs than may be open at once
  const Sorted got = Sort(keys, 0, tight);
  EXPECT_GT(tight.files, 64);
  EXPECT_EQ(got.keys, expected.keys);
  EXPECT_EQ(got.numbers, expected.numbers);
}

TEST(ExternalSortTest, ALimitKeepsTheBest) {
  RandomDocuments random(kSeed);
  std::vector<std::string> keys;
  for (int i = 0; i < 5000; ++i) keys.push_back(std::to_string(random.Below(100'000)));
  std::vector<std::string> expected = keys;
  std::sort(expected.begin(), expected.end());
  expected.resize(100);
  SpillContext context;
  context.memory = 20'000;
  EXPECT_EQ(Sort(keys, 100, context).keys, expected);
  EXPECT_EQ(context.files, 0);
  context.memory = 5000;  // too little for the best ones too
  EXPECT_EQ(Sort(keys, 100, context).keys, expected);
  EXPECT_GT(context.files, 0);
}

TEST(ExternalSortTest, PartitionsOfWindowsComeFromDisk) {
  std::vector<std::string> documents;
  for (int32_t i = 0; i < 3000; ++i) {
    documents.push_back(bson::Builder().Int32("k", i % 100).Int32("v", 3000 - i).Finish());
  }
  auto stages = JsonToBson(
      R"({"0": {"$setWindowFields": {"partitionBy": "$k", "sortBy": {"v": 1},
          "output": {"s": {"$sum": "$v", "window": {"documents": ["unbounded", "current"]}}}}}})");
  ASSERT_TRUE(stages.ok());
  SpillContext roomy;
  const auto expected = RunPipeline(*stages, documents, roomy);
  ASSERT_EQ(expected.size(), documents.size());
  EXPECT_EQ(roomy.files, 0);
  SpillContext tight;
  tight.memory = 30'000;
  EXPECT_EQ(RunPipeline(*stages, documents, tight), expected);
  EXPECT_TRUE(tight.failure.ok()) << tight.failure.message();
  EXPECT_GT(tight.files, 1);
}

}  // namespace
}  // namespace nexadb::query
