// Collations: only binary comparison is offered, which MongoDB calls the locale "simple". Any other
// is refused, for answering in another order than asked would be wrong silently.
#pragma once
#include "nexadb/bson.h"

namespace nexadb::database {

// `collation` may be empty.
Status CheckCollation(bson::Document collation);

}  // namespace nexadb::database
