// A plan as explain shows it: MongoDB's names of stages and members, and beside them what the
// planner estimated.
#pragma once
#include "plugins/database-document/match/matcher.h"
#include "plugins/database-document/plan/query_plan.h"

namespace nexadb::database {

// The outermost stage: FETCH, PROJECTION_COVERED, COLLSCAN, IDHACK, CLUSTERED_IXSCAN, EOF.
std::string_view StageOf(const QueryPlan& plan);

// winningPlan, indexAdvice and rejectedPlans. `sort` is empty where nothing is sorted.
void AppendPlan(const QueryPlan& plan, const query::Matcher& filter, bson::Document sort,
                bson::Builder* out);

}  // namespace nexadb::database
