#include "plugins/storage-lsm/format/file_names.h"

#include <charconv>
#include <cstdio>

namespace nexadb::lsm {
namespace {

std::string Padded(uint64_t number) {
  char text[32];
  std::snprintf(text, sizeof(text), "%06llu", static_cast<unsigned long long>(number));
  return text;
}

bool ParseNumber(std::string_view text, uint64_t* number) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

}  // namespace

std::string ParentOf(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string WalName(uint64_t number) { return Padded(number) + ".wal"; }
std::string TableName(uint64_t number) { return Padded(number) + ".sst"; }
std::string ManifestName(uint64_t number) { return "MANIFEST-" + Padded(number); }

FileName ParseFileName(std::string_view name) {
  FileName parsed;
  if (name.ends_with(".tmp")) return {FileType::kTemporary, 0};
  if (name.starts_with("MANIFEST-") && ParseNumber(name.substr(9), &parsed.number)) {
    parsed.type = FileType::kManifest;
    return parsed;
  }
  if (name.size() <= 4 || !ParseNumber(name.substr(0, name.size() - 4), &parsed.number)) return {};
  if (name.ends_with(".wal")) parsed.type = FileType::kWal;
  if (name.ends_with(".sst")) parsed.type = FileType::kTable;
  return parsed;
}

}  // namespace nexadb::lsm
