// LogWriter: appends checksummed records to the write-ahead log or a manifest.
//
//   auto log = LogWriter::Create(files, path, header, 4 << 20);
//   std::string& payload = log->OpenRecord();   // encode straight into the log's buffer
//   log->CloseRecord();
//   log->Write();                                // survives a kill of the process
//   log->Sync();                                 // survives a power cut
//
// A log that is synced record by record calls Reserve before it writes: then the file's blocks are
// there, and a sync writes data alone. One that is only written record by record does so too: then
// records are copied into memory that the file shares, which costs a tenth of a system call.
// Recycle goes further and takes over the file of a log that nobody needs any more, whose blocks
// have been written already; what it still holds has another generation and never reads as a
// record.
//
// After a failed Write or Sync every later call returns that first failure: nobody knows what the
// file holds behind it, so a log with a hole must not grow, and a sync is never tried again. A disk
// without room is the exception: Reserve then fails with nothing written, and Write leaves what it
// was to write in the buffer, from where TakeBack removes it; the log is torn() from then on: it
// may be completed by Sync, and another log must follow before anything else is written.
// With a vault whose master key is set the log is encrypted, under a data key that no other log, no
// earlier life of the same file and no other writer has; each record takes the next number for its
// nonce, also where one before it was taken back, so that no nonce ever seals two records.
// Not thread-safe: the commit queue, or the manifest's mutex, serialises callers. Only SyncWritten
// may run beside OpenRecord, CloseRecord and Write; its caller's mutex keeps it apart from Sync,
// since of two syncs of one file under way together only one would learn of a failure.
#pragma once
#include <atomic>
#include <memory>
#include <string>

#include "nexadb/env.h"
#include "plugins/storage-lsm/encryption/vault.h"
#include "plugins/storage-lsm/log/log_format.h"

namespace nexadb::lsm {

// What most records wait for before their writers are answered.
enum class LogUse : uint8_t { kSynced, kWritten };

class LogWriter {
 public:
  // Makes the file with its header, durable on return but for the directory entry, which the
  // caller syncs. `reserve_bytes`: the steps of Reserve; 0: it reserves nothing. `vault`: null for
  // a plain log; it must outlive the call alone.
  static Result<std::unique_ptr<LogWriter>> Create(FileSystem& files, const std::string& path,
                                                   const LogHeader& header, uint64_t reserve_bytes,
                                                   LogUse use = LogUse::kSynced,
                                                   const Vault* vault = nullptr);
  // The same from the file at `spare`, a log that no recovery reads any more. It gets its header
  // before its name, so a log under `path` has always begun. On failure either name may be left.
  static Result<std::unique_ptr<LogWriter>> Recycle(FileSystem& files, const std::string& spare,
                                                    const std::string& path,
                                                    const LogHeader& header, uint64_t reserve_bytes,
                                                    const Vault* vault = nullptr);

  // The buffer to append one record's payload to. REQUIRES: no record is open.
  std::string& OpenRecord();
  // Closes the open record. REQUIRES: it has 1 to kLogRecordBytesMax bytes. Should encryption fail,
  // so does the next Write.
  void CloseRecord();
  // Takes back every record since `mark`, a former buffered_bytes(). REQUIRES: no Write since.
  void TakeBack(uint64_t mark) { buffer_.resize(mark); }

  // Makes sure that the file has room for what is buffered. kResourceExhausted changes nothing.
  Status Reserve();
  Status Write();
  Status Sync();
  // Makes durable what Write has written, with no part in what is being encoded meanwhile. A
  // failure is the log's: the next Write or Sync fails as well.
  Status SyncWritten();

  uint64_t end() const { return written_.load(std::memory_order_relaxed) + buffer_.size(); }
  uint64_t buffered_bytes() const { return buffer_.size(); }
  uint64_t unsynced_bytes() const { return end() - synced_.load(std::memory_order_relaxed); }
  const LogHeader& header() const { return header_; }
  LogUse use() const { return use_; }
  // Nothing was appended yet.
  bool empty() const { return end() == LogStart(header_); }
  // The bytes that the file is known to have.
  uint64_t reserved_bytes() const { return reserved_; }
  // A write found no room: the bytes behind the last one that fitted are in doubt.
  bool torn() const { return torn_; }
  // What ended the log, or Ok. Takes note of a failed SyncWritten.
  const Status& failure();

 private:
  LogWriter(Handle<File> file, const LogHeader& header, uint64_t reserve_bytes, LogUse use)
      : file_(std::move(file)), header_(header), reserve_bytes_(reserve_bytes), use_(use) {}
  Status WriteHeader(const Vault* vault);
  void Seal(size_t record_at, const LogRecordHeader& header, uint64_t offset);

  Handle<File> file_;
  LogHeader header_;
  uint64_t reserve_bytes_;
  const LogUse use_;
  std::string buffer_;       // begins at file offset written_
  size_t record_start_ = 0;  // of the open record, within buffer_
  std::atomic<uint64_t> written_{0};
  std::atomic<uint64_t> synced_{0};
  std::atomic<bool> sync_failed_{false};
  bool torn_ = false;
  uint64_t reserved_ = 0;
  std::unique_ptr<FileCipher> cipher_;  // null: plain
  uint64_t next_seal_ = 0;              // the number of the next record sealed
  Status failure_;
};

}  // namespace nexadb::lsm
