// PlantedMachine: a machine whose disk breaks one promise that the storage engine relies on. For
// lsm_mutants, which wants each of them noticed. [serial], as SimEnv.
#pragma once
#include <memory>
#include <string>

#include "core/base/sim_env.h"

namespace nexadb::crash {

enum class BrokenPromise {
  kNone,
  kNoSyncOfLogs,    // Sync of a log says OK and does nothing
  kLateSyncOfLogs,  // Sync of a log is carried out by the next one: acknowledged before synced
  kNoSyncOfTables,
  kNoSyncOfManifests,
  kNoSyncOfCurrent,
  kNoSyncOfDirectories,
  kSyncTriedAgain,  // a failed sync is tried again, and the second answer believed
};

// The machine lives as long as the simulated one under it; one at a time.
Env* Planted(base::SimEnv& env, BrokenPromise promise);

}  // namespace nexadb::crash
