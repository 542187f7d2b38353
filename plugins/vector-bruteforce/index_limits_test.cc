// What is refused, and that nothing of it is kept.
#include <gtest/gtest.h>

#include <limits>

#include "core/document/error.h"
#include "plugins/vector-bruteforce/testing.h"

namespace nexadb::bruteforce {
namespace {

class Refusals : public testing::Test {
 protected:
  Refusals() : pair_(2, VectorMetric::kCosine, Machine{&clock_, nullptr}) {
    pair_.Put(1, {{1, {1, 0}}, {2, {0, 1}}});
  }
  Status Apply(uint64_t sequence, const std::vector<float>& vector) {
    const std::vector<float> good = {5, 5};
    const std::vector<VectorChange> changes = {{VectorChange::Op::kPut, 0, 50, good},
                                               {VectorChange::Op::kErase, 0, 1, {}},
                                               {VectorChange::Op::kPut, 0, 51, vector}};
    return pair_.index->Apply(sequence, changes);
  }
  Status Search(const VectorSearch& search) {
    auto hits = pair_.index->Search(search);
    return hits.ok() ? Status::Ok() : hits.status();
  }
  std::vector<float> query_ = {1, 1};
  VectorSearch Good() {
    VectorSearch search;
    search.queries = query_;
    return search;
  }
  TestClock clock_;
  Pair pair_;
};

TEST_F(Refusals, ABadVectorKeepsNothingOfItsCommit) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(Is(Apply(2, {kNaN, 0}), ErrorId::kInvalidVector));
  EXPECT_TRUE(Is(Apply(2, {0, -kInfinity}), ErrorId::kInvalidVector));
  const Status mismatch = Apply(2, {1, 2, 3});
  EXPECT_TRUE(Is(mismatch, ErrorId::kVectorDimensionMismatch));
  EXPECT_EQ(bson::Document(mismatch.detail())["expected"].value().Int64(), 2);
  EXPECT_EQ(bson::Document(mismatch.detail())["got"].value().Int64(), 3);
  EXPECT_EQ(pair_.index->RowCount(), 2u);
  EXPECT_EQ(pair_.Difference(Good()), "");
  EXPECT_TRUE(Apply(2, {1, 2}).ok());
  EXPECT_EQ(pair_.index->RowCount(), 3u);
}

TEST_F(Refusals, SequencesDoNotGoBack) {
  ASSERT_TRUE(Apply(5, {1, 1}).ok());
  EXPECT_EQ(Apply(4, {1, 1}).code(), Code::kInvalidArgument);
  EXPECT_TRUE(Apply(5, {1, 1}).ok()) << "a rebuild applies one sequence in parts";
}

TEST_F(Refusals, SearchesAreChecked) {
  EXPECT_TRUE(Search(Good()).ok());
  VectorSearch search = Good();
  search.k = 0;
  EXPECT_TRUE(Is(Search(search), ErrorId::kVectorLimit));
  search.k = kVectorHitsMax;
  EXPECT_TRUE(Search(search).ok());
  search.k = kVectorHitsMax + 1;
  EXPECT_TRUE(Is(Search(search), ErrorId::kVectorLimit));
  search = Good();
  search.queries = {};
  EXPECT_TRUE(Is(Search(search), ErrorId::kVectorDimensionMismatch));
  const std::vector<float> odd = {1, 2, 3};
  search.queries = odd;
  EXPECT_TRUE(Is(Search(search), ErrorId::kVectorDimensionMismatch));
  const std::vector<float> bad = {1, std::numeric_limits<float>::quiet_NaN()};
  search.queries = bad;
  EXPECT_TRUE(Is(Search(search), ErrorId::kInvalidVector));
  std::vector<float> many(size_t{kVectorQueriesMax} * 2, 1.0f);
  search.queries = many;
  EXPECT_TRUE(Search(search).ok());
  many.resize(many.size() + 2, 1.0f);
  search.queries = many;
  EXPECT_TRUE(Is(Search(search), ErrorId::kVectorLimit));
  search = Good();
  search.has_score_min = 1;
  search.score_min = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(Is(Search(search), ErrorId::kInvalidParameter));
  search = Good();
  const uint64_t row = 9;
  search.view.overlay.added = {&row, 1};
  EXPECT_TRUE(Is(Search(search), ErrorId::kVectorDimensionMismatch));
  search.view.overlay.vectors = bad;
  EXPECT_TRUE(Is(Search(search), ErrorId::kInvalidVector));
}

TEST_F(Refusals, AStreamTakesOneQuery) {
  const std::vector<float> two = {1, 2, 3, 4};
  VectorSearch search = Good();
  search.queries = two;
  EXPECT_FALSE(pair_.index->Stream(search).ok());
  search = Good();
  EXPECT_TRUE(pair_.index->Stream(search).ok());
}

TEST_F(Refusals, ADeadlineEndsTheSearchBetweenBlocks) {
  VectorSearch search = Good();
  search.deadline_ns = 1000;
  EXPECT_TRUE(Search(search).ok());
  clock_.now_ns = 2000;
  EXPECT_TRUE(Is(Search(search), ErrorId::kTimeLimit));
  auto stream = pair_.index->Stream(search);
  ASSERT_TRUE(stream.ok());
  VectorHit hit;
  EXPECT_TRUE(Is((*stream)->Next({&hit, 1}).status(), ErrorId::kTimeLimit));
}

TEST_F(Refusals, EstimateGrowsWithRowsAndShrinksWithTheFilter) {
  VectorSearch search = Good();
  EXPECT_EQ(pair_.index->Estimate(search).rows_read, 2u);
  const uint64_t word = 2;
  const RowBitmap filter{0, {&word, 1}};
  const double whole = pair_.index->Estimate(search).cpu_ns;
  search.filter = &filter;
  EXPECT_EQ(pair_.index->Estimate(search).rows_read, 1u);
  EXPECT_LT(pair_.index->Estimate(search).cpu_ns, whole);
}

class Opening : public testing::Test {
 protected:
  Result<Handle<VectorIndex>> Open(uint32_t dimensions, const std::string& options = {},
                                   VectorMetric metric = VectorMetric::kDot) {
    VectorIndexSpec spec;
    spec.dimensions = dimensions;
    spec.metric = metric;
    spec.options = AsBytes(options);
    return provider_.Open("unused", spec);
  }
  TestClock clock_;
  Provider provider_{Machine{&clock_, nullptr}, 100'000};
};

TEST_F(Opening, DimensionsHoldAtTheirEdges) {
  EXPECT_TRUE(Is(Open(0).status(), ErrorId::kVectorLimit));
  EXPECT_TRUE(Open(1).ok());
  EXPECT_TRUE(Open(kVectorDimensionsMax).ok());
  EXPECT_TRUE(Is(Open(kVectorDimensionsMax + 1).status(), ErrorId::kVectorLimit));
  EXPECT_FALSE(Open(4, {}, static_cast<VectorMetric>(3)).ok());
}

TEST_F(Opening, OptionsAreChecked) {
  EXPECT_TRUE(Open(4, bson::Builder().Int64("memory_max", 1000).Finish()).ok());
  EXPECT_TRUE(
      Is(Open(4, bson::Builder().Int32("memory_max", 0).Finish()).status(), ErrorId::kBadValue));
  EXPECT_TRUE(
      Is(Open(4, bson::Builder().Text("memory_max", "1").Finish()).status(), ErrorId::kBadValue));
  EXPECT_TRUE(
      Is(Open(4, bson::Builder().Int32("ef", 1).Finish()).status(), ErrorId::kUnknownOption));
  EXPECT_TRUE(Is(Open(4, "garbage").status(), ErrorId::kInvalidBson));
}

TEST_F(Opening, MemoryIsBoundedAndARefusedCommitKeepsNothing) {
  auto small = Open(4, bson::Builder().Int32("memory_max", 1000).Finish());
  ASSERT_TRUE(small.ok());
  const std::vector<float> v = {1, 2, 3, 4};
  std::vector<VectorChange> changes;
  for (uint64_t row = 0; row < 1000; ++row) {
    changes.push_back({VectorChange::Op::kPut, 0, row, v});
  }
  const Status refused = (*small)->Apply(1, changes);
  EXPECT_TRUE(Is(refused, ErrorId::kVectorMemory));
  EXPECT_EQ(refused.code(), Code::kResourceExhausted);
  EXPECT_EQ((*small)->RowCount(), 0u);
  EXPECT_EQ((*small)->MemoryBytes(), 0u);
  EXPECT_TRUE((*small)->Apply(1, {changes.data(), 2}).ok());
  EXPECT_EQ((*small)->RowCount(), 2u);

  // The instance's bound counts all its indexes, and gets back what a released one had.
  auto other = Open(4);
  ASSERT_TRUE(other.ok());
  EXPECT_TRUE(Is((*other)->Apply(1, changes), ErrorId::kVectorMemory));
  auto third = Open(4);
  ASSERT_TRUE(third.ok());
  ASSERT_TRUE((*third)->Apply(1, {changes.data(), 800}).ok());
  EXPECT_TRUE(Is((*other)->Apply(1, {changes.data(), 800}), ErrorId::kVectorMemory));
  third = Handle<VectorIndex>();
  EXPECT_TRUE((*other)->Apply(1, {changes.data(), 800}).ok());
}

TEST_F(Opening, NothingIsDurable) {
  EXPECT_EQ(provider_.Kind().size(), std::string_view("bruteforce").size());
  auto index = Open(1);
  ASSERT_TRUE(index.ok());
  EXPECT_TRUE((*index)->Checkpoint().ok());
  EXPECT_EQ((*index)->DurableSequence(), 0u);
}

}  // namespace
}  // namespace nexadb::bruteforce
