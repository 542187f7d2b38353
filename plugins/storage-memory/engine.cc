#include "plugins/storage-memory/engine.h"

#include <memory>
#include <utility>

#include "core/base/mutex_lock.h"
#include "nexadb/sdk/guard.h"
#include "plugins/storage-memory/cursor.h"
#include "plugins/storage-memory/transaction.h"

namespace nexadb::memory {
namespace {

class MemorySnapshot final : public Snapshot {
 public:
  explicit MemorySnapshot(Store& store) : store_(store) {
    base::MutexLock hold(store_.mutex);
    sequence_ = store_.versions.last_sequence();
    store_.versions.Pin(sequence_);
  }

  Result<Buffer> Get(BytesView key, const ReadOptions&) noexcept override {
    return sdk::Guard([&]() -> Result<Buffer> {
      base::MutexLock hold(store_.mutex);
      const Version* version = store_.versions.Find(AsText(key), sequence_);
      if (version == nullptr) return Status::Error(Code::kNotFound, "key not found");
      return version->value;
    });
  }
  Status GetMany(Span<const BytesView> keys, const ReadOptions&,
                 Span<Lookup> out) noexcept override {
    return sdk::Guard([&]() -> Status {
      base::MutexLock hold(store_.mutex);
      for (size_t i = 0; i < keys.size(); ++i) {
        const Version* version = store_.versions.Find(AsText(keys[i]), sequence_);
        out[i] = version != nullptr ? Lookup{version->value, 1, 0} : Lookup{};
      }
      return {};
    });
  }
  Result<Handle<Cursor>> Scan(const ScanOptions& options) noexcept override {
    return sdk::Guard([&]() -> Result<Handle<Cursor>> {
      auto no_writes = std::make_shared<Overlay>();
      return Handle<Cursor>(
          new MemoryCursor(store_, sequence_, options, std::move(no_writes), nullptr));
    });
  }
  uint64_t Sequence() noexcept override { return sequence_; }
  void Release() noexcept override { delete this; }

 private:
  ~MemorySnapshot() {
    base::MutexLock hold(store_.mutex);
    store_.versions.Unpin(sequence_);
  }

  Store& store_;
  uint64_t sequence_;
};

}  // namespace

Result<uint64_t> MemoryEngine::Write(Span<const Mutation> batch, const WriteOptions&) noexcept {
  return sdk::Guard([&]() -> Result<uint64_t> {
    base::MutexLock hold(store_.mutex);
    return store_.versions.Commit(batch);
  });
}

Result<Handle<Snapshot>> MemoryEngine::OpenSnapshot() noexcept {
  return sdk::Guard(
      [&]() -> Result<Handle<Snapshot>> { return Handle<Snapshot>(new MemorySnapshot(store_)); });
}

Result<Handle<Transaction>> MemoryEngine::Begin(const TransactionOptions& options) noexcept {
  return sdk::Guard([&]() -> Result<Handle<Transaction>> {
    return Handle<Transaction>(new MemoryTransaction(store_, options.isolation));
  });
}

void* MemoryEngine::Facet(const InterfaceId& id) noexcept {
  const bool nonblocking = std::string_view(id.name) == StorageNonblocking::kInterface.name &&
                           id.major == StorageNonblocking::kInterface.major;
  return nonblocking ? static_cast<StorageNonblocking*>(this) : nullptr;
}

Result<RangeEstimate> MemoryEngine::EstimateRange(BytesView begin, BytesView end) noexcept {
  return sdk::Guard([&]() -> Result<RangeEstimate> {
    base::MutexLock hold(store_.mutex);
    return store_.versions.Estimate(AsText(begin), AsText(end));
  });
}

StorageCapabilities MemoryEngine::Capabilities() noexcept {
  StorageCapabilities capabilities;
  capabilities.durability = Durability::kProcess;
  return capabilities;
}

void MemoryEngine::SetBudget(uint64_t bytes) {
  base::MutexLock hold(store_.mutex);
  store_.versions.set_budget(bytes);
}

uint64_t MemoryEngine::UsedBytes() {
  base::MutexLock hold(store_.mutex);
  return store_.versions.used_bytes();
}

}  // namespace nexadb::memory
