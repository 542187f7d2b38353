// Which collation a command runs by: the one that it asks for, or else the collection's own.
#pragma once
#include <optional>

#include "plugins/database-document/catalog/entry.h"
#include "plugins/database-document/session/query_context.h"

namespace nexadb::database {

// What a command, or one of its statements, asks for in its member `collation`. None when it does
// not say, or is an empty object; a null pointer when it says "simple".
Result<std::optional<query::CollationPtr>> GivenCollation(bson::Document statement);

// Puts the command's collation, or the one of the collection or view, in force for a query.
Status SetCollation(bson::Document command, std::string_view collection, QueryContext& context);

// The value of `collation` as create and createIndexes keep it, every member written out. Empty for
// "simple".
Result<std::string> KeptCollation(const bson::Value& value);

}  // namespace nexadb::database
