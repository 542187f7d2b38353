// VersionMap: every version of every key that some snapshot can still see, in one ordered map.
//
// A key holds its versions in commit order. Reading at sequence S takes the newest version not
// above S; a version may say that the key is gone. Versions that no pinned sequence can see are
// dropped as pins move on. It also answers what transactions ask on commit: was this key, or
// anything in this range, changed after S? For that, all changes after the oldest pin are kept.
//
// [serial]: the engine calls it under its mutex, one batch at a time.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "nexadb/storage_engine.h"

namespace nexadb::memory {

// Bookkeeping of one version: its vector slot, the buffer's header, the allocator's.
constexpr uint64_t kVersionOverheadBytes = 96;
// Stamps count the stamped mutations of a batch in two bytes.
constexpr uint64_t kStampsPerBatchMax = 65536;

struct Version {
  uint64_t sequence = 0;
  Buffer value;
  bool exists = false;
  // Made by adds alone, which commute with other adds.
  bool added = false;
};

// Checks sizes and shape of one mutation against the contract.
Status CheckMutation(const Mutation& mutation);
// Overwrites the hole of a stamped mutation's key or value.
void FillStamp(std::string* bytes, uint32_t offset, uint64_t sequence, uint64_t order);

class VersionMap {
 public:
  using Versions = std::vector<Version>;
  using Map = std::map<std::string, Versions, std::less<>>;

  explicit VersionMap(uint64_t budget_bytes) : budget_bytes_(budget_bytes) {}

  uint64_t last_sequence() const noexcept { return last_sequence_; }
  uint64_t used_bytes() const noexcept { return used_bytes_; }
  void set_budget(uint64_t bytes) noexcept { budget_bytes_ = bytes; }

  // All of the batch under the next sequence, which it returns, or nothing of it.
  Result<uint64_t> Commit(Span<const Mutation> batch);

  // What `sequence` sees of a key; null when it is absent.
  static const Version* Visible(const Versions& versions, uint64_t sequence);
  const Version* Find(std::string_view key, uint64_t sequence) const;
  const Map& map() const noexcept { return map_; }

  // Keeps what `sequence` sees until the matching Unpin.
  void Pin(uint64_t sequence) { ++pins_[sequence]; }
  void Unpin(uint64_t sequence);

  enum class Changes { kAll, kAllButAdds };
  // REQUIRES for all three: `sequence` is pinned.
  bool ChangedSince(std::string_view key, uint64_t sequence, Changes which) const;
  // [begin, end); an empty end reaches past the last key.
  bool RangeChangedSince(std::string_view begin, std::string_view end, uint64_t sequence) const;
  // A delete-range since then covered a part of the range, be it of absent keys.
  bool RangeDeletedSince(std::string_view begin, std::string_view end, uint64_t sequence) const;

  RangeEstimate Estimate(std::string_view begin, std::string_view end) const;

 private:
  struct Batch {
    std::map<std::string, Version, std::less<>> staged;
    std::vector<std::pair<std::string, std::string>> deleted_ranges;
    uint64_t stamps = 0;
    bool only_deletes = true;
  };
  struct DeletedRange {
    uint64_t sequence;
    std::string begin, end;
  };

  Status Stage(const Mutation& mutation, Batch* batch) const;
  Status StageAdd(const Mutation& mutation, Batch* batch) const;
  void StageDeleteRange(std::string_view begin, std::string_view end, Batch* batch) const;
  Status CheckBudget(const Batch& batch) const;
  void Install(Batch batch);
  void CollectGarbage();
  void Prune(const std::string& key, uint64_t oldest);

  Map map_;
  std::map<uint64_t, uint64_t> pins_;  // sequence → how often
  std::deque<DeletedRange> deleted_ranges_;
  // Keys that will have a version to drop once no pin is below the sequence.
  std::deque<std::pair<uint64_t, std::string>> garbage_;
  uint64_t last_sequence_ = 0;
  uint64_t used_bytes_ = 0;
  uint64_t live_rows_ = 0;
  uint64_t live_bytes_ = 0;
  uint64_t budget_bytes_;
};

// True when key < end, an empty end being past every key.
inline bool BeforeEnd(std::string_view key, std::string_view end) noexcept {
  return end.empty() || key < end;
}

}  // namespace nexadb::memory
