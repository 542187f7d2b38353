// Store: the versions and the mutex over them, shared by the engine and what it hands out.
#pragma once
#include "nexadb/env.h"
#include "plugins/storage-memory/version_map.h"

namespace nexadb::memory {

struct Store {
  Store(Env& env, uint64_t budget_bytes) : mutex(env.NewMutex()), versions(budget_bytes) {}

  Handle<Mutex> mutex;
  VersionMap versions;  // guarded by mutex
};

}  // namespace nexadb::memory
