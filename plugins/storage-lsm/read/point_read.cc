#include "plugins/storage-lsm/read/point_read.h"

#include <algorithm>

#include "plugins/storage-lsm/read/memtable_source.h"
#include "plugins/storage-lsm/read/table_source.h"
#include "plugins/storage-lsm/table/bloom.h"
#include "plugins/storage-lsm/util/error.h"

namespace nexadb::lsm {
namespace {

// Walks the places from newest to oldest. Whatever stands in an older place is older, so the first
// entry met decides, and so does a range tombstone met before any entry.
class Search {
 public:
  Search(std::string_view key, Sequence snapshot, ReadMode mode, Buffer* value)
      : key_(key), snapshot_(snapshot), mode_(mode), value_(value) {}

  // Each returns true once the search is over.
  bool InMemtable(Memtable& memtable) {
    const Sequence cover = memtable.tombstones().Cover(key_, snapshot_);
    const SkipList::Node* node = memtable.list().Seek(key_, snapshot_);
    if (node == nullptr || node->key() != key_) return cover != 0;
    if (node->sequence > cover && HasValue(node->kind)) {
      found_ = true;
      *value_ = memtable.Pin(AsBytes(node->value()));
    }
    return true;
  }
  Result<bool> InTable(const TableFile& table) {
    if (!hashed_) hash_ = BloomHash(key_);
    hashed_ = true;
    const Sequence cover = table.reader->tombstones().Cover(key_, snapshot_);
    FoundEntry entry;
    auto hit = table.reader->Find(key_, hash_, snapshot_, mode_, &entry);
    if (!hit.ok()) return hit.status();
    if (!*hit) return cover != 0;
    if (entry.sequence > cover && HasValue(entry.kind)) {
      found_ = true;
      const BytesView bytes = AsBytes(entry.value);
      *value_ = Buffer(bytes, entry.block.Detach());
    }
    return true;
  }
  bool found() const { return found_; }

 private:
  const std::string_view key_;
  const Sequence snapshot_;
  const ReadMode mode_;
  Buffer* const value_;
  uint64_t hash_ = 0;
  bool hashed_ = false;
  bool found_ = false;
};

bool Counts(Kind kind, SumRule sums) { return sums == SumRule::kCountSums || kind != Kind::kSum; }

// Whether the source holds an entry of `key` above `since` that counts. A key's newest entry comes
// first, so what is older is never walked: a counter that everybody adds to has many of them.
Result<bool> AnyNewer(RowSource& source, std::string_view key, Sequence since, SumRule sums) {
  LSM_RETURN_IF_ERROR(source.Seek(key, kSequenceMax));
  while (source.valid() && source.key() == key && source.sequence() > since) {
    if (Counts(source.kind(), sums)) return true;
    LSM_RETURN_IF_ERROR(source.Next());
  }
  return false;
}

// The same of any key of [begin, end).
Result<bool> AnyNewerWithin(RowSource& source, std::string_view begin, std::string_view end,
                            Sequence since) {
  LSM_RETURN_IF_ERROR(source.Seek(begin, kSequenceMax));
  while (source.valid() && BeforeEnd(source.key(), end)) {
    if (source.sequence() > since) return true;
    LSM_RETURN_IF_ERROR(source.Next());
  }
  return false;
}

// Asks every place that has something newer than `since` around [begin, end) by `any_newer`.
template <class AnyNewerIn>
Result<bool> TouchedSince(const ReadView& view, std::string_view begin, std::string_view end,
                          Sequence since, const AnyNewerIn& any_newer) {
  Status status;
  bool touched = false;
  auto note = [&](RowSource&& source, const RangeTombstones& tombstones) {
    if (touched || !status.ok() || source.sequence_max() <= since) return;
    Result<bool> newer = any_newer(source);
    if (!newer.ok()) status = newer.status();
    touched = (newer.ok() && *newer) || tombstones.AnyNewer(begin, end, since);
  };
  view.EachMemtable([&](const Memtable& m) { note(MemtableSource(m), m.tombstones()); });
  view.EachTable(begin, end, [&](int, const TableFile& table) {
    note(TableSource(*table.reader, {}), table.reader->tombstones());
  });
  if (!status.ok()) return status;
  return touched;
}

}  // namespace

Result<bool> Get(const ReadView& view, std::string_view key, Sequence snapshot, ReadMode mode,
                 Buffer* value) {
  Search search(key, snapshot, mode, value);
  if (search.InMemtable(*view.memtable)) return search.found();
  for (const Ref<Memtable>& memtable : view.immutable) {
    if (search.InMemtable(*memtable)) return search.found();
  }
  for (const TablePointer& table : view.version->levels[0]) {
    if (key < table->info.begin || !BeforeEnd(key, table->info.end)) continue;
    auto over = search.InTable(*table);
    if (!over.ok()) return over.status();
    if (*over) return search.found();
  }
  for (int level = 1; level < kLevels; ++level) {
    const auto& tables = view.version->levels[level];
    const size_t at = Version::FindTable(tables, key);
    if (at == tables.size() || key < tables[at]->info.begin) continue;
    auto over = search.InTable(*tables[at]);
    if (!over.ok()) return over.status();
    if (*over) return search.found();
  }
  return false;
}

Result<bool> WrittenSince(const ReadView& view, std::string_view key, Sequence since,
                          SumRule sums) {
  return TouchedSince(view, key, Successor(key), since,
                      [&](RowSource& source) { return AnyNewer(source, key, since, sums); });
}

Result<bool> RangeWrittenSince(const ReadView& view, std::string_view begin, std::string_view end,
                               Sequence since) {
  return TouchedSince(view, begin, end, since,
                      [&](RowSource& source) { return AnyNewerWithin(source, begin, end, since); });
}

}  // namespace nexadb::lsm
