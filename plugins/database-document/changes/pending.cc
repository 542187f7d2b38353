#include "plugins/database-document/changes/pending.h"

#include <algorithm>
#include <map>

#include "core/document/error.h"
#include "plugins/database-document/changes/record.h"

namespace nexadb::database {

namespace {

// Many events share a record, so that a large write does not use up its batch's versionstamps; a
// record of this size is closed.
constexpr size_t kRecordBytes = 1 << 20;
// Of a batch's 65,536 stamps documents take 65,000 (kStampsMax) and two values stay unused.
constexpr size_t kRecordsMax = 500;

}  // namespace

std::vector<uint32_t> PendingChanges::Collections() const {
  std::vector<uint32_t> ids;
  for (const Event& event : events_) ids.push_back(event.collection_id);
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

Status PendingChanges::WriteTo(Transaction& transaction, int64_t unix_ms) {
  std::map<uint32_t, std::string> open;  // the record that each collection fills
  size_t records = 0;
  const auto write = [&](uint32_t collection_id, const std::string& value) -> Status {
    if (++records > kRecordsMax) {
      return MakeError(ErrorId::kTransactionTooLarge,
                       "the write changes too much at once for the change log: split it");
    }
    const std::string key = ChangeKey(collection_id);
    const Mutation put{Mutation::Op::kPutStampedKey, kChangeStampOffset, AsBytes(key),
                       AsBytes(value)};
    return transaction.Write(Span<const Mutation>(&put, 1));
  };
  for (const Event& event : events_) {
    std::string& value = open[event.collection_id];
    if (value.empty()) value = EncodeRecordHead(unix_ms);
    value += event.bytes;
    if (value.size() < kRecordBytes) continue;
    if (Status status = write(event.collection_id, value); !status.ok()) return status;
    value.clear();
  }
  for (const auto& [collection_id, value] : open) {
    if (value.empty()) continue;
    if (Status status = write(collection_id, value); !status.ok()) return status;
  }
  return {};
}

}  // namespace nexadb::database
