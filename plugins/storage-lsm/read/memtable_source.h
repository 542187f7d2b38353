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
  Status Take(const SkipList::Node* node) {
    node_ = node;
    if (node == nullptr) {
      SetInvalid();
    } else {
      SetRow(KeyHead(node->key()), node->key(), node->sequence, node->kind, node->value());
    }
    return Status::Ok();
  }

  const Memtable& memtable_;
  const SkipList::Node* node_ = nullptr;
};

}  // namespace nexadb::lsm
