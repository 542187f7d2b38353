// LINK: storage-lsm.objects nexadb_base
// Version edits, the records of manifests: any bytes are refused, or survive a round trip.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "plugins/storage-lsm/version/version_edit.h"

using namespace nexadb;
using namespace nexadb::lsm;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  VersionEdit edit;
  if (!VersionEdit::Decode({data, size}, &edit).ok()) return 0;
  std::string bytes;
  edit.Encode(bytes);
  VersionEdit again;
  if (!VersionEdit::Decode(AsBytes(bytes), &again).ok()) std::abort();
  std::string twice;
  again.Encode(twice);
  if (bytes != twice) std::abort();
  return 0;
}
