#include "plugins/admin-ui/embedded.h"

// Each file becomes two symbols of read-only data. A bare .section would move what follows into it,
// hence push and pop.
#define EMBED(symbol, name, path)          \
  __asm__(".pushsection .rodata\n" #symbol \
          "_begin:\n"                      \
          ".incbin \"" path "\"\n" #symbol "_end:\n.byte 0\n.popsection\n");
#include NEXADB_ASSET_LIST
#undef EMBED

extern "C" {
#define EMBED(symbol, name, path)                                           \
  extern const char symbol##_begin[] __attribute__((visibility("hidden"))); \
  extern const char symbol##_end[] __attribute__((visibility("hidden")));
#include NEXADB_ASSET_LIST
#undef EMBED
}

namespace nexadb::admin_ui {

std::span<const EmbeddedFile> EmbeddedFiles() {
  static const EmbeddedFile files[] = {
#define EMBED(symbol, name, path) \
  {name, {symbol##_begin, static_cast<size_t>(symbol##_end - symbol##_begin)}},
#include NEXADB_ASSET_LIST
#undef EMBED
  };
  return files;
}

}  // namespace nexadb::admin_ui
