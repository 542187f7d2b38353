#include "plugins/database-document/collection/statistics.h"

#include <cstring>

#include "core/document/error.h"
#include "plugins/database-document/collection/layout.h"

namespace nexadb::database {

Result<int64_t> CountDocuments(Reader& reader, uint32_t collection_id) {
  auto stored = reader.Get(AsBytes(SpacePrefix(collection_id, Space::kCount)), {});
  if (!stored.ok()) {
    if (stored.status().code() == Code::kNotFound) return int64_t{0};
    return stored.status();
  }
  int64_t count = 0;
  if (stored->size() != sizeof(count)) {
    return MakeError(ErrorId::kCorruption, "a collection's count is damaged");
  }
  std::memcpy(&count, stored->bytes().data(), sizeof(count));
  return count;
}

Result<CollectionSize> SizeOf(Environment& environment, Reader& reader,
                              const CollectionEntry& entry) {
  CollectionSize size;
  auto count = CountDocuments(reader, entry.id);
  if (!count.ok()) return count.status();
  size.count = *count;
  const Space space = entry.kind == EntryKind::kBucket ? Space::kKeyValue : Space::kDocument;
  const std::pair<Space, uint64_t*> parts[] = {{space, &size.bytes},
                                               {Space::kIndex, &size.index_bytes}};
  for (const auto& [part, bytes] : parts) {
    const KeySpan span = SpaceSpan(entry.id, part);
    auto estimate = environment.store().EstimateRange(AsBytes(span.begin), AsBytes(span.end));
    if (!estimate.ok()) return estimate.status();
    *bytes = estimate->bytes;
  }
  return size;
}

}  // namespace nexadb::database
