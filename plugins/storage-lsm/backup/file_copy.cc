#include "plugins/storage-lsm/backup/file_copy.h"

#include <algorithm>

#include "core/base/checksum.h"
#include "plugins/storage-lsm/format/file_names.h"
#include "plugins/storage-lsm/util/error.h"

namespace nexadb::lsm {
namespace {

// `to`: null for none.
Result<FileSum> Pass(FileSystem& files, const std::string& from, File* to, BackupMeter& meter) {
  auto file = files.Open(from, FileMode::kRead);
  if (!file.ok()) return file.status();
  std::vector<uint8_t> piece(kFilePieceBytes);
  FileSum sum;
  for (;;) {
    auto got = (*file)->ReadAt(sum.bytes, {piece.data(), piece.size()});
    if (!got.ok()) return got.status();
    const BytesView read{piece.data(), static_cast<size_t>(*got)};
    if (to != nullptr && !read.empty()) LSM_RETURN_IF_ERROR(to->WriteAt(sum.bytes, read));
    sum.checksum = base::Checksum64(read, sum.checksum);
    sum.bytes += read.size();
    LSM_RETURN_IF_ERROR(meter.Add(read.size()));
    if (read.size() < piece.size()) return sum;
  }
}

}  // namespace

Result<FileSum> ReadWhole(FileSystem& files, const std::string& from, BackupMeter& meter) {
  return Pass(files, from, nullptr, meter);
}

Result<FileSum> CopyWhole(FileSystem& files, const std::string& from, const std::string& to,
                          BackupMeter& meter) {
  auto copy = files.Open(to, FileMode::kCreateNew);
  if (!copy.ok()) return copy.status();
  auto sum = Pass(files, from, copy->get(), meter);
  if (!sum.ok()) return sum.status();
  LSM_RETURN_IF_ERROR((*copy)->Sync());
  return sum;
}

Result<std::vector<std::string>> ListNames(FileSystem& files, const std::string& directory) {
  std::vector<std::string> names;
  DirectorySink sink{
      [](void* state, StringView name) noexcept {
        static_cast<std::vector<std::string>*>(state)->emplace_back(std::string_view(name));
      },
      &names};
  LSM_RETURN_IF_ERROR(files.List(directory, sink));
  std::sort(names.begin(), names.end());
  return names;
}

Status RemoveFlatDirectory(FileSystem& files, const std::string& directory) {
  if (!files.Exists(directory)) return Status::Ok();
  auto names = ListNames(files, directory);
  if (!names.ok()) return names.status();
  for (const std::string& name : *names) {
    LSM_RETURN_IF_ERROR(files.Remove(JoinPath(directory, name)));
  }
  return files.RemoveDirectory(directory);
}

}  // namespace nexadb::lsm
