#include "plugins/storage-lsm/table/table_builder.h"

#include <algorithm>

#include "plugins/storage-lsm/table/bloom.h"
#include "plugins/storage-lsm/util/error.h"

namespace nexadb::lsm {
namespace {

constexpr size_t kWriteBytes = 256u << 10;

// A short key k with last <= k < next; `last` itself where there is none or no next.
std::string_view Separator(std::string_view last, std::string_view next) {
  size_t shared = 0;
  while (shared < last.size() && shared < next.size() && last[shared] == next[shared]) ++shared;
  // The prefix of `next` up to where it differs is above `last`, but not below `next` unless it is
  // shorter than it.
  if (shared + 1 < next.size() && shared < last.size()) return next.substr(0, shared + 1);
  return last;
}

}  // namespace

TableBuilder::TableBuilder(Handle<File> file, uint64_t number, const TableOptions& options)
    : file_(std::move(file)), options_(options) {
  info_.number = number;
  info_.sequence_min = kSequenceMax;
}

Status TableBuilder::Add(std::string_view key, Sequence sequence, Kind kind,
                         std::string_view value) {
  if (!block_.empty() && block_.EstimateBytes() >= options_.block_bytes) {
    LSM_RETURN_IF_ERROR(FinishBlock(key));
  }
  NoteKey(key);
  block_.Add(key, sequence, kind, value);
  ++info_.rows;
  if (!HasValue(kind)) ++info_.deletes;
  info_.raw_bytes += key.size() + value.size();
  info_.sequence_min = std::min(info_.sequence_min, sequence);
  info_.sequence_max = std::max(info_.sequence_max, sequence);
  return Status::Ok();
}

// To be called before the row is counted.
void TableBuilder::NoteKey(std::string_view key) {
  if (info_.rows != 0 && key == last_key_) return;
  hashes_.push_back(BloomHash(key));
  last_key_.assign(key);
  if (info_.rows == 0) info_.begin = last_key_;
}

Status TableBuilder::AddStored(const Block& block, const StoredBlock& stored,
                               std::string_view separator) {
  if (!block_.empty()) LSM_RETURN_IF_ERROR(FinishBlock(block.KeyAt(0)));
  for (uint32_t row = 0; row < block.rows(); ++row) {
    const std::string_view key = block.KeyAt(row);
    NoteKey(key);
    ++info_.rows;
    info_.deletes += HasValue(block.KindAt(row)) ? 0 : 1;
    info_.raw_bytes += key.size() + block.ValueAt(row).size();
    info_.sequence_min = std::min(info_.sequence_min, block.SequenceAt(row));
    info_.sequence_max = std::max(info_.sequence_max, block.SequenceAt(row));
  }
  const BlockHandle handle =
      AppendStoredBlock(buffer_, stored, info_.number, written_ + buffer_.size());
  return AddIndexRow(separator, handle, block.rows());
}

Status TableBuilder::MakeCipher() {
  if (cipher_ || !IsEncrypted(options_)) return Status::Ok();
  auto cipher = options_.vault->NewCipher();
  if (!cipher.ok()) return cipher.status();
  cipher_ = std::move(*cipher);
  info_.key_id = options_.vault->current();
  return Status::Ok();
}

Result<BlockHandle> TableBuilder::Append(std::string_view raw, BlockKind kind,
                                         Compression compression) {
  LSM_RETURN_IF_ERROR(MakeCipher());
  const uint64_t at = written_ + buffer_.size();
  if (!cipher_) return AppendBlock(buffer_, raw, kind, compression, info_.number, at);
  return AppendSealedBlock(buffer_, raw, kind, compression, info_.number, at, *cipher_);
}

Status TableBuilder::FinishBlock(std::string_view next_key) {
  const std::string last(block_.last_key());
  const uint64_t rows = block_.rows();
  raw_.clear();
  block_.Finish(raw_);
  auto handle = Append(raw_, BlockKind::kData, options_.compression);
  if (!handle.ok()) return handle.status();
  return AddIndexRow(next_key.empty() ? last : Separator(last, next_key), *handle, rows);
}

Status TableBuilder::AddIndexRow(std::string_view separator, const BlockHandle& handle,
                                 uint64_t rows) {
  std::string value;
  AppendHandle(value, handle);
  base::PutLittle(value, rows);
  index_.Add(separator, 0, Kind::kPut, value);
  return buffer_.size() >= kWriteBytes ? WriteBuffer() : Status::Ok();
}

Status TableBuilder::WriteBuffer() {
  LSM_RETURN_IF_ERROR(file_->WriteAt(written_, AsBytes(buffer_)));
  written_ += buffer_.size();
  buffer_.clear();
  return Status::Ok();
}

void TableBuilder::NoteTombstones() {
  if (info_.rows > 0) info_.end = Successor(last_key_);
  if (tombstones_.empty()) return;
  const auto& first = *tombstones_.fragments().front();
  const auto& last = *tombstones_.fragments().back();
  info_.begin = info_.rows == 0 ? first.begin : std::min(info_.begin, first.begin);
  info_.end = info_.rows == 0 ? last.end : std::string(LaterEnd(info_.end, last.end));
  for (const auto& fragment : tombstones_.fragments()) {
    info_.deletes += 1;
    info_.sequence_min = std::min(info_.sequence_min, fragment->sequences.back());
    info_.sequence_max = std::max(info_.sequence_max, fragment->sequences.front());
  }
}

Status TableBuilder::AppendFooter() {
  Footer footer;
  footer.number = info_.number;
  footer.store_id = options_.store_id;
  footer.rows = info_.rows;
  footer.sequence_min = info_.sequence_min;
  footer.sequence_max = info_.sequence_max;
  if (info_.rows > 0) {
    auto filter = Append(BuildBloom(hashes_), BlockKind::kFilter, Compression::kNone);
    if (!filter.ok()) return filter.status();
    footer.filter = *filter;
    raw_.clear();
    index_.Finish(raw_);
    auto index = Append(raw_, BlockKind::kIndex, Compression::kNone);
    if (!index.ok()) return index.status();
    footer.index = *index;
  }
  if (!tombstones_.empty()) {
    auto tombstones = Append(tombstones_.Encode(), BlockKind::kTombstones, Compression::kNone);
    if (!tombstones.ok()) return tombstones.status();
    footer.tombstones = *tombstones;
  }
  footer.key_id = info_.key_id;
  const std::string encoded = EncodeFooter(footer);
  if (cipher_) {
    auto envelope = options_.vault->Wrap(*cipher_, AsBytes(encoded).Sub(0, kFooterBoundBytes));
    if (!envelope.ok()) return envelope.status();
    buffer_.append(*envelope);
  }
  buffer_.append(encoded);
  return Status::Ok();
}

Result<TableInfo> TableBuilder::Finish() {
  if (!block_.empty()) LSM_RETURN_IF_ERROR(FinishBlock({}));
  NoteTombstones();
  LSM_RETURN_IF_ERROR(AppendFooter());
  LSM_RETURN_IF_ERROR(WriteBuffer());
  LSM_RETURN_IF_ERROR(file_->Sync());
  info_.file_bytes = written_;
  return info_;
}

}  // namespace nexadb::lsm
