#include "plugins/storage-lsm/read/table_source.h"

#include <algorithm>

#include "plugins/storage-lsm/util/error.h"

namespace nexadb::lsm {

void TableSource::Leave() {
  if (block_ && how_.pins != nullptr) how_.pins->Add(std::move(block_));
  block_ = {};
}

Status TableSource::Enter(uint32_t block) {
  if (block_ && block_number_ == block) return Status::Ok();
  Leave();
  SetInvalid();
  LSM_RETURN_IF_ERROR(table_.Load(block, how_.mode, how_.cache, &block_));
  block_number_ = block;
  return Status::Ok();
}

Status TableSource::Take(uint32_t row) {
  row_ = row;
  const std::string_view key = block_->KeyAt(row);
  SetRow(key, block_->SequenceAt(row), block_->KindAt(row), block_->ValueAt(row));
  return Status::Ok();
}

Status TableSource::Seek(std::string_view key, Sequence sequence) {
  SetInvalid();
  for (uint32_t block = table_.FindBlock(key); block < table_.blocks(); ++block) {
    LSM_RETURN_IF_ERROR(Enter(block));
    const uint32_t row = block_->Seek(key, sequence);
    if (row < block_->rows()) return Take(row);
  }
  return Status::Ok();
}

Status TableSource::SeekBack(std::string_view end) {
  SetInvalid();
  if (table_.blocks() == 0) return Status::Ok();
  // The block that may hold `end` itself; rows below it may all be in the one before.
  uint32_t block = end.empty() ? table_.blocks() : table_.FindBlock(end);
  block = std::min(block, table_.blocks() - 1);
  LSM_RETURN_IF_ERROR(Enter(block));
  const uint32_t row = end.empty() ? block_->rows() : block_->Seek(end, kOwnWriteSequence);
  if (row > 0) return Take(row - 1);
  if (block == 0) return Status::Ok();
  LSM_RETURN_IF_ERROR(Enter(block - 1));
  return Take(block_->rows() - 1);
}

Status TableSource::Next() { return row_ + 1 < block_->rows() ? Take(row_ + 1) : NextBlock(); }

Status TableSource::NextBlock() {
  SetInvalid();
  if (block_number_ + 1 >= table_.blocks()) return Status::Ok();
  LSM_RETURN_IF_ERROR(Enter(block_number_ + 1));
  table_.Prefetch(block_number_ + 1);
  return Take(0);
}

Status TableSource::Previous() {
  if (row_ > 0) return Take(row_ - 1);
  SetInvalid();
  if (block_number_ == 0) return Status::Ok();
  LSM_RETURN_IF_ERROR(Enter(block_number_ - 1));
  return Take(block_->rows() - 1);
}

LevelSource::LevelSource(const std::vector<TablePointer>& tables, const ReadHow& how)
    : tables_(tables), how_(how) {
  for (const TablePointer& table : tables) {
    sequence_max_ = std::max(sequence_max_, table->info.sequence_max);
  }
}

void LevelSource::Open(size_t table) {
  at_ = table;
  source_ = std::make_unique<TableSource>(*tables_[table]->reader, how_);
}

void LevelSource::Take() {
  SetRow(source_->key(), source_->sequence(), source_->kind(), source_->value());
}

Status LevelSource::TakeForward() {
  while (!source_->valid()) {
    if (at_ + 1 >= tables_.size()) return Status::Ok();
    Open(at_ + 1);
    LSM_RETURN_IF_ERROR(source_->Seek({}, kOwnWriteSequence));
  }
  Take();
  return Status::Ok();
}

Status LevelSource::TakeBackward() {
  while (!source_->valid()) {
    if (at_ == 0) return Status::Ok();
    Open(at_ - 1);
    LSM_RETURN_IF_ERROR(source_->SeekBack({}));
  }
  Take();
  return Status::Ok();
}

Status LevelSource::Seek(std::string_view key, Sequence sequence) {
  SetInvalid();
  const size_t table = Version::FindTable(tables_, key);
  if (table == tables_.size()) return Status::Ok();
  if (!source_ || at_ != table) Open(table);
  LSM_RETURN_IF_ERROR(source_->Seek(key, sequence));
  return TakeForward();
}

Status LevelSource::SeekBack(std::string_view end) {
  SetInvalid();
  if (tables_.empty()) return Status::Ok();
  size_t table = end.empty() ? tables_.size() : Version::FindTable(tables_, end);
  table = std::min(table, tables_.size() - 1);
  if (!source_ || at_ != table) Open(table);
  LSM_RETURN_IF_ERROR(source_->SeekBack(end));
  return TakeBackward();
}

Status LevelSource::Next() {
  SetInvalid();
  LSM_RETURN_IF_ERROR(source_->Next());
  return TakeForward();
}

Status LevelSource::Previous() {
  SetInvalid();
  LSM_RETURN_IF_ERROR(source_->Previous());
  return TakeBackward();
}

}  // namespace nexadb::lsm
