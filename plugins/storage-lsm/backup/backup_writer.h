// Makes a backup of tables that do not change while it runs.
//
// Everything is made in "<directory>.partial"; once all of it is durable, one rename makes it the
// backup. Tables are shared by hard link where that can be, and a table is only taken once it has
// been read and found intact, so damage never spreads into a backup. [serial]
#pragma once
#include <string>

#include "plugins/storage-lsm/backup/backup_list.h"
#include "plugins/storage-lsm/backup/file_copy.h"
#include "plugins/storage-lsm/version/version_set.h"

namespace nexadb::lsm {

// What a backup is made of: a version that is pinned, and what its manifest says beside.
struct FrozenStore {
  std::string directory;
  VersionPointer version;
  Sequence sequence = 0;  // all up to it, and nothing above it, lies in the tables
  uint64_t store_id = 0;
  uint64_t next_number = 0;
  const Vault* vault = nullptr;  // encrypts the backup's manifest as it does the store's
};

Result<BackupList> WriteBackup(Env& env, const FrozenStore& store, const std::string& directory,
                               const BackupWatch& watch);

}  // namespace nexadb::lsm
