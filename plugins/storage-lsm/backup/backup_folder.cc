#include "plugins/storage-lsm/backup/backup_folder.h"

#include <algorithm>

#include "plugins/storage-lsm/backup/file_copy.h"
#include "plugins/storage-lsm/format/file_names.h"
#include "plugins/storage-lsm/util/error.h"

namespace nexadb::lsm {
namespace {

constexpr std::string_view kPartialSuffix = ".partial";

Status CheckSum(const std::string& path, const BackupFile& file, const FileSum& sum) {
  if (sum.bytes != file.bytes) {
    return Corruption(path, sum.bytes,
                      "the file has " + std::to_string(sum.bytes) +
                          " bytes, the backup's list says " + std::to_string(file.bytes) +
                          "; it ends");
  }
  if (sum.checksum == file.checksum) return Status::Ok();
  return Status::Error(Code::kCorruption, path +
                                              ": the file is damaged, for its checksum differs "
                                              "from the backup's list");
}

Status CopyFiles(FileSystem& files, const std::string& directory, const std::string& partial,
                 const BackupList& list, BackupMeter& meter) {
  LSM_RETURN_IF_ERROR(files.CreateDirectories(partial));
  for (const BackupFile& file : list.files) {
    const std::string path = JoinPath(directory, file.name);
    auto sum = CopyWhole(files, path, JoinPath(partial, file.name), meter);
    if (!sum.ok()) return sum.status();
    LSM_RETURN_IF_ERROR(CheckSum(path, file, *sum));
  }
  return files.SyncDirectory(partial);
}

}  // namespace

std::string PartialName(const std::string& directory) {
  return directory + std::string(kPartialSuffix);
}

Result<std::string> PrepareFolder(FileSystem& files, const std::string& directory) {
  if (files.Exists(directory)) {
    return Status::Error(Code::kConflict, directory + ": exists already");
  }
  const std::string folder = ParentOf(directory);
  LSM_RETURN_IF_ERROR(files.CreateDirectories(folder));
  LSM_RETURN_IF_ERROR(RemoveFlatDirectory(files, PartialName(directory)));
  return folder;
}

std::optional<FoundBackup> NewestBackup(FileSystem& files, const std::string& folder,
                                        uint64_t store_id) {
  std::optional<FoundBackup> newest;
  auto names = ListNames(files, folder);
  if (!names.ok()) return newest;
  for (const std::string& name : *names) {
    const std::string directory = JoinPath(folder, name);
    if (name.ends_with(kPartialSuffix)) continue;
    auto list = ReadBackupList(files, directory);
    if (!list.ok() || list->store_id != store_id) continue;
    if (!newest || list->sequence >= newest->list.sequence) newest = {directory, std::move(*list)};
  }
  return newest;
}

Status ListBackups(FileSystem& files, const std::string& folder, const BackupSink& sink) {
  if (!files.Exists(folder)) return Status::Ok();
  auto names = ListNames(files, folder);
  if (!names.ok()) return names.status();
  struct Listed {
    std::string name;
    BackupInfo info;
    Status status;
  };
  std::vector<Listed> found;
  for (const std::string& name : *names) {
    const std::string directory = JoinPath(folder, name);
    if (name.ends_with(kPartialSuffix) || !files.Exists(JoinPath(directory, kBackupName))) continue;
    auto list = ReadBackupList(files, directory);
    found.push_back({name, list.ok() ? list->Info() : BackupInfo{}, list.status()});
  }
  std::stable_sort(found.begin(), found.end(), [](const Listed& a, const Listed& b) {
    return a.info.created_ms < b.info.created_ms;
  });
  for (const Listed& one : found) sink.backup(sink.state, one.name, one.info, one.status);
  return Status::Ok();
}

Status VerifyBackupFiles(FileSystem& files, const std::string& directory,
                         const BackupWatch& watch) {
  auto list = ReadBackupList(files, directory);
  if (!list.ok()) return list.status();
  BackupMeter meter(watch, list->Info().bytes);
  for (const BackupFile& file : list->files) {
    const std::string path = JoinPath(directory, file.name);
    if (!files.Exists(path)) return Corruption(path, 0, "the file is missing, all of it");
    auto sum = ReadWhole(files, path, meter);
    if (!sum.ok()) return sum.status();
    LSM_RETURN_IF_ERROR(CheckSum(path, file, *sum));
  }
  return Status::Ok();
}

Status RestoreBackup(FileSystem& files, const std::string& directory, const std::string& target,
                     const BackupWatch& watch) {
  auto list = ReadBackupList(files, directory);
  if (!list.ok()) return list.status();
  if (files.Exists(target)) {
    auto names = ListNames(files, target);
    if (!names.ok()) return names.status();
    if (!names->empty()) {
      return Status::Error(Code::kConflict,
                           target + ": not empty; a backup is restored into a new directory only");
    }
    LSM_RETURN_IF_ERROR(files.RemoveDirectory(target));
  }
  auto folder = PrepareFolder(files, target);
  if (!folder.ok()) return folder.status();
  const std::string partial = PartialName(target);
  BackupMeter meter(watch, list->Info().bytes);
  Status status = CopyFiles(files, directory, partial, *list, meter);
  if (status.ok()) status = files.Rename(partial, target);
  if (status.ok()) return files.SyncDirectory(*folder);
  static_cast<void>(RemoveFlatDirectory(files, partial));
  return status;
}

Status RemoveBackup(FileSystem& files, const std::string& directory) {
  auto list = ReadBackupList(files, directory);
  if (list.status().code() == Code::kNotFound || list.status().code() == Code::kInvalidArgument) {
    return list.status();  // nothing but a backup is removed; a damaged one is
  }
  // Under its own name it is whole to the last.
  const std::string partial = PartialName(directory);
  LSM_RETURN_IF_ERROR(RemoveFlatDirectory(files, partial));
  LSM_RETURN_IF_ERROR(files.Rename(directory, partial));
  LSM_RETURN_IF_ERROR(files.SyncDirectory(ParentOf(directory)));
  return RemoveFlatDirectory(files, partial);
}

}  // namespace nexadb::lsm
