#include "plugins/storage-lsm/backup/backup_writer.h"

#include <optional>

#include "plugins/storage-lsm/backup/backup_folder.h"
#include "plugins/storage-lsm/format/file_names.h"
#include "plugins/storage-lsm/util/error.h"

namespace nexadb::lsm {
namespace {

// The manifest of a backup holds one record and is never grown.
constexpr uint64_t kManifestBytes = 1u << 20;
// The backup's own version set reads no block.
constexpr uint64_t kNoCacheBytes = 0;

class BackupWriter {
 public:
  BackupWriter(Env& env, const FrozenStore& store, const std::string& directory,
               const BackupWatch& watch)
      : env_(env),
        files_(env.Files()),
        store_(store),
        directory_(directory),
        partial_(PartialName(directory)),
        meter_(watch, TotalBytes(store)) {}

  Result<BackupList> Run() {
    auto folder = PrepareFolder(files_, directory_);
    if (!folder.ok()) return folder.status();
    previous_ = NewestBackup(files_, *folder, store_.store_id);
    Status status = Fill();
    if (status.ok()) status = files_.Rename(partial_, directory_);
    if (status.ok()) status = files_.SyncDirectory(*folder);
    if (status.ok()) return std::move(list_);
    // What cannot be removed now goes when the next backup of this name is made.
    static_cast<void>(RemoveFlatDirectory(files_, partial_));
    return status;
  }

 private:
  static uint64_t TotalBytes(const FrozenStore& store) {
    uint64_t total = 0;
    for (int level = 0; level < kLevels; ++level) total += store.version->LevelBytes(level);
    return total;
  }
  Status Fill();
  Status TakeTable(const TableFile& table);
  Status Share(const std::string& name, const FileSum& sum);
  Status WriteManifest();
  Status NoteFile(const std::string& name);

  Env& env_;
  FileSystem& files_;
  const FrozenStore& store_;
  const std::string directory_;
  const std::string partial_;
  BackupMeter meter_;
  std::optional<FoundBackup> previous_;
  BackupList list_;
};

Status BackupWriter::Fill() {
  LSM_RETURN_IF_ERROR(files_.CreateDirectories(partial_));
  list_.sequence = store_.sequence;
  list_.created_ms = env_.Clock().UnixMs();
  list_.store_id = store_.store_id;
  for (const auto& level : store_.version->levels) {
    for (const TablePointer& table : level) LSM_RETURN_IF_ERROR(TakeTable(*table));
  }
  LSM_RETURN_IF_ERROR(WriteManifest());
  LSM_RETURN_IF_ERROR(WriteBackupList(files_, partial_, list_));
  return files_.SyncDirectory(partial_);
}

Status BackupWriter::TakeTable(const TableFile& table) {
  const std::string name = TableName(table.info.number);
  auto sum = ReadWhole(files_, JoinPath(store_.directory, name), meter_);
  if (!sum.ok()) return sum.status();
  const BackupFile* known = previous_ ? previous_->list.Find(name) : nullptr;
  const bool same =
      known != nullptr && known->bytes == sum->bytes && known->checksum == sum->checksum;
  // A file equal to one that was checked when an earlier backup took it is as intact as that.
  if (!same) LSM_RETURN_IF_ERROR(table.reader->Verify());
  LSM_RETURN_IF_ERROR(Share(name, *sum));
  list_.files.push_back({name, sum->bytes, sum->checksum});
  return Status::Ok();
}

Status BackupWriter::Share(const std::string& name, const FileSum& sum) {
  const std::string from = JoinPath(store_.directory, name);
  const std::string to = JoinPath(partial_, name);
  if (files_.Link(from, to).ok()) return Status::Ok();
  const BackupFile* known = previous_ ? previous_->list.Find(name) : nullptr;
  if (known != nullptr && known->bytes == sum.bytes && known->checksum == sum.checksum &&
      files_.Link(JoinPath(previous_->directory, name), to).ok()) {
    return Status::Ok();
  }
  // Another file system, or one without links. A link that was made all the same, though it
  // reported a failure, must not be in the way.
  if (files_.Exists(to)) LSM_RETURN_IF_ERROR(files_.Remove(to));
  BackupMeter unwatched(BackupWatch{}, 0);
  auto copied = CopyWhole(files_, from, to, unwatched);
  if (!copied.ok()) return copied.status();
  if (copied->checksum != sum.checksum || copied->bytes != sum.bytes) {
    return Corruption(from, 0, "the file changed while it was copied,");
  }
  list_.bytes_copied += copied->bytes;
  return Status::Ok();
}

Status BackupWriter::WriteManifest() {
  BlockCache no_cache(env_, kNoCacheBytes);
  VersionSet versions(env_, partial_, no_cache, kManifestBytes, store_.vault);
  versions.AssumeIdentity(store_.store_id, store_.next_number);
  VersionEdit edit;
  edit.wal_min = store_.next_number;
  edit.last_sequence = store_.sequence;
  std::vector<TablePointer> tables;
  for (int level = 0; level < kLevels; ++level) {
    for (const TablePointer& table : store_.version->levels[level]) {
      edit.added.emplace_back(level, table->info);
      tables.push_back(table);
    }
  }
  LSM_RETURN_IF_ERROR(versions.Adopt(edit, tables));
  LSM_RETURN_IF_ERROR(versions.Rewrite());
  LSM_RETURN_IF_ERROR(NoteFile(ManifestName(versions.manifest_number())));
  return NoteFile(std::string(kCurrentName));
}

Status BackupWriter::NoteFile(const std::string& name) {
  BackupMeter unwatched(BackupWatch{}, 0);
  auto sum = ReadWhole(files_, JoinPath(partial_, name), unwatched);
  if (!sum.ok()) return sum.status();
  list_.files.push_back({name, sum->bytes, sum->checksum});
  list_.bytes_copied += sum->bytes;
  return Status::Ok();
}

}  // namespace

Result<BackupList> WriteBackup(Env& env, const FrozenStore& store, const std::string& directory,
                               const BackupWatch& watch) {
  return BackupWriter(env, store, directory, watch).Run();
}

}  // namespace nexadb::lsm
