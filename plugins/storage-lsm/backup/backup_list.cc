#include "plugins/storage-lsm/backup/backup_list.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "core/base/checksum.h"
#include "plugins/storage-lsm/format/file_names.h"
#include "plugins/storage-lsm/util/error.h"

namespace nexadb::lsm {
namespace {

constexpr std::string_view kMagic = "nexadb-lsm-backup 1\n";
// Room for a line of each of a million tables.
constexpr uint64_t kListBytesMax = 64u << 20;

void AppendHex(std::string& out, uint64_t v) {
  char text[24];
  std::snprintf(text, sizeof(text), "%016llx", static_cast<unsigned long long>(v));
  out.append(text);
}

// Takes the text up to `end` off the front; false when `end` is not there.
bool TakeWord(std::string_view& text, char end, std::string_view* word) {
  const size_t at = text.find(end);
  if (at == std::string_view::npos) return false;
  *word = text.substr(0, at);
  text.remove_prefix(at + 1);
  return true;
}

template <class Number>
bool TakeNumber(std::string_view& text, char end, Number* number, int base = 10) {
  std::string_view word;
  if (!TakeWord(text, end, &word)) return false;
  auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), *number, base);
  return error == std::errc() && stop == word.data() + word.size() && !word.empty();
}

template <class Number>
bool TakeMember(std::string_view& text, std::string_view name, Number* number, int base = 10) {
  std::string_view word;
  return TakeWord(text, ' ', &word) && word == name && TakeNumber(text, '\n', number, base);
}

bool TakeFile(std::string_view& text, BackupFile* file) {
  std::string_view name;
  if (!TakeWord(text, ' ', &name) || name.empty() || name.find('/') != name.npos) return false;
  file->name = name;
  return TakeNumber(text, ' ', &file->bytes) && TakeNumber(text, '\n', &file->checksum, 16);
}

}  // namespace

std::string BackupList::Encode() const {
  std::string out(kMagic);
  out.append("sequence ").append(std::to_string(sequence));
  out.append("\ncreated_ms ").append(std::to_string(created_ms));
  out.append("\nstore ");
  AppendHex(out, store_id);
  out.append("\nbytes_copied ").append(std::to_string(bytes_copied));
  out.append("\nfiles ").append(std::to_string(files.size())).append("\n");
  for (const BackupFile& file : files) {
    out.append(file.name).append(" ").append(std::to_string(file.bytes)).append(" ");
    AppendHex(out, file.checksum);
    out.append("\n");
  }
  const uint64_t check = base::Checksum64(AsBytes(out));
  out.append("checksum ");
  AppendHex(out, check);
  return out.append("\n");
}

bool BackupList::Decode(std::string_view text, BackupList* list) {
  const std::string_view whole = text;
  uint64_t count = 0;
  if (!text.starts_with(kMagic)) return false;
  text.remove_prefix(kMagic.size());
  if (!TakeMember(text, "sequence", &list->sequence) ||
      !TakeMember(text, "created_ms", &list->created_ms) ||
      !TakeMember(text, "store", &list->store_id, 16) ||
      !TakeMember(text, "bytes_copied", &list->bytes_copied) ||
      !TakeMember(text, "files", &count)) {
    return false;
  }
  list->files.clear();
  for (uint64_t i = 0; i < count; ++i) {
    BackupFile file;
    if (!TakeFile(text, &file)) return false;
    list->files.push_back(std::move(file));
  }
  return list->Encode() == whole;
}

const BackupFile* BackupList::Find(std::string_view name) const {
  const auto at = std::find_if(files.begin(), files.end(),
                               [&](const BackupFile& file) { return file.name == name; });
  return at == files.end() ? nullptr : &*at;
}

BackupInfo BackupList::Info() const {
  BackupInfo info;
  info.sequence = sequence;
  info.created_ms = created_ms;
  info.files = files.size();
  for (const BackupFile& file : files) info.bytes += file.bytes;
  info.bytes_copied = bytes_copied;
  return info;
}

Result<BackupList> ReadBackupList(FileSystem& files, const std::string& directory) {
  if (!files.Exists(directory))
    return Status::Error(Code::kNotFound, directory + ": no such backup");
  const std::string path = JoinPath(directory, kBackupName);
  if (!files.Exists(path)) {
    return Invalid(directory + ": not a complete backup, for it has no file BACKUP");
  }
  auto file = files.Open(path, FileMode::kRead);
  if (!file.ok()) return file.status();
  auto size = (*file)->Size();
  if (!size.ok()) return size.status();
  if (*size > kListBytesMax) return Corruption(path, 0, "not a list of files,");
  std::string text(*size, '\0');
  auto got = (*file)->ReadAt(0, {reinterpret_cast<uint8_t*>(text.data()), text.size()});
  if (!got.ok()) return got.status();
  text.resize(*got);
  BackupList list;
  if (!BackupList::Decode(text, &list)) return Corruption(path, 0, "damaged list of files,");
  return list;
}

Status WriteBackupList(FileSystem& files, const std::string& directory, const BackupList& list) {
  auto file = files.Open(JoinPath(directory, kBackupName), FileMode::kTruncate);
  if (!file.ok()) return file.status();
  LSM_RETURN_IF_ERROR((*file)->WriteAt(0, AsBytes(list.Encode())));
  return (*file)->Sync();
}

}  // namespace nexadb::lsm
