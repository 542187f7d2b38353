// BucketList: which buckets a database has, as far as the caller may read them. [any][worker]
#pragma once
#include "nexadb/key_value_buckets.h"

namespace nexadb::database {

class BucketList final : public KeyValueBuckets {
 public:
  Result<Buffer> ListBuckets(Session& session, StringView database, StringView after,
                             uint64_t limit) noexcept override;
};

}  // namespace nexadb::database
