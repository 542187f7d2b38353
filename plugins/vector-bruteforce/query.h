// Request: a search that has been checked, with the view it reads at; and Scorer: what its scores
// and their bounds are.
#pragma once
#include <algorithm>
#include <vector>

#include "nexadb/vector_index.h"
#include "plugins/vector-bruteforce/rows.h"

namespace nexadb::bruteforce {

// Borrows everything of the search that it was made from, except `hidden`.
struct Request {
  uint32_t dimensions = 0;
  VectorMetric metric = VectorMetric::kCosine;
  uint64_t k = 0;
  bool has_score_min = false;
  double score_min = 0;
  Span<const float> queries;
  bool has_filter = false;
  RowBitmap filter;
  Span<const uint64_t> added;
  Span<const float> added_vectors;
  std::vector<uint64_t> hidden;  // increasing: rows whose stored vectors must not be used
  View view;
  uint64_t deadline_ns = 0;

  uint64_t QueryCount() const { return queries.size() / dimensions; }
  bool Accepts(uint64_t row) const {
    if (!has_filter) return true;
    if (row < filter.first) return false;
    const uint64_t bit = row - filter.first;
    return bit / 64 < filter.words.size() && (filter.words[bit / 64] >> (bit % 64) & 1) != 0;
  }
  bool Hides(uint64_t row) const {
    return !hidden.empty() && std::binary_search(hidden.begin(), hidden.end(), row);
  }
};

// Checks `search` against the index and the limits; the view is left for the caller to take.
Result<Request> MakeRequest(const VectorSearch& search, uint32_t dimensions, VectorMetric metric);

// Scores of one batch of queries, and upper bounds of them from single-precision products.
//
// A product c of the `scaled` query with a row x of norm n, summed in single precision in whatever
// order, differs from the true one by at most g·|q|·n, where g = m·u/(1 − m·u), u = 2^-24 and m is
// the number of operations on the longest path, at most dimensions + 8 with the scaling (N. Higham,
// Accuracy and Stability of Numerical Algorithms, §3.1), and by m·2^-126 more where a product
// underflows. What double precision adds is within (dimensions + 16)·2^-52 of the same size. The
// bounds below add these, so a row whose bound is under the k-th best score found so far cannot
// belong to the answer. A product that is not finite has no bound: its row is scored.
//
// Bounds are "keys": the score itself for cosine and dot product, minus the squared distance for
// L2, which orders rows alike.
class Scorer {
 public:
  explicit Scorer(const Request& request);
  // The score as it is reported. `norm` is the row's.
  double Score(uint64_t query, const float* row, double norm) const;
  // The least key that a row with this score may have had.
  double KeyOfScore(double score) const;
  // What the single-precision products are taken of: row-major, as the queries.
  const float* Scaled(uint64_t query) const { return &scaled_[query * dimensions_]; }

  // The upper bounds' parts that depend on the row alone.
  struct RowBound {
    double factor;
    double base;
    double norm;
  };
  RowBound BoundOf(double norm) const;
  // The greatest key that a row with the product c may have.
  double Upper(uint64_t query, const RowBound& row, float c) const {
    const double n = norms_[query];
    switch (metric_) {
      case VectorMetric::kCosine: return static_cast<double>(c) * row.factor + row.base;
      case VectorMetric::kDot: return static_cast<double>(c) + error_ * n * row.norm + row.base;
      case VectorMetric::kL2: break;
    }
    const double both = n + row.norm;
    return 2 * static_cast<double>(c) - (n * n + row.norm * row.norm) + error_ * both * both +
           row.base;
  }

 private:
  const uint32_t dimensions_;
  const VectorMetric metric_;
  const Span<const float> queries_;
  std::vector<float> scaled_;  // unit length under cosine, else the queries
  std::vector<double> norms_;
  double error_ = 0;      // relative to |q|·|x|
  double underflow_ = 0;  // absolute
};

}  // namespace nexadb::bruteforce
