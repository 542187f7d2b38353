// One history of storage-lsm on the simulated machine: clients write, the power goes or the process
// is killed, the store is opened again, and what it holds is compared with what was acknowledged.
//
// Each client owns the keys under its own prefix and writes numbered batches, one after the other;
// every batch puts its number under the client's marker key. After a crash the marker tells how
// many batches the store claims to hold, and the client's keys must be exactly what those batches
// make: so no batch is there in part, none is missing in the middle, and none comes back. The
// number must reach the last batch acknowledged with a durability that the crash had to respect.
#pragma once
#include <cstdint>
#include <string>

#include "core/base/prng.h"
#include "core/base/sim_env.h"
#include "plugins/storage-lsm/engine/engine.h"

namespace nexadb::crash {

struct HistoryOptions {
  uint64_t seed = 1;
  uint32_t cycles = 3;  // open, write, crash
  uint32_t clients = 2;
  uint32_t batches = 60;  // of each client in each cycle
  // The engine's machine, made of the simulated one; null: that itself.
  Env* (*machine)(base::SimEnv& env) = nullptr;
};

// Empty when every law held, or what was broken, with what it takes to see it again.
std::string RunHistory(const HistoryOptions& options);

}  // namespace nexadb::crash
