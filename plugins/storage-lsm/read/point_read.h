// Reads of single keys, and the questions that validation asks. [any]
#pragma once
#include <string_view>

#include "plugins/storage-lsm/read/read_view.h"

namespace nexadb::lsm {

// The value of `key` at `snapshot`, pinned where it lies; false when there is none.
Result<bool> Get(const ReadView& view, std::string_view key, Sequence snapshot, ReadMode mode,
                 Buffer* value);

// Whether a write later than `since` touched the key. With kIgnoreSums, adds do not count.
enum class SumRule { kIgnoreSums, kCountSums };
Result<bool> WrittenSince(const ReadView& view, std::string_view key, Sequence since, SumRule sums);
// Whether a write later than `since` touched any key of [begin, end).
Result<bool> RangeWrittenSince(const ReadView& view, std::string_view begin, std::string_view end,
                               Sequence since);

}  // namespace nexadb::lsm
