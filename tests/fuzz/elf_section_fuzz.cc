// LINK: nexadb_base
// Any bytes may be offered as a plugin: reading its sections never leaves them.
#include "core/base/elf_section.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const nexadb::BytesView file(data, size);
  for (const char* name : {".nexadb.plugin", ".nexadb.abi", ""}) {
    auto section = nexadb::base::FindSection(file, name);
    if (!section.ok()) continue;
    const bool inside = section->empty() || (section->data() >= data &&
                                             section->data() + section->size() <= data + size);
    if (!inside) __builtin_trap();
  }
  return 0;
}
