#include "plugins/database-document/index/build.h"

#include <algorithm>
#include <shared_mutex>

#include "core/document/error.h"
#include "plugins/database-document/collection/writer.h"
#include "plugins/database-document/index/entry_types.h"
#include "plugins/database-document/session/system_principal.h"

namespace nexadb::database {

namespace {

constexpr int32_t kIndexBuildAborted = 276;
// A chunk is one transaction. The longer it is the nearer to each other storage finds the places of
// its sorted entries; after a conflict it is halved, down to what commits between two changes of a
// busy document, and each one that commits is followed by one of twice the size.
constexpr size_t kChunkDocumentsMax = 4096;
constexpr size_t kChunkDocumentsMin = 16;
// Of documents and entries. One document more than that may come on top: IndexKeys' limits.
constexpr size_t kChunkBytesMax = 2u << 20;

bool IsWanted(const IndexBuild& build, const IndexEntry& index) {
  return std::find(build.indexes.begin(), build.indexes.end(), index.id) != build.indexes.end();
}

// The collection with all indexes of the build still in it.
Result<EntryPtr> FindBuilding(WriteSet& set, const IndexBuild& build) {
  EntryPtr entry = set.Find(build.database, build.collection);
  size_t found = 0;
  if (entry != nullptr && entry->id == build.collection_id) {
    for (const IndexEntry& index : entry->indexes) {
      found += IsWanted(build, index) || index.id == build.replaces ? 1 : 0;
    }
  }
  if (found == build.indexes.size() + (build.replaces != 0 ? 1 : 0)) return entry;
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
      size_t runs = 0;
      Status status = RunWrite(session_, [&](WriteSet& set) {
        // Run again after a conflict: less of it conflicts less.
        if (runs++ != 0) chunk_documents_ = std::max(chunk_documents_ / 2, kChunkDocumentsMin);
        return Chunk(set);
      });
      if (!status.ok()) return status;
      if (runs == 1) chunk_documents_ = std::min(chunk_documents_ * 2, kChunkDocumentsMax);
      after_ = next_after_;
      done_ = next_done_;
    }
    return Publish();
  }

 private:
  Status Chunk(WriteSet& set) {
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
    rows_.resize(chunk_documents_);
    auto count = (*cursor)->Next(rows_);
    if (!count.ok()) return count.status();
    next_done_ = *count == 0;
    next_after_ = after_;
    size_t bytes = 0;
    entries_.clear();
    keys_.clear();
    for (size_t i = 0; i < *count && bytes + keys_.size() < kChunkBytesMax; ++i) {
      bytes += rows_[i].value.size();
      for (size_t n = 0; n < indexes.size(); ++n) {
        Status added = AddDocument(indexes[n], rows_[i], &arrays_[n]);
        if (!added.ok()) return added;
      }
      next_after_ = AsText(rows_[i].key);
    }
    return WriteEntries(set, **entry);
  }

  // An entry of the chunk. Borrows from the chunk's rows and indexes.
  struct Entry {
    uint64_t head = 0;        // of the key behind the index's prefix
    size_t begin = 0;         // of the key in keys_
    uint32_t size = 0;        // of the key
    uint32_t value_size = 0;  // of the value behind the key in keys_; 0: it is the owner alone
    uint32_t id = 0;          // of the index
    const IndexKeys* index = nullptr;
    const Row* row = nullptr;
    std::string_view owner() const { return OwnerOf(*row); }
  };
  static std::string_view OwnerOf(const Row& row) {
    return AsText(row.key).substr(kDocumentKeyPrefixBytes);
  }
  std::string_view KeyOf(const Entry& entry) const {
    return std::string_view(keys_).substr(entry.begin, entry.size);
  }
  std::string_view ValueOf(const Entry& entry) const {
    if (entry.value_size == 0) return entry.owner();
    return std::string_view(keys_).substr(entry.begin + entry.size, entry.value_size);
  }

  Status AddDocument(const IndexKeys& keys, const Row& row, ArrayMasks* arrays) {
    auto stored = DecodeDocument(row.value);
    if (!stored.ok()) return stored.status();
    const size_t begin = keys_.size();
    auto single = keys.AppendSingle(stored->body, OwnerOf(row), &keys_, &types_);
    if (!single.ok()) return single.status();
    if (*single == IndexKeys::Single::kAppended) AddEntry(begin, keys, row, types_);
    if (*single != IndexKeys::Single::kSeveral) return {};
    auto found = keys.Of(stored->body, IndexKeys::Stored::kNo);
    if (!found.ok()) return found.status();
    arrays->Merge(found->arrays);
    for (const std::string& values : found->values) {
      auto key = keys.NewEntryKey(values, OwnerOf(row));
      if (!key.ok()) return key.status();
      const size_t at = keys_.size();
      keys_.append(*key);
      AddEntry(at, keys, row, found->types);
    }
    return {};
  }

  // The key is what stands in keys_ from `begin` on.
  void AddEntry(size_t begin, const IndexKeys& keys, const Row& row, std::string_view types) {
    const std::string_view key = std::string_view(keys_).substr(begin);
    uint64_t head = 0;  // shorter keys are filled up with zeros, which sort first
    for (size_t i = 0; i < sizeof(head); ++i) {
      const size_t at = kIndexPrefixBytes + i;
      head = head << 8 | (at < key.size() ? static_cast<uint8_t>(key[at]) : 0);
    }
    const auto size = static_cast<uint32_t>(key.size());
    const size_t value_size = types.empty() ? 0 : types.size() + OwnerOf(row).size();
    if (value_size != 0) keys_.append(types).append(OwnerOf(row));
    entries_.push_back(
        {head, begin, size, static_cast<uint32_t>(value_size), keys.index().id, &keys, &row});
  }

  // In the order of their keys, which is how storage takes them fastest.
  void SortEntries() {
    std::sort(entries_.begin(), entries_.end(), [&](const Entry& a, const Entry& b) {
      if (a.id != b.id) return a.id < b.id;
      return a.head != b.head ? a.head < b.head : KeyOf(a) < KeyOf(b);
    });
  }

  Status WriteEntries(WriteSet& set, const CollectionEntry& entry) {
    SortEntries();
    mutations_.clear();
    for (const Entry& e : entries_) {
      const std::string_view key = KeyOf(e);
      if (e.index->index().unique) {
        const bool again = !mutations_.empty() && AsText(mutations_.back().key) == key;
        Status status = again ? Duplicate(entry, e) : CheckFree(set, entry, e);
        if (!status.ok()) return status;
      }
      mutations_.push_back({Mutation::Op::kPut, 0, AsBytes(key), AsBytes(ValueOf(e))});
    }
    return mutations_.empty() ? Status() : set.Write(mutations_);
  }

  Status CheckFree(WriteSet& set, const CollectionEntry& entry, const Entry& e) const {
    auto other = set.transaction().Get(AsBytes(KeyOf(e)), {});
    if (!other.ok()) return other.status().code() == Code::kNotFound ? Status() : other.status();
    return EntryOwner(other->text()) == e.owner() ? Status() : Duplicate(entry, e);
  }

  static Status Duplicate(const CollectionEntry& entry, const Entry& e) {
    const IndexEntry& index = e.index->index();
    auto stored = DecodeDocument(e.row->value);
    if (!stored.ok()) return stored.status();
    return DuplicateKey(entry, index.name, index.key(),
                        bson::Document(AsBytes(e.index->KeyValue(stored->body))));
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
      if (Status status = TakePlace(set, *changed); !status.ok()) return status;
      return set.PutEntry(std::move(changed));
    });
  }

  // The replaced index goes with its entries; what was changed of it meanwhile stays changed.
  Status TakePlace(WriteSet& set, CollectionEntry& entry) {
    if (build_.replaces == 0) return {};
    auto& indexes = entry.indexes;
    const auto old = std::find_if(indexes.begin(), indexes.end(), [&](const IndexEntry& index) {
      return index.id == build_.replaces;
    });
    const auto ready = std::find_if(indexes.begin(), indexes.end(), [&](const IndexEntry& index) {
      return IsWanted(build_, index);
    });
    bson::Builder spec;
    for (const bson::Element& e : bson::Document(AsBytes(old->spec))) {
      if (e.name() != "unique") spec.Element(e);
    }
    ready->spec = spec.Bool("unique", true).Finish();
    ready->name = old->name;
    *old = std::move(*ready);
    indexes.erase(ready);
    return EraseIndexEntries(set, entry.id, build_.replaces);
  }

  SessionImpl& session_;
  const IndexBuild& build_;
  std::string after_;  // the last document's key
  bool done_ = false;
  // What the running chunk makes of them, if it commits.
  std::string next_after_;
  bool next_done_ = false;
  size_t chunk_documents_ = kChunkDocumentsMax;
  // Of the running chunk; kept for their memory.
  std::vector<Row> rows_;
  std::string keys_;   // one behind the other, with their values where these are not the owner
  std::string types_;  // of one entry
  std::vector<Entry> entries_;
  std::vector<Mutation> mutations_;
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
  SessionImpl session(environment, options, Waiting::kAllowed);
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
