#include "plugins/storage-lsm/log/log_writer.h"

#include "core/base/checksum.h"
#include "plugins/storage-lsm/util/error.h"

namespace nexadb::lsm {
namespace {

// A buffer that one huge batch has blown up is given back once written.
constexpr size_t kBufferBytesKept = 4u << 20;

}  // namespace

Result<std::unique_ptr<LogWriter>> LogWriter::Create(FileSystem& files, const std::string& path,
                                                     const LogHeader& header,
                                                     uint64_t reserve_bytes) {
  auto file = files.Open(path, FileMode::kTruncate);
  if (!file.ok()) return file.status();
  std::unique_ptr<LogWriter> log(new LogWriter(std::move(*file), header, reserve_bytes));
  log->buffer_.resize(kLogHeaderBytes);
  EncodeLogHeader(header, {reinterpret_cast<uint8_t*>(log->buffer_.data()), kLogHeaderBytes});
  LSM_RETURN_IF_ERROR(log->Sync());
  return log;
}

std::string& LogWriter::OpenRecord() {
  record_start_ = buffer_.size();
  buffer_.append(kLogRecordHeaderBytes, '\0');
  return buffer_;
}

void LogWriter::CloseRecord() {
  auto* record = reinterpret_cast<uint8_t*>(buffer_.data()) + record_start_;
  const size_t size = buffer_.size() - record_start_ - kLogRecordHeaderBytes;
  const uint64_t offset = written_.load(std::memory_order_relaxed) + record_start_;
  LogRecordHeader header;
  header.size = static_cast<uint32_t>(size);
  header.synced_to = synced_.load(std::memory_order_acquire);
  header.checksum = base::Checksum64(BytesView{record + kLogRecordHeaderBytes, size},
                                     LogSeed(header_.generation, offset));
  EncodeLogRecordHeader(header, header_.generation, offset, record);
  buffer_.resize(LogAlign(buffer_.size()), '\0');
}

void LogWriter::DropRecord() { buffer_.resize(record_start_); }

Status LogWriter::Reserve(uint64_t end) {
  if (reserve_bytes_ == 0 || end <= reserved_) return Status::Ok();
  const uint64_t target = (end + reserve_bytes_ - 1) / reserve_bytes_ * reserve_bytes_;
  LSM_RETURN_IF_ERROR(file_->Allocate(target));
  reserved_ = target;
  return Status::Ok();
}

const Status& LogWriter::failure() {
  if (failure_.ok() && side_sync_failed_.load(std::memory_order_acquire)) {
    failure_ = Status::Error(Code::kIoError, "an earlier sync of the log failed");
  }
  return failure_;
}

Status LogWriter::Write() {
  if (!failure().ok() || buffer_.empty()) return failure_;
  const uint64_t at = written_.load(std::memory_order_relaxed);
  failure_ = Reserve(end());
  if (failure_.ok()) failure_ = file_->WriteAt(at, AsBytes(buffer_));
  if (!failure_.ok()) return failure_;
  written_.store(at + buffer_.size(), std::memory_order_release);
  buffer_.clear();
  if (buffer_.capacity() > kBufferBytesKept) std::string().swap(buffer_);
  return Status::Ok();
}

Status LogWriter::Sync() {
  LSM_RETURN_IF_ERROR(Write());
  const uint64_t written = written_.load(std::memory_order_relaxed);
  if (synced_.load(std::memory_order_relaxed) == written) return Status::Ok();
  failure_ = file_->Sync();
  if (failure_.ok()) synced_.store(written, std::memory_order_release);
  return failure_;
}

Status LogWriter::SyncWritten() {
  const uint64_t written = written_.load(std::memory_order_acquire);
  if (synced_.load(std::memory_order_relaxed) >= written) return Status::Ok();
  if (side_sync_failed_.load(std::memory_order_relaxed)) {
    return Status::Error(Code::kIoError, "an earlier sync of the log failed");
  }
  Status status = file_->Sync();
  if (status.ok()) {
    synced_.store(written, std::memory_order_release);
  } else {
    side_sync_failed_.store(true, std::memory_order_release);
  }
  return status;
}

}  // namespace nexadb::lsm
