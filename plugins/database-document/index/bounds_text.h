// Intervals of an index as explain shows them: "[5, 5]", "(\"a\", {})", "[MinKey, MaxKey]". Reads
// the encodings back (value/FORMAT.md); numbers lose which of the four types they were.
#pragma once
#include <string>

#include "plugins/database-document/index/key_intervals.h"

namespace nexadb::database {

// What stands for a string: its bytes, or the sort key of an index's collation, which is no text.
enum class TextForm { kBytes, kSortKeys };

// REQUIRES: an interval of a KeyIntervals, not inverted.
std::string IntervalText(const KeyInterval& interval, TextForm form = TextForm::kBytes);

}  // namespace nexadb::database
