// Scan: the whole of a search. Rows are compared in blocks: a matrix product in single precision
// gives each an upper bound (query.h), and only rows whose bound reaches the k-th best score found
// so far are scored in double. Where few rows of a block pass the filter, those are scored at once.
// So the answer is that of scoring every row in double, whatever the batch, the threads, the order
// of the data or the BLAS.
#pragma once
#include <vector>

#include "nexadb/env.h"
#include "nexadb/executor.h"
#include "plugins/vector-bruteforce/query.h"

namespace nexadb::bruteforce {

// What the plugin's context lends; outlives every index and stream.
struct Machine {
  Clock* clock;
  Executor* executor;
};

using HitList = std::vector<VectorHit>;

// One list a query, ordered. Fails with time_limit.
Result<std::vector<HitList>> Scan(const Request& request, const Machine& machine);

// A greater score first, then a lesser row.
inline bool Better(const VectorHit& a, const VectorHit& b) {
  return a.score != b.score ? a.score > b.score : a.row < b.row;
}

}  // namespace nexadb::bruteforce
