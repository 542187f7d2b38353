// AccessPath: which keys of a collection a query looks at. Chosen from the filter alone: the
// documents that _id names, a range of _id, or all of them. Whatever the path, the filter is
// tested on every document it gives.
#pragma once
#include <string>

#include "plugins/database-document/collection/layout.h"
#include "plugins/database-document/match/matcher.h"
#include "plugins/database-document/plan/key_batch.h"

namespace nexadb::database {

enum class ScanDirection { kForward, kReverse };

struct AccessPath {
  enum class Kind { kIdLookup, kRange };
  Kind kind = Kind::kRange;
  KeyBatch keys;  // kIdLookup: increasing, or decreasing when reverse
  KeySpan span;   // kRange
  ScanDirection direction = ScanDirection::kForward;
  bool single_id = false;  // one _id by equality: MongoDB's IDHACK
  bool narrowed = false;   // the range is not the whole collection

  // Leaves out what comes before and including `key`, in the path's direction.
  void ResumeAfter(std::string_view key);
};

AccessPath ChooseAccess(uint32_t collection_id, const query::Matcher& filter,
                        ScanDirection direction);

}  // namespace nexadb::database
