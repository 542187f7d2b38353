#include "plugins/database-document/keyvalue/bucket_list.h"

#include <string>

#include "nexadb/sdk/guard.h"
#include "plugins/database-document/collection/statistics.h"
#include "plugins/database-document/session/read_scope.h"

namespace nexadb::database {

Result<Buffer> BucketList::ListBuckets(Session& session, StringView database, StringView after,
                                       uint64_t limit) noexcept {
  return sdk::Guard([&]() -> Result<Buffer> {
    auto& impl = static_cast<SessionImpl&>(session);
    impl.StartCall();
    if (Status status = CheckDatabaseName(database); !status.ok()) return status;
    if (Status status = impl.CheckMayWait("a list of buckets"); !status.ok()) return status;
    auto scope = ReadScope::Open(impl);
    if (!scope.ok()) return scope.status();
    bson::Builder out;
    out.OpenArray("buckets");
    uint64_t listed = 0;
    bool more = false;
    for (const EntryPtr& entry : (*scope)->catalog().InDatabase(database)) {
      if (entry->kind != EntryKind::kBucket) continue;
      const std::string_view name = std::string_view(entry->name).substr(kBucketPrefix.size());
      if (name <= std::string_view(after)) continue;
      if (!impl.CheckAccess(Action::kRead, database, entry->name).ok()) continue;
      if (Status status = impl.CheckInterrupt(); !status.ok()) return status;
      auto keys = CountDocuments((*scope)->reader(), entry->id);
      if (!keys.ok()) return keys.status();
      // The catalog keeps a bucket that has lost its last key; for callers it is none.
      if (*keys == 0) continue;
      more = listed == limit;
      if (more) break;
      out.OpenObject(std::to_string(listed++)).Text("name", name).Int64("keys", *keys).Close();
    }
    out.Close().Bool("more", more);
    return Buffer::Own(out.Finish());
  });
}

}  // namespace nexadb::database
