#include "core/base/directory_lock.h"

#include <unistd.h>

namespace nexadb::base {
namespace {

Status InUse(File& file, const std::string& directory) {
  uint8_t text[32];
  auto size = file.ReadAt(0, {text, sizeof(text)});
  const std::string_view holder = AsText({text, size.ok() ? size_t{*size} : 0});
  return Status::Error(Code::kConflict, directory + " is in use by another kernel (pid " +
                                            std::string(holder.substr(0, holder.find('\n'))) +
                                            "); stop it or choose another data_dir");
}

}  // namespace

Result<Handle<FileLock>> LockDirectory(FileSystem& files, const std::string& directory) {
  if (Status s = files.CreateDirectories(directory); !s.ok()) return s;
  const std::string path = directory + "/LOCK";
  auto lock = files.Lock(path);
  auto file = files.Open(path, FileMode::kReadWrite);
  if (lock.status().code() == Code::kConflict && file.ok()) return InUse(**file, directory);
  if (!lock.ok()) return lock;
  if (!file.ok()) return file.status();
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (Status s = (*file)->Truncate(0); !s.ok()) return s;
  if (Status s = (*file)->WriteAt(0, AsBytes(pid)); !s.ok()) return s;
  return lock;
}

}  // namespace nexadb::base
