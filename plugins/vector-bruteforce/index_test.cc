// The answer is the oracle's, to the last bit, for every shape of data.
#include <gtest/gtest.h>

#include <cfloat>

#include "plugins/vector-bruteforce/testing.h"

namespace nexadb::bruteforce {
namespace {

constexpr VectorMetric kMetrics[] = {VectorMetric::kCosine, VectorMetric::kDot, VectorMetric::kL2};

struct Shape {
  uint32_t dimensions;
  uint64_t rows;
};

class IndexLaws : public testing::Test {
 protected:
  IndexLaws() { RecordProperty("seed", std::to_string(seed_)); }
  std::string Context() const { return "seed " + std::to_string(seed_); }

  VectorSearch Search(const std::vector<float>& queries, uint32_t k) const {
    VectorSearch search;
    search.queries = queries;
    search.k = k;
    return search;
  }
  std::vector<float> Queries(Source& source, size_t count) const {
    std::vector<float> all;
    for (size_t i = 0; i < count; ++i) {
      const std::vector<float> one = source.Gaussian();
      all.insert(all.end(), one.begin(), one.end());
    }
    return all;
  }
  void Fill(Pair& pair, Source& source, uint64_t rows) const {
    std::vector<std::pair<uint64_t, std::vector<float>>> batch;
    for (uint64_t row = 0; row < rows; ++row) batch.push_back({row * 3, source.Gaussian()});
    pair.Put(1, batch);
    ASSERT_TRUE(pair.applied.ok());
  }

  const uint64_t seed_ = std::random_device{}();
  TestClock clock_;
  TestExecutor pool_{2};
  const Machine machine_{&clock_, &pool_};
};

TEST_F(IndexLaws, RandomDataAnswersAsTheOracle) {
  SCOPED_TRACE(Context());
  // 2048 dimensions have 512 rows in a segment, so the last shape has several.
  for (const Shape shape : {Shape{1, 40}, Shape{3, 0}, Shape{8, 1}, Shape{17, 3000},
                            Shape{128, 1500}, Shape{2048, 1300}}) {
    for (VectorMetric metric : kMetrics) {
      Source source(shape.dimensions, seed_);
      Pair pair(shape.dimensions, metric, machine_);
      Fill(pair, source, shape.rows);
      for (size_t batch : {size_t{1}, size_t{2}, size_t{5}}) {
        const std::vector<float> queries = Queries(source, batch);
        for (uint32_t k : {1u, 10u, 10000u}) {
          EXPECT_EQ(pair.Difference(Search(queries, k)), "")
              << shape.dimensions << " x " << shape.rows << " batch " << batch << " k " << k;
        }
      }
    }
  }
}

TEST_F(IndexLaws, LargeBatchesCrossTheirGroups) {
  SCOPED_TRACE(Context());
  Source source(4, seed_);
  Pair pair(4, VectorMetric::kCosine, machine_);
  Fill(pair, source, 200);
  const std::vector<float> queries = Queries(source, 300);
  EXPECT_EQ(pair.Difference(Search(queries, 5)), "");
}

TEST_F(IndexLaws, TiesGoToTheLesserRow) {
  SCOPED_TRACE(Context());
  for (VectorMetric metric : kMetrics) {
    Source source(6, seed_);
    Pair pair(6, metric, machine_);
    std::vector<std::pair<uint64_t, std::vector<float>>> rows;
    for (uint64_t row = 2000; row > 0; --row) rows.push_back({row, source.Coarse()});
    pair.Put(1, rows);
    for (uint32_t k : {1u, 7u, 100u, 1999u}) {
      EXPECT_EQ(pair.Difference(Search(source.Coarse(), k)), "") << k;
    }
  }
}

TEST_F(IndexLaws, NearTiesAreToldApartInDouble) {
  SCOPED_TRACE(Context());
  // Rows that differ from each other in the last bit of one value.
  Source source(64, seed_);
  const std::vector<float> base = source.Gaussian();
  for (VectorMetric metric : kMetrics) {
    Pair pair(64, metric, machine_);
    std::vector<std::pair<uint64_t, std::vector<float>>> rows;
    for (uint64_t row = 0; row < 1500; ++row) {
      std::vector<float> v = base;
      float& x = v[source.random()() % v.size()];
      x = std::nextafter(x, source.random()() % 2 == 0 ? 10.0f : -10.0f);
      rows.push_back({row, v});
    }
    pair.Put(1, rows);
    EXPECT_EQ(pair.Difference(Search(base, 20)), "");
    EXPECT_EQ(pair.Difference(Search(source.Gaussian(), 20)), "");
  }
}

TEST_F(IndexLaws, ZeroTinyAndHugeVectorsAreScoredRight) {
  SCOPED_TRACE(Context());
  for (VectorMetric metric : kMetrics) {
    Source source(16, seed_);
    Pair pair(16, metric, machine_);
    std::vector<std::pair<uint64_t, std::vector<float>>> rows;
    for (uint64_t row = 0; row < 600; ++row) {
      constexpr float kScales[] = {0, FLT_TRUE_MIN, 1e-30f, 1, 1e18f, FLT_MAX / 8};
      std::vector<float> v = source.Gaussian(kScales[row % std::size(kScales)]);
      for (float& x : v) x = std::clamp(x, -FLT_MAX, FLT_MAX);
      rows.push_back({row, v});
    }
    pair.Put(1, rows);
    for (float scale : {0.0f, FLT_TRUE_MIN, 1e-20f, 1.0f, 1e19f, FLT_MAX / 8}) {
      std::vector<float> query = source.Gaussian(scale);
      for (float& x : query) x = std::clamp(x, -FLT_MAX, FLT_MAX);
      EXPECT_EQ(pair.Difference(Search(query, 50)), "") << scale;
      query.insert(query.end(), query.begin(), query.end());  // the matrix path
      EXPECT_EQ(pair.Difference(Search(query, 600)), "") << scale;
    }
  }
}

TEST_F(IndexLaws, AZeroVectorHasCosineZero) {
  Pair pair(3, VectorMetric::kCosine, machine_);
  pair.Put(1, {{7, {0, 0, 0}}, {8, {1, 0, 0}}, {9, {-1, 0, 0}}});
  const std::vector<float> query = {2, 0, 0};
  auto hits = pair.index->Search(Search(query, 3));
  ASSERT_TRUE(hits.ok());
  EXPECT_TRUE((*hits)->Exact());
  const Span<const VectorHit> found = (*hits)->Hits(0);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].row, 8u);
  EXPECT_EQ(found[0].score, 1.0);
  EXPECT_EQ(found[1].row, 7u);
  EXPECT_EQ(found[1].score, 0.0);
  EXPECT_EQ(found[2].score, -1.0);
}

TEST_F(IndexLaws, L2ScoreIsMinusTheDistance) {
  Pair pair(2, VectorMetric::kL2, machine_);
  pair.Put(1, {{1, {3, 4}}, {2, {0, 0}}});
  const std::vector<float> query = {0, 0};
  auto hits = pair.index->Search(Search(query, 2));
  ASSERT_TRUE(hits.ok());
  EXPECT_EQ((*hits)->Hits(0)[0].score, 0.0);
  EXPECT_FALSE(std::signbit((*hits)->Hits(0)[0].score));
  EXPECT_EQ((*hits)->Hits(0)[1].score, -5.0);
}

TEST_F(IndexLaws, FiltersOfEveryDensityAnswerAsTheOracle) {
  SCOPED_TRACE(Context());
  Source source(24, seed_);
  for (VectorMetric metric : kMetrics) {
    Pair pair(24, metric, machine_);
    Fill(pair, source, 2500);  // rows 0, 3, 6 … 7497
    for (uint64_t first : {uint64_t{0}, uint64_t{1000}, uint64_t{7498}, ~uint64_t{0} - 5}) {
      for (uint64_t one_in : {1u, 2u, 8u, 100u, 5000u}) {
        std::vector<uint64_t> words(80);
        for (size_t bit = 0; bit < words.size() * 64; ++bit) {
          if (source.random()() % one_in == 0) words[bit / 64] |= uint64_t{1} << (bit % 64);
        }
        const RowBitmap bitmap{first, words};
        const std::vector<float> queries = Queries(source, 3);
        VectorSearch search = Search(queries, 20);
        search.filter = &bitmap;
        EXPECT_EQ(pair.Difference(search), "") << first << " " << one_in;
      }
    }
  }
}

TEST_F(IndexLaws, ScoreMinIsInclusiveAndPrunesNothingElse) {
  SCOPED_TRACE(Context());
  for (VectorMetric metric : kMetrics) {
    Source source(12, seed_);
    Pair pair(12, metric, machine_);
    Fill(pair, source, 800);
    const std::vector<float> query = source.Gaussian();
    VectorSearch search = Search(query, 800);
    const HitList all = pair.oracle.Search(search, 0);
    search.has_score_min = 1;
    for (size_t at : {size_t{0}, size_t{10}, size_t{799}}) {
      search.score_min = all[at].score;
      EXPECT_EQ(pair.Difference(search), "");
      EXPECT_EQ((*pair.index->Search(search))->Hits(0).size(), at + 1);
    }
    search.score_min = 1e300;
    EXPECT_EQ((*pair.index->Search(search))->Hits(0).size(), 0u);
  }
}

TEST_F(IndexLaws, ThreadsAndBatchesChangeNoBit) {
  SCOPED_TRACE(Context());
  Source source(2048, seed_);
  TestExecutor many(4);
  Pair shared(2048, VectorMetric::kCosine, Machine{&clock_, &many});
  Pair alone(2048, VectorMetric::kCosine, Machine{&clock_, nullptr});
  Source again(2048, seed_);
  Fill(shared, source, 1200);
  Fill(alone, again, 1200);
  const std::vector<float> queries = Queries(source, 4);
  auto together = shared.index->Search(Search(queries, 30));
  ASSERT_TRUE(together.ok());
  EXPECT_GT(many.calls, 0u) << "the work was meant to be shared out";
  for (size_t q = 0; q < 4; ++q) {
    const std::vector<float> one(queries.begin() + static_cast<std::ptrdiff_t>(q * 2048),
                                 queries.begin() + static_cast<std::ptrdiff_t>((q + 1) * 2048));
    auto single = alone.index->Search(Search(one, 30));
    ASSERT_TRUE(single.ok());
    for (size_t i = 0; i < 30; ++i) {
      EXPECT_EQ((*together)->Hits(q)[i].row, (*single)->Hits(0)[i].row);
      EXPECT_EQ((*together)->Hits(q)[i].score, (*single)->Hits(0)[i].score);
    }
  }
}

TEST_F(IndexLaws, AStreamGivesEveryRowOnceInOrder) {
  SCOPED_TRACE(Context());
  Source source(9, seed_);
  Pair pair(9, VectorMetric::kL2, machine_);
  Fill(pair, source, 1000);
  const std::vector<float> query = source.Gaussian();
  VectorSearch search = Search(query, 3);
  auto stream = pair.index->Stream(search);
  ASSERT_TRUE(stream.ok());
  pair.Erase(2, 0);    // after the stream's view
  pair.index.Reset();  // a stream needs its rows, not its index
  search.k = 1000;
  search.view.sequence = 1;
  const HitList expected = pair.oracle.Search(search, 0);
  HitList got;
  std::vector<VectorHit> part(37);
  while (true) {
    Result<uint64_t> n = (*stream)->Next(part);
    ASSERT_TRUE(n.ok());
    if (*n == 0) break;
    got.insert(got.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(*n));
  }
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i].row, expected[i].row) << i;
}

}  // namespace
}  // namespace nexadb::bruteforce
