#include "plugins/database-document/changes/trim.h"

#include <array>
#include <shared_mutex>

#include "plugins/database-document/changes/options.h"
#include "plugins/database-document/changes/record.h"
#include "plugins/database-document/collection/layout.h"
#include "plugins/database-document/session/environment.h"

namespace nexadb::database {

namespace {

constexpr size_t kTrimRows = 64;
constexpr int64_t kMsPerS = 1000;

// Up to kTrimRows records from before `cutoff_ms`, in one transaction. The entry is guarded: a log
// that is dropped or begun anew meanwhile is left alone.
Result<uint64_t> TrimOnce(Environment& environment, const CollectionEntry& entry,
                          int64_t cutoff_ms) {
  auto transaction = environment.store().Begin({});
  if (!transaction.ok()) return transaction.status();
  const std::string entry_key = EntryKey(EntryName(entry.database, entry.name));
  if (Status status = (*transaction)->Guard(AsBytes(entry_key)); !status.ok()) return status;
  const KeySpan span = SpaceSpan(entry.id, Space::kChange);
  ScanOptions options;
  options.begin = AsBytes(span.begin);
  options.end = AsBytes(span.end);
  auto cursor = (*transaction)->Scan(options);
  if (!cursor.ok()) return cursor.status();
  std::array<Row, kTrimRows> rows;
  auto count = (*cursor)->Next(rows);
  if (!count.ok()) return count.status();
  uint64_t old = 0;
  for (; old < *count; ++old) {
    auto time = TimeOfRecord(rows[old].value);
    if (!time.ok()) return time.status();
    if (*time >= cutoff_ms) break;
  }
  if (old == 0) return uint64_t{0};
  auto last = PositionOfKey(rows[old - 1].key);
  if (!last.ok()) return last.status();
  cursor->Reset();
  const std::string end = ChangeKeyFrom(entry.id, *last);
  const std::string floor_key = ChangeFloorKey(entry.id);
  const BytesView stamp(last->stamp.data(), last->stamp.size());
  const std::array<Mutation, 2> batch = {{
      {Mutation::Op::kDeleteRange, 0, AsBytes(span.begin), AsBytes(end)},
      {Mutation::Op::kPut, 0, AsBytes(floor_key), stamp},
  }};
  if (Status status = (*transaction)->Write(batch); !status.ok()) return status;
  auto committed = (*transaction)->Commit({});
  if (!committed.ok()) return committed.status();
  return old;
}

}  // namespace

Result<uint64_t> TrimChanges(Environment& environment) {
  CatalogPtr catalog;
  {
    std::shared_lock lock(environment.catalog->gate());
    catalog = environment.catalog->current();
  }
  uint64_t removed = 0;
  for (const auto& [name, entry] : catalog->entries()) {
    const auto options = ChangeOptionsOf(*entry);
    if (!options) continue;
    const int64_t cutoff_ms = environment.NowMs() - options->retention_s * kMsPerS;
    for (;;) {
      auto count = TrimOnce(environment, *entry, cutoff_ms);
      // The collection changed meanwhile: the next round sees it as it is then.
      if (!count.ok() && count.status().code() == Code::kConflict) break;
      if (!count.ok()) return count.status();
      removed += *count;
      if (*count < kTrimRows) break;
    }
  }
  return removed;
}

Status RestartChanges(WriteSet& set, uint32_t collection_id) {
  const KeySpan span = SpaceSpan(collection_id, Space::kChange);
  const std::string floor_key = ChangeFloorKey(collection_id);
  const std::string hole(kVersionstampBytes, '\0');
  const std::array<Mutation, 2> batch = {{
      {Mutation::Op::kDeleteRange, 0, AsBytes(span.begin), AsBytes(span.end)},
      {Mutation::Op::kPutStampedValue, 0, AsBytes(floor_key), AsBytes(hole)},
  }};
  return set.Write(batch);
}

}  // namespace nexadb::database
