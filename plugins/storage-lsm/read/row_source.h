// RowSource: entries in order from one place: a memtable, a table, a level, a transaction's write
// set. The current entry lies in plain members, so that merging costs one virtual call a row.
//
// A row's head is a number that orders like its key, as far as it goes: the eight bytes behind a
// prefix that the reader names, for keys that are read together mostly begin alike.
//
// Views stay valid while the source stands on the entry; with a PinList, until that is cleared.
// After a failed call the source is not valid and stays so until the next Seek. [serial]
#pragma once
#include <string_view>
#include <vector>

#include "plugins/storage-lsm/format/key.h"
#include "plugins/storage-lsm/table/block.h"

namespace nexadb::lsm {

// Keeps the blocks of rows handed out since the last Clear.
class PinList {
 public:
  void Add(Ref<Block> block) {
    bytes_ += block->bytes();
    blocks_.push_back(std::move(block));
  }
  void Clear() {
    blocks_.clear();
    bytes_ = 0;
  }
  size_t bytes() const { return bytes_; }

 private:
  std::vector<Ref<Block>> blocks_;
  size_t bytes_ = 0;
};

class RowSource {
 public:
  virtual ~RowSource() = default;
  // The first entry at or after (key, sequence).
  virtual Status Seek(std::string_view key, Sequence sequence) = 0;
  // The last entry of a key below `end`; empty: the last of all.
  virtual Status SeekBack(std::string_view end) = 0;
  virtual Status Next() = 0;
  virtual Status Previous() = 0;
  // No entry of the place is newer.
  virtual Sequence sequence_max() const = 0;

  // Heads are taken behind `prefix` from now on, the current row's too. It must stay in memory.
  void SetPrefix(std::string_view prefix) {
    prefix_ = prefix;
    if (valid_) head_ = HeadBehind(prefix_, key_);
  }

  bool valid() const { return valid_; }
  uint64_t head() const { return head_; }
  std::string_view key() const { return key_; }
  std::string_view value() const { return value_; }
  Sequence sequence() const { return sequence_; }
  Kind kind() const { return kind_; }

 protected:
  void SetRow(std::string_view key, Sequence sequence, Kind kind, std::string_view value) {
    head_ = HeadBehind(prefix_, key);
    key_ = key;
    sequence_ = sequence;
    kind_ = kind;
    value_ = value;
    valid_ = true;
  }
  void SetInvalid() { valid_ = false; }

 private:
  std::string_view prefix_;
  uint64_t head_ = 0;
  std::string_view key_;
  std::string_view value_;
  Sequence sequence_ = 0;
  Kind kind_ = Kind::kPut;
  bool valid_ = false;
};

}  // namespace nexadb::lsm
