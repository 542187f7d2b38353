// The planner: rules say which indexes can answer, costs say which one should. The scan of the
// collection is always a candidate. Costs come from storage's own estimates of key ranges; where
// these are coarse, the first entries of a range are counted.
#pragma once
#include "plugins/database-document/plan/hint.h"
#include "plugins/database-document/plan/query_plan.h"
#include "plugins/database-document/project/sort.h"
#include "plugins/database-document/session/query_context.h"

namespace nexadb::database {

// How the documents are to come.
struct SortRequest {
  const query::SortPattern* pattern = nullptr;  // null: by _id, or in no order that matters
  uint64_t first = 0;                           // only so many are wanted; 0: all
  bool resumes = false;                         // from a place in the order
};

// Whether the order is a promise, where none is asked for.
enum class Order {
  kById,  // of _id
  kAny,   // what SortRequest::first asks for may come in the order of an index
};

struct PlanRequest {
  EntryPtr entry;
  const query::Matcher& filter;
  ScanDirection direction = ScanDirection::kForward;  // of _id
  Order order = Order::kById;
  bson::Value hint = {};  // an index's name or key, or none
  SortRequest sort = {};
  // The paths at which whoever gets the documents looks, besides the filter; none: anywhere. A plan
  // that is `covered` gives no more than these, and DocumentScan::Next cannot follow it.
  std::optional<std::vector<std::string>> looks_at = {};
};

// 2 for a hint that names no index.
Result<QueryPlan> MakePlan(QueryContext& context, const PlanRequest& request);

}  // namespace nexadb::database
