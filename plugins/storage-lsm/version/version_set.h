// VersionSet: the current version and the manifest that makes its changes durable.
//
// A change is written and synced before anything depends on it; a manifest that fails once takes
// no more changes until the store is opened again. CURRENT names the manifest in use and is
// replaced by write, sync, rename, sync of the directory. Not thread-safe: the engine's manifest
// mutex stands around Apply and whatever must happen in the same order; NewNumber is [any].
#pragma once
#include <atomic>
#include <memory>
#include <string>

#include "plugins/storage-lsm/log/log_writer.h"
#include "plugins/storage-lsm/version/version.h"
#include "plugins/storage-lsm/version/version_edit.h"

namespace nexadb::lsm {

class VersionSet {
 public:
  // A manifest is written anew once it has `manifest_bytes`, and a few times its first record.
  // `vault` outlives the set; null: nothing in it is encrypted.
  VersionSet(Env& env, std::string directory, BlockCache& cache, uint64_t manifest_bytes,
             const Vault* vault = nullptr);

  // Makes an empty store. REQUIRES: no CURRENT.
  Status Create();
  // Reads CURRENT and its manifest and opens every table. Changes nothing on the disk.
  // kUnsupported: a newer format. A table that is there and damaged keeps its place: reads of it
  // fail, and TableFile::damaged is set. One that is missing fails the call: then the manifest may
  // be what is wrong, and going on from it would lose what it does not know.
  Status Recover();
  // Reads CURRENT and the manifest: kUnsupported when the store is of a newer format,
  // kPermissionDenied when a master key is missing that it needs. Changes nothing, here or there.
  Status CheckReadable();
  // The part of Recover that reads CURRENT and the manifest, and opens no table.
  Status ReadManifest(std::vector<std::pair<int, TableInfo>>& tables);
  // Becomes the set of a copy of another store, empty so far, for the Adopt and Rewrite that
  // follow.
  void AssumeIdentity(uint64_t store_id, uint64_t next_number);
  // Takes a change over without writing it down, for the Rewrite or Create that follows.
  Status Adopt(const VersionEdit& edit, const std::vector<TablePointer>& fresh);
  // Starts a new manifest with the current version alone, and makes it current. Required once
  // after Recover, before Apply. A failure before CURRENT is touched leaves the old manifest in
  // use; a later one leaves it in doubt, and Apply fails from then on.
  Status Rewrite();

  // Makes `edit` durable and current. `fresh`: the tables it adds, open already.
  // kResourceExhausted, unless in_doubt() follows, has changed nothing: try again with more room.
  Status Apply(VersionEdit edit, std::vector<TablePointer> fresh);
  // Nobody knows which version is durable; Apply fails from now on.
  bool in_doubt() { return !doubt_.ok() || !manifest_->failure().ok(); }

  Result<TablePointer> OpenTable(const TableInfo& info);
  const VersionPointer& current() const { return current_; }
  uint64_t NewNumber() { return next_number_.fetch_add(1, std::memory_order_relaxed); }
  uint64_t next_number() const { return next_number_.load(std::memory_order_relaxed); }
  // The counter passes `number`, which a file already has.
  void SkipNumber(uint64_t number);
  uint64_t wal_min() const { return wal_min_; }
  Sequence last_sequence() const { return last_sequence_; }
  uint64_t manifest_number() const { return manifest_number_; }
  uint64_t store_id() const { return store_id_; }
  ObsoleteTables& obsolete_tables() { return obsolete_tables_; }
  const std::string& directory() const { return directory_; }

 private:
  Status ReadCurrent(std::string* manifest, uint64_t* number);
  // Of the store: encrypted as soon as any part of it is.
  uint32_t Format() const;
  // Writes the CURRENT to be, which names manifest `number`, and puts it into its place.
  Status PrepareCurrent(uint64_t number);
  Status SwitchCurrent();
  Status ReplayEdit(BytesView payload, std::vector<std::pair<int, TableInfo>>& tables);
  Status OpenAll(const std::vector<std::pair<int, TableInfo>>& tables);
  // The table, or where it is damaged what stands for it.
  Result<TablePointer> OpenOrQuarantine(const TableInfo& info);
  // Kept on every edit: counters do not fall, tables are older than the counter of numbers.
  Status CheckEdit(const VersionEdit& edit) const;
  static Status AppendEdit(LogWriter& log, const VersionEdit& edit);
  Result<std::unique_ptr<LogWriter>> WriteSnapshot(uint64_t number);
  VersionEdit Snapshot() const;

  Env& env_;
  const std::string directory_;
  BlockCache& cache_;
  const uint64_t manifest_bytes_;
  const Vault* const vault_;
  ObsoleteTables obsolete_tables_;
  VersionPointer current_;
  std::unique_ptr<LogWriter> manifest_;
  std::atomic<uint64_t> next_number_{1};
  uint64_t manifest_number_ = 0;
  uint64_t rewrite_at_ = 0;  // bytes of the manifest
  Status doubt_;             // what left CURRENT in doubt
  uint64_t wal_min_ = 0;
  Sequence last_sequence_ = 0;
  uint64_t store_id_ = 0;
};

// Adds and removes tables, in order, and checks the result.
Result<VersionPointer> ApplyEdit(const Version& base, const VersionEdit& edit,
                                 const std::vector<TablePointer>& fresh);

}  // namespace nexadb::lsm
