// What the tests of this folder share: a pool of real threads, a clock that tests move, and Oracle,
// a searcher so plain that it can be believed: it scores every version it was ever given.
#pragma once
#include <algorithm>
#include <atomic>
#include <cmath>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "plugins/vector-bruteforce/exact.h"
#include "plugins/vector-bruteforce/index.h"

namespace nexadb::bruteforce {

class TestClock final : public Clock {
 public:
  uint64_t MonotonicNs() noexcept override { return now_ns += step_ns; }
  int64_t UnixMs() noexcept override { return 0; }
  std::atomic<uint64_t> now_ns{1};
  std::atomic<uint64_t> step_ns{0};
};

class TestExecutor final : public Executor {
 public:
  explicit TestExecutor(uint32_t threads) : threads_(threads) {}
  Status Post(const Task& task) noexcept override {
    task.run(task.state);
    return Status::Ok();
  }
  Status PostAfter(uint64_t, const Task& task) noexcept override { return Post(task); }
  void ParallelFor(uint64_t count, void (*body)(void*, uint64_t) noexcept,
                   void* state) noexcept override {
    std::vector<std::thread> threads;
    for (uint64_t i = 1; i < count; ++i) threads.emplace_back(body, state, i);
    if (count != 0) body(state, 0);
    for (std::thread& t : threads) t.join();
    calls += 1;
  }
  uint32_t BlockingThreads() noexcept override { return 1; }
  uint32_t ComputeThreads() noexcept override { return threads_; }
  std::atomic<uint64_t> calls{0};

 private:
  const uint32_t threads_;
};

struct Version {
  uint64_t row;
  std::vector<float> vector;
  uint64_t created;
  uint64_t deleted;
};

class Oracle {
 public:
  Oracle(uint32_t dimensions, VectorMetric metric) : dimensions_(dimensions), metric_(metric) {}

  void Put(uint64_t sequence, uint64_t row, std::vector<float> vector) {
    Erase(sequence, row);
    versions_.push_back({row, std::move(vector), sequence, kNever});
  }
  void Erase(uint64_t sequence, uint64_t row) {
    for (Version& v : versions_) {
      if (v.row == row && v.deleted == kNever) v.deleted = sequence;
    }
  }
  HitList Search(const VectorSearch& search, uint64_t query) const {
    const VectorOverlay& overlay = search.view.overlay;
    HitList hits;
    auto offer = [&](uint64_t row, const float* vector) {
      if (search.filter != nullptr && !Has(*search.filter, row)) return;
      const double score = Score(&search.queries[query * dimensions_], vector);
      if (search.has_score_min != 0 && score < search.score_min) return;
      hits.push_back({row, score});
    };
    for (const Version& v : versions_) {
      const bool hidden = std::count(overlay.removed.begin(), overlay.removed.end(), v.row) != 0 ||
                          std::count(overlay.added.begin(), overlay.added.end(), v.row) != 0;
      const bool gone = v.deleted != kNever && v.deleted <= search.view.sequence;
      const bool visible = v.created <= search.view.sequence && !gone;
      if (visible && !hidden) offer(v.row, v.vector.data());
    }
    for (size_t i = 0; i < overlay.added.size(); ++i) {
      offer(overlay.added[i], &overlay.vectors[i * dimensions_]);
    }
    std::sort(hits.begin(), hits.end(), [](const VectorHit& a, const VectorHit& b) {
      return a.score != b.score ? a.score > b.score : a.row < b.row;
    });
    if (hits.size() > search.k) hits.resize(search.k);
    return hits;
  }

 private:
  static bool Has(const RowBitmap& bitmap, uint64_t row) {
    if (row < bitmap.first) return false;
    const uint64_t bit = row - bitmap.first;
    return bit < bitmap.words.size() * 64 && (bitmap.words[bit / 64] >> (bit % 64) & 1) != 0;
  }
  double Score(const float* q, const float* x) const {
    const ExactLoops& loops = PortableExact();
    if (metric_ == VectorMetric::kL2) {
      return 0 - std::sqrt(loops.squared_distance(q, x, dimensions_));
    }
    const double dot = loops.dot(q, x, dimensions_);
    if (metric_ == VectorMetric::kDot) return dot;
    const double lengths =
        std::sqrt(loops.dot(q, q, dimensions_)) * std::sqrt(loops.dot(x, x, dimensions_));
    return lengths == 0 ? 0 : dot / lengths;
  }

  const uint32_t dimensions_;
  const VectorMetric metric_;
  std::vector<Version> versions_;
};

// An index and its oracle, fed alike.
class Pair {
 public:
  Pair(uint32_t dimensions, VectorMetric metric, const Machine& machine)
      : oracle(dimensions, metric), provider_(machine, uint64_t{1} << 40) {
    VectorIndexSpec spec;
    spec.dimensions = dimensions;
    spec.metric = metric;
    index = std::move(*provider_.Open("", spec));
  }
  void Put(uint64_t sequence, const std::vector<std::pair<uint64_t, std::vector<float>>>& rows) {
    std::vector<VectorChange> changes;
    for (const auto& [row, vector] : rows) {
      changes.push_back({VectorChange::Op::kPut, 0, row, vector});
      oracle.Put(sequence, row, vector);
    }
    applied = index->Apply(sequence, changes);
  }
  void Erase(uint64_t sequence, uint64_t row) {
    const VectorChange change{VectorChange::Op::kErase, 0, row, {}};
    oracle.Erase(sequence, row);
    applied = index->Apply(sequence, {&change, 1});
  }
  // Empty when the index answers as the oracle does, to the last bit; else what differs.
  std::string Difference(const VectorSearch& search) {
    auto hits = index->Search(search);
    if (!hits.ok()) return std::string(hits.status().message());
    for (uint64_t q = 0; q < (*hits)->QueryCount(); ++q) {
      const HitList expected = oracle.Search(search, q);
      const Span<const VectorHit> got = (*hits)->Hits(q);
      if (got.size() != expected.size()) {
        return "query " + std::to_string(q) + ": " + std::to_string(got.size()) + " hits, not " +
               std::to_string(expected.size());
      }
      for (size_t i = 0; i < got.size(); ++i) {
        if (got[i].row != expected[i].row || got[i].score != expected[i].score) {
          return "query " + std::to_string(q) + ", hit " + std::to_string(i) + ": row " +
                 std::to_string(got[i].row) + " scores " + std::to_string(got[i].score) +
                 ", expected row " + std::to_string(expected[i].row) + " with " +
                 std::to_string(expected[i].score);
        }
      }
    }
    return "";
  }

  Oracle oracle;
  Status applied;
  Handle<VectorIndex> index;

 private:
  Provider provider_;
};

// Vectors of one shape, by seed.
class Source {
 public:
  Source(uint32_t dimensions, uint64_t seed) : dimensions_(dimensions), random_(seed) {}
  std::vector<float> Gaussian(float scale = 1) {
    std::normal_distribution<float> normal;
    std::vector<float> v(dimensions_);
    for (float& x : v) x = normal(random_) * scale;
    return v;
  }
  // Of few different values, so that many scores are equal.
  std::vector<float> Coarse() {
    std::vector<float> v(dimensions_);
    for (float& x : v) x = static_cast<float>(random_() % 2);
    return v;
  }
  std::mt19937_64& random() { return random_; }

 private:
  const uint32_t dimensions_;
  std::mt19937_64 random_;
};

}  // namespace nexadb::bruteforce
