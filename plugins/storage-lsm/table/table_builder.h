// TableBuilder: writes one sorted table from entries that come in order. [serial]
//
// A failed write ends it: Abandon the file, and write a new one under a new number. The log still
// holds what was to be in it.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "plugins/storage-lsm/table/block.h"
#include "plugins/storage-lsm/table/table_format.h"
#include "plugins/storage-lsm/tombstones/range_tombstones.h"

namespace nexadb::lsm {

struct TableOptions {
  size_t block_bytes = 8192;
  Compression compression = Compression::kLz4;
  uint64_t store_id = 0;
  const Vault* vault = nullptr;  // null: plain tables
};

// Whether tables are to be encrypted now.
inline bool IsEncrypted(const TableOptions& options) {
  return options.vault != nullptr && options.vault->current() != kPlainId;
}

// What the manifest remembers of a table.
struct TableInfo {
  uint64_t number = 0;
  uint64_t file_bytes = 0;
  uint64_t rows = 0;
  uint64_t deletes = 0;  // point deletes among the rows, and range tombstones
  uint64_t raw_bytes = 0;
  Sequence sequence_min = 0;
  Sequence sequence_max = 0;
  KeyId key_id = kPlainId;  // the master key that the table's own is sealed with
  std::string begin;        // every key and every tombstone lies within [begin, end)
  std::string end;
};

class TableBuilder {
 public:
  TableBuilder(Handle<File> file, uint64_t number, const TableOptions& options);

  Status Add(std::string_view key, Sequence sequence, Kind kind, std::string_view value);
  // Takes over a block of a plain table as it is stored: `block` is what it holds, and `separator`
  // is at or behind its last key and before whatever follows. REQUIRES: !IsEncrypted(options).
  Status AddStored(const Block& block, const StoredBlock& stored, std::string_view separator);
  // How full the block is that rows go into now.
  size_t OpenBlockBytes() const { return block_.empty() ? 0 : block_.EstimateBytes(); }
  // The range deletes that belong into this table, once, before Finish.
  void SetTombstones(RangeTombstones tombstones) { tombstones_ = std::move(tombstones); }
  // Completes and syncs the file. REQUIRES: a row or a tombstone was added.
  Result<TableInfo> Finish();

  uint64_t rows() const { return info_.rows; }
  bool empty() const { return rows() == 0 && tombstones_.empty(); }
  std::string_view last_key() const { return last_key_; }
  uint64_t EstimateBytes() const { return written_ + buffer_.size() + block_.EstimateBytes(); }

 private:
  void NoteKey(std::string_view key);
  Status FinishBlock(std::string_view next_key);
  Status AddIndexRow(std::string_view separator, const BlockHandle& handle, uint64_t rows);
  Result<BlockHandle> Append(std::string_view raw, BlockKind kind, Compression compression);
  Status MakeCipher();
  Status AppendFooter();
  Status WriteBuffer();
  void NoteTombstones();

  Handle<File> file_;
  TableOptions options_;
  TableInfo info_;
  BlockBuilder block_;
  BlockBuilder index_;
  std::string raw_;     // the block being sealed
  std::string buffer_;  // begins at file offset written_
  uint64_t written_ = 0;
  std::vector<uint64_t> hashes_;
  std::string last_key_;
  RangeTombstones tombstones_;
  std::unique_ptr<FileCipher> cipher_;  // null: plain
};

}  // namespace nexadb::lsm
