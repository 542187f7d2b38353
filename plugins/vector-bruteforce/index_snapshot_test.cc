// A search sees its snapshot and its own transaction's rows, and nothing else.
#include <gtest/gtest.h>

#include <map>

#include "plugins/vector-bruteforce/testing.h"

namespace nexadb::bruteforce {
namespace {

TestClock g_clock;

VectorSearch All(const std::vector<float>& query, uint64_t sequence) {
  VectorSearch search;
  search.queries = query;
  search.k = kVectorHitsMax;
  search.view.sequence = sequence;
  return search;
}

TEST(Snapshots, EverySequenceAnswersAsTheOracleThroughARandomHistory) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Source source(1024, seed);  // 1024 rows a segment
  Pair pair(1024, VectorMetric::kDot, Machine{&g_clock, nullptr});
  const std::vector<float> query = source.Gaussian();
  constexpr uint64_t kCommits = 60;
  uint64_t oldest = 1;
  for (uint64_t sequence = 1; sequence <= kCommits; ++sequence) {
    std::vector<std::pair<uint64_t, std::vector<float>>> rows;
    for (int i = 0; i < 50; ++i) rows.push_back({source.random()() % 400, source.Gaussian()});
    pair.Put(sequence, rows);
    ASSERT_TRUE(pair.applied.ok());
    for (int i = 0; i < 5; ++i) pair.Erase(sequence, source.random()() % 400);
    if (sequence % 7 == 0) {
      oldest = sequence - 3;
      pair.index->Forget(oldest);
    }
    const uint64_t any = oldest + source.random()() % (sequence - oldest + 1);
    EXPECT_EQ(pair.Difference(All(query, any)), "") << "at " << any << " of " << sequence;
  }
  EXPECT_EQ(pair.Difference(All(query, ~uint64_t{0})), "");
}

TEST(Snapshots, ForgettingFreesTheMemoryOfOldVersions) {
  Source source(64, 1);
  Pair pair(64, VectorMetric::kCosine, Machine{&g_clock, nullptr});
  uint64_t once = 0;
  for (uint64_t sequence = 1; sequence <= 50; ++sequence) {
    std::vector<std::pair<uint64_t, std::vector<float>>> rows;
    for (uint64_t row = 0; row < 100; ++row) rows.push_back({row, source.Gaussian()});
    pair.Put(sequence, rows);
    if (sequence == 1) once = pair.index->MemoryBytes();
  }
  EXPECT_EQ(pair.index->MemoryBytes(), 50 * once);
  EXPECT_EQ(pair.index->RowCount(), 100u);
  pair.index->Forget(50);
  EXPECT_EQ(pair.index->MemoryBytes(), once);
  EXPECT_EQ(pair.index->RowCount(), 100u);
  EXPECT_EQ(pair.Difference(All(source.Gaussian(), 50)), "");
  for (uint64_t row = 0; row < 100; ++row) pair.Erase(51, row);
  pair.index->Forget(51);
  EXPECT_EQ(pair.index->MemoryBytes(), 0u);
  EXPECT_EQ(pair.index->RowCount(), 0u);
}

TEST(Snapshots, APutAfterAnEraseInOneCommitStays) {
  Pair pair(1, VectorMetric::kDot, Machine{&g_clock, nullptr});
  pair.Put(1, {{5, {1}}});
  const std::vector<float> two = {2};
  const std::vector<float> three = {3};
  const std::vector<VectorChange> changes = {
      {VectorChange::Op::kErase, 0, 5, {}},  {VectorChange::Op::kPut, 0, 5, two},
      {VectorChange::Op::kPut, 0, 5, three}, {VectorChange::Op::kPut, 0, 6, two},
      {VectorChange::Op::kErase, 0, 6, {}},  {VectorChange::Op::kErase, 0, 99, {}}};
  ASSERT_TRUE(pair.index->Apply(2, changes).ok());
  EXPECT_EQ(pair.index->RowCount(), 1u);
  const std::vector<float> query = {1};
  auto now = pair.index->Search(All(query, 2));
  ASSERT_TRUE(now.ok());
  ASSERT_EQ((*now)->Hits(0).size(), 1u);
  EXPECT_EQ((*now)->Hits(0)[0].score, 3.0);
  auto before = pair.index->Search(All(query, 1));
  ASSERT_TRUE(before.ok());
  ASSERT_EQ((*before)->Hits(0).size(), 1u);
  EXPECT_EQ((*before)->Hits(0)[0].score, 1.0);
}

TEST(Overlay, AddsChangesAndRemovesForThisSearchAlone) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  for (VectorMetric metric : {VectorMetric::kCosine, VectorMetric::kDot, VectorMetric::kL2}) {
    Source source(20, seed);
    Pair pair(20, metric, Machine{&g_clock, nullptr});
    std::vector<std::pair<uint64_t, std::vector<float>>> rows;
    for (uint64_t row = 0; row < 1200; ++row) rows.push_back({row, source.Gaussian()});
    pair.Put(1, rows);
    const std::vector<uint64_t> removed = {3, 10, 11, 500, 1199};
    const std::vector<uint64_t> added = {10, 500, 5000, 7};  // 7 stands in `removed` nowhere
    std::vector<float> vectors;
    for (size_t i = 0; i < added.size(); ++i) {
      const std::vector<float> v = source.Gaussian();
      vectors.insert(vectors.end(), v.begin(), v.end());
    }
    const std::vector<float> query = source.Gaussian();
    VectorSearch search = All(query, 1);
    EXPECT_EQ(pair.Difference(search), "");
    search.view.overlay = {removed, added, vectors};
    EXPECT_EQ(pair.Difference(search), "");
    std::vector<uint64_t> words(80);
    words[0] = 0xFF;
    words[5000 / 64] = uint64_t{1} << (5000 % 64);
    const RowBitmap filter{0, words};
    search.filter = &filter;
    EXPECT_EQ(pair.Difference(search), "");
  }
}

// Every commit replaces all rows by vectors that say its number, so a search that mixed two commits
// would give two different scores.
TEST(Snapshots, ASearchBesideWritersSeesOneCommitWhole) {
  constexpr uint64_t kRows = 300;
  constexpr uint64_t kCommits = 300;
  Pair pair(256, VectorMetric::kDot, Machine{&g_clock, nullptr});
  auto commit = [&](uint64_t sequence) {
    const std::vector<float> vector(256, static_cast<float>(sequence) / 256);
    std::vector<VectorChange> changes;
    for (uint64_t row = 0; row < kRows; ++row) {
      changes.push_back({VectorChange::Op::kPut, 0, row, vector});
    }
    return pair.index->Apply(sequence, changes).ok();
  };
  ASSERT_TRUE(commit(1));
  std::atomic<bool> done{false};
  std::atomic<bool> good{true};
  std::thread writer([&] {
    for (uint64_t sequence = 2; sequence <= kCommits; ++sequence) {
      if (!commit(sequence)) good = false;
      if (sequence % 5 == 0) pair.index->Forget(sequence);
    }
    done = true;
  });
  const std::vector<float> query(256, 1.0f);
  double last = 0;
  uint64_t searches = 0;
  for (; !done || searches == 0; ++searches) {
    auto hits = pair.index->Search(All(query, ~uint64_t{0}));
    ASSERT_TRUE(hits.ok());
    const Span<const VectorHit> found = (*hits)->Hits(0);
    ASSERT_EQ(found.size(), kRows);
    EXPECT_EQ(found[0].score, found[kRows - 1].score);
    EXPECT_GE(found[0].score, last);
    last = found[0].score;
  }
  writer.join();
  EXPECT_TRUE(good);
}

}  // namespace
}  // namespace nexadb::bruteforce
