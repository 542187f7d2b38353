// WriteSet: what a transaction has written and not yet committed, with savepoints.
//
// The list of mutations is what gets committed; beside it stands their effect, so that the
// transaction reads its own writes. Keys and values are copied once and stay where they are until
// the transaction ends, so views of them hold. [serial]
#pragma once
#include <map>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nexadb/storage_engine.h"
#include "plugins/storage-lsm/read/row_source.h"
#include "plugins/storage-lsm/tombstones/range_tombstones.h"
#include "plugins/storage-lsm/util/key_ranges.h"

namespace nexadb::lsm {

// A transaction may hold so much; larger work is several transactions or an ingest.
constexpr uint64_t kTransactionBytesMax = uint64_t{256} << 20;

class WriteSet {
 public:
  // The effect of the writes on one key.
  struct Effect {
    bool decided = false;  // the transaction wrote or deleted the key
    std::optional<std::string_view> value;
  };
  // `sum`: for an add, the value that it makes, 8 bytes. kResourceExhausted: nothing was added.
  Status Add(const Mutation& mutation, std::string_view sum);
  Effect Find(std::string_view key) const;

  size_t size() const { return mutations_.size(); }
  void Truncate(size_t size);
  Span<const Mutation> mutations() const { return {mutations_.data(), mutations_.size()}; }

  // A frozen picture of the effect on [begin, end), for a cursor.
  std::unique_ptr<RowSource> Rows(std::string_view begin, std::string_view end) const;
  std::vector<Tombstone> Deletes(std::string_view begin, std::string_view end) const;
  const KeyRanges& deleted() const { return deleted_; }

 private:
  using Keys = std::pmr::map<std::string_view, std::optional<std::string_view>>;

  std::string_view Keep(std::string_view bytes);
  void Effects(size_t index);
  void Decide(std::string_view key, std::optional<std::string_view> value);

  // A write set only grows until it ends: its bytes, and beside them what finds them, lie one
  // behind the other instead of in an allocation each.
  std::pmr::monotonic_buffer_resource kept_;
  std::pmr::monotonic_buffer_resource nodes_;  // of keys_
  uint64_t kept_bytes_ = 0;
  std::vector<Mutation> mutations_;
  std::vector<std::string_view> sums_;  // beside mutations_; empty but for adds
  Keys keys_{&nodes_};
  KeyRanges deleted_;  // beneath keys_
};

}  // namespace nexadb::lsm
