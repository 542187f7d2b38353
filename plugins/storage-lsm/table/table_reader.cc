#include "plugins/storage-lsm/table/table_reader.h"

#include "plugins/storage-lsm/table/bloom.h"
#include "plugins/storage-lsm/util/error.h"

namespace nexadb::lsm {
namespace {

// An index row's value: the block's handle and its row count.
constexpr size_t kIndexValueBytes = kBlockHandleBytes + 8;

}  // namespace

Result<std::unique_ptr<TableReader>> TableReader::Open(FileSystem& files, std::string path,
                                                       uint64_t number, uint64_t file_bytes,
                                                       BlockCache& cache, const Vault* vault) {
  auto file = files.Open(path, FileMode::kRead);
  if (!file.ok()) return file.status();
  std::unique_ptr<TableReader> reader(
      new TableReader(std::move(*file), std::move(path), number, cache, vault));
  LSM_RETURN_IF_ERROR(reader->Load(file_bytes));
  return reader;
}

std::unique_ptr<TableReader> TableReader::Damaged(std::string path, const Footer& claimed,
                                                  BlockCache& cache, Status damage) {
  std::unique_ptr<TableReader> reader(
      new TableReader({}, std::move(path), claimed.number, cache, nullptr));
  reader->footer_ = claimed;
  reader->damage_ = std::move(damage);
  return reader;
}

TableReader::~TableReader() {
  if (slots_) cache_.Forget(slots_.get(), blocks());
  cache_.Charge(-charged_);
}

Status TableReader::Load(uint64_t file_bytes) {
  auto size = file_->Size();
  if (!size.ok()) return size.status();
  if (*size != file_bytes || file_bytes < kFooterBytes) {
    return Corruption(path_, *size, "file has another size than the manifest says, ending");
  }
  uint8_t bytes[kFooterBytes];
  const uint64_t at = file_bytes - kFooterBytes;
  auto got = file_->ReadAt(at, {bytes, kFooterBytes});
  if (!got.ok()) return got.status();
  LSM_RETURN_IF_ERROR(DecodeFooter({bytes, static_cast<size_t>(*got)}, path_, at, &footer_));
  if (footer_.number != number_) return Corruption(path_, at, "footer of another table");
  if (footer_.key_id != kPlainId) {
    auto cipher = OpenEnvelope({bytes, kFooterBytes}, at);
    if (!cipher.ok()) return cipher.status();
    cipher_ = std::move(*cipher);
  }
  if (footer_.index.stored != 0) LSM_RETURN_IF_ERROR(LoadIndex());
  if (footer_.filter.stored != 0) {
    LSM_RETURN_IF_ERROR(ReadSealed(footer_.filter, BlockKind::kFilter, &filter_));
  }
  if (footer_.tombstones.stored != 0) {
    std::unique_ptr<uint8_t[]> raw;
    LSM_RETURN_IF_ERROR(ReadSealed(footer_.tombstones, BlockKind::kTombstones, &raw));
    if (!RangeTombstones::Decode({raw.get(), footer_.tombstones.raw}, &tombstones_)) {
      return Corruption(path_, footer_.tombstones.offset, "malformed tombstones");
    }
  }
  charged_ = static_cast<int64_t>(uint64_t{footer_.index.raw} + footer_.filter.raw +
                                  uint64_t{footer_.tombstones.raw} * 2 +
                                  blocks() * sizeof(CacheSlot) + sizeof(*this));
  cache_.Charge(charged_);
  return Status::Ok();
}

Result<std::unique_ptr<FileCipher>> TableReader::OpenEnvelope(BytesView footer,
                                                              uint64_t footer_at) const {
  if (vault_ == nullptr) return Vault::NoKeys(footer_.key_id, path_);
  LSM_RETURN_IF_ERROR(vault_->CheckKey(footer_.key_id, path_));
  if (footer_at < kEnvelopeBytes) return Corruption(path_, footer_at, "no room for an envelope");
  uint8_t envelope[kEnvelopeBytes];
  const uint64_t at = footer_at - kEnvelopeBytes;
  auto got = file_->ReadAt(at, {envelope, kEnvelopeBytes});
  if (!got.ok()) return got.status();
  return vault_->Unwrap({envelope, static_cast<size_t>(*got)}, footer.Sub(0, kFooterBoundBytes),
                        path_, at);
}

// The footer on the disk is still the one that was read when the table was opened.
Status TableReader::CheckFooter() const {
  auto size = file_->Size();
  if (!size.ok()) return size.status();
  if (*size < kFooterBytes) return Corruption(path_, *size, "the file was cut off");
  uint8_t bytes[kFooterBytes];
  const uint64_t at = *size - kFooterBytes;
  auto got = file_->ReadAt(at, {bytes, kFooterBytes});
  if (!got.ok()) return got.status();
  Footer footer;
  LSM_RETURN_IF_ERROR(DecodeFooter({bytes, static_cast<size_t>(*got)}, path_, at, &footer));
  if (AsText(BytesView{bytes, kFooterBytes}) != EncodeFooter(footer_)) {
    return Corruption(path_, at, "another footer than when the table was opened");
  }
  return cipher_ ? OpenEnvelope({bytes, kFooterBytes}, at).status() : Status::Ok();
}

Status TableReader::LoadIndex() {
  std::unique_ptr<uint8_t[]> raw;
  LSM_RETURN_IF_ERROR(ReadSealed(footer_.index, BlockKind::kIndex, &raw));
  index_ = Block::Parse(std::move(raw), footer_.index.raw);
  if (!index_) return Corruption(path_, footer_.index.offset, "malformed index");
  slots_ = std::make_unique<CacheSlot[]>(index_->rows());
  for (uint32_t i = 0; i < index_->rows(); ++i) {
    if (index_->ValueAt(i).size() != kIndexValueBytes) {
      return Corruption(path_, footer_.index.offset, "malformed index");
    }
  }
  return Status::Ok();
}

BlockHandle TableReader::HandleOf(uint32_t block) const {
  BlockHandle handle;
  DecodeHandle(AsBytes(index_->ValueAt(block)), &handle);
  return handle;
}

uint64_t TableReader::RowsOf(uint32_t block) const {
  return base::LoadLittle<uint64_t>(AsBytes(index_->ValueAt(block)).data() + kBlockHandleBytes);
}

Result<Ref<Block>> TableReader::ReadData(const BlockHandle& handle, SlabPool* pool) const {
  std::unique_ptr<uint8_t[]> raw;
  LSM_RETURN_IF_ERROR(ReadSealed(handle, BlockKind::kData, &raw));
  Ref<Block> block = Block::Parse(std::move(raw), handle.raw, pool);
  if (!block) return Corruption(path_, handle.offset, "malformed block");
  return block;
}

Status TableReader::Load(uint32_t block, ReadMode mode, CacheMode cache, Ref<Block>* out) const {
  if (!index_) return damage_;
  *out = cache_.Find(slots_[block]);
  if (*out) return Status::Ok();
  if (mode == ReadMode::kMemoryOnly) {
    return Status::Error(Code::kWouldBlock, "the block is not in memory");
  }
  const bool keep = cache == CacheMode::kKeep;
  auto read = ReadData(HandleOf(block), keep ? &cache_.pool() : nullptr);
  if (!read.ok()) return read.status();
  *out = std::move(*read);
  if (keep) cache_.Insert(slots_[block], *out);
  return Status::Ok();
}

Result<bool> TableReader::Find(std::string_view key, uint64_t hash, Sequence snapshot,
                               ReadMode mode, FoundEntry* found) const {
  if (!index_ && !damage_.ok()) return damage_;
  if (!MayHold(hash)) return false;
  const uint32_t block = FindBlock(key);
  if (block == blocks()) return false;
  Ref<Block> loaded;
  LSM_RETURN_IF_ERROR(Load(block, mode, CacheMode::kKeep, &loaded));
  return FindFrom(block, std::move(loaded), key, snapshot, mode, found);
}

bool TableReader::MayHold(uint64_t hash) const { return index_ && BloomMayContain(Filter(), hash); }

void TableReader::PrefetchFilter(uint64_t hash) const { PrefetchBloom(Filter(), hash); }

Result<bool> TableReader::FindFrom(uint32_t number, Ref<Block> block, std::string_view key,
                                   Sequence snapshot, ReadMode mode, FoundEntry* found) const {
  for (uint32_t i = number; i < blocks(); ++i) {
    if (i != number) LSM_RETURN_IF_ERROR(Load(i, mode, CacheMode::kKeep, &block));
    const uint32_t row = block->Seek(key, snapshot);
    if (row == block->rows()) continue;  // a key's versions may run on into the next block
    if (block->KeyAt(row) != key) return false;
    found->value = block->ValueAt(row);
    found->sequence = block->SequenceAt(row);
    found->kind = block->KindAt(row);
    found->block = std::move(block);
    return true;
  }
  return false;
}

Status TableReader::Verify() const {
  LSM_RETURN_IF_ERROR(damage_);
  std::string last_key;
  uint64_t rows = 0;
  for (uint32_t i = 0; i < blocks(); ++i) {
    const BlockHandle handle = HandleOf(i);
    auto block = ReadData(handle, nullptr);
    if (!block.ok()) return block.status();
    if (rows > 0 && std::string_view(last_key) > (*block)->KeyAt(0)) {
      return Corruption(path_, handle.offset, "keys out of order");
    }
    rows += (*block)->rows();
    last_key.assign((*block)->KeyAt((*block)->rows() - 1));
  }
  if (rows != footer_.rows) return Corruption(path_, 0, "rows are missing or too many, counted");
  std::unique_ptr<uint8_t[]> raw;
  if (footer_.filter.stored != 0) {
    LSM_RETURN_IF_ERROR(ReadSealed(footer_.filter, BlockKind::kFilter, &raw));
  }
  if (footer_.index.stored != 0) {
    LSM_RETURN_IF_ERROR(ReadSealed(footer_.index, BlockKind::kIndex, &raw));
  }
  if (footer_.tombstones.stored != 0) {
    LSM_RETURN_IF_ERROR(ReadSealed(footer_.tombstones, BlockKind::kTombstones, &raw));
  }
  return CheckFooter();
}

}  // namespace nexadb::lsm
