// The entries of a table, and of a level of tables that do not overlap.
#pragma once
#include "plugins/storage-lsm/read/row_source.h"
#include "plugins/storage-lsm/version/version.h"

namespace nexadb::lsm {

struct ReadHow {
  ReadMode mode = ReadMode::kBlocking;
  CacheMode cache = CacheMode::kKeep;
  PinList* pins = nullptr;  // null: rows need not outlive the next move
};

// The table must outlive the source.
class TableSource final : public RowSource {
 public:
  TableSource(const TableReader& table, const ReadHow& how) : table_(table), how_(how) {}
  ~TableSource() override { Leave(); }
  Status Seek(std::string_view key, Sequence sequence) override;
  Status SeekBack(std::string_view end) override;
  Status Next() override;
  Status Previous() override;
  Sequence sequence_max() const override { return table_.footer().sequence_max; }

  // The block whose first entry the source stands on; null within a block. Borrowed until it moves.
  const Block* BlockBegun() const { return valid() && row_ == 0 ? block_.get() : nullptr; }
  uint32_t block_number() const { return block_number_; }
  const TableReader& table() const { return table_; }
  // The next block's first entry.
  Status NextBlock();

 private:
  // Makes `block` the current one.
  Status Enter(uint32_t block);
  void Leave();
  Status Take(uint32_t row);

  const TableReader& table_;
  const ReadHow how_;
  Ref<Block> block_;
  uint32_t block_number_ = 0;
  uint32_t row_ = 0;
};

// The tables must outlive the source, in order and without overlap.
class LevelSource final : public RowSource {
 public:
  LevelSource(const std::vector<TablePointer>& tables, const ReadHow& how);
  Status Seek(std::string_view key, Sequence sequence) override;
  Status SeekBack(std::string_view end) override;
  Status Next() override;
  Status Previous() override;
  Sequence sequence_max() const override { return sequence_max_; }

 private:
  void Open(size_t table);
  // Copies the open table's entry, or finds the nearest table that has one.
  Status TakeForward();
  Status TakeBackward();
  void Take();

  const std::vector<TablePointer>& tables_;
  const ReadHow how_;
  Sequence sequence_max_ = 0;
  size_t at_ = 0;
  std::unique_ptr<TableSource> source_;
};

}  // namespace nexadb::lsm
