// Which part of an index a predicate asks for, and whether the index may be used at all.
// Pure functions.
#pragma once
#include <optional>
#include <span>
#include <string>

#include "plugins/database-document/plan/predicate.h"
#include "plugins/database-document/plan/query_plan.h"
#include "plugins/database-document/project/sort.h"

namespace nexadb::database {

// A filter with more combinations of single values than this is read as a range of the first ones.
constexpr size_t kIndexSpansMax = 1024;

// Why the index does not hold every document that satisfies the predicate; none when it does.
// The predicate is about indexes of its collation.
std::optional<std::string> WhyIncomplete(const IndexEntry& index, const Predicate& predicate,
                                         const query::Matcher& filter);

// The ways to read an index, each by the path that its wildcard then stands for: one, without a
// path, where it has no wildcard; none where it knows nothing that the predicate asks for.
std::vector<std::string> WaysToRead(const IndexEntry& index, const Predicate& predicate);

// Bounds for each part of the key; `estimated_keys` is left to the planner. `path` is one of the
// ways above.
IndexRead BoundsFor(uint32_t collection_id, const IndexEntry& index, const Predicate& predicate,
                    const std::string& path);

// How many of the read's first parts have bounds.
size_t BoundParts(const IndexRead& read);

// What a sort asks for: its members, then _id in the direction of the last one, unless it names
// _id itself. No two documents have the same place in it: where a collation may hold several _id
// equal, their bytes decide.
query::SortPattern TotalOrder(const query::SortPattern& sort);

// The order of an index's entries, as a sort by its key would ask for it.
query::SortPattern OwnOrder(const IndexEntry& index);

// True when the read's entries, one way or the other, come in this order: the parts before it are
// single values, it ends where the key ends, and no array gives a document several places. Sets
// the read's direction and prefix then.
bool ReadInOrder(std::span<const query::SortPattern::Part> order, IndexRead* read);

}  // namespace nexadb::database
