#include "plugins/vector-bruteforce/query.h"

#include <cmath>
#include <limits>
#include <string>

#include "core/document/error.h"
#include "plugins/vector-bruteforce/exact.h"

namespace nexadb::bruteforce {
namespace {

Status DimensionMismatch(std::string_view what, uint64_t expected, uint64_t got) {
  ErrorDetail detail;
  detail.Int64("expected", static_cast<int64_t>(expected));
  detail.Int64("got", static_cast<int64_t>(got));
  return MakeError(ErrorId::kVectorDimensionMismatch,
                   std::string(what) + " hold " + std::to_string(got) + " values, expected " +
                       std::to_string(expected),
                   detail.Finish());
}

bool AllFinite(Span<const float> values) {
  for (float v : values) {
    if (!std::isfinite(v)) return false;
  }
  return true;
}

Status CheckQueries(const VectorSearch& search, uint32_t dimensions) {
  const uint64_t values = search.queries.size();
  if (values == 0 || values % dimensions != 0) {
    return DimensionMismatch("the queries", dimensions, values);
  }
  if (values / dimensions > kVectorQueriesMax) {
    return LimitError(ErrorId::kVectorLimit, "vector_queries", kVectorQueriesMax,
                      static_cast<int64_t>(values / dimensions));
  }
  if (search.k == 0 || search.k > kVectorHitsMax) {
    return LimitError(ErrorId::kVectorLimit, "vector_hits (from 1)", kVectorHitsMax, search.k);
  }
  if (!AllFinite(search.queries)) {
    return MakeError(ErrorId::kInvalidVector, "a query holds NaN or an infinity");
  }
  if (search.has_score_min != 0 && std::isnan(search.score_min)) {
    return MakeError(ErrorId::kInvalidParameter, "the least score is NaN");
  }
  return Status::Ok();
}

Status CheckOverlay(const VectorOverlay& overlay, uint32_t dimensions) {
  if (overlay.vectors.size() != overlay.added.size() * dimensions) {
    return DimensionMismatch("the overlay's vectors", overlay.added.size() * dimensions,
                             overlay.vectors.size());
  }
  if (!AllFinite(overlay.vectors)) {
    return MakeError(ErrorId::kInvalidVector, "an overlay's vector holds NaN or an infinity");
  }
  return Status::Ok();
}

}  // namespace

Result<Request> MakeRequest(const VectorSearch& search, uint32_t dimensions, VectorMetric metric) {
  const VectorOverlay& overlay = search.view.overlay;
  if (Status s = CheckQueries(search, dimensions); !s.ok()) return s;
  if (Status s = CheckOverlay(overlay, dimensions); !s.ok()) return s;
  Request request;
  request.dimensions = dimensions;
  request.metric = metric;
  request.k = search.k;
  request.has_score_min = search.has_score_min != 0;
  request.score_min = search.score_min;
  request.queries = search.queries;
  request.has_filter = search.filter != nullptr;
  if (search.filter != nullptr) request.filter = *search.filter;
  request.added = overlay.added;
  request.added_vectors = overlay.vectors;
  // A row in `added` is never read from the index too, whether or not `removed` names it.
  request.hidden.assign(overlay.removed.begin(), overlay.removed.end());
  request.hidden.insert(request.hidden.end(), overlay.added.begin(), overlay.added.end());
  std::sort(request.hidden.begin(), request.hidden.end());
  request.deadline_ns = search.deadline_ns;
  return request;
}

Scorer::Scorer(const Request& request)
    : dimensions_(request.dimensions),
      metric_(request.metric),
      queries_(request.queries),
      scaled_(request.queries.begin(), request.queries.end()) {
  constexpr double kUnit = 0x1p-24;
  const double operations = dimensions_ + 8.0;
  const double single = operations * kUnit / (1 - operations * kUnit);
  // The scaled query's length is 1 within 2^-24 for each value; a thousandth covers it.
  error_ = single * 1.001 + (dimensions_ + 16.0) * 0x1p-52;
  underflow_ = operations * 0x1p-126;
  norms_.reserve(request.QueryCount());
  for (uint64_t i = 0; i < request.QueryCount(); ++i) {
    float* query = &scaled_[i * dimensions_];
    const double norm = std::sqrt(Exact().dot(query, query, dimensions_));
    norms_.push_back(norm);
    if (metric_ != VectorMetric::kCosine || norm == 0) continue;
    for (uint32_t d = 0; d < dimensions_; ++d) {
      query[d] = static_cast<float>(static_cast<double>(query[d]) / norm);
    }
  }
}

double Scorer::Score(uint64_t query, const float* row, double norm) const {
  const float* q = &queries_[query * dimensions_];
  if (metric_ == VectorMetric::kL2) {
    const double squared = Exact().squared_distance(q, row, dimensions_);
    return squared == 0 ? 0 : -std::sqrt(squared);
  }
  const double dot = Exact().dot(q, row, dimensions_) + 0.0;  // no minus zero
  if (metric_ == VectorMetric::kDot) return dot;
  const double lengths = norms_[query] * norm;
  return lengths == 0 ? 0 : dot / lengths;  // nothing points nowhere
}

double Scorer::KeyOfScore(double score) const {
  if (metric_ != VectorMetric::kL2) return score;
  return score > 0 ? std::numeric_limits<double>::infinity() : -score * score;
}

Scorer::RowBound Scorer::BoundOf(double norm) const {
  if (metric_ != VectorMetric::kCosine) return {1, 2 * underflow_, norm};
  const double factor = norm == 0 ? 0 : 1 / norm;
  return {factor, error_ + underflow_ * (1 + factor), norm};
}

}  // namespace nexadb::bruteforce
