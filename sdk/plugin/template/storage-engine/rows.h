// Rows: what the store holds at one moment, and how a batch changes it.
//
// A version is an immutable std::map behind a shared_ptr: a snapshot is a pointer to one, a write
// copies the map and replaces it. That makes every law easy to keep and every write as slow as the
// store is large; this is the part to replace by a structure of your own.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nexadb/storage_engine.h"

namespace storage_example {

using Rows = std::map<std::string, nexadb::Buffer, std::less<>>;
using Version = std::shared_ptr<const Rows>;

// [begin, end); without an end, to the last key.
struct KeyRange {
  std::string begin;
  std::optional<std::string> end;
  bool Overlaps(const KeyRange& other) const;
};
KeyRange RangeOf(std::string_view key);

// A mutation that owns its bytes, for write sets.
struct OwnedMutation {
  nexadb::Mutation::Op op;
  uint32_t stamp_offset;
  std::string key;
  std::string value;

  explicit OwnedMutation(const nexadb::Mutation& m);
  nexadb::Mutation View() const;
};

// The keys that a mutation changes. Empty for a stamped key: it is new, whatever it will be.
std::optional<KeyRange> ChangedBy(const nexadb::Mutation& mutation);

// Applies `batch`, later mutations over earlier ones. Holes are filled with the stamps of
// `sequence`; without one they read as zeros. On a failure `rows` is to be thrown away.
nexadb::Status Apply(nexadb::Span<const nexadb::Mutation> batch, std::optional<uint64_t> sequence,
                     Rows& rows);

}  // namespace storage_example
