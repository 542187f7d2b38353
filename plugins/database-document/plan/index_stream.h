// IndexStream: the keys of documents as an index has them, in the order of its entries or against
// it. One thread at a time.
#pragma once
#include <array>
#include <span>
#include <string>

#include "plugins/database-document/plan/key_batch.h"
#include "plugins/database-document/plan/key_list.h"
#include "plugins/database-document/plan/query_plan.h"
#include "plugins/database-document/session/query_context.h"

namespace nexadb::database {

class IndexStream {
 public:
  // The context outlives the stream.
  IndexStream(QueryContext& context, const QueryPlan& plan, const IndexRead& read);

  // Appends the keys of up to `most` documents, as often as entries name them; none at the end.
  // Returns how many.
  Result<size_t> Next(size_t most, KeyBatch* keys);
  // Adds those of a batch of entries to a list. Returns how many; 0 at the end.
  Result<size_t> Next(KeyList* keys);
  // Up to `most` entries, borrowed until the next call; none at the end.
  Result<std::span<const Row>> NextEntries(size_t most);
  // How many entries there are.
  Result<size_t> Count();
  // Goes on behind a place of the order: the encoded values of the sort's members, _id last.
  void ResumeAfter(std::string_view place);

  uint64_t examined() const { return examined_; }

 private:
  static constexpr size_t kBatchEntries = 256;
  bool reverse() const { return read_.direction == ScanDirection::kReverse; }
  Result<bool> OpenNext();
  // Goes on with the cursor that the planner has opened, if this reading may.
  bool TakeProbed();
  // A batch of entries in rows_; none at the end.
  Result<size_t> Fetch(size_t most);
  // Counts entries that were read, and says how many.
  Result<size_t> Examined(size_t count);

  QueryContext& context_;
  const IndexRead& read_;
  const std::string document_prefix_;
  std::string begin_, end_;  // what of the spans is still wanted
  size_t next_span_ = 0;     // in the order of reading
  bool keys_only_ = false;
  Handle<Cursor> cursor_;
  size_t next_probed_ = 0, probed_end_ = 0;  // of read_.probed's rows
  std::array<Row, kBatchEntries> rows_;
  uint64_t examined_ = 0;
};

}  // namespace nexadb::database
