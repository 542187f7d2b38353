// Laws of vector indexes over time: changes, snapshots, overlays, refusals, restarts, threads.
#include <atomic>
#include <limits>
#include <thread>

#include "nexadb/bson.h"
#include "vector_laws.h"

namespace nexadb::testkit {
namespace {

constexpr uint32_t kDimensions = 12;

// One commit of a few random changes to the rows below `rows`.
std::map<uint64_t, Vector> RandomCommit(base::Prng& random, uint64_t rows) {
  std::map<uint64_t, Vector> changes;
  const uint64_t count = 1 + random.Below(8);
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t row = random.Below(rows);
    changes[row] = random.OneIn(4) ? Vector() : RandomVector(random, kDimensions);
  }
  return changes;
}

void ErasedRowsAreGone(LawBench& bench) {
  VectorPair pair(bench, 2, VectorMetric::kDot);
  pair.Commit({{1, {1, 0}}, {2, {2, 0}}, {3, {3, 0}}});
  pair.Commit({{3, {}}});
  const Vector query{1, 0};
  auto hits = pair.Search(pair.Searching(query, 10));
  ASSERT_EQ(hits->Hits(0).size(), 2u);
  EXPECT_EQ(hits->Hits(0)[0].row, 2u);
  pair.Commit({{3, {}}, {77, {}}});  // erasing what is not there is no error
  pair.ExpectSameAnswer(pair.Searching(query, 10));
  pair.Commit({{3, {9, 0}}});  // and a row may come back
  pair.ExpectSameAnswer(pair.Searching(query, 10));
  EXPECT_EQ(pair.index().RowCount(), pair.oracle().RowCount());
}

void ARowScoresByItsLastVector(LawBench& bench) {
  VectorPair pair(bench, 2, VectorMetric::kDot);
  pair.Commit({{1, {1, 0}}, {2, {2, 0}}});
  pair.Commit({{1, {5, 0}}});
  const Vector query{1, 0};
  auto hits = pair.Search(pair.Searching(query, 10));
  ASSERT_EQ(hits->Hits(0).size(), 2u) << "a changed row is one row";
  EXPECT_EQ(hits->Hits(0)[0].row, 1u);
  EXPECT_EQ(hits->Hits(0)[0].score, 5);
}

void SearchesSeeTheirSequence(LawBench& bench) {
  base::Prng random(bench.seed());
  for (const VectorMetric metric : kMetrics) {
    VectorPair pair(bench, kDimensions, metric);
    for (int i = 0; i < 60; ++i) pair.Commit(RandomCommit(random, 40));
    for (uint64_t sequence = 0; sequence <= pair.sequence(); ++sequence) {
      const Vector query = RandomVector(random, kDimensions);
      VectorSearch search = pair.Searching(query, 15);
      search.view.sequence = sequence;
      SCOPED_TRACE("at sequence " + std::to_string(sequence));
      pair.ExpectSameAnswer(search);
    }
    EXPECT_EQ(pair.index().RowCount(), pair.oracle().RowCount());
  }
}

void ASearchSeesItsOwnTransactionsRows(LawBench& bench) {
  base::Prng random(bench.seed());
  for (const VectorMetric metric : kMetrics) {
    VectorPair pair(bench, kDimensions, metric);
    for (int i = 0; i < 30; ++i) pair.Commit(RandomCommit(random, 60));
    for (int round = 0; round < 20; ++round) {
      std::vector<uint64_t> removed, added;
      Vector vectors;
      for (uint64_t row = 0; row < 80; ++row) {
        const uint64_t fate = random.Below(6);
        if (fate > 1) continue;
        removed.push_back(row);
        if (fate == 0) continue;
        added.push_back(row);
        const Vector vector = RandomVector(random, kDimensions);
        vectors.insert(vectors.end(), vector.begin(), vector.end());
      }
      const Vector query = RandomVector(random, kDimensions);
      VectorSearch search = pair.Searching(query, 20);
      search.view.sequence = random.Below(pair.sequence() + 1);
      search.view.overlay = {removed, added, vectors};
      pair.ExpectSameAnswer(search);
      const uint64_t word = random.Next();
      const RowBitmap filter{16, {&word, 1}};
      search.filter = &filter;  // which holds for the transaction's rows too
      pair.ExpectSameAnswer(search);
    }
  }
}

void ForgettingKeepsWhatLaterSearchesSee(LawBench& bench) {
  base::Prng random(bench.seed());
  VectorPair pair(bench, kDimensions, VectorMetric::kCosine);
  uint64_t oldest = 0;
  for (int round = 0; round < 40; ++round) {
    for (int i = 0; i < 10; ++i) pair.Commit(RandomCommit(random, 50));
    oldest += random.Below(pair.sequence() - oldest + 1);
    pair.index().Forget(oldest);
    for (const uint64_t sequence : {oldest, pair.sequence()}) {
      const Vector query = RandomVector(random, kDimensions);
      VectorSearch search = pair.Searching(query, 60);
      search.view.sequence = sequence;
      pair.ExpectSameAnswer(search);
    }
  }
}

void WhatIsNoVectorIsRefusedWithItsCommit(LawBench& bench) {
  VectorPair pair(bench, 2, VectorMetric::kCosine);
  pair.Commit({{1, {1, 0}}});
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  const Vector good{0, 1}, query{1, 1};
  for (const Vector& bad : {Vector{nan, 0}, Vector{0, infinity}, Vector{-infinity, 0}, Vector{1},
                            Vector{1, 2, 3}, Vector{}}) {
    const VectorChange changes[] = {{VectorChange::Op::kPut, 0, 2, good},
                                    {VectorChange::Op::kPut, 0, 3, bad}};
    const Status applied = pair.index().Apply(pair.sequence() + 1, {changes, 2});
    EXPECT_EQ(applied.code(), Code::kInvalidArgument) << applied.message();
    VectorSearch search = pair.Searching(query, 10);
    search.view.sequence = pair.sequence() + 1;
    EXPECT_EQ(pair.Search(search)->Hits(0).size(), 1u) << "nothing of the commit was applied";
  }
  pair.Commit({{2, good}});
  pair.ExpectSameAnswer(pair.Searching(query, 10));
}

void WhatIsNoQueryIsRefused(LawBench& bench) {
  VectorPair pair(bench, 2, VectorMetric::kCosine);
  pair.Commit({{1, {1, 0}}});
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  for (const Vector& bad : {Vector{}, Vector{1}, Vector{1, 2, 3}, Vector{nan, 0},
                            Vector{0, infinity}, Vector((kVectorQueriesMax + 1) * 2, 1.0f)}) {
    const VectorSearch search = pair.Searching(bad, 10);
    EXPECT_FALSE(pair.index().Search(search).ok()) << bad.size() << " values";
    EXPECT_FALSE(pair.index().Stream(search).ok()) << bad.size() << " values";
  }
  const Vector query{1, 1}, two_queries{1, 1, 0, 1};
  EXPECT_FALSE(pair.index().Search(pair.Searching(query, kVectorHitsMax + 1)).ok());
  EXPECT_FALSE(pair.index().Stream(pair.Searching(two_queries, 1)).ok());
  const uint64_t row = 5;
  VectorSearch short_overlay = pair.Searching(query, 10);
  short_overlay.view.overlay.added = {&row, 1};
  EXPECT_FALSE(pair.index().Search(short_overlay).ok()) << "an overlay without its vectors";
  pair.ExpectSameAnswer(pair.Searching(query, 10));
}

void AWrongSpecificationIsRefused(LawBench& bench) {
  auto assembly = bench.Started();
  VectorIndexProvider& provider = ProviderOf(*assembly);
  EXPECT_FALSE(provider.Kind().empty());
  const std::string directory = bench.directory() + "/index";
  auto refused = [&](const VectorIndexSpec& spec) {
    return provider.Open(directory, spec).status().code();
  };
  VectorIndexSpec spec;
  EXPECT_EQ(refused(spec), Code::kInvalidArgument) << "no dimensions";
  spec.dimensions = kVectorDimensionsMax + 1;
  const Code too_many = refused(spec);
  EXPECT_TRUE(too_many == Code::kInvalidArgument || too_many == Code::kResourceExhausted);
  spec.dimensions = 2;
  spec.metric = static_cast<VectorMetric>(99);
  EXPECT_EQ(refused(spec), Code::kInvalidArgument) << "an unknown metric";
  spec.metric = VectorMetric::kL2;
  bson::Builder options;
  options.Int32("no_such_option_at_all", 1);
  const std::string unknown = options.Finish();
  spec.options = AsBytes(unknown);
  const Status named = provider.Open(directory, spec).status();
  EXPECT_EQ(named.code(), Code::kInvalidArgument);
  EXPECT_NE(named.message().find("no_such_option_at_all"), std::string_view::npos)
      << "the message names the option: " << named.message();
  spec.options = AsBytes("not BSON");
  EXPECT_EQ(refused(spec), Code::kInvalidArgument);
}

void TwoIndexesAreStrangers(LawBench& bench) {
  auto assembly = bench.Started();
  VectorIndexSpec spec;
  spec.dimensions = 1;
  spec.metric = VectorMetric::kDot;
  auto one = Must(ProviderOf(*assembly).Open(bench.directory() + "/one", spec));
  auto two = Must(ProviderOf(*assembly).Open(bench.directory() + "/two", spec));
  const Vector value{1};
  const VectorChange change{VectorChange::Op::kPut, 0, 1, value};
  Must(one->Apply(1, {&change, 1}));
  EXPECT_EQ(one->RowCount(), 1u);
  EXPECT_EQ(two->RowCount(), 0u);
  one.Reset();
  VectorSearch search;
  search.queries = value;
  EXPECT_TRUE(Must(two->Search(search))->Hits(0).empty());
}

void AReplayAfterARestartGivesTheSameAnswers(LawBench& bench) {
  base::Prng random(bench.seed());
  VectorPair pair(bench, kDimensions, VectorMetric::kCosine);
  for (int life = 0; life < 4; ++life) {
    for (int i = 0; i < 25; ++i) {
      pair.Commit(RandomCommit(random, 50));
      if (random.OneIn(10)) Must(pair.index().Checkpoint());
    }
    const uint64_t durable = pair.index().DurableSequence();
    EXPECT_LE(durable, pair.sequence());
    pair.Reopen();
    EXPECT_GE(pair.index().DurableSequence(), durable) << "a restart takes back what was durable";
    const Vector query = RandomVector(random, kDimensions);
    pair.ExpectSameAnswer(pair.Searching(query, 60));
    EXPECT_EQ(pair.index().RowCount(), pair.oracle().RowCount());
  }
}

void EstimatesAreNumbers(LawBench& bench) {
  base::Prng random(bench.seed());
  VectorPair pair(bench, kDimensions, VectorMetric::kDot);
  const Vector query = RandomVector(random, kDimensions);
  for (int i = 0; i < 20; ++i) {
    const SearchCost cost = pair.index().Estimate(pair.Searching(query, 5));
    EXPECT_TRUE(std::isfinite(cost.cpu_ns));
    EXPECT_GE(cost.cpu_ns, 0);
    EXPECT_LE(cost.rows_read, pair.oracle().RowCount());
    pair.Commit(RandomCommit(random, 50));
  }
  EXPECT_GT(pair.index().MemoryBytes(), 0u);
}

// Each commit gives every row its own sequence as its score, so a search that mixes two shows it.
void CommitsAreSeenWholeOrNotAtAll(LawBench& bench) {
  constexpr uint64_t kRows = 64, kCommits = 150;
  VectorPair pair(bench, 1, VectorMetric::kDot);
  std::atomic<uint64_t> published{0};
  std::atomic<bool> mixed{false};
  auto read = [&] {
    const Vector query{1};
    VectorSearch search;
    search.queries = query;
    search.k = kRows;
    search.exact = 1;
    while (published < kCommits && !mixed) {
      const uint64_t sequence = published;
      if (sequence == 0) continue;
      search.view.sequence = sequence;
      auto hits = pair.index().Search(search);
      if (!hits.ok() || (*hits)->Hits(0).size() != kRows) mixed = true;
      if (mixed) return;
      for (const VectorHit& hit : (*hits)->Hits(0)) {
        if (hit.score != static_cast<double>(sequence)) mixed = true;
      }
    }
  };
  std::thread readers[] = {std::thread(read), std::thread(read)};
  for (uint64_t commit = 1; commit <= kCommits && !mixed; ++commit) {
    const Vector value{static_cast<float>(commit)};
    std::vector<VectorChange> changes;
    for (uint64_t row = 0; row < kRows; ++row) {
      changes.push_back({VectorChange::Op::kPut, 0, row, value});
    }
    if (!pair.index().Apply(commit, changes).ok()) mixed = true;
    published = commit;
  }
  published = kCommits;
  for (std::thread& reader : readers) reader.join();
  EXPECT_FALSE(mixed) << "a search failed, or saw parts of two commits";
}

}  // namespace

std::vector<PluginLaw> VectorStateLaws() {
  return {{"ErasedRowsAreGone", ErasedRowsAreGone},
          {"ARowScoresByItsLastVector", ARowScoresByItsLastVector},
          {"SearchesSeeTheirSequence", SearchesSeeTheirSequence},
          {"ASearchSeesItsOwnTransactionsRows", ASearchSeesItsOwnTransactionsRows},
          {"ForgettingKeepsWhatLaterSearchesSee", ForgettingKeepsWhatLaterSearchesSee},
          {"WhatIsNoVectorIsRefusedWithItsCommit", WhatIsNoVectorIsRefusedWithItsCommit},
          {"WhatIsNoQueryIsRefused", WhatIsNoQueryIsRefused},
          {"AWrongSpecificationIsRefused", AWrongSpecificationIsRefused},
          {"TwoIndexesAreStrangers", TwoIndexesAreStrangers},
          {"AReplayAfterARestartGivesTheSameAnswers", AReplayAfterARestartGivesTheSameAnswers},
          {"EstimatesAreNumbers", EstimatesAreNumbers},
          {"CommitsAreSeenWholeOrNotAtAll", CommitsAreSeenWholeOrNotAtAll}};
}

}  // namespace nexadb::testkit
