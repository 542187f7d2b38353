// Laws of durable storage engines under power cuts and failing disks, on simulated machines:
//
//  * what was acknowledged at Durability::kDisk survives every power cut, at any operation of the
//    disk, recovery included, whatever unsynced blocks, torn writes and names the cut leaves;
//  * what was written at Durability::kOs survives the kill of the process;
//  * the batch in flight is there wholly or not at all, and recovery always succeeds;
//  * a write that the disk refused is not acknowledged, and takes nothing acknowledged with it.
//
// The failing seed is printed with the law; NEXADB_CRASH_SEED runs that one alone, and
// NEXADB_CRASH_SEEDS sets how many are tried.
#pragma once
#include <string>

namespace nexadb::testkit {

// Registers <name>Crash.<Law> for the plugin in `library`, configured with `config` (JSON).
// Give it small buffers, so that short histories reach flushes and compactions.
void RegisterStorageCrashSuite(const std::string& name, const std::string& library,
                               const std::string& config);

}  // namespace nexadb::testkit
