// Environment: what every part of the database shares: the services that the kernel leased, the
// settings, and the database's own registries. Made by the plugin's Start, outlives all sessions.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/document/object_id.h"
#include "nexadb/plugin.h"
#include "nexadb/storage_engine.h"
#include "nexadb/vector_index.h"
#include "plugins/database-document/session/settings.h"

namespace nexadb::database {

class Catalog;
class ChangeHub;
class TaskTable;
class CursorStore;
class VectorRegistry;

struct Environment {
  Environment();
  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  StorageEngine& store() const { return *storage; }
  uint64_t NowNs() const { return system->Clock().MonotonicNs(); }
  int64_t NowMs() const { return system->Clock().UnixMs(); }

  Settings settings;
  ServiceRef<StorageEngine> storage;
  StorageNonblocking* nonblocking = nullptr;  // of storage; null where it has no such part
  std::vector<ServiceRef<VectorIndexProvider>> vector_providers;
  Env* system = nullptr;
  Executor* executor = nullptr;
  Logger* log = nullptr;
  std::string data_directory;
  std::unique_ptr<ObjectIdGenerator> object_ids;
  std::unique_ptr<IdGenerator> ids;

  std::unique_ptr<Catalog> catalog;
  std::unique_ptr<CursorStore> cursors;
  std::unique_ptr<VectorRegistry> vectors;
  std::unique_ptr<ChangeHub> changes;
  std::unique_ptr<TaskTable> tasks;
};

}  // namespace nexadb::database
