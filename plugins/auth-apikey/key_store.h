// KeyStore: the file of all keys (FORMAT.md). Written as a whole, atomically: a temporary file,
// synced, renamed, its directory synced. It stands outside the collections, so that restoring data
// brings no revoked key back. Used by one thread at a time.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "nexadb/env.h"
#include "plugins/auth-apikey/key_record.h"

namespace nexadb::auth {

class KeyStore {
 public:
  KeyStore(FileSystem& files, std::string directory)
      : files_(files), directory_(std::move(directory)), path_(directory_ + "/keys") {}
  const std::string& path() const { return path_; }
  // Nothing when there is no file yet. kCorruption when it is not what was written.
  Result<std::optional<std::vector<KeyRecord>>> Load();
  // Durable once it returns OK; otherwise the old file stands.
  Status Save(const std::vector<KeyRecord>& records);

 private:
  FileSystem& files_;
  const std::string directory_;
  const std::string path_;
};

// The file's bytes, and back.
std::string EncodeKeys(const std::vector<KeyRecord>& records);
// Null, or what is wrong.
const char* DecodeKeys(std::string_view bytes, std::vector<KeyRecord>& records);

// Replaces `path` by a file of `bytes`, mode 0600, durably.
Status WriteFileAtomically(FileSystem& files, const std::string& directory, const std::string& path,
                           std::string_view bytes);
// All of a small file. kResourceExhausted past `bytes_max`.
Result<std::string> ReadSmallFile(FileSystem& files, const std::string& path, uint64_t bytes_max);

}  // namespace nexadb::auth
