#include "plugins/database-document/index/build.h"

#include <algorithm>
#include <shared_mutex>

#include "core/document/error.h"
#include "plugins/database-document/collection/writer.h"
#include "plugins/database-document/session/system_principal.h"

namespace nexadb::database {

namespace {

constexpr int32_t kIndexBuildAborted = 276;
// A chunk is one transaction: small enough to commit between two changes of a busy document.
constexpr size_t kChunkDocuments = 512;
constexpr size_t kChunkDocumentsMin = 16;
constexpr size_t kChunkBytesMax = 1u << 20;

bool IsWanted(const IndexBuild& build, const IndexEntry& index) {
  return std::find(build.indexes.begin(), build.indexes.end(), index.id) != build.indexes.end();
}

// The collection with all indexes of the build still in it.
Result<EntryPtr> FindBuilding(WriteSet& set, const IndexBuild& build) {
  EntryPtr entry = set.Find(build.database, build.collection);
  size_t found = 0;
  if (entry != nullptr && entry->id == build.collection_id) {
    for (const IndexEntry& index : entry->indexes) found += IsWanted(build, index) ? 1 : 0;
  }
  if (found == build.indexes.size()) return entry;
  return MongoError(kIndexBuildAborted, "index build on " +
                                            Namespace(build.database, build.collection) +
                                            " aborted: the index or its collection was dropped");
}

class Builder {
 public:
  Builder(SessionImpl& session, const IndexBuild& build) : session_(session), build_(build) {}

  Status Run() {
    while (!done_) {
      // Each chunk has the time of a call of its own, unless the caller set a limit.
      if (Status status = session_.CheckInterrupt(); !status.ok()) return status;
      session_.ExtendCall();
      size_t documents_max = kChunkDocuments;
      Status status = RunWrite(session_, [&](WriteSet& set) {
        Status chunk = Chunk(set, documents_max);
        // Run again after a conflict: less of it conflicts less.
        documents_max = std::max(documents_max / 2, kChunkDocumentsMin);
        return chunk;
      });
      if (!status.ok()) return status;
      after_ = next_after_;
      done_ = next_done_;
    }
    return Publish();
  }

 private:
  Status Chunk(WriteSet& set, size_t documents_max) {
    auto entry = FindBuilding(set, build_);
    if (!entry.ok()) return entry.status();
    Status status = set.Guard(EntryName(build_.database, build_.collection));
    if (!status.ok()) return status;
    std::vector<IndexKeys> indexes;
    for (const IndexEntry& index : (*entry)->indexes) {
      if (!IsWanted(build_, index)) continue;
      auto keys = IndexKeys::Compile((*entry)->id, index);
      if (!keys.ok()) return keys.status();
      indexes.push_back(std::move(*keys));
    }
    if (arrays_.empty()) arrays_.resize(indexes.size());
    const KeySpan all = SpaceSpan((*entry)->id, Space::kDocument);
    const std::string begin = after_.empty() ? all.begin : after_ + '\0';
    ScanOptions options;
    options.begin = AsBytes(begin);
    options.end = AsBytes(all.end);
    auto cursor = set.transaction().Scan(options);
    if (!cursor.ok()) return cursor.status();
    std::vector<Row> rows(documents_max);
    auto count = (*cursor)->Next(rows);
    if (!count.ok()) return count.status();
    next_done_ = *count == 0;
    next_after_ = after_;
    size_t bytes = 0;
    for (size_t i = 0; i < *count && bytes < kChunkBytesMax; ++i) {
      bytes += rows[i].value.size();
      for (size_t n = 0; n < indexes.size(); ++n) {
        Status bad = AddDocument(set, **entry, indexes[n], rows[i], &arrays_[n]);
        if (!bad.ok()) return bad;
      }
      next_after_ = AsText(rows[i].key);
    }
    return {};
  }

  static Status AddDocument(WriteSet& set, const CollectionEntry& entry, const IndexKeys& keys,
                            const Row& row, ArrayMasks* arrays) {
    auto stored = DecodeDocument(row.value);
    if (!stored.ok()) return stored.status();
    auto found = keys.Of(stored->body);
    if (!found.ok()) return found.status();
    arrays->Merge(found->arrays);
    const std::string_view owner = AsText(row.key).substr(kDocumentKeyPrefixBytes);
    for (const std::string& values : found->values) {
      const std::string key = keys.EntryKey(values, owner);
      if (keys.index().unique) {
        auto other = set.transaction().Get(AsBytes(key), {});
        if (!other.ok() && other.status().code() != Code::kNotFound) return other.status();
        if (other.ok() && other->text() != owner) {
          return DuplicateKey(entry, keys.index().name, keys.index().key(),
                              bson::Document(AsBytes(keys.KeyValue(stored->body))));
        }
      }
      const Mutation put{Mutation::Op::kPut, 0, AsBytes(key), AsBytes(owner)};
      if (Status status = set.Write(Span<const Mutation>(&put, 1)); !status.ok()) return status;
    }
    return {};
  }

  Status Publish() {
    return RunWrite(session_, [&](WriteSet& set) -> Status {
      auto entry = FindBuilding(set, build_);
      if (!entry.ok()) return entry.status();
      auto changed = std::make_shared<CollectionEntry>(**entry);
      size_t n = 0;
      for (IndexEntry& index : changed->indexes) {
        if (!IsWanted(build_, index)) continue;
        index.building = false;
        index.arrays.Merge(arrays_[n++]);
      }
      return set.PutEntry(std::move(changed));
    });
  }

  SessionImpl& session_;
  const IndexBuild& build_;
  std::string after_;  // the last document's key
  bool done_ = false;
  // What the running chunk makes of them, if it commits.
  std::string next_after_;
  bool next_done_ = false;
  std::vector<ArrayMasks> arrays_;  // of each index of the build, in the entry's order
};

// Takes the indexes of a build that failed out of the catalog, with their entries.
Status Abandon(SessionImpl& session, const IndexBuild& build) {
  session.ExtendCall();
  return RunWrite(session, [&](WriteSet& set) -> Status {
    const EntryPtr entry = set.Find(build.database, build.collection);
    if (entry == nullptr || entry->id != build.collection_id) return {};
    auto changed = std::make_shared<CollectionEntry>(*entry);
    std::erase_if(changed->indexes,
                  [&](const IndexEntry& index) { return IsWanted(build, index); });
    if (changed->indexes.size() == entry->indexes.size()) return {};
    for (const uint32_t index : build.indexes) {
      if (Status status = EraseIndexEntries(set, entry->id, index); !status.ok()) return status;
    }
    return set.PutEntry(std::move(changed));
  });
}

// An index of an earlier layout is emptied and marked, as if it were about to be built.
Status MarkForRebuild(SessionImpl& session, const CollectionEntry& stale, IndexBuild* build) {
  return RunWrite(session, [&](WriteSet& set) -> Status {
    const EntryPtr entry = set.Find(stale.database, stale.name);
    if (entry == nullptr) return {};
    build->indexes.clear();
    auto changed = std::make_shared<CollectionEntry>(*entry);
    for (IndexEntry& index : changed->indexes) {
      if (!index.arrays.empty()) continue;
      index.building = true;
      index.arrays.resize(index.key().CountElements());
      build->indexes.push_back(index.id);
      if (Status status = EraseIndexEntries(set, entry->id, index.id); !status.ok()) return status;
    }
    return set.PutEntry(std::move(changed));
  });
}

Status RepairCollection(SessionImpl& session, const CollectionEntry& entry) {
  IndexBuild cut_short{entry.database, entry.name, entry.id, {}};
  bool earlier_layout = false;
  for (const IndexEntry& index : entry.indexes) {
    if (index.building) cut_short.indexes.push_back(index.id);
    earlier_layout |= !index.building && index.arrays.empty();
  }
  if (!cut_short.indexes.empty()) {
    if (Status status = Abandon(session, cut_short); !status.ok()) return status;
  }
  if (!earlier_layout) return {};
  IndexBuild build{entry.database, entry.name, entry.id, {}};
  if (Status status = MarkForRebuild(session, entry, &build); !status.ok()) return status;
  return RunIndexBuild(session, build);
}

}  // namespace

Status EraseIndexEntries(WriteSet& set, uint32_t collection_id, uint32_t index_id) {
  const std::string begin = IndexPrefix(collection_id, index_id);
  const std::string end = IndexPrefix(collection_id, index_id + 1);
  const Mutation erase{Mutation::Op::kDeleteRange, 0, AsBytes(begin), AsBytes(end)};
  return set.Write(Span<const Mutation>(&erase, 1));
}

Status RunIndexBuild(SessionImpl& session, const IndexBuild& build) {
  Status status = Builder(session, build).Run();
  if (status.ok()) return status;
  // The first failure is the one to tell; a mark that stays is removed at the next start.
  Status abandoned = Abandon(session, build);
  if (!abandoned.ok()) {
    session.environment().log->Warning(
        "an index build on " + Namespace(build.database, build.collection) +
        " failed and its entries could not be removed: " + std::string(abandoned.message()));
  }
  return status;
}

Status RepairIndexes(Environment& environment) {
  SystemPrincipal principal;
  SessionOptions options;
  options.principal = &principal;
  SessionImpl session(environment, options);
  CatalogPtr catalog;
  {
    std::shared_lock lock(environment.catalog->gate());
    catalog = environment.catalog->current();
  }
  for (const auto& [name, entry] : catalog->entries()) {
    if (entry->kind != EntryKind::kCollection) continue;
    session.StartCall();
    if (Status status = RepairCollection(session, *entry); !status.ok()) return status;
  }
  return {};
}

}  // namespace nexadb::database
