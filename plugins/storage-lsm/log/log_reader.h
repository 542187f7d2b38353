// LogReader: reads a log back after a restart, and tells a torn tail from damage.
//
// A crash may leave any part of what was not synced: nothing, zeros, half a record, a later record
// without an earlier one. All of it is a torn tail, cut off in silence: nobody was promised it.
// It is damage, and kCorruption with file and offset, when a bad record stands
//  * before an intact record whose sync mark says that the bad one's bytes were durable already; or
//  * before the end that the next log's header gives for this one (`expected_end`).
// An encrypted record whose checksum is right and whose tag is not was forged, or belongs
// elsewhere: damage as well, wherever it stands. Not thread-safe.
#pragma once
#include <memory>
#include <string>

#include "nexadb/env.h"
#include "plugins/storage-lsm/log/log_format.h"

namespace nexadb::lsm {

// The header of log `number` alone. False when there is none that is whole, or it is another log's.
bool ReadLogHeader(FileSystem& files, const std::string& path, uint64_t number, LogHeader* header);

class LogReader {
 public:
  // `path` is for messages. The file must outlive the reader, and so must the vault, which is null
  // where logs are plain.
  LogReader(File& file, std::string path, const Vault* vault = nullptr)
      : file_(file), path_(std::move(path)), vault_(vault) {}

  // Reads the file and its header. kCorruption when the header is damaged, kPermissionDenied when
  // the log's master key is not there; `blank` says that the
  // file was made, and never had a record: no intact header, and no byte but zeros behind it.
  Status Open(LogType type, uint64_t number);
  bool blank() const { return blank_; }
  const LogHeader& header() const { return header_; }

  // Where the next log says this one ends; 0 when nobody says.
  void ExpectEnd(uint64_t end) { expected_end_ = end; }
  // The next record's payload, valid as long as the reader. False at the end of the log.
  Result<bool> Next(BytesView* payload);
  // After kCorruption: moves to the next intact record behind the damage; false when there is none.
  // For salvage alone.
  bool SkipDamage();
  // The offset behind the last record returned.
  uint64_t offset() const { return offset_; }

 private:
  Status OpenEnvelope();
  bool RecordAt(uint64_t offset, LogRecordHeader* header, BytesView* payload) const;
  // Decrypts the record at `offset` in place.
  Status Unseal(uint64_t offset, const LogRecordHeader& header, BytesView* payload);
  Status JudgeTail() const;

  File& file_;
  std::string path_;
  const Vault* vault_;
  std::unique_ptr<FileCipher> cipher_;
  std::string contents_;
  LogHeader header_;
  uint64_t offset_ = kLogHeaderBytes;
  uint64_t expected_end_ = 0;
  bool blank_ = false;
};

}  // namespace nexadb::lsm
