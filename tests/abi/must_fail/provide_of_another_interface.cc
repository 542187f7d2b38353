// gcc: cannot convert
// clang: no known conversion from
#include "nexadb/plugin.h"
#include "nexadb/storage_engine.h"

nexadb::Status Provide(nexadb::PluginContext& context,
                       [[maybe_unused]] nexadb::StorageEngine& engine,
                       [[maybe_unused]] nexadb::Snapshot& other) {
#ifdef BREAK_THE_RULE
  return context.Provide<nexadb::StorageEngine>(other);
#else
  return context.Provide<nexadb::StorageEngine>(engine);
#endif
}
