// What $median and $percentile are made of, as expressions and as accumulators. Pure functions;
// the checks throw QueryError.
#pragma once
#include <span>
#include <vector>

#include "plugins/database-document/value/owned.h"

namespace nexadb::query {

// The least number that so large a share of all is not above; null of none.
OwnedValue NearestRank(std::span<const double> sorted, double share);
// $percentile's `p`: shares between 0 and 1.
std::vector<double> PercentileShares(const bson::Value& p);
void CheckPercentileMethod(const bson::Value& method);

}  // namespace nexadb::query
