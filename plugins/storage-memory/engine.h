// MemoryEngine: nexadb.storage_engine over a VersionMap and one mutex. The smallest engine that
// keeps every promise of the contract: the oracle that other engines are compared with.
#pragma once
#include "nexadb/storage_engine.h"
#include "plugins/storage-memory/store.h"

namespace nexadb::memory {

class MemoryEngine final : public StorageEngine, private StorageNonblocking {
 public:
  MemoryEngine(Env& env, uint64_t budget_bytes) : store_(env, budget_bytes) {}
  ~MemoryEngine() = default;

  Result<uint64_t> Write(Span<const Mutation> batch, const WriteOptions& options) noexcept override;
  Result<Handle<Snapshot>> OpenSnapshot() noexcept override;
  Result<Handle<Transaction>> Begin(const TransactionOptions& options) noexcept override;
  Result<RangeEstimate> EstimateRange(BytesView begin, BytesView end) noexcept override;
  Status Flush() noexcept override { return {}; }
  StorageCapabilities Capabilities() noexcept override;
  void* Facet(const InterfaceId& id) noexcept override;

  // [any] Takes effect with the next write.
  void SetBudget(uint64_t bytes);
  // [any] What keys, values, old versions and bookkeeping take.
  uint64_t UsedBytes();

 private:
  // Nothing here waits but for the mutex.
  Result<Handle<Transaction>> BeginNonblocking(
      const TransactionOptions& options) noexcept override {
    return Begin(options);
  }

  Store store_;
};

}  // namespace nexadb::memory
