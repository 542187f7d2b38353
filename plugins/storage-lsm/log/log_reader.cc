#include "plugins/storage-lsm/log/log_reader.h"

#include <algorithm>

#include "core/base/checksum.h"
#include "core/base/coding.h"
#include "plugins/storage-lsm/util/error.h"
#include "plugins/storage-lsm/util/mutant.h"

namespace nexadb::lsm {

bool ReadLogHeader(FileSystem& files, const std::string& path, uint64_t number, LogHeader* header) {
  auto file = files.Open(path, FileMode::kRead);
  if (!file.ok()) return false;
  uint8_t bytes[kLogHeaderBytes];
  auto got = (*file)->ReadAt(0, {bytes, sizeof(bytes)});
  return got.ok() && DecodeLogHeader({bytes, static_cast<size_t>(*got)}, path, header).ok() &&
         header->number == number;
}

Status LogReader::Open(LogType type, uint64_t number) {
  auto size = file_.Size();
  if (!size.ok()) return size.status();
  contents_.resize(*size);
  auto got = file_.ReadAt(0, {reinterpret_cast<uint8_t*>(contents_.data()), contents_.size()});
  if (!got.ok()) return got.status();
  contents_.resize(*got);
  blank_ = std::all_of(contents_.begin(), contents_.end(), [](char c) { return c == 0; });
  if (blank_) return Status::Ok();
  const Status header = DecodeLogHeader(AsBytes(contents_), path_, &header_);
  if (header.code() == Code::kCorruption) {
    // A header is durable before the first record is written: with nothing behind it, a torn one
    // belongs to a log that never began.
    blank_ = std::all_of(
        contents_.begin() + static_cast<ptrdiff_t>(std::min(contents_.size(), kLogHeaderBytes)),
        contents_.end(), [](char c) { return c == 0; });
    return blank_ ? Status::Ok() : header;
  }
  LSM_RETURN_IF_ERROR(header);
  if (header_.type != type || header_.number != number) {
    return Corruption(path_, 0, "header belongs to another file");
  }
  offset_ = LogStart(header_);
  return header_.encrypted ? OpenEnvelope() : Status::Ok();
}

Status LogReader::OpenEnvelope() {
  const BytesView all = AsBytes(contents_);
  KeyId id = kPlainId;
  if (all.size() < offset_ || !ReadEnvelopeKey(all.Sub(kLogHeaderBytes, kEnvelopeBytes), &id)) {
    // As with the header: nothing behind it, so it was never complete.
    blank_ = std::all_of(
        contents_.begin() + static_cast<ptrdiff_t>(std::min<size_t>(contents_.size(), offset_)),
        contents_.end(), [](char c) { return c == 0; });
    return blank_ ? Status::Ok() : Corruption(path_, kLogHeaderBytes, "damaged key envelope");
  }
  if (vault_ == nullptr) return Vault::NoKeys(id, path_);
  auto cipher = vault_->Unwrap(all.Sub(kLogHeaderBytes, kEnvelopeBytes),
                               all.Sub(0, kLogHeaderBoundBytes), path_, kLogHeaderBytes);
  if (!cipher.ok()) return cipher.status();
  cipher_ = std::move(*cipher);
  return Status::Ok();
}

Status LogReader::Unseal(uint64_t offset, const LogRecordHeader& header, BytesView* payload) {
  if (payload->size() > kSealBytes) {
    auto* number = reinterpret_cast<uint8_t*>(contents_.data()) + offset + kLogRecordHeaderBytes;
    uint8_t* sealed = number + kSealNumberBytes;
    const size_t size = payload->size() - kSealBytes;
    const LogBinding bound = BindRecord(header, header_.number, offset);
    *payload = {sealed, size};
    if (cipher_->Open(NonceOf(base::LoadLittle<uint64_t>(number)), {bound.data(), bound.size()},
                      {sealed, size}, sealed + size)) {
      return Status::Ok();
    }
  }
  return Corruption(path_, offset, "record that was not sealed here with this log's key");
}

bool LogReader::RecordAt(uint64_t offset, LogRecordHeader* header, BytesView* payload) const {
  const BytesView all = AsBytes(contents_);
  if (offset + kLogRecordHeaderBytes > all.size()) return false;
  const BytesView rest = all.Sub(offset, all.size() - offset);
  if (!DecodeLogRecordHeader(rest, header_.generation, offset, header)) return false;
  if (header->size > rest.size() - kLogRecordHeaderBytes) return false;
  *payload = rest.Sub(kLogRecordHeaderBytes, header->size);
  if (LSM_MUTANT(kBelieveTornRecords)) return true;
  return base::Checksum64(*payload, LogSeed(header_.generation, offset)) == header->checksum;
}

Result<bool> LogReader::Next(BytesView* payload) {
  if (blank_ && expected_end_ == 0) return false;
  if (expected_end_ != 0 && offset_ >= expected_end_) return false;
  LogRecordHeader header;
  if (!RecordAt(offset_, &header, payload)) {
    LSM_RETURN_IF_ERROR(JudgeTail());
    return false;
  }
  if (cipher_) LSM_RETURN_IF_ERROR(Unseal(offset_, header, payload));
  offset_ += kLogRecordHeaderBytes + LogAlign(header.size);
  return true;
}

bool LogReader::SkipDamage() {
  LogRecordHeader header;
  BytesView payload;
  for (uint64_t at = offset_ + kLogAlignment; at < contents_.size(); at += kLogAlignment) {
    if (!RecordAt(at, &header, &payload)) continue;
    offset_ = at;
    return true;
  }
  return false;
}

Status LogReader::JudgeTail() const {
  if (expected_end_ != 0) {
    return Corruption(path_, offset_, "bad record; the next log says that more was written here,");
  }
  LogRecordHeader header;
  BytesView payload;
  for (uint64_t at = offset_ + kLogAlignment; at < contents_.size(); at += kLogAlignment) {
    if (!RecordAt(at, &header, &payload) || header.synced_to <= offset_) continue;
    return Corruption(path_, offset_,
                      "bad record in front of intact ones that were written after it was durable,");
  }
  return Status::Ok();
}

}  // namespace nexadb::lsm
