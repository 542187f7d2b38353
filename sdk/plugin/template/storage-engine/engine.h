// Engine: the store. Any thread may call it; one mutex stands around the current version and the
// commits that open transactions have not seen.
#pragma once
#include <deque>
#include <set>
#include <vector>

#include "nexadb/env.h"
#include "rows.h"

namespace storage_example {

// What a transaction has read and written, for its commit.
struct WriteSet {
  uint64_t snapshot = 0;
  std::vector<OwnedMutation> mutations;
  std::vector<KeyRange> validated;  // guards and, when serializable, reads
};

class Engine final : public nexadb::StorageEngine {
 public:
  // More than `rows_max` rows are refused with kResourceExhausted.
  Engine(nexadb::Env& env, uint64_t rows_max);

  nexadb::Result<uint64_t> Write(nexadb::Span<const nexadb::Mutation> batch,
                                 const nexadb::WriteOptions& options) noexcept override;
  nexadb::Result<nexadb::Handle<nexadb::Snapshot>> OpenSnapshot() noexcept override;
  nexadb::Result<nexadb::Handle<nexadb::Transaction>> Begin(
      const nexadb::TransactionOptions& options) noexcept override;
  nexadb::Result<nexadb::RangeEstimate> EstimateRange(nexadb::BytesView begin,
                                                      nexadb::BytesView end) noexcept override;
  nexadb::Status Flush() noexcept override { return {}; }
  nexadb::StorageCapabilities Capabilities() noexcept override { return {}; }
  void* Facet(const nexadb::InterfaceId&) noexcept override { return nullptr; }

  // For transactions: kConflict when somebody else was first. Throws std::bad_alloc.
  nexadb::Result<uint64_t> Commit(const WriteSet& set);
  void End(uint64_t snapshot) noexcept;

 private:
  struct Change {
    KeyRange range;
    bool is_add;
  };
  struct Commits {
    uint64_t sequence;
    std::vector<Change> changes;
  };
  nexadb::Result<uint64_t> Install(nexadb::Span<const nexadb::Mutation> batch);
  bool Conflicts(const WriteSet& set) const;

  const uint64_t rows_max_;
  const nexadb::Handle<nexadb::Mutex> mutex_;  // around all below
  Version version_ = std::make_shared<const Rows>();
  uint64_t sequence_ = 0;
  std::multiset<uint64_t> open_;  // the snapshots of open transactions
  std::deque<Commits> recent_;    // above the oldest of them
};

}  // namespace storage_example
