// $rankFusion: several rankings of the same collection's documents become one. A document that an
// input pipeline gives at rank r, the first being 1 and equal ones of its last $sort being alike,
// gets the weight of that pipeline divided by 60 + r from it; the sums are the scores, and the
// documents come by them, equal ones by _id. It has the first place of its pipeline and reads the
// collection itself, once for each input.
//
// The method is reciprocal rank fusion: Cormack, Clarke and Buettcher, "Reciprocal Rank Fusion
// Outperforms Condorcet and Individual Rank Learning Methods", SIGIR 2009.
#pragma once
#include "plugins/database-document/stage/stage.h"

namespace nexadb::query {

// The codes of its mistakes are MongoDB's; 10170100 when it is not `first`.
StagePtr ParseRankFusion(const bson::Value& spec, const ParseOptions& options,
                         PipelineContext& context, bool first);

}  // namespace nexadb::query
