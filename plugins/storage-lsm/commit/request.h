// What a caller hands to the commit queue: mutations, and what must not have happened since.
#pragma once
#include <string>
#include <vector>

#include "nexadb/storage_engine.h"
#include "plugins/storage-lsm/format/key.h"

namespace nexadb::lsm {

// A batch's encoded size. Bounds what one record makes recovery read at once.
constexpr uint64_t kBatchBytesMax = uint64_t{256} << 20;

// What a transaction wants checked against everything committed after `since`. Views are the
// transaction's, which waits.
struct Validation {
  struct Key {
    std::string_view key;
    bool adds_only = false;  // this transaction only adds to it, which others' adds do not disturb
  };
  struct Range {
    std::string_view begin;
    std::string_view end;
  };
  Sequence since = 0;
  std::vector<Key> keys;
  std::vector<Range> ranges;
};

// With kNeverWaits a commit answers kWouldBlock, having done nothing, where one that may wait is
// under way, where there is no room at once, or where it asks for a sync.
enum class CommitMode : uint8_t { kMayWait, kNeverWaits };

struct CommitRequest {
  Span<const Mutation> mutations;
  const Validation* validation = nullptr;     // null: nothing to check
  Durability durability = Durability::kDisk;  // never kDefault
  CommitMode mode = CommitMode::kMayWait;
};

// kInvalidArgument says which mutation breaks which limit.
Status CheckMutations(Span<const Mutation> mutations);

}  // namespace nexadb::lsm
