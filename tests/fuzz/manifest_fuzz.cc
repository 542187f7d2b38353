// LINK: nexadb_loader
// Any text may stand in a plugin's manifest section: it is understood or refused with a message,
// and what is understood can be used to check a configuration.
#include "core/loader/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto manifest = nexadb::loader::ParseManifest(nexadb::AsText({data, size}));
  if (!manifest.ok()) {
    if (manifest.status().message().empty()) __builtin_trap();
    return 0;
  }
  nexadb::config::Problems problems;
  auto table = nexadb::config::Value::Table("fuzz");
  nexadb::config::Validate(manifest->config_schema, table, "", problems);
  return 0;
}
