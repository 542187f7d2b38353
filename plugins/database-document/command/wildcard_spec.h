// What of a wildcard index's specification MongoDB refuses: createIndexes asks. Pure.
#pragma once
#include "nexadb/bson.h"

namespace nexadb::database {

// REQUIRES: the spec's key is an object, not empty. 67 for options and keys that a wildcard index
// cannot have; 2, 9, 14, 51271 and what projections refuse for a bad wildcardProjection; 7246209
// where a compound key's other fields are not left out of it.
Status CheckWildcardSpec(bson::Document spec);

}  // namespace nexadb::database
