#include "plugins/storage-lsm/log/log_writer.h"

#include <algorithm>

#include "core/base/checksum.h"
#include "core/base/coding.h"
#include "plugins/storage-lsm/util/error.h"

namespace nexadb::lsm {
namespace {

// A buffer that one huge batch has blown up is given back once written.
constexpr size_t kBufferBytesKept = 4u << 20;

}  // namespace

Result<std::unique_ptr<LogWriter>> LogWriter::Create(FileSystem& files, const std::string& path,
                                                     const LogHeader& header,
                                                     uint64_t reserve_bytes, LogUse use,
                                                     const Vault* vault) {
  auto file = files.Open(path, FileMode::kTruncate);
  if (!file.ok()) return file.status();
  std::unique_ptr<LogWriter> log(new LogWriter(std::move(*file), header, reserve_bytes, use));
  LSM_RETURN_IF_ERROR(log->WriteHeader(vault));
  return log;
}

Result<std::unique_ptr<LogWriter>> LogWriter::Recycle(FileSystem& files, const std::string& spare,
                                                      const std::string& path,
                                                      const LogHeader& header,
                                                      uint64_t reserve_bytes, const Vault* vault) {
  auto file = files.Open(spare, FileMode::kReadWrite);
  if (!file.ok()) return file.status();
  auto size = (*file)->Size();
  if (!size.ok()) return size.status();
  std::unique_ptr<LogWriter> log(
      new LogWriter(std::move(*file), header, reserve_bytes, LogUse::kSynced));
  log->reserved_ = *size;
  LSM_RETURN_IF_ERROR(log->WriteHeader(vault));
  LSM_RETURN_IF_ERROR(files.Rename(spare, path));
  return log;
}

Status LogWriter::WriteHeader(const Vault* vault) {
  header_.encrypted = vault != nullptr && vault->current() != kPlainId;
  std::string bytes(kLogHeaderBytes, '\0');
  EncodeLogHeader(header_, {reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()});
  if (header_.encrypted) {
    auto cipher = vault->NewCipher();
    if (!cipher.ok()) return cipher.status();
    cipher_ = std::move(*cipher);
    auto envelope = vault->Wrap(*cipher_, AsBytes(bytes).Sub(0, kLogHeaderBoundBytes));
    if (!envelope.ok()) return envelope.status();
    bytes.append(*envelope);
  }
  LSM_RETURN_IF_ERROR(file_->WriteAt(0, AsBytes(bytes)));
  LSM_RETURN_IF_ERROR(file_->Sync());
  written_.store(bytes.size(), std::memory_order_release);
  synced_.store(bytes.size(), std::memory_order_release);
  return Status::Ok();
}

std::string& LogWriter::OpenRecord() {
  record_start_ = buffer_.size();
  buffer_.append(kLogRecordHeaderBytes + (cipher_ ? kSealNumberBytes : 0), '\0');
  return buffer_;
}

// Encrypts the record's payload where it stands, behind the number that makes its nonce.
void LogWriter::Seal(size_t record_at, const LogRecordHeader& header, uint64_t offset) {
  auto* number = reinterpret_cast<uint8_t*>(buffer_.data()) + record_at + kLogRecordHeaderBytes;
  const uint64_t seal = next_seal_++;
  base::StoreLittle(number, seal);
  const LogBinding bound = BindRecord(header, header_.number, offset);
  const size_t size = header.size - kSealBytes;
  uint8_t* plain = number + kSealNumberBytes;
  Status status =
      cipher_->Seal(NonceOf(seal), {bound.data(), bound.size()}, {plain, size}, plain + size);
  if (!status.ok() && failure_.ok())
    failure_ = std::move(status);  // what was not sealed stays here
}

void LogWriter::CloseRecord() {
  if (cipher_) buffer_.append(kTagBytes, '\0');
  auto* record = reinterpret_cast<uint8_t*>(buffer_.data()) + record_start_;
  const size_t size = buffer_.size() - record_start_ - kLogRecordHeaderBytes;
  const uint64_t offset = written_.load(std::memory_order_relaxed) + record_start_;
  LogRecordHeader header;
  header.size = static_cast<uint32_t>(size);
  header.synced_to = synced_.load(std::memory_order_acquire);
  if (cipher_) Seal(record_start_, header, offset);
  header.checksum = base::Checksum64(BytesView{record + kLogRecordHeaderBytes, size},
                                     LogSeed(header_.generation, offset));
  EncodeLogRecordHeader(header, header_.generation, offset, record);
  buffer_.resize(LogAlign(buffer_.size()), '\0');
}

Status LogWriter::Reserve() {
  const uint64_t needed = end();
  if (!failure().ok() || reserve_bytes_ == 0 || needed <= reserved_) return failure_;
  const uint64_t target = (needed + reserve_bytes_ - 1) / reserve_bytes_ * reserve_bytes_;
  Status status = file_->Allocate(target);
  if (status.code() == Code::kResourceExhausted) return status;
  if (!status.ok()) return failure_ = std::move(status);
  reserved_ = target;
  if (use_ == LogUse::kWritten) {
    file_->ExpectWrites(written_.load(std::memory_order_relaxed), target);
  }
  return Status::Ok();
}

const Status& LogWriter::failure() {
  if (failure_.ok() && sync_failed_.load(std::memory_order_acquire)) {
    failure_ = Status::Error(Code::kIoError, "an earlier sync of the log failed");
  }
  return failure_;
}

Status LogWriter::Write() {
  if (!failure().ok() || buffer_.empty()) return failure_;
  const uint64_t at = written_.load(std::memory_order_relaxed);
  Status status = file_->WriteAt(at, AsBytes(buffer_));
  if (status.code() == Code::kResourceExhausted) {
    torn_ = true;
    return status;
  }
  if (!status.ok()) return failure_ = std::move(status);
  written_.store(at + buffer_.size(), std::memory_order_release);
  reserved_ = std::max(reserved_, at + buffer_.size());
  buffer_.clear();
  if (buffer_.capacity() > kBufferBytesKept) std::string().swap(buffer_);
  return Status::Ok();
}

Status LogWriter::Sync() {
  LSM_RETURN_IF_ERROR(Write());
  if (synced_.load(std::memory_order_relaxed) == written_.load(std::memory_order_relaxed)) {
    return Status::Ok();
  }
  return failure_ = SyncWritten();
}

Status LogWriter::SyncWritten() {
  const uint64_t written = written_.load(std::memory_order_acquire);
  if (synced_.load(std::memory_order_relaxed) >= written) return Status::Ok();
  if (sync_failed_.load(std::memory_order_relaxed)) {
    return Status::Error(Code::kIoError, "an earlier sync of the log failed");
  }
  Status status = file_->Sync();
  if (status.ok()) {
    synced_.store(written, std::memory_order_release);
  } else {
    sync_failed_.store(true, std::memory_order_release);
  }
  return status;
}

}  // namespace nexadb::lsm
