// Which index would help a query: its equalities first, then its sort, then its ranges.
#pragma once
#include <string>

#include "plugins/database-document/match/matcher.h"
#include "plugins/database-document/plan/query_plan.h"

namespace nexadb::database {

// The key as BSON; empty when there is none to advise, or one like it is there already.
std::string AdviseIndex(const QueryPlan& plan, const query::Matcher& filter);

}  // namespace nexadb::database
