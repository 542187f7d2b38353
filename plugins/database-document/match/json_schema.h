// $jsonSchema: MongoDB's dialect of JSON Schema draft 4, with bsonType, compiled to a filter node.
#pragma once
#include "plugins/database-document/match/node.h"

namespace nexadb::query {

// Throws QueryError (2, 9, 14) for a schema that is not well-formed. The node borrows from it.
NodePtr ParseJsonSchema(bson::Document schema);

}  // namespace nexadb::query
