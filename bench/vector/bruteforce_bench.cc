// Exact search: rows x dimensions x batch, and filters, beside the time to read the rows once
// (ReadLimit), which bounds any search that reads every float of every row.
#include <benchmark/benchmark.h>

#include <chrono>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

#include "plugins/vector-bruteforce/index.h"

namespace {

using namespace nexadb;

class SteadyClock final : public Clock {
 public:
  uint64_t MonotonicNs() noexcept override {
    return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  }
  int64_t UnixMs() noexcept override { return 0; }
};

std::vector<float> Gaussian(size_t count, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& v : values) v = normal(random);
  return values;
}

// One index per shape, kept between runs: filling it takes longer than measuring it.
struct Fixture {
  Fixture(uint64_t rows, uint32_t dims) : dimensions(dims), data(Gaussian(rows * dims, 1)) {
    VectorIndexSpec spec;
    spec.dimensions = dimensions;
    index = std::move(*provider.Open("", spec));
    std::vector<VectorChange> changes(rows);
    for (uint64_t row = 0; row < rows; ++row) {
      changes[row].row = row;
      changes[row].vector = {&data[row * dims], dims};
    }
    if (!index->Apply(1, changes).ok()) std::abort();
  }
  uint32_t dimensions;
  SteadyClock clock;
  bruteforce::Provider provider{bruteforce::Machine{&clock, nullptr}, uint64_t{1} << 40};
  std::vector<float> data;
  Handle<VectorIndex> index;
};

Fixture& Of(benchmark::State& state) {
  static std::unique_ptr<Fixture> fixture;
  static int64_t rows = 0;
  static int64_t dimensions = 0;
  if (rows != state.range(0) || dimensions != state.range(1)) {
    rows = state.range(0);
    dimensions = state.range(1);
    fixture.reset();
    fixture =
        std::make_unique<Fixture>(static_cast<uint64_t>(rows), static_cast<uint32_t>(dimensions));
  }
  return *fixture;
}

void ReadLimit(benchmark::State& state) {
  Fixture& fixture = Of(state);
  for (auto _ : state) {
    float sums[16] = {};
    for (size_t i = 0; i + 16 <= fixture.data.size(); i += 16) {
      for (size_t lane = 0; lane < 16; ++lane) sums[lane] += fixture.data[i + lane];
    }
    benchmark::DoNotOptimize(std::accumulate(std::begin(sums), std::end(sums), 0.0f));
  }
}

void Search(benchmark::State& state) {
  Fixture& fixture = Of(state);
  const auto batch = static_cast<size_t>(state.range(2));
  const std::vector<float> queries = Gaussian(batch * fixture.dimensions, 2);
  VectorSearch search;
  search.queries = queries;
  for (auto _ : state) {
    auto hits = fixture.index->Search(search);
    if (!hits.ok()) state.SkipWithError("search failed");
    benchmark::DoNotOptimize(hits);
  }
  state.SetItemsProcessed(static_cast<int64_t>(batch) * state.iterations());
}

void Filtered(benchmark::State& state) {
  Fixture& fixture = Of(state);
  std::mt19937_64 random(3);
  std::vector<uint64_t> words(static_cast<size_t>(state.range(0) / 64 + 1));
  for (uint64_t row = 0; row < static_cast<uint64_t>(state.range(0)); ++row) {
    if (random() % 1000 < static_cast<uint64_t>(state.range(2))) {
      words[row / 64] |= uint64_t{1} << (row % 64);
    }
  }
  const RowBitmap filter{0, words};
  const std::vector<float> query = Gaussian(fixture.dimensions, 2);
  VectorSearch search;
  search.queries = query;
  search.filter = &filter;
  for (auto _ : state) {
    auto hits = fixture.index->Search(search);
    if (!hits.ok()) state.SkipWithError("search failed");
    benchmark::DoNotOptimize(hits);
  }
}

BENCHMARK(ReadLimit)->Args({10'000, 384})->Args({100'000, 384})->Unit(benchmark::kMillisecond);
BENCHMARK(Search)
    ->ArgNames({"rows", "dimensions", "batch"})
    ->ArgsProduct({{10'000, 100'000}, {384}, {1, 16, 64, 256}})
    ->Unit(benchmark::kMillisecond);
BENCHMARK(Filtered)
    ->ArgNames({"rows", "dimensions", "per_mille"})
    ->ArgsProduct({{100'000}, {384}, {1, 10, 100, 300, 500}})
    ->Unit(benchmark::kMillisecond);

}  // namespace
