// QueryPlan: how a query finds its documents, and what speaks for it. Made by the planner
// (plan/planner.h), followed by DocumentScan (plan/document_scan.h), shown by explain.
#pragma once
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plugins/database-document/catalog/entry.h"
#include "plugins/database-document/index/key_intervals.h"
#include "plugins/database-document/plan/access_path.h"
#include "plugins/database-document/project/sort.h"

namespace nexadb {
class Logger;
}

namespace nexadb::database {

// The first entries of an index's range, which the planner looked at to know how many there are.
// Who follows the plan takes the cursor and goes on behind them.
struct ProbedEntries {
  static constexpr size_t kEntries = 128;
  Handle<Cursor> cursor;  // null: taken
  std::array<Row, kEntries> rows;
  size_t count = 0;
};

// One index, read within bounds.
struct IndexRead {
  struct Part {
    std::string path;
    bool descending = false;
    KeyIntervals bounds;
    // Of a wildcard: the bounds without the path and what else its entries begin with.
    std::optional<KeyIntervals> values = {};
  };
  const IndexEntry* index = nullptr;  // of the plan's entry
  std::vector<Part> parts;            // in the key's order
  std::vector<KeySpan> spans;         // of storage keys, increasing and disjoint
  // Every document with an entry in the spans matches, and no other does.
  bool exact = false;
  // kReverse: against the key's directions, which only a sort asks for.
  ScanDirection direction = ScanDirection::kForward;
  // What comes before the values that are in the order of the sort, in every key of the spans.
  std::string sort_prefix;
  uint64_t estimated_keys = 0;
  // Of the only span, forward; null where the query must not see what the planner saw.
  std::shared_ptr<ProbedEntries> probed;
};

// An index that was not taken, and why not.
struct RejectedPlan {
  std::string index;
  std::string reason;
  double cost = 0;  // 0: never got as far as costs
};

struct QueryPlan {
  enum class Kind {
    kNothing,     // nothing can match
    kCollection,  // along `collection`
    kIndex,       // the documents that one index names
    kUnion,       // those that any of several indexes names
  };
  Kind kind = Kind::kCollection;
  EntryPtr entry;
  AccessPath collection;         // also what an index read falls back to
  std::vector<IndexRead> reads;  // kIndex: one; kUnion: one for each branch
  bool hinted = false;
  // kIndex: all that the query looks at is at these paths, and the index's entries have it.
  std::optional<std::vector<std::string>> covered;
  // kIndex: its entries come in the order asked for, or in the index's own where any will do.
  bool sorted = false;
  // So many documents are likely to be asked for, and as many keys lead to them; 0: not known.
  uint64_t first = 0;

  double cost = 0;  // microseconds, about
  uint64_t collection_documents = 0;
  std::optional<double> sampled_share;  // of them that match, where that decided
  std::vector<RejectedPlan> rejected;
  uint64_t slow_query_ms = 0;  // scans that take longer say so in `log`; 0: none does
  Logger* log = nullptr;
  // The order asked for, with _id at its end; empty: none. And whether an index that is not there
  // could do better (plan/advice.h says which).
  std::vector<query::SortPattern::Part> order;
  bool could_do_better = false;
};

}  // namespace nexadb::database
