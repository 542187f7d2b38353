#include "plugins/storage-lsm/memtable/memtable.h"

namespace nexadb::lsm {

Memtable::Memtable(uint64_t wal_number, std::string prefix)
    : wal_number_(wal_number), list_(std::move(prefix)) {
  PublishTombstones();
}

void Memtable::Add(const Entry& entry, Sequence sequence) {
  if (entry.kind == Kind::kDeleteRange) {
    range_deletes_.push_back({std::string(entry.key), std::string(entry.value), sequence});
    PublishTombstones();
    tombstone_count_.fetch_add(1, std::memory_order_relaxed);
  } else {
    list_.Insert(entry.key, sequence, entry.kind, entry.value);
    // One writer: plain additions, published by the store of sequence_max_.
    entries_.store(entries() + 1, std::memory_order_relaxed);
    if (entry.kind == Kind::kDelete) deletes_.store(deletes() + 1, std::memory_order_relaxed);
  }
  sequence_max_.store(sequence, std::memory_order_release);
}

void Memtable::PublishTombstones() {
  auto list = std::make_unique<const RangeTombstones>(RangeTombstones::Build(range_deletes_));
  size_t bytes = sizeof(RangeTombstones);
  for (const auto& f : list->fragments()) {
    bytes += sizeof(f) + f.begin.size() + f.end.size() + f.sequences.size() * sizeof(Sequence);
  }
  const RangeTombstones* current = list.get();
  tombstone_lists_.push_back(std::move(list));
  tombstones_.store(current, std::memory_order_release);
  tombstone_bytes_.fetch_add(bytes, std::memory_order_relaxed);
}

}  // namespace nexadb::lsm
