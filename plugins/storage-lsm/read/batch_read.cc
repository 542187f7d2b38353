#include "plugins/storage-lsm/read/batch_read.h"

#include <algorithm>

#include "plugins/storage-lsm/table/bloom.h"
#include "plugins/storage-lsm/util/error.h"

namespace nexadb::lsm {
namespace {

// Keys that go through the steps together: their blocks stay in the nearest caches meanwhile, and
// are pinned no longer than that.
constexpr size_t kStepKeys = 32;

// Who asks for values reads them when the last has been found: until then they come nearer.
constexpr size_t kValueBytesAhead = 512;
constexpr size_t kCacheLineBytes = 64;

void PrefetchValue(std::string_view value) {
  const size_t size = std::min(value.size(), kValueBytesAhead);
  for (size_t at = 0; at < size; at += kCacheLineBytes) __builtin_prefetch(value.data() + at);
}

struct Pending {
  std::string_view key;
  uint64_t head = 0;  // behind what all keys share
  uint64_t hash = 0;
  Lookup* out = nullptr;  // null: decided
};

class BatchSearch {
 public:
  BatchSearch(Sequence snapshot, ReadMode mode) : snapshot_(snapshot), mode_(mode) {}

  void Add(std::string_view key, Lookup* out) { pending_.push_back({key, 0, 0, out}); }
  Status Run(const ReadView& view);

 private:
  using Keys = Span<Pending>;  // a run of those that are left
  struct Candidate {
    Pending* pending = nullptr;
    Sequence cover = 0;  // of a range delete in the same table
    uint32_t block = 0;
    Ref<Block> loaded;
  };

  void Sort();
  void InMemtable(Memtable& memtable);
  // The keys still wanted within [begin, end), which are `from` and those behind it.
  Keys Within(size_t from, std::string_view begin, std::string_view end);
  Status InLevel(const std::vector<TablePointer>& tables);
  Status InTable(const TableReader& table, Keys run);
  Status InSteps(const TableReader& table, Keys run);
  Status Take(const TableReader& table, Candidate& candidate);
  static void Decide(Pending& pending, bool live) {
    pending.out->found = live ? 1 : 0;
    pending.out = nullptr;
  }
  void DropDecided() {
    std::erase_if(pending_, [](const Pending& p) { return p.out == nullptr; });
  }

  const Sequence snapshot_;
  const ReadMode mode_;
  std::vector<Pending> pending_;  // by key
  Candidate candidates_[kStepKeys];
};

// Keys of one batch begin alike, so that 8 bytes behind that mostly decide.
void BatchSearch::Sort() {
  if (pending_.empty()) return;
  const std::string_view first = pending_.front().key;
  size_t shared = first.size();
  for (const Pending& p : pending_) shared = std::min(shared, SharedPrefix(first, p.key));
  for (Pending& p : pending_) p.head = KeyHead(p.key, shared);
  auto by_key = [](const Pending& a, const Pending& b) {
    return a.head != b.head ? a.head < b.head : a.key < b.key;
  };
  if (std::is_sorted(pending_.begin(), pending_.end(), by_key)) return;
  std::sort(pending_.begin(), pending_.end(), by_key);
}

Status BatchSearch::Run(const ReadView& view) {
  Sort();
  InMemtable(*view.memtable);
  for (const Ref<Memtable>& memtable : view.immutable) InMemtable(*memtable);
  for (Pending& pending : pending_) pending.hash = BloomHash(pending.key);
  for (const TablePointer& table : view.version->levels[0]) {
    LSM_RETURN_IF_ERROR(InTable(*table->reader, Within(0, table->info.begin, table->info.end)));
    DropDecided();
  }
  for (int level = 1; level < kLevels && !pending_.empty(); ++level) {
    LSM_RETURN_IF_ERROR(InLevel(view.version->levels[level]));
    DropDecided();
  }
  return Status::Ok();
}

void BatchSearch::InMemtable(Memtable& memtable) {
  if (memtable.empty()) return;
  for (Pending& pending : pending_) {
    const Sequence cover = memtable.tombstones().Cover(pending.key, snapshot_);
    const SkipList::Node* node = memtable.list().Seek(pending.key, snapshot_);
    if (node != nullptr && node->key() == pending.key) {
      const bool live = node->sequence > cover && HasValue(node->kind);
      if (live) pending.out->value = memtable.Pin(AsBytes(node->value()));
      Decide(pending, live);
    } else if (cover != 0) {
      Decide(pending, false);
    }
  }
  DropDecided();
}

BatchSearch::Keys BatchSearch::Within(size_t from, std::string_view begin, std::string_view end) {
  auto low = std::partition_point(pending_.begin() + static_cast<ptrdiff_t>(from), pending_.end(),
                                  [&](const Pending& p) { return p.key < begin; });
  auto high = std::partition_point(low, pending_.end(),
                                   [&](const Pending& p) { return BeforeEnd(p.key, end); });
  return {pending_.data() + (low - pending_.begin()), static_cast<size_t>(high - low)};
}

Status BatchSearch::InLevel(const std::vector<TablePointer>& tables) {
  for (size_t at = 0; at < pending_.size();) {
    const size_t number = Version::FindTable(tables, pending_[at].key);
    if (number == tables.size()) return Status::Ok();
    const TableFile& table = *tables[number];
    const Keys run = Within(at, table.info.begin, table.info.end);
    LSM_RETURN_IF_ERROR(InTable(*table.reader, run));
    at = static_cast<size_t>(run.data() + run.size() - pending_.data());
  }
  return Status::Ok();
}

Status BatchSearch::InTable(const TableReader& table, Keys run) {
  for (size_t at = 0; at < run.size(); at += kStepKeys) {
    const Keys part = run.Sub(at, std::min(kStepKeys, run.size() - at));
    LSM_RETURN_IF_ERROR(InSteps(table, part));
  }
  return Status::Ok();
}

Status BatchSearch::InSteps(const TableReader& table, Keys run) {
  LSM_RETURN_IF_ERROR(table.damage());
  for (const Pending& pending : run) table.PrefetchFilter(pending.hash);
  size_t count = 0;
  for (Pending& pending : run) {
    const Sequence cover = table.tombstones().Cover(pending.key, snapshot_);
    if (!table.MayHold(pending.hash)) {
      if (cover != 0) Decide(pending, false);
      continue;
    }
    Candidate& candidate = candidates_[count++];
    candidate.pending = &pending;
    candidate.cover = cover;
    candidate.block = table.FindBlock(pending.key);
    table.PrefetchSlot(candidate.block);
  }
  for (size_t i = 0; i < count; ++i) table.Prefetch(candidates_[i].block);
  for (size_t i = 0; i < count; ++i) {
    Candidate& candidate = candidates_[i];
    if (candidate.block == table.blocks()) continue;
    LSM_RETURN_IF_ERROR(table.Load(candidate.block, mode_, CacheMode::kKeep, &candidate.loaded));
    candidate.loaded->PrefetchColumns();
  }
  for (size_t i = 0; i < count; ++i) LSM_RETURN_IF_ERROR(Take(table, candidates_[i]));
  return Status::Ok();
}

Status BatchSearch::Take(const TableReader& table, Candidate& candidate) {
  Pending& pending = *candidate.pending;
  FoundEntry entry;
  auto hit = table.FindFrom(candidate.block, std::move(candidate.loaded), pending.key, snapshot_,
                            mode_, &entry);
  if (!hit.ok()) return hit.status();
  if (*hit) {
    const bool live = entry.sequence > candidate.cover && HasValue(entry.kind);
    if (live) {
      PrefetchValue(entry.value);
      pending.out->value = Buffer(AsBytes(entry.value), entry.block.Detach());
    }
    Decide(pending, live);
  } else if (candidate.cover != 0) {
    Decide(pending, false);
  }
  return Status::Ok();
}

}  // namespace

Status GetMany(const ReadView& view, Span<const BytesView> keys, Sequence snapshot, ReadMode mode,
               Span<Lookup> out) {
  BatchSearch search(snapshot, mode);
  for (size_t i = 0; i < keys.size(); ++i) {
    out[i] = Lookup{};
    search.Add(AsText(keys[i]), &out[i]);
  }
  return search.Run(view);
}

}  // namespace nexadb::lsm
