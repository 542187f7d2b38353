// Laws of vector search: which rows, in which order, with which scores.
#include "vector_laws.h"

namespace nexadb::testkit {
namespace {

constexpr uint32_t kDimensions = 24;

std::map<uint64_t, Vector> RandomRows(base::Prng& random, uint64_t count, uint32_t dimensions,
                                      uint64_t first = 0) {
  std::map<uint64_t, Vector> rows;
  for (uint64_t row = 0; row < count; ++row) {
    rows[first + row] = RandomVector(random, dimensions);
  }
  return rows;
}

Vector RandomQueries(base::Prng& random, uint64_t count, uint32_t dimensions) {
  Vector queries;
  for (uint64_t i = 0; i < count; ++i) {
    const Vector query = RandomVector(random, dimensions);
    queries.insert(queries.end(), query.begin(), query.end());
  }
  return queries;
}

void NearestAreThoseOfTheOracle(LawBench& bench) {
  base::Prng random(bench.seed());
  for (const VectorMetric metric : kMetrics) {
    for (const uint32_t dimensions : {1u, 3u, 16u, 67u, 384u}) {
      VectorPair pair(bench, dimensions, metric);
      pair.Commit(RandomRows(random, 700, dimensions));
      const Vector queries = RandomQueries(random, 5, dimensions);
      for (const uint32_t k : {1u, 10u, 300u}) pair.ExpectSameAnswer(pair.Searching(queries, k));
    }
  }
}

void AnEmptyIndexAnswersNothing(LawBench& bench) {
  VectorPair pair(bench, kDimensions, VectorMetric::kCosine);
  const Vector query(kDimensions, 1.0f);
  auto hits = pair.Search(pair.Searching(query, 10));
  EXPECT_EQ(hits->QueryCount(), 1u);
  EXPECT_TRUE(hits->Hits(0).empty());
  EXPECT_EQ(pair.index().RowCount(), 0u);
}

void AskingForMoreThanThereIsGivesAll(LawBench& bench) {
  base::Prng random(bench.seed());
  VectorPair pair(bench, kDimensions, VectorMetric::kL2);
  pair.Commit(RandomRows(random, 37, kDimensions));
  const Vector queries = RandomQueries(random, 2, kDimensions);
  for (const uint32_t k : {36u, 37u, 38u, kVectorHitsMax}) {
    pair.ExpectSameAnswer(pair.Searching(queries, k));
  }
  EXPECT_EQ(pair.Search(pair.Searching(queries, kVectorHitsMax))->Hits(1).size(), 37u);
}

void EqualScoresAreOrderedByRow(LawBench& bench) {
  base::Prng random(bench.seed());
  const Vector twin(kDimensions, 0.5f), other(kDimensions, -0.5f);
  for (const VectorMetric metric : kMetrics) {
    VectorPair pair(bench, kDimensions, metric);
    std::vector<uint64_t> twins;
    // In many commits and no order, so that the order of arrival is no help.
    for (int i = 0; i < 200; ++i) {
      const uint64_t row = random.Below(100'000);
      const bool is_twin = !random.OneIn(3);
      pair.Commit({{row, is_twin ? twin : other}});
    }
    auto hits = pair.Search(pair.Searching(twin, 50));
    const HitList list = HitsOf(*hits, 0);
    ASSERT_EQ(list.size(), 50u);
    for (size_t i = 1; i < list.size(); ++i) {
      EXPECT_EQ(list[i - 1].score, list[i].score);
      EXPECT_LT(list[i - 1].row, list[i].row);
    }
    pair.ExpectSameAnswer(pair.Searching(twin, 150));
  }
}

void ZeroVectorsScoreAsDefined(LawBench& bench) {
  const Vector zero(kDimensions, 0.0f), ones(kDimensions, 1.0f);
  for (const VectorMetric metric : kMetrics) {
    VectorPair pair(bench, kDimensions, metric);
    pair.Commit({{1, zero}, {2, ones}});
    pair.ExpectSameAnswer(pair.Searching(ones, 10));
    pair.ExpectSameAnswer(pair.Searching(zero, 10));
  }
}

void FiltersAdmitTheirRowsOnly(LawBench& bench) {
  base::Prng random(bench.seed());
  for (const VectorMetric metric : kMetrics) {
    VectorPair pair(bench, kDimensions, metric);
    pair.Commit(RandomRows(random, 1500, kDimensions));
    const Vector queries = RandomQueries(random, 3, kDimensions);
    for (const uint64_t one_in : {1u, 2u, 40u, 700u}) {
      std::vector<uint64_t> words(20);
      for (uint64_t i = 0; i < words.size() * 64; ++i) {
        if (random.OneIn(one_in)) words[i / 64] |= uint64_t{1} << (i % 64);
      }
      // Its first row is not a multiple of anything, and it ends before the rows do.
      const RowBitmap filter{117, words};
      VectorSearch search = pair.Searching(queries, 25);
      search.filter = &filter;
      pair.ExpectSameAnswer(search);
    }
  }
}

void AnEmptyFilterAdmitsNothing(LawBench& bench) {
  base::Prng random(bench.seed());
  VectorPair pair(bench, kDimensions, VectorMetric::kDot);
  pair.Commit(RandomRows(random, 100, kDimensions));
  const Vector query = RandomVector(random, kDimensions);
  const uint64_t nothing[2] = {0, 0};
  for (const RowBitmap& filter :
       {RowBitmap{}, RowBitmap{0, {nothing, 2}}, RowBitmap{5000, {nothing, 2}}}) {
    VectorSearch search = pair.Searching(query, 10);
    search.filter = &filter;
    EXPECT_TRUE(pair.Search(search)->Hits(0).empty());
  }
}

void ScoreMinCutsBelowItself(LawBench& bench) {
  // Scores against the query (1, 0): dot 0, 1, 2 … 9, exactly.
  VectorPair pair(bench, 2, VectorMetric::kDot);
  std::map<uint64_t, Vector> rows;
  for (uint64_t row = 0; row < 10; ++row) rows[row] = {static_cast<float>(row), 3.0f};
  pair.Commit(rows);
  const Vector query{1.0f, 0.0f};
  VectorSearch search = pair.Searching(query, 100);
  search.has_score_min = 1;
  for (const auto& [score_min, expected] :
       std::map<double, size_t>{{-1.0, 10}, {4.0, 6}, {4.5, 5}, {9.0, 1}, {9.5, 0}}) {
    search.score_min = score_min;
    EXPECT_EQ(pair.Search(search)->Hits(0).size(), expected) << "score_min " << score_min;
    pair.ExpectSameAnswer(search);
  }
  search.has_score_min = 0;
  EXPECT_EQ(pair.Search(search)->Hits(0).size(), 10u) << "score_min counts with its flag alone";
}

// An exact answer does not depend on what else is asked in the same call.
void ABatchAnswersAsItsQueriesAlone(LawBench& bench) {
  base::Prng random(bench.seed());
  for (const VectorMetric metric : kMetrics) {
    VectorPair pair(bench, kDimensions, metric);
    pair.Commit(RandomRows(random, 900, kDimensions));
    constexpr uint64_t kQueries = 40;
    const Vector queries = RandomQueries(random, kQueries, kDimensions);
    auto batch = pair.Search(pair.Searching(queries, 12));
    for (uint64_t q = 0; q < kQueries; ++q) {
      const Span<const float> one{&queries[q * kDimensions], kDimensions};
      const HitList alone = HitsOf(*pair.Search(pair.Searching(one, 12)), 0);
      const HitList together = HitsOf(*batch, q);
      ASSERT_EQ(alone.size(), together.size());
      for (size_t i = 0; i < alone.size(); ++i) {
        EXPECT_EQ(alone[i].row, together[i].row) << "query " << q << ", hit " << i;
        EXPECT_EQ(alone[i].score, together[i].score) << "query " << q << ", hit " << i;
      }
    }
  }
}

HitList ReadAll(HitStream& stream, size_t batch) {
  HitList all;
  std::vector<VectorHit> hits(batch);
  while (const uint64_t count = Must(stream.Next(hits))) {
    if (count > batch) throw std::runtime_error("more hits than there was room for");
    all.insert(all.end(), hits.begin(), hits.begin() + static_cast<ptrdiff_t>(count));
  }
  EXPECT_EQ(Must(stream.Next(hits)), 0u) << "the end is for good";
  return all;
}

void AStreamGivesWhatASearchGives(LawBench& bench) {
  base::Prng random(bench.seed());
  for (const VectorMetric metric : kMetrics) {
    VectorPair pair(bench, kDimensions, metric);
    pair.Commit(RandomRows(random, 400, kDimensions));
    const Vector query = RandomVector(random, kDimensions);
    const HitList whole = HitsOf(*pair.Search(pair.Searching(query, kVectorHitsMax)), 0);
    ASSERT_EQ(whole.size(), 400u);
    for (const uint32_t hint : {1u, 7u, 1000u}) {
      for (const size_t batch : {size_t{1}, size_t{13}, size_t{500}}) {
        auto stream = Must(pair.index().Stream(pair.Searching(query, hint)));
        const HitList streamed = ReadAll(*stream, batch);
        ASSERT_EQ(streamed.size(), whole.size()) << "k is a hint, not a limit";
        for (size_t i = 0; i < whole.size(); ++i) ASSERT_EQ(streamed[i].row, whole[i].row) << i;
      }
    }
  }
}

void AStreamKeepsItsViewAndItsFilter(LawBench& bench) {
  base::Prng random(bench.seed());
  VectorPair pair(bench, kDimensions, VectorMetric::kL2);
  pair.Commit(RandomRows(random, 300, kDimensions));
  const Vector query = RandomVector(random, kDimensions);
  const uint64_t words[2] = {0x5555555555555555u, ~uint64_t{0}};
  const RowBitmap filter{30, {words, 2}};
  VectorSearch search = pair.Searching(query, 3);
  search.filter = &filter;
  const HitList before = pair.oracle().All(search, 0);
  auto stream = Must(pair.index().Stream(search));
  VectorHit first;
  ASSERT_EQ(Must(stream->Next({&first, 1})), 1u);
  // Every row changes under the open stream.
  pair.Commit(RandomRows(random, 300, kDimensions));
  HitList streamed = ReadAll(*stream, 9);
  streamed.insert(streamed.begin(), first);
  ASSERT_EQ(streamed.size(), before.size());
  for (size_t i = 0; i < before.size(); ++i) EXPECT_EQ(streamed[i].row, before[i].row) << i;
}

void TheLargestBatchIsAnswered(LawBench& bench) {
  base::Prng random(bench.seed());
  VectorPair pair(bench, 4, VectorMetric::kCosine);
  pair.Commit(RandomRows(random, 64, 4));
  const Vector queries = RandomQueries(random, kVectorQueriesMax, 4);
  pair.ExpectSameAnswer(pair.Searching(queries, 3));
}

void RowNumbersMayBeLarge(LawBench& bench) {
  base::Prng random(bench.seed());
  VectorPair pair(bench, kDimensions, VectorMetric::kCosine);
  constexpr uint64_t kFar = uint64_t{1} << 62;
  pair.Commit(RandomRows(random, 50, kDimensions, kFar));
  pair.Commit(RandomRows(random, 50, kDimensions));
  const Vector queries = RandomQueries(random, 2, kDimensions);
  pair.ExpectSameAnswer(pair.Searching(queries, 100));
  const uint64_t word = 0xff00ff;
  const RowBitmap filter{kFar + 10, {&word, 1}};
  VectorSearch search = pair.Searching(queries, 100);
  search.filter = &filter;
  pair.ExpectSameAnswer(search);
}

}  // namespace

std::vector<PluginLaw> VectorAnswerLaws() {
  return {{"NearestAreThoseOfTheOracle", NearestAreThoseOfTheOracle},
          {"AnEmptyIndexAnswersNothing", AnEmptyIndexAnswersNothing},
          {"AskingForMoreThanThereIsGivesAll", AskingForMoreThanThereIsGivesAll},
          {"EqualScoresAreOrderedByRow", EqualScoresAreOrderedByRow},
          {"ZeroVectorsScoreAsDefined", ZeroVectorsScoreAsDefined},
          {"FiltersAdmitTheirRowsOnly", FiltersAdmitTheirRowsOnly},
          {"AnEmptyFilterAdmitsNothing", AnEmptyFilterAdmitsNothing},
          {"ScoreMinCutsBelowItself", ScoreMinCutsBelowItself},
          {"ABatchAnswersAsItsQueriesAlone", ABatchAnswersAsItsQueriesAlone},
          {"AStreamGivesWhatASearchGives", AStreamGivesWhatASearchGives},
          {"AStreamKeepsItsViewAndItsFilter", AStreamKeepsItsViewAndItsFilter},
          {"TheLargestBatchIsAnswered", TheLargestBatchIsAnswered},
          {"RowNumbersMayBeLarge", RowNumbersMayBeLarge}};
}

}  // namespace nexadb::testkit
