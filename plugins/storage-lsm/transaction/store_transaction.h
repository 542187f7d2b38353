// StoreTransaction and StoreSnapshot: readers over one store at a fixed sequence.
//
// A transaction is optimistic: it takes no locks, remembers what it must not see changed, and the
// commit queue's leader checks that against the store itself, which keeps every version that an
// open transaction may ask about. So no state but the store's bounds what can be validated, and
// nothing aborts but a transaction that truly conflicts.
#pragma once
#include <set>
#include <string>

#include "nexadb/storage_engine.h"
#include "plugins/storage-lsm/engine/store.h"
#include "plugins/storage-lsm/read/store_cursor.h"
#include "plugins/storage-lsm/transaction/write_set.h"

namespace nexadb::lsm {

// A serializable transaction remembers so many keys and ranges it has read.
constexpr size_t kTransactionReadsMax = 1u << 20;

class StoreSnapshot final : public Snapshot {
 public:
  explicit StoreSnapshot(Store& store)
      : store_(store), held_(store.AcquireSnapshot()), sequence_(held_.sequence) {}
  virtual ~StoreSnapshot() { store_.ReleaseSnapshot(held_); }
  Result<Buffer> Get(BytesView key, const ReadOptions& options) noexcept override;
  Status GetMany(Span<const BytesView> keys, const ReadOptions& options,
                 Span<Lookup> out) noexcept override;
  Result<Handle<Cursor>> Scan(const ScanOptions& options) noexcept override;
  uint64_t Sequence() noexcept override { return sequence_; }
  void Release() noexcept override { delete this; }

 private:
  Store& store_;
  const SnapshotRegistry::Held held_;
  const lsm::Sequence sequence_;
};

class StoreTransaction final : public Transaction, private ScanObserver {
 public:
  // With kNeverWaits it reads memory alone too.
  StoreTransaction(Store& store, const TransactionOptions& options, CommitMode mode)
      : store_(store),
        serializable_(options.isolation == Isolation::kSerializable),
        mode_(mode),
        held_(store.AcquireSnapshot()),
        sequence_(held_.sequence) {}
  virtual ~StoreTransaction() { store_.ReleaseSnapshot(held_); }

  Result<Buffer> Get(BytesView key, const ReadOptions& options) noexcept override;
  Status GetMany(Span<const BytesView> keys, const ReadOptions& options,
                 Span<Lookup> out) noexcept override;
  Result<Handle<Cursor>> Scan(const ScanOptions& options) noexcept override;
  uint64_t Sequence() noexcept override { return sequence_; }
  Status Write(Span<const Mutation> mutations) noexcept override;
  Status Guard(BytesView key) noexcept override;
  Result<uint64_t> Savepoint() noexcept override;
  Status RollbackTo(uint64_t savepoint) noexcept override;
  Result<uint64_t> Commit(const WriteOptions& options) noexcept override;
  void Release() noexcept override { delete this; }

 private:
  void OnRead(std::string_view begin, std::string_view end) override;
  // The value as this transaction sees it; false when absent.
  Result<bool> Read(std::string_view key, ReadMode mode, Buffer* value);
  ReadMode ModeOf(const ReadOptions& options) const;
  Status Sum(const Mutation& mutation, std::string* sum);
  Status NoteRead(std::string_view key);
  void CollectValidation(Validation* validation) const;
  Status CheckOpen() const;

  Store& store_;
  const bool serializable_;
  const CommitMode mode_;
  const SnapshotRegistry::Held held_;
  const lsm::Sequence sequence_;
  WriteSet writes_;
  std::set<std::string, std::less<>> guards_;
  std::set<std::string, std::less<>> read_keys_;
  KeyRanges read_ranges_;
  bool over_ = false;
};

}  // namespace nexadb::lsm
