// BackupList: what a backup consists of, kept in its file BACKUP. FORMAT.md has the text's form.
// Written last of all files: a directory without an intact list is no backup. Plain data.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "nexadb/env.h"
#include "nexadb/storage_engine.h"
#include "plugins/storage-lsm/format/key.h"

namespace nexadb::lsm {

struct BackupFile {
  std::string name;
  uint64_t bytes = 0;
  uint64_t checksum = 0;  // FileChecksum
};

struct BackupList {
  Sequence sequence = 0;
  int64_t created_ms = 0;
  uint64_t store_id = 0;
  uint64_t bytes_copied = 0;
  std::vector<BackupFile> files;

  std::string Encode() const;
  // False when the text is not exactly what Encode has made.
  static bool Decode(std::string_view text, BackupList* list);
  // Null when the backup has no file of that name.
  const BackupFile* Find(std::string_view name) const;
  BackupInfo Info() const;
};

// kNotFound: no such directory; kInvalidArgument: not a backup; kCorruption: a damaged list.
Result<BackupList> ReadBackupList(FileSystem& files, const std::string& directory);
// Writes and syncs the list; the directory's entry is the caller's to sync.
Status WriteBackupList(FileSystem& files, const std::string& directory, const BackupList& list);

}  // namespace nexadb::lsm
