// Backups: what storage copies, under names, with long calls as tasks.
#include "core/document/error.h"
#include "nexadb/sdk/guard.h"
#include "plugins/database-document/session/session.h"
#include "plugins/database-document/tasks/retention.h"
#include "plugins/database-document/tasks/task_service.h"
#include "plugins/database-document/tasks/task_table.h"

namespace nexadb::database {

namespace {

constexpr size_t kNameBytesMax = 64;
constexpr std::string_view kNameLetters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

// Backups of this session's database. Fails unless it is an administrator's and storage makes any.
struct Shelf {
  Environment* environment = nullptr;
  StorageBackup* storage = nullptr;

  std::string Folder() const { return environment->data_directory + "/backups"; }
  std::string Path(std::string_view id) const { return Folder() + "/" + std::string(id); }
};

Result<Shelf> ShelfOf(Session& session) {
  auto& impl = static_cast<SessionImpl&>(session);
  impl.StartCall();
  if (Status status = impl.CheckAccess(Action::kAdmin, "", ""); !status.ok()) return status;
  Shelf shelf;
  shelf.environment = &impl.environment();
  shelf.storage =
      static_cast<StorageBackup*>(impl.environment().store().Facet(StorageBackup::kInterface));
  if (shelf.storage == nullptr) {
    return MakeError(ErrorId::kNotImplemented, "this storage makes no backups");
  }
  return shelf;
}

// Names become names of directories, so only these letters are let through.
Status CheckName(std::string_view id) {
  const bool good = !id.empty() && id.size() <= kNameBytesMax &&
                    id.find_first_not_of(kNameLetters) == std::string_view::npos;
  if (good) return {};
  return MakeError(ErrorId::kInvalidName,
                   "the name of a backup has 1 to 64 letters, digits, '_' and '-'",
                   ErrorDetail().Text("name", id).Finish());
}

Status NotFound(std::string_view id) {
  return MakeError(ErrorId::kBackupNotFound, "there is no backup '" + std::string(id) + "'",
                   ErrorDetail().Text("id", id).Finish());
}

// What storage says, as clients know it.
Status Translated(Status status, std::string_view id) {
  if (!status.domain().empty()) return status;
  switch (status.code()) {
    case Code::kOk: return status;
    case Code::kNotFound: return NotFound(id);
    case Code::kCorruption: return MakeError(ErrorId::kBackupDamaged, status.message());
    default: return status;
  }
}

void AppendInfo(std::string_view id, const BackupInfo& info, bson::Builder& out) {
  out.Text("id", id).DateMs("created_at", info.created_ms);
  out.Int64("bytes", static_cast<int64_t>(info.bytes));
  out.Int64("bytes_copied", static_cast<int64_t>(info.bytes_copied));
  out.Int64("files", static_cast<int64_t>(info.files));
  out.Int64("sequence", static_cast<int64_t>(info.sequence));
}

BackupWatch WatchOf(TaskControl& control) {
  return {[](void* state, uint64_t done, uint64_t total) noexcept {
            return static_cast<TaskControl*>(state)->Report(done, total);
          },
          &control};
}

Result<Buffer> Begin(const Shelf& shelf, std::string_view kind, std::string_view id,
                     TaskBody body) {
  TaskSpec spec;
  spec.kind = kind;
  spec.subject = bson::Builder().Text("backup", id).Finish();
  spec.unit = "bytes";
  spec.body = std::move(body);
  auto task = shelf.environment->tasks->Start(std::move(spec));
  if (!task.ok()) return task.status();
  return Buffer::Own(std::move(*task));
}

// The new backup is read again before older ones may go for it.
Status Retain(const Shelf& shelf, const RetentionRule& rule, const std::string& name,
              TaskControl& control, bson::Builder& out) {
  if (!rule.removes()) return {};
  Status whole = shelf.storage->VerifyBackup(shelf.Path(name), WatchOf(control));
  if (!whole.ok()) return Translated(std::move(whole), name);
  return RemoveSurplusBackups(*shelf.storage, shelf.Folder(), name, rule,
                              shelf.environment->NowMs(), out);
}

}  // namespace

Result<Buffer> BackupService::List(Session& session) noexcept {
  return sdk::Guard([&]() -> Result<Buffer> {
    auto shelf = ShelfOf(session);
    if (!shelf.ok()) return shelf.status();
    struct Found {
      bson::Builder out;
      size_t count = 0;
    } found;
    found.out.OpenArray("backups");
    const BackupSink sink{
        [](void* state, StringView name, const BackupInfo& info, const Status& status) noexcept {
          auto& f = *static_cast<Found*>(state);
          f.out.OpenObject(std::to_string(f.count++));
          if (status.ok()) {
            AppendInfo(name, info, f.out);
          } else {
            f.out.Text("id", name).Text("error", status.message());
          }
          f.out.Close();
        },
        &found};
    Status listed = shelf->storage->List(shelf->Folder(), sink);
    // Nobody has made one yet.
    if (!listed.ok() && listed.code() != Code::kNotFound) return listed;
    return Buffer::Own(found.out.Close().Finish());
  });
}

Result<Buffer> BackupService::Get(Session& session, StringView id) noexcept {
  return sdk::Guard([&]() -> Result<Buffer> {
    auto shelf = ShelfOf(session);
    if (!shelf.ok()) return shelf.status();
    if (!CheckName(id).ok()) return NotFound(id);
    auto info = shelf->storage->Describe(shelf->Path(id));
    if (!info.ok()) return Translated(info.status(), id);
    bson::Builder out;
    AppendInfo(id, *info, out);
    return Buffer::Own(out.Finish());
  });
}

Status BackupService::Remove(Session& session, StringView id) noexcept {
  return sdk::Guard([&]() -> Status {
    auto shelf = ShelfOf(session);
    if (!shelf.ok()) return shelf.status();
    if (!CheckName(id).ok()) return NotFound(id);
    return Translated(shelf->storage->Remove(shelf->Path(id)), id);
  });
}

Result<Buffer> BackupService::Create(Session& session, StringView id) noexcept {
  return sdk::Guard([&]() -> Result<Buffer> {
    auto shelf = ShelfOf(session);
    if (!shelf.ok()) return shelf.status();
    std::string name(id);
    if (name.empty()) name = BackupNameOf(shelf->environment->NowMs());
    if (Status status = CheckName(name); !status.ok()) return status;
    if (shelf->storage->Describe(shelf->Path(name)).ok()) {
      return MakeError(ErrorId::kConflict, "there is a backup '" + name + "' already");
    }
    FileSystem& files = shelf->environment->system->Files();
    if (Status made = files.CreateDirectories(shelf->Folder()); !made.ok()) return made;
    return Begin(
        *shelf, "backup", name,
        [shelf = *shelf, rule = retention_, name](TaskControl& control) -> Result<std::string> {
          auto info = shelf.storage->Backup(shelf.Path(name), WatchOf(control));
          if (!info.ok()) return Translated(info.status(), name);
          bson::Builder out;
          AppendInfo(name, *info, out);
          if (Status kept = Retain(shelf, rule, name, control, out); !kept.ok()) return kept;
          return out.Finish();
        });
  });
}

Result<Buffer> BackupService::Verify(Session& session, StringView id) noexcept {
  return sdk::Guard([&]() -> Result<Buffer> {
    auto shelf = ShelfOf(session);
    if (!shelf.ok()) return shelf.status();
    const std::string name(id);
    if (!CheckName(name).ok()) return NotFound(name);
    auto info = shelf->storage->Describe(shelf->Path(name));
    if (!info.ok()) return Translated(info.status(), name);
    return Begin(*shelf, "verify", name,
                 [shelf = *shelf, name](TaskControl& control) -> Result<std::string> {
                   Status status = shelf.storage->VerifyBackup(shelf.Path(name), WatchOf(control));
                   if (!status.ok()) return Translated(std::move(status), name);
                   return bson::Builder().Bool("whole", true).Finish();
                 });
  });
}

Result<Buffer> BackupService::Restore(Session& session, StringView id,
                                      const RestoreOptions& options) noexcept {
  return sdk::Guard([&]() -> Result<Buffer> {
    auto shelf = ShelfOf(session);
    if (!shelf.ok()) return shelf.status();
    const std::string name(id);
    if (!CheckName(name).ok()) return NotFound(name);
    auto info = shelf->storage->Describe(shelf->Path(name));
    if (!info.ok()) return Translated(info.status(), name);
    if (options.at_next_start != 0) {
      return Begin(*shelf, "restore", name,
                   [shelf = *shelf, name](TaskControl& control) -> Result<std::string> {
                     Status status =
                         shelf.storage->RestoreAtNextOpen(shelf.Path(name), WatchOf(control));
                     if (!status.ok()) return Translated(std::move(status), name);
                     return bson::Builder().Text("takes_effect", "at the next start").Finish();
                   });
    }
    const std::string target(options.target);
    if (Status status = CheckName(target); !status.ok()) return status;
    const std::string folder = shelf->environment->data_directory + "/restored";
    if (Status made = shelf->environment->system->Files().CreateDirectories(folder); !made.ok()) {
      return made;
    }
    const std::string path = folder + "/" + target;
    return Begin(*shelf, "restore", name,
                 [shelf = *shelf, name, path](TaskControl& control) -> Result<std::string> {
                   Status status = shelf.storage->Restore(shelf.Path(name), path, WatchOf(control));
                   if (!status.ok()) return Translated(std::move(status), name);
                   return bson::Builder().Text("directory", path).Finish();
                 });
  });
}

}  // namespace nexadb::database
