// The facets of checkpoints and backups.
#include "nexadb/sdk/guard.h"
#include "plugins/storage-lsm/backup/backup_folder.h"
#include "plugins/storage-lsm/engine/engine.h"
#include "plugins/storage-lsm/util/error.h"

namespace nexadb::lsm {
namespace {

// A path without slashes at its end, so that a suffix names a neighbour.
Result<std::string> PathOf(StringView text) {
  std::string path{std::string_view(text)};
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  if (path.empty() || path == "/") return Invalid("a backup's directory needs a name");
  return path;
}

}  // namespace

Result<uint64_t> Engine::Checkpoint(StringView directory) noexcept {
  auto info = Backup(directory, BackupWatch{});
  if (!info.ok()) return info.status();
  return info->sequence;
}

Result<BackupInfo> Engine::Backup(StringView directory, const BackupWatch& watch) noexcept {
  return sdk::Guard([&]() -> Result<BackupInfo> {
    LSM_RETURN_IF_ERROR(CheckOpen());
    auto path = PathOf(directory);
    if (!path.ok()) return path.status();
    return store_->Backup(*path, watch);
  });
}

Status Engine::List(StringView folder, const BackupSink& sink) noexcept {
  return sdk::Guard([&]() -> Status {
    LSM_RETURN_IF_ERROR(CheckOpen());
    auto path = PathOf(folder);
    if (!path.ok()) return path.status();
    return store_->WithBackups([&](FileSystem& files) { return ListBackups(files, *path, sink); });
  });
}

Result<BackupInfo> Engine::Describe(StringView directory) noexcept {
  return sdk::Guard([&]() -> Result<BackupInfo> {
    LSM_RETURN_IF_ERROR(CheckOpen());
    auto path = PathOf(directory);
    if (!path.ok()) return path.status();
    auto list =
        store_->WithBackups([&](FileSystem& files) { return ReadBackupList(files, *path); });
    if (!list.ok()) return list.status();
    return list->Info();
  });
}

Status Engine::VerifyBackup(StringView directory, const BackupWatch& watch) noexcept {
  return sdk::Guard([&]() -> Status {
    LSM_RETURN_IF_ERROR(CheckOpen());
    auto path = PathOf(directory);
    if (!path.ok()) return path.status();
    return store_->WithBackups(
        [&](FileSystem& files) { return VerifyBackupFiles(files, *path, watch); });
  });
}

Status Engine::Restore(StringView directory, StringView target, const BackupWatch& watch) noexcept {
  return sdk::Guard([&]() -> Status {
    LSM_RETURN_IF_ERROR(CheckOpen());
    auto from = PathOf(directory);
    if (!from.ok()) return from.status();
    auto to = PathOf(target);
    if (!to.ok()) return to.status();
    return store_->WithBackups(
        [&](FileSystem& files) { return RestoreBackup(files, *from, *to, watch); });
  });
}

Status Engine::RestoreAtNextOpen(StringView directory, const BackupWatch& watch) noexcept {
  return sdk::Guard([&]() -> Status {
    LSM_RETURN_IF_ERROR(CheckOpen());
    auto path = PathOf(directory);
    if (!path.ok()) return path.status();
    return store_->RestoreAtNextOpen(*path, watch);
  });
}

Status Engine::Remove(StringView directory) noexcept {
  return sdk::Guard([&]() -> Status {
    LSM_RETURN_IF_ERROR(CheckOpen());
    auto path = PathOf(directory);
    if (!path.ok()) return path.status();
    return store_->WithBackups([&](FileSystem& files) { return RemoveBackup(files, *path); });
  });
}

}  // namespace nexadb::lsm
