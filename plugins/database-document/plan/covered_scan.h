// CoveredScan: follows a plan whose index has all that the query looks at. Documents are made of
// entries (index/entry_reader.h); only those whose entries do not tell enough are read. In the
// order of the index where the plan is sorted, else in that of _id. One thread at a time.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "plugins/database-document/execute/row_filter.h"
#include "plugins/database-document/index/entry_reader.h"
#include "plugins/database-document/plan/index_stream.h"
#include "plugins/database-document/plan/key_list.h"
#include "plugins/database-document/plan/query_plan.h"
#include "plugins/database-document/session/query_context.h"

namespace nexadb::database {

class CoveredScan {
 public:
  // REQUIRES: plan.covered. Context and plan outlive the scan.
  CoveredScan(QueryContext& context, const QueryPlan& plan,
              std::shared_ptr<const query::Matcher> filter);

  // Leaves out what comes up to the place, as DocumentScan::ResumeAfter says; empty: nothing. To be
  // called once, before all else. False when what the entries have of documents takes more than
  // `bytes_max` of memory: another way has to be taken then.
  Result<bool> Open(std::string_view resume_after, size_t bytes_max);
  // Up to out.size() matching documents, of the plan's paths at least, borrowed until the next
  // call; 0 at the end. REQUIRES: out is not empty.
  Result<size_t> Next(std::span<query::BatchDocument> out);

  uint64_t keys_examined() const { return stream_.examined(); }
  uint64_t documents_examined() const { return documents_examined_; }

 private:
  // A document of a batch: made, or the next of those that have to be read.
  struct Item {
    bool made = false;
    size_t begin = 0, size = 0;  // in made_, or where `lasting` has it
    const char* lasting = nullptr;
  };
  static constexpr size_t kFirstBatch = 32;
  static constexpr size_t kBatchMax = 256;

  Result<bool> Gather(size_t bytes_max);
  void SkipGathered(std::string_view place);
  // Whether a document made of an entry matches.
  bool Matches(std::string_view made);
  // The next items, with the keys of those to be read. False at the end.
  Result<bool> NextItems(size_t most);
  Result<bool> NextOfStream(size_t most);
  bool NextGathered(size_t most);
  Status ReadRest();

  QueryContext& context_;
  const QueryPlan& plan_;
  const std::string document_prefix_;
  EntryReader reader_;
  IndexStream stream_;
  std::shared_ptr<const query::Matcher> filter_;
  query::RowFilter rows_filter_;
  std::optional<KeyList> gathered_;  // of a plan that is not sorted
  size_t next_gathered_ = 0;         // in the direction of the plan
  size_t batch_ = kFirstBatch;       // grows with every batch

  // Of one batch.
  std::vector<Item> items_;
  std::string made_;  // documents, one behind the other
  KeyBatch rest_;     // keys of the others
  std::vector<Lookup> found_;
  uint64_t documents_examined_ = 0;
};

}  // namespace nexadb::database
