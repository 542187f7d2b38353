// KeyValueService: buckets of bytes under bytes. A bucket is an entry of the catalog named
// "kv:<bucket>", made by its first Put. An entry whose time has passed is absent for every reader
// at once; the Sweeper removes it from storage soon after. [any][worker]
#pragma once
#include "nexadb/database.h"

namespace nexadb::database {

class KeyValueService final : public KeyValueStore {
 public:
  Result<KeyValue> Get(Session& session, StringView name, StringView bucket,
                       BytesView key) noexcept override;
  Status Put(Session& session, StringView name, StringView bucket, BytesView key, BytesView value,
             const PutOptions& options) noexcept override;
  Status Delete(Session& session, StringView name, StringView bucket,
                BytesView key) noexcept override;
  Result<Handle<KeyValueEntries>> Scan(Session& session, StringView name, StringView bucket,
                                       const KeyRange& range) noexcept override;
  Result<Handle<KeyValueEntries>> GetMany(Session& session, StringView name, StringView bucket,
                                          Span<const BytesView> keys) noexcept override;
  Status PutMany(Session& session, StringView name, StringView bucket, Span<const Row> rows,
                 const PutOptions& options) noexcept override;
  Result<int64_t> Increment(Session& session, StringView name, StringView bucket, BytesView key,
                            int64_t amount) noexcept override;
  Result<bool> CompareAndSet(Session& session, StringView name, StringView bucket, BytesView key,
                             const BytesView* expected, BytesView value,
                             const PutOptions& options) noexcept override;
};

}  // namespace nexadb::database
