// Reading, checking and copying whole files for backups. A file's checksum is a chain over pieces
// of kFilePieceBytes: each piece is seeded with the checksum of what stands before it. No state but
// the meter's. [any]
#pragma once
#include <string>
#include <vector>

#include "nexadb/env.h"
#include "nexadb/storage_engine.h"

namespace nexadb::lsm {

constexpr size_t kFilePieceBytes = 1u << 20;

// Counts what has been read and asks the caller's watch whether to go on. [serial]
class BackupMeter {
 public:
  BackupMeter(const BackupWatch& watch, uint64_t total) : watch_(watch), total_(total) {}
  Status Add(uint64_t bytes) {
    done_ += bytes;
    return watch_.progress == nullptr ? Status::Ok() : watch_.progress(watch_.state, done_, total_);
  }

 private:
  const BackupWatch watch_;
  const uint64_t total_;
  uint64_t done_ = 0;
};

struct FileSum {
  uint64_t bytes = 0;
  uint64_t checksum = 0;
};

// Reads the file at `from`. With a `to`, writes and syncs a copy there, which must not exist.
Result<FileSum> ReadWhole(FileSystem& files, const std::string& from, BackupMeter& meter);
Result<FileSum> CopyWhole(FileSystem& files, const std::string& from, const std::string& to,
                          BackupMeter& meter);

// Removes a directory of files; fine when it does not exist.
Status RemoveFlatDirectory(FileSystem& files, const std::string& directory);
Result<std::vector<std::string>> ListNames(FileSystem& files, const std::string& directory);

}  // namespace nexadb::lsm
