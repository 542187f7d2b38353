// The store's share of backups: what is copied, and how a restored copy takes the store's place.
//
// A version is a backup's contents: memtables are flushed oldest first, so at any moment the tables
// hold everything up to one sequence and nothing above it, and a version that is held keeps its
// files. So a backup flushes what is in memory, holds the version, and lets writers go on.
#include "plugins/storage-lsm/backup/backup_folder.h"
#include "plugins/storage-lsm/backup/backup_writer.h"
#include "plugins/storage-lsm/engine/store.h"
#include "plugins/storage-lsm/format/file_names.h"
#include "plugins/storage-lsm/util/error.h"

namespace nexadb::lsm {
namespace {

constexpr std::string_view kRestoredSuffix = ".restored";
constexpr std::string_view kReplacedSuffix = ".replaced";

std::string Beside(const std::string& directory, std::string_view suffix) {
  return directory + std::string(suffix);
}

}  // namespace

Result<BackupInfo> Store::Backup(std::string_view directory, const BackupWatch& watch) {
  MutexLock backup_lock(*backup_mutex_);
  const std::string path(directory);
  if (env_.Files().Exists(path)) {
    return Status::Error(Code::kConflict, path + ": exists already");
  }
  LSM_RETURN_IF_ERROR(FlushMemtable());
  FrozenStore frozen;
  {
    MutexLock lock(*manifest_mutex_);
    frozen.version = versions_.current();
    frozen.sequence = versions_.last_sequence();
  }
  frozen.directory = directory_;
  frozen.store_id = versions_.store_id();
  frozen.next_number = versions_.next_number();
  frozen.vault = &vault_;
  auto list = WriteBackup(env_, frozen, path, watch);
  if (!list.ok()) return list.status();
  return list->Info();
}

Status Store::CheckKeys(const std::string& directory) {
  BlockCache no_cache(env_, 0);
  return VersionSet(env_, directory, no_cache, options_.manifest_bytes, &vault_).CheckReadable();
}

Status Store::RestoreAtNextOpen(std::string_view backup, const BackupWatch& watch) {
  MutexLock backup_lock(*backup_mutex_);
  FileSystem& files = env_.Files();
  const std::string path(backup);
  auto list = ReadBackupList(files, path);
  if (!list.ok()) return list.status();
  LSM_RETURN_IF_ERROR(CheckKeys(path));
  const std::string restored = Beside(directory_, kRestoredSuffix);
  if (files.Exists(restored)) {
    // What an earlier call has prepared gives way; cut off, this leaves nothing prepared.
    const std::string partial = PartialName(restored);
    LSM_RETURN_IF_ERROR(RemoveFlatDirectory(files, partial));
    LSM_RETURN_IF_ERROR(files.Rename(restored, partial));
    LSM_RETURN_IF_ERROR(files.SyncDirectory(ParentOf(restored)));
  }
  return RestoreBackup(files, path, restored, watch);
}

// Each step is durable before the next, so that a crash leaves the former store, or none and the
// copy, or the copy in its place: opening again goes on from any of them.
Status Store::AdoptRestored() {
  FileSystem& files = env_.Files();
  const std::string restored = Beside(directory_, kRestoredSuffix);
  if (!files.Exists(restored)) return Status::Ok();
  // What could not be opened must not take the place of what can.
  LSM_RETURN_IF_ERROR(CheckKeys(restored));
  const std::string replaced = Beside(directory_, kReplacedSuffix);
  if (files.Exists(directory_)) {
    auto lock = files.Lock(JoinPath(directory_, kLockName));  // not while another process has it
    if (!lock.ok()) return lock.status();
    LSM_RETURN_IF_ERROR(RemoveFlatDirectory(files, replaced));
    LSM_RETURN_IF_ERROR(files.Rename(directory_, replaced));
    LSM_RETURN_IF_ERROR(files.SyncDirectory(ParentOf(directory_)));
  }
  LSM_RETURN_IF_ERROR(files.Rename(restored, directory_));
  LSM_RETURN_IF_ERROR(files.SyncDirectory(ParentOf(directory_)));
  Log(LogLevel::kWarning, directory_ +
                              ": a restored backup has taken the store's place; what was "
                              "there is kept as " +
                              replaced);
  return Status::Ok();
}

}  // namespace nexadb::lsm
