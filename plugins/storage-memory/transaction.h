// MemoryTransaction: reads a pinned snapshot with its own writes over it; on commit, under the
// store's mutex, checks that nothing it depends on has changed since, and applies all or nothing.
#pragma once
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "plugins/storage-memory/overlay.h"
#include "plugins/storage-memory/read_set.h"
#include "plugins/storage-memory/store.h"

namespace nexadb::memory {

class MemoryTransaction final : public Transaction {
 public:
  MemoryTransaction(Store& store, Isolation isolation);

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
  void Release() noexcept override;

 private:
  struct Owned {
    Mutation::Op op;
    uint32_t stamp_offset;
    std::string key;
    Buffer value;
    Mutation View() const { return {op, stamp_offset, AsBytes(key), value.bytes()}; }
  };

  ~MemoryTransaction();
  // REQUIRES: the store's mutex is held, here and in all that follow.
  Lookup Read(std::string_view key);
  Status ApplyTo(Overlay* overlay, const Mutation& mutation) const;
  Status Validate() const;
  Status ValidateWrites() const;

  Store& store_;
  const Isolation isolation_;
  uint64_t sequence_;
  std::vector<Owned> writes_;
  std::shared_ptr<Overlay> overlay_ = std::make_shared<Overlay>();  // shared with open cursors
  std::set<std::string, std::less<>> guards_;
  ReadSet reads_;
  bool over_ = false;
};

}  // namespace nexadb::memory
