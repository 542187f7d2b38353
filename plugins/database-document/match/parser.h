// From a filter document to its tree. Throws QueryError. Nodes borrow from the filter's bytes.
#pragma once
#include "plugins/database-document/match/node.h"
#include "plugins/database-document/value/parse_options.h"

namespace nexadb::query {

NodePtr ParseFilter(bson::Document filter, const ParseOptions& options);
// {$gt: 5} as a test of the value itself, anything else as a filter over it.
NodePtr ParseValueFilter(const bson::Value& predicate, const ParseOptions& options);

// True for {$gt: …} and its like: an object whose first name begins with '$', but no DBRef.
bool IsOperatorObject(const bson::Value& value);

}  // namespace nexadb::query
