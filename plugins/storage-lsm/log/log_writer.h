// LogWriter: appends checksummed records to a new file, the write-ahead log or a manifest.
//
//   auto log = LogWriter::Create(files, path, header, 1 << 20);
//   std::string& payload = log->OpenRecord();   // encode straight into the log's buffer
//   log->CloseRecord();
//   log->Write();                                // survives a kill of the process
//   log->Sync();                                 // survives a power cut
//
// After a failed Write or Sync every later call returns that first failure: nobody knows what the
// file holds behind it, so a log with a hole must not grow, and a sync is never tried again.
// Not thread-safe: the commit queue, or the manifest's mutex, serialises callers. Only SyncWritten
// may run beside OpenRecord, CloseRecord and Write; its caller's mutex keeps it apart from Sync,
// since of two syncs of one file under way together only one would learn of a failure.
#pragma once
#include <atomic>
#include <memory>
#include <string>

#include "nexadb/env.h"
#include "plugins/storage-lsm/log/log_format.h"

namespace nexadb::lsm {

class LogWriter {
 public:
  // Makes the file with its header, durable on return but for the directory entry, which the
  // caller syncs. Space is reserved in steps of `reserve_bytes` (0: none), so that a sync of
  // records need not write metadata.
  static Result<std::unique_ptr<LogWriter>> Create(FileSystem& files, const std::string& path,
                                                   const LogHeader& header, uint64_t reserve_bytes);

  // The buffer to append one record's payload to. REQUIRES: no record is open.
  std::string& OpenRecord();
  // Seals the open record. REQUIRES: it has 1 to kLogRecordBytesMax bytes.
  void CloseRecord();
  // Takes the open record back, as if it had not been begun.
  void DropRecord();

  Status Write();
  Status Sync();
  // Makes durable what Write has written, with no part in what is being encoded meanwhile. A
  // failure is the log's: the next Write or Sync fails as well.
  Status SyncWritten();

  uint64_t end() const { return written_.load(std::memory_order_relaxed) + buffer_.size(); }
  uint64_t buffered_bytes() const { return buffer_.size(); }
  uint64_t unsynced_bytes() const { return end() - synced_.load(std::memory_order_relaxed); }
  const LogHeader& header() const { return header_; }
  // What ended the log, or Ok. Takes note of a failed SyncWritten.
  const Status& failure();

 private:
  LogWriter(Handle<File> file, const LogHeader& header, uint64_t reserve_bytes)
      : file_(std::move(file)), header_(header), reserve_bytes_(reserve_bytes) {}
  Status Reserve(uint64_t end);

  Handle<File> file_;
  LogHeader header_;
  uint64_t reserve_bytes_;
  std::string buffer_;       // begins at file offset written_
  size_t record_start_ = 0;  // of the open record, within buffer_
  std::atomic<uint64_t> written_{0};
  std::atomic<uint64_t> synced_{0};
  std::atomic<bool> side_sync_failed_{false};
  uint64_t reserved_ = 0;
  Status failure_;
};

}  // namespace nexadb::lsm
