#include "plugins/storage-lsm/memtable/memtable.h"

namespace nexadb::lsm {

Memtable::Memtable(uint64_t wal_number, std::string prefix)
    : wal_number_(wal_number), list_(std::move(prefix)) {
  PublishTombstones({});
}

void Memtable::Add(const Entry& entry, Sequence sequence) { AddAll({&entry, 1}, sequence); }

void Memtable::AddRange(const Entry& entry, Sequence sequence) {
  PublishTombstones(
      tombstones().With({std::string(entry.key), std::string(entry.value), sequence}));
  tombstone_count_.fetch_add(1, std::memory_order_relaxed);
}

void Memtable::AddAll(Span<const Entry> entries, Sequence first) {
  SkipList::Node* nodes[SkipList::kLinkedMax];
  size_t count = 0;
  uint64_t deleted = 0;
  // One writer: plain additions, published by the store of sequence_max_.
  auto link = [&] {
    list_.Link({nodes, count});
    entries_.store(this->entries() + count, std::memory_order_relaxed);
    count = 0;
  };
  for (size_t i = 0; i < entries.size(); ++i) {
    const Entry& entry = entries[i];
    if (entry.kind == Kind::kDeleteRange) {
      AddRange(entry, first + i);
      continue;
    }
    nodes[count++] = list_.Prepare(entry.key, first + i, entry.kind, entry.value);
    if (entry.kind == Kind::kDelete) ++deleted;
    if (count == SkipList::kLinkedMax) link();
  }
  if (count > 0) link();
  deletes_.store(deletes() + deleted, std::memory_order_relaxed);
  if (entries.size() > 0) {
    sequence_max_.store(first + entries.size() - 1, std::memory_order_release);
  }
}

void Memtable::PublishTombstones(RangeTombstones next) {
  auto list = std::make_unique<const RangeTombstones>(std::move(next));
  size_t bytes = sizeof(RangeTombstones);
  for (const auto& f : list->fragments()) {
    bytes += sizeof(f);
    if (f.use_count() > 1) continue;  // a former list has it as well, and counts it
    bytes += sizeof(*f) + f->begin.size() + f->end.size() + f->sequences.size() * sizeof(Sequence);
  }
  const RangeTombstones* current = list.get();
  tombstone_lists_.push_back(std::move(list));
  tombstones_.store(current, std::memory_order_release);
  tombstone_bytes_.fetch_add(bytes, std::memory_order_relaxed);
}

}  // namespace nexadb::lsm
