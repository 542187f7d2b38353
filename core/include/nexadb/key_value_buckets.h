// nexadb.database.key_value_buckets: a facet of a database that lists its buckets.
#pragma once
#include "nexadb/database.h"

namespace nexadb {

class KeyValueBuckets {
 public:
  static constexpr InterfaceId kInterface{"nexadb.database.key_value_buckets", 0, 1};
  // [any][worker] BSON {buckets: [{name, keys}], more}: at most `limit` of the buckets of
  // `database` that hold keys and that the session's principal may read, in order of names, behind
  // `after` (empty: from the first). `keys` may count some that have just expired.
  virtual Result<Buffer> ListBuckets(Session& session, StringView database, StringView after,
                                     uint64_t limit) noexcept = 0;

 protected:
  ~KeyValueBuckets() = default;
};

}  // namespace nexadb
