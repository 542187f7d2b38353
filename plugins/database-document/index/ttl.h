// Documents that expire: an index with expireAfterSeconds removes a document so long after the date
// in its field; of an array the earliest date counts, and what holds no date never expires. Removal
// is an ordinary delete, with indexes, count and change log, in transactions of bounded size and so
// many of them a sweep; readers see a document until it is removed.
#pragma once
#include "plugins/database-document/session/environment.h"

namespace nexadb::database {

// One sweep of all collections. How many documents it removed. [worker]
Result<uint64_t> SweepExpiredDocuments(Environment& environment);

}  // namespace nexadb::database
