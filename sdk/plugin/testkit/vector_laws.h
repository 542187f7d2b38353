// What the laws of vector indexes are written with: an oracle so plain that it can be believed, fed
// like the index. Internal to the test kit.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "law.h"
#include "nexadb/vector_index.h"

namespace nexadb::testkit {

using Vector = std::vector<float>;
using HitList = std::vector<VectorHit>;

// Keeps every version of every row and scores all of them in double precision.
class VectorOracle {
 public:
  VectorOracle(uint32_t dimensions, VectorMetric metric)
      : dimensions_(dimensions), metric_(metric) {}
  void Put(uint64_t sequence, uint64_t row, const Vector& vector);
  void Erase(uint64_t sequence, uint64_t row);
  // Every row that the search may give for that query, best first, whatever its k.
  HitList All(const VectorSearch& search, uint64_t query) const;
  uint64_t RowCount() const;

 private:
  struct Version {
    uint64_t row;
    Vector vector;
    uint64_t created;
    uint64_t deleted;
  };
  double Score(const float* query, const float* row) const;

  const uint32_t dimensions_;
  const VectorMetric metric_;
  std::vector<Version> versions_;
};

// An index of the plugin and its oracle.
class VectorPair {
 public:
  VectorPair(LawBench& bench, uint32_t dimensions, VectorMetric metric);

  // One commit: rows with an empty vector are erased.
  void Commit(const std::map<uint64_t, Vector>& rows);
  VectorSearch Searching(Span<const float> queries, uint32_t k) const;
  // Fails the law when the index's answer is not the oracle's. Scores may differ by rounding, and
  // rows whose scores differ by less may change places.
  void ExpectSameAnswer(const VectorSearch& search);
  Handle<VectorHits> Search(const VectorSearch& search) { return Must(index_->Search(search)); }
  // Stops the plugin, starts it over the same files, and replays what the index asks for.
  void Reopen();

  VectorIndex& index() { return *index_; }
  VectorOracle& oracle() { return oracle_; }
  uint64_t sequence() const { return sequence_; }

 private:
  void Open();
  Status Apply(uint64_t sequence, const std::map<uint64_t, Vector>& rows);

  LawBench& bench_;
  const uint32_t dimensions_;
  const VectorMetric metric_;
  const std::string directory_;
  VectorOracle oracle_;
  std::map<uint64_t, std::map<uint64_t, Vector>> history_;  // by sequence
  uint64_t sequence_ = 0;
  std::unique_ptr<Assembly> assembly_;
  Handle<VectorIndex> index_;
};

constexpr VectorMetric kMetrics[] = {VectorMetric::kCosine, VectorMetric::kDot, VectorMetric::kL2};

VectorIndexProvider& ProviderOf(Assembly& assembly);
Vector RandomVector(base::Prng& random, uint32_t dimensions);
HitList HitsOf(VectorHits& hits, uint64_t query);

std::vector<PluginLaw> VectorAnswerLaws();
std::vector<PluginLaw> VectorStateLaws();

}  // namespace nexadb::testkit
