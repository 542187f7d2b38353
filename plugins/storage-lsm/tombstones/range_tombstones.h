// RangeTombstones: what range deletes have covered, as disjoint fragments in key order, each with
// the sequences that cover it, newest first. A key is covered at a snapshot by the newest sequence
// not above it; an entry is deleted when that sequence is above the entry's own.
//
// Fragments are shared between a list and those made of it, so that one more range delete costs the
// fragments that it meets, and a pointer for each of the others.
// Immutable once built, so any thread reads it without a lock. Throws std::bad_alloc only.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/storage-lsm/format/key.h"

namespace nexadb::lsm {

struct Tombstone {
  std::string begin;
  std::string end;  // empty: past the last key
  Sequence sequence = 0;
};

class RangeTombstones {
 public:
  struct Fragment {
    std::string begin;
    std::string end;
    std::vector<Sequence> sequences;  // newest first, never empty
  };
  using FragmentPointer = std::shared_ptr<const Fragment>;

  RangeTombstones() = default;
  // Cuts overlapping tombstones into fragments. Empty ranges vanish.
  static RangeTombstones Build(std::vector<Tombstone> tombstones);
  // The same with one more. REQUIRES: no sequence here is above that of `newest`.
  RangeTombstones With(const Tombstone& newest) const;

  // The newest sequence at or below `snapshot` that covers `key`; 0 for none.
  Sequence Cover(std::string_view key, Sequence snapshot) const {
    return fragments_.empty() ? 0 : CoverSlow(key, snapshot);
  }
  // The fragment that holds `key`, or null.
  const Fragment* Find(std::string_view key) const;
  // Whether some part of [begin, end) is covered by a sequence above `sequence`.
  bool AnyNewer(std::string_view begin, std::string_view end, Sequence sequence) const;

  bool empty() const { return fragments_.empty(); }
  const std::vector<FragmentPointer>& fragments() const { return fragments_; }
  // Appends every tombstone's part within [begin, end).
  void AppendTo(std::string_view begin, std::string_view end, std::vector<Tombstone>& out) const;
  // Appends, for each fragment that meets [begin, end), its newest sequence at or below `snapshot`.
  void AppendVisible(std::string_view begin, std::string_view end, Sequence snapshot,
                     std::vector<Tombstone>& out) const;

  // Bytes for a table's block; see FORMAT.md.
  std::string Encode() const;
  // False when the bytes are malformed.
  static bool Decode(BytesView bytes, RangeTombstones* out);

 private:
  Sequence CoverSlow(std::string_view key, Sequence snapshot) const;
  void Append(std::string_view begin, std::string_view end, std::vector<Sequence> sequences);

  std::vector<FragmentPointer> fragments_;
};

}  // namespace nexadb::lsm
