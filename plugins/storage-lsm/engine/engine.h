// Engine: nexadb.storage_engine and its facets over one Store. The facet of backups is in
// engine_backup.cc. [any]
#pragma once
#include <memory>

#include "nexadb/storage_engine.h"
#include "plugins/storage-lsm/engine/store.h"

namespace nexadb::lsm {

class Engine final : public StorageEngine,
                     private StorageStatistics,
                     private StorageCheckpoint,
                     private StorageBackup,
                     private StorageCompaction,
                     private StorageIngest,
                     private StorageNonblocking,
                     private StorageChanges {
 public:
  // As Store::Open. [control]
  Status Open(Env& env, Logger* log, std::string directory, const StoreOptions& options) noexcept;
  // Every handle must have gone back. [control]
  Status Close() noexcept;

  Result<uint64_t> Write(Span<const Mutation> batch, const WriteOptions& options) noexcept override;
  Result<Handle<Snapshot>> OpenSnapshot() noexcept override;
  Result<Handle<Transaction>> Begin(const TransactionOptions& options) noexcept override;
  Result<RangeEstimate> EstimateRange(BytesView begin, BytesView end) noexcept override;
  Status Flush() noexcept override;
  StorageCapabilities Capabilities() noexcept override;
  void* Facet(const InterfaceId& id) noexcept override;

  // The store behind it, or null while closed. For tests and benchmarks.
  Store* store() noexcept { return store_.get(); }

 private:
  Result<Buffer> Statistics() noexcept override;
  Result<Buffer> ExplainGet(BytesView key) noexcept override;
  Status Verify() noexcept override;
  Status Compact(BytesView begin, BytesView end) noexcept override;
  Result<uint64_t> Ingest(Cursor& rows) noexcept override;
  Status ChangesSince(uint64_t after, const ChangeSink& sink) noexcept override;
  Result<Handle<Transaction>> BeginNonblocking(const TransactionOptions& options) noexcept override;
  Result<uint64_t> Checkpoint(StringView directory) noexcept override;
  Result<BackupInfo> Backup(StringView directory, const BackupWatch& watch) noexcept override;
  Status List(StringView folder, const BackupSink& sink) noexcept override;
  Result<BackupInfo> Describe(StringView directory) noexcept override;
  Status VerifyBackup(StringView directory, const BackupWatch& watch) noexcept override;
  Status Restore(StringView directory, StringView target,
                 const BackupWatch& watch) noexcept override;
  Status RestoreAtNextOpen(StringView directory, const BackupWatch& watch) noexcept override;
  Status Remove(StringView directory) noexcept override;
  Status CheckOpen() const;

  std::unique_ptr<Store> store_;
};

}  // namespace nexadb::lsm
