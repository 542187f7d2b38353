#include "plugins/auth-apikey/key_store.h"

#include <algorithm>

namespace nexadb::auth {
namespace {

constexpr std::string_view kMagic = "nexadb keys 1\n";
// 10,000 keys with a hundred patterns each fit many times over.
constexpr uint64_t kStoreBytesMax = 1ull << 30;

}  // namespace

std::string EncodeKeys(const std::vector<KeyRecord>& records) {
  bson::Builder document;
  document.OpenArray("keys");
  for (size_t i = 0; i < records.size(); ++i) {
    document.OpenObject(std::to_string(i));
    AppendStored(records[i], document);
    document.Close();
  }
  document.Close();
  const std::string body = document.Finish();
  const Digest checksum = DigestOf(body);
  std::string bytes(kMagic);
  bytes.append(reinterpret_cast<const char*>(checksum.data()), checksum.size());
  return bytes.append(body);
}

const char* DecodeKeys(std::string_view bytes, std::vector<KeyRecord>& records) {
  if (!bytes.starts_with(kMagic)) return "it is not a key store of this version";
  bytes.remove_prefix(kMagic.size());
  Digest checksum;
  if (bytes.size() < checksum.size()) return "it is cut short";
  std::copy_n(reinterpret_cast<const uint8_t*>(bytes.data()), checksum.size(), checksum.begin());
  bytes.remove_prefix(checksum.size());
  if (!Equal(checksum, DigestOf(bytes))) return "its checksum does not match its content";
  if (bson::Validate(AsBytes(bytes)) != nullptr) return "its content is no BSON";
  const bson::Element keys = bson::Document(AsBytes(bytes))["keys"];
  if (keys.type() != bson::Type::kArray) return "it has no keys";
  for (const bson::Element& key : keys.value().Doc()) {
    if (key.type() != bson::Type::kObject) return "a key is no object";
    KeyRecord record;
    if (const char* wrong = ReadStored(key.value().Doc(), record)) return wrong;
    for (const KeyRecord& other : records) {
      if (other.id == record.id) return "two keys have one id";
    }
    records.push_back(std::move(record));
  }
  return nullptr;
}

Result<std::string> ReadSmallFile(FileSystem& files, const std::string& path, uint64_t bytes_max) {
  auto file = files.Open(path, FileMode::kRead);
  if (!file.ok()) return file.status();
  auto size = (*file)->Size();
  if (!size.ok()) return size.status();
  if (*size > bytes_max) {
    return Status::Error(Code::kResourceExhausted,
                         path + " has " + std::to_string(*size) + " bytes, over the " +
                             std::to_string(bytes_max) + " that are read");
  }
  std::string bytes(static_cast<size_t>(*size), '\0');
  auto read = (*file)->ReadAt(0, {reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()});
  if (!read.ok()) return read.status();
  bytes.resize(static_cast<size_t>(*read));
  return bytes;
}

Status WriteFileAtomically(FileSystem& files, const std::string& directory, const std::string& path,
                           std::string_view bytes) {
  const std::string temporary = path + ".tmp";
  // Made anew, so that it has the mode 0600 of a new file whatever stood there.
  if (files.Exists(temporary)) {
    if (Status removed = files.Remove(temporary); !removed.ok()) return removed;
  }
  {
    auto file = files.Open(temporary, FileMode::kCreateNew);
    if (!file.ok()) return file.status();
    if (Status written = (*file)->WriteAt(0, AsBytes(bytes)); !written.ok()) return written;
    if (Status synced = (*file)->Sync(); !synced.ok()) return synced;
  }
  if (Status renamed = files.Rename(temporary, path); !renamed.ok()) return renamed;
  return files.SyncDirectory(directory);
}

Result<std::optional<std::vector<KeyRecord>>> KeyStore::Load() {
  if (!files_.Exists(path_)) return std::optional<std::vector<KeyRecord>>();
  auto bytes = ReadSmallFile(files_, path_, kStoreBytesMax);
  if (!bytes.ok()) return bytes.status();
  std::vector<KeyRecord> records;
  if (const char* wrong = DecodeKeys(*bytes, records)) {
    return Status::Error(Code::kCorruption,
                         "key store " + path_ + ": " + wrong +
                             ". Nothing was changed. Put a good copy back, or move the file away "
                             "to start again with the key of root.key alone.");
  }
  return std::optional(std::move(records));
}

Status KeyStore::Save(const std::vector<KeyRecord>& records) {
  if (Status made = files_.CreateDirectories(directory_); !made.ok()) return made;
  return WriteFileAtomically(files_, directory_, path_, EncodeKeys(records));
}

}  // namespace nexadb::auth
