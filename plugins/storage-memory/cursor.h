// MemoryCursor: walks a range of one snapshot, with a transaction's own writes laid over it.
//
// Its position is a key, so the map may change between calls. Rows of a call are pinned by copies
// of their keys and references to their values, until the next call. [serial]
#pragma once
#include <deque>
#include <memory>
#include <string>

#include "plugins/storage-memory/overlay.h"
#include "plugins/storage-memory/read_set.h"
#include "plugins/storage-memory/store.h"

namespace nexadb::memory {

class MemoryCursor final : public Cursor {
 public:
  // `reads` may be null, and outlives the cursor.
  MemoryCursor(Store& store, uint64_t sequence, const ScanOptions& options,
               std::shared_ptr<const Overlay> overlay, ReadSet* reads);

  Result<uint64_t> Next(Span<Row> rows) noexcept override;
  Status Seek(BytesView key) noexcept override;
  void Release() noexcept override { delete this; }

 private:
  // Where the walk stands: before or after a key, or past the last one (reverse, open end).
  struct Position {
    std::string key;
    bool past_key = false;  // the row at `key` has been passed
    bool at_last = false;   // reverse only: from the last key of all
  };
  struct PinnedRow {
    std::string key;
    Buffer value;
  };

  uint64_t Fill(Span<Row> rows);
  void FillForward(size_t count);
  void FillReverse(size_t count);
  void Pin(const std::string& key, const Buffer& value) { pinned_.push_back({key, value}); }
  void RecordReads(const Position& from, bool exhausted);
  bool InRange(std::string_view key) const;

  Store& store_;
  const uint64_t sequence_;
  const bool reverse_;
  const std::string begin_, end_;
  const std::shared_ptr<const Overlay> overlay_;
  ReadSet* const reads_;
  Position position_;
  std::deque<PinnedRow> pinned_;
};

}  // namespace nexadb::memory
