// LINK: storage-lsm.objects nexadb_base
// The list of files in a backup: any text is refused, or is exactly what encoding it gives again. A
// second pass puts the right checksum under the text, which no fuzzer would guess.
#include <cinttypes>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "core/base/checksum.h"
#include "plugins/storage-lsm/backup/backup_list.h"

using namespace nexadb;
using namespace nexadb::lsm;

namespace {

void Check(std::string_view text) {
  BackupList list;
  if (!BackupList::Decode(text, &list)) return;
  if (list.Encode() != text) std::abort();
  if (list.Info().files != list.files.size()) std::abort();
  for (const BackupFile& file : list.files) {
    // A name never leads out of the backup's directory.
    if (file.name.empty() || file.name.find('/') != std::string::npos) std::abort();
    if (list.Find(file.name) == nullptr) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  Check(input);
  std::string sealed(input.substr(0, input.rfind("checksum ")));
  char line[40];
  std::snprintf(line, sizeof(line), "checksum %016" PRIx64 "\n", base::Checksum64(AsBytes(sealed)));
  Check(sealed.append(line));
  return 0;
}
