// Cuts a range of keys into ranges with about as many rows each, for threads to scan side by side.
// Keys are taken for numbers between the first and the last one, and the middle is searched for by
// halving: so it asks often for estimates, of ever smaller ranges, and reads no row. Where keys
// crowd too closely for that there are fewer parts. Pure but for what `rows_in` does.
#pragma once
#include <functional>
#include <string_view>
#include <vector>

#include "plugins/database-document/collection/layout.h"

namespace nexadb::database {

// About how many rows lie in [begin, end).
using RowsIn = std::function<Result<uint64_t>(std::string_view begin, std::string_view end)>;

// Up to `parts` ranges, in order, that together are `span`. `first` and `last` are keys within it
// that no row comes before, and none behind.
Result<std::vector<KeySpan>> SplitSpan(const KeySpan& span, std::string_view first,
                                       std::string_view last, size_t parts, const RowsIn& rows_in);

}  // namespace nexadb::database
