// Salvage: copies what is whole out of a store that is damaged into a new one, and tells what is
// lost. Only ever run by an explicit command; the source is read and never written, not even its
// lock. With no target it only looks: an offline verify. [control]
//
// Intact tables are copied as they are. Of a damaged one every intact block is kept, found by scan
// where the index is lost. Of a log every intact record that no table has yet is kept, also behind
// damage. Where the manifest is lost every table found is merged into one run, by sequence: what
// had been deleted long ago may come back then, if tables lie about that were no longer in use.
//
// What is lost is lost: an older value of a key may show where a newer one, or a delete, was.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "nexadb/env.h"
#include "plugins/storage-lsm/encryption/key_ring.h"

namespace nexadb::lsm {

struct Loss {
  std::string file;
  std::string what;  // in words, with the offset
  // The keys that may be concerned, [begin, end), when `ranged`; an empty end is the last of all.
  bool ranged = false;
  std::string begin;
  std::string end;
};

struct SalvageReport {
  std::vector<Loss> losses;
  uint64_t tables_whole = 0;
  uint64_t tables_in_part = 0;
  uint64_t tables_lost = 0;
  uint64_t rows_kept = 0;    // entries, deletes and older versions included
  uint64_t rows_lost = 0;    // of tables whose count is known
  uint64_t log_records = 0;  // kept
};

struct SalvageOptions {
  std::shared_ptr<const KeyRing> keys;  // of the source, and for the target
  std::string target;                   // must not exist; empty: only look
};

// A failure means that nothing can be said (no such directory, a missing key, a newer format, the
// store is open elsewhere) or that the target could not be written; what it had made is removed.
Result<SalvageReport> Salvage(Env& env, const std::string& source, const SalvageOptions& options);

}  // namespace nexadb::lsm
