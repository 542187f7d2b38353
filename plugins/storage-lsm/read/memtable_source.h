// The entries of a memtable, which must outlive the source.
#pragma once
#include "plugins/storage-lsm/memtable/memtable.h"
#include "plugins/storage-lsm/read/row_source.h"

namespace nexadb::lsm {

class MemtableSource final : public RowSource {
 public:
  explicit MemtableSource(const Memtable& memtable) : memtable_(memtable) {}
  Status Seek(std::string_view key, Sequence sequence) override {
    return Take(memtable_.list().Seek(key, sequence));
  }
  Status SeekBack(std::string_view end) override { return Take(memtable_.list().SeekBack(end)); }
  Status Next() override { return Take(node_->Next(0)); }
  Status Previous() override { return Take(memtable_.list().Before(node_)); }
  Sequence sequence_max() const override { return memtable_.sequence_max(); }

 private:
  static constexpr size_t kCacheLineBytes = 64;

  Status Take(const SkipList::Node* node) {
    node_ = node;
    if (node == nullptr) {
      SetInvalid();
    } else {
      // Entries lie where they came, not where they sort: the next one is on its way while the
      // reader works on this one.
      const SkipList::Node* next = node->Next(0);
      __builtin_prefetch(next);
      __builtin_prefetch(reinterpret_cast<const char*>(next) + kCacheLineBytes);
      SetRow(node->key(), node->sequence, node->kind, node->value());
    }
    return Status::Ok();
  }

  const Memtable& memtable_;
  const SkipList::Node* node_ = nullptr;
};

}  // namespace nexadb::lsm
