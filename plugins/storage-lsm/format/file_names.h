// Names of a store's files. Numbers come from one counter, grow, and are never used twice.
//
//   CURRENT            names the manifest in use
//   LOCK               held while the store is open
//   MANIFEST-000005    version edits
//   000012.wal         write-ahead log
//   000013.sst         sorted table
//   BACKUP             what a backup consists of; gone once it was opened as a store
//   *.tmp              being written; removed at the next open
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace nexadb::lsm {

enum class FileType { kWal, kTable, kManifest, kTemporary, kOther };

struct FileName {
  FileType type = FileType::kOther;
  uint64_t number = 0;
};

std::string WalName(uint64_t number);
std::string TableName(uint64_t number);
std::string ManifestName(uint64_t number);
FileName ParseFileName(std::string_view name);

constexpr std::string_view kCurrentName = "CURRENT";
constexpr std::string_view kCurrentTemporaryName = "CURRENT.tmp";
constexpr std::string_view kLockName = "LOCK";
constexpr std::string_view kBackupName = "BACKUP";

inline std::string JoinPath(std::string_view directory, std::string_view name) {
  std::string path(directory);
  path.append("/").append(name);
  return path;
}
// The directory that `path` stands in.
std::string ParentOf(const std::string& path);

}  // namespace nexadb::lsm
