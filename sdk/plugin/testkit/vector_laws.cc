#include "vector_laws.h"

namespace nexadb::testkit {
namespace {

constexpr uint64_t kNever = ~uint64_t{0};
// Two sums of the same products in double precision differ by less.
constexpr double kRounding = 1e-9;

bool Has(const RowBitmap& bitmap, uint64_t row) {
  if (row < bitmap.first) return false;
  const uint64_t bit = row - bitmap.first;
  return bit < bitmap.words.size() * 64 && (bitmap.words[bit / 64] >> (bit % 64) & 1) != 0;
}

bool Contains(Span<const uint64_t> rows, uint64_t row) {
  return std::find(rows.begin(), rows.end(), row) != rows.end();
}

bool Before(const VectorHit& a, const VectorHit& b) {
  return a.score != b.score ? a.score > b.score : a.row < b.row;
}

double Slack(double score) { return kRounding * (1 + std::abs(score)); }

// Empty when `got` are the best k of `all`, allowing for rounding.
std::string Difference(const HitList& got, const HitList& all, uint64_t k) {
  const size_t expected = std::min<size_t>(all.size(), k);
  if (got.size() != expected) {
    return std::to_string(got.size()) + " hits, expected " + std::to_string(expected);
  }
  std::map<uint64_t, double> scores;
  for (const VectorHit& hit : all) scores[hit.row] = hit.score;
  for (size_t i = 0; i < got.size(); ++i) {
    const std::string where = "hit " + std::to_string(i) + ", row " + std::to_string(got[i].row);
    const auto found = scores.find(got[i].row);
    if (found == scores.end()) return where + ": not to be found, or found twice";
    if (std::abs(found->second - got[i].score) > Slack(found->second)) {
      return where + ": score " + std::to_string(got[i].score) + ", expected " +
             std::to_string(found->second);
    }
    if (i > 0 && !Before(got[i - 1], got[i])) return where + ": out of order";
    if (std::abs(all[i].score - got[i].score) > Slack(all[i].score)) {
      return where + ": row " + std::to_string(all[i].row) + " belongs here";
    }
    scores.erase(found);
  }
  return "";
}

}  // namespace

void VectorOracle::Put(uint64_t sequence, uint64_t row, const Vector& vector) {
  Erase(sequence, row);
  versions_.push_back({row, vector, sequence, kNever});
}

void VectorOracle::Erase(uint64_t sequence, uint64_t row) {
  for (Version& version : versions_) {
    if (version.row == row && version.deleted == kNever) version.deleted = sequence;
  }
}

uint64_t VectorOracle::RowCount() const {
  return static_cast<uint64_t>(std::count_if(versions_.begin(), versions_.end(),
                                             [](const Version& v) { return v.deleted == kNever; }));
}

double VectorOracle::Score(const float* query, const float* row) const {
  double dot = 0, query_squared = 0, row_squared = 0, distance_squared = 0;
  for (uint32_t d = 0; d < dimensions_; ++d) {
    const double q = query[d], x = row[d];
    dot += q * x;
    query_squared += q * q;
    row_squared += x * x;
    distance_squared += (q - x) * (q - x);
  }
  if (metric_ == VectorMetric::kL2) return 0 - std::sqrt(distance_squared);
  if (metric_ == VectorMetric::kDot) return dot;
  const double lengths = std::sqrt(query_squared) * std::sqrt(row_squared);
  return lengths == 0 ? 0 : dot / lengths;
}

HitList VectorOracle::All(const VectorSearch& search, uint64_t query) const {
  const VectorOverlay& overlay = search.view.overlay;
  HitList hits;
  auto offer = [&](uint64_t row, const float* vector) {
    if (search.filter != nullptr && !Has(*search.filter, row)) return;
    const double score = Score(&search.queries[query * dimensions_], vector);
    if (search.has_score_min != 0 && score < search.score_min) return;
    hits.push_back({row, score});
  };
  for (const Version& version : versions_) {
    const bool visible = version.created <= search.view.sequence &&
                         (version.deleted == kNever || version.deleted > search.view.sequence);
    const bool hidden =
        Contains(overlay.removed, version.row) || Contains(overlay.added, version.row);
    if (visible && !hidden) offer(version.row, version.vector.data());
  }
  for (size_t i = 0; i < overlay.added.size(); ++i) {
    offer(overlay.added[i], &overlay.vectors[i * dimensions_]);
  }
  std::sort(hits.begin(), hits.end(), Before);
  return hits;
}

VectorPair::VectorPair(LawBench& bench, uint32_t dimensions, VectorMetric metric)
    : bench_(bench),
      dimensions_(dimensions),
      metric_(metric),
      directory_(bench.NewPath("index")),
      oracle_(dimensions, metric) {
  Open();
}

void VectorPair::Open() {
  assembly_ = bench_.Started();
  VectorIndexSpec spec;
  spec.dimensions = dimensions_;
  spec.metric = metric_;
  index_ = Must(ProviderOf(*assembly_).Open(directory_, spec));
}

void VectorPair::Reopen() {
  index_.Reset();
  assembly_->Stop();
  assembly_.reset();
  Open();
  const uint64_t durable = index_->DurableSequence();
  EXPECT_LE(durable, sequence_) << "durable before it was applied";
  for (const auto& [sequence, rows] : history_) {
    if (sequence > durable) Must(Apply(sequence, rows));
  }
}

Status VectorPair::Apply(uint64_t sequence, const std::map<uint64_t, Vector>& rows) {
  std::vector<VectorChange> changes;
  for (const auto& [row, vector] : rows) {
    const auto op = vector.empty() ? VectorChange::Op::kErase : VectorChange::Op::kPut;
    changes.push_back({op, 0, row, {vector.data(), vector.size()}});
  }
  return index_->Apply(sequence, changes);
}

void VectorPair::Commit(const std::map<uint64_t, Vector>& rows) {
  ++sequence_;
  Must(Apply(sequence_, rows));
  for (const auto& [row, vector] : rows) {
    if (vector.empty()) {
      oracle_.Erase(sequence_, row);
    } else {
      oracle_.Put(sequence_, row, vector);
    }
  }
  history_[sequence_] = rows;
}

VectorSearch VectorPair::Searching(Span<const float> queries, uint32_t k) const {
  VectorSearch search;
  search.k = k;
  search.queries = queries;
  search.exact = 1;
  search.view.sequence = sequence_;
  return search;
}

void VectorPair::ExpectSameAnswer(const VectorSearch& search) {
  auto hits = Search(search);
  EXPECT_TRUE(hits->Exact()) << "exactness was asked for";
  ASSERT_EQ(hits->QueryCount(), search.queries.size() / dimensions_);
  for (uint64_t query = 0; query < hits->QueryCount(); ++query) {
    const HitList all = oracle_.All(search, query);
    EXPECT_EQ(Difference(HitsOf(*hits, query), all, search.k), "")
        << "query " << query << " of " << hits->QueryCount() << ", k " << search.k << ", "
        << dimensions_ << " dimensions, metric " << static_cast<uint32_t>(metric_);
  }
}

VectorIndexProvider& ProviderOf(Assembly& assembly) {
  auto* provider = assembly.Service<VectorIndexProvider>();
  if (provider == nullptr) throw std::runtime_error("the plugin provides no vector index");
  return *provider;
}

Vector RandomVector(base::Prng& random, uint32_t dimensions) {
  Vector vector(dimensions);
  // Multiples of 1/1024 in [-1, 1]: exact in single precision, so the oracle sees the same numbers.
  for (float& value : vector) value = static_cast<float>(random.Below(2049)) / 1024.0f - 1.0f;
  return vector;
}

HitList HitsOf(VectorHits& hits, uint64_t query) {
  const Span<const VectorHit> list = hits.Hits(query);
  return {list.begin(), list.end()};
}

void RegisterVectorIndexSuite(const PluginSuite& suite) {
  RegisterLaws(suite, VectorAnswerLaws());
  RegisterLaws(suite, VectorStateLaws());
}

}  // namespace nexadb::testkit
