// What is done with backups that exist: find, check, copy back, remove. FORMAT.md says what a
// backup consists of. No state; callers see to it that no two calls change one backup at once.
// [any]
#pragma once
#include <optional>
#include <string>

#include "plugins/storage-lsm/backup/backup_list.h"

namespace nexadb::lsm {

struct FoundBackup {
  std::string directory;
  BackupList list;
};

// Where a directory is made before it is renamed to its name.
std::string PartialName(const std::string& directory);
// Makes the folder that `directory` will stand in and clears away what an attempt before has left;
// returns the folder. kConflict: `directory` exists.
Result<std::string> PrepareFolder(FileSystem& files, const std::string& directory);

// The latest intact backup of the store in a folder, if there is one.
std::optional<FoundBackup> NewestBackup(FileSystem& files, const std::string& folder,
                                        uint64_t store_id);
Status ListBackups(FileSystem& files, const std::string& folder, const BackupSink& sink);
// kCorruption names the damaged file.
Status VerifyBackupFiles(FileSystem& files, const std::string& directory, const BackupWatch& watch);
// `target` must not exist, or be an empty directory.
Status RestoreBackup(FileSystem& files, const std::string& directory, const std::string& target,
                     const BackupWatch& watch);
Status RemoveBackup(FileSystem& files, const std::string& directory);

}  // namespace nexadb::lsm
