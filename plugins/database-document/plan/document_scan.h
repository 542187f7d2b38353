// DocumentScan: follows a plan. The documents of a collection that match a filter, each once: in
// the order of _id, or in the order of the index where the plan is sorted. Unsorted, it gathers the
// keys of documents from the indexes, sorts them, which also joins what several indexes or several
// entries name, and reads the documents in batches. Keys that take too much memory are given up for
// the scan of the collection, which needs none. A scan that was slow says so in the log when it
// ends, and names the index that was missing. One thread at a time.
#pragma once
#include <memory>
#include <mutex>
#include <optional>

#include "plugins/database-document/collection/scan.h"
#include "plugins/database-document/plan/covered_scan.h"
#include "plugins/database-document/plan/index_stream.h"
#include "plugins/database-document/plan/key_list.h"
#include "plugins/database-document/plan/query_plan.h"

namespace nexadb::database {

class DocumentScan {
 public:
  // The context outlives the scan.
  DocumentScan(QueryContext& context, QueryPlan plan, std::shared_ptr<const query::Matcher> filter);
  ~DocumentScan();
  DocumentScan(const DocumentScan&) = delete;
  DocumentScan& operator=(const DocumentScan&) = delete;

  // Up to out.size() matching documents, borrowed until the next call; 0 at the end.
  // REQUIRES: out is not empty; the plan is not covered, for an index knows no stored bytes.
  Result<size_t> Next(std::span<ScannedDocument> out);
  // The same for who wants the bodies alone; of a covered plan what is at its paths.
  Result<size_t> NextBodies(std::span<query::BatchDocument> out);
  // Passes over up to `most` matching documents and says how many; 0 at the end. What the index
  // alone can say reads no document.
  Result<size_t> Pass(size_t most);
  // The same documents as several scans of parts of the collection, in order, each with a filter
  // and a context of its own, which a thread of its own may read. None when the plan is no scan of
  // a collection, or that is small. They die before this scan, each on any thread. REQUIRES:
  // nothing was read yet.
  Result<std::vector<query::SourcePtr>> Divide(const query::Division& into);
  // Before the first Next, leaves out what comes up to a place: the key of a document, or where the
  // plan is sorted the encoded values of the sort's members with _id last.
  void ResumeAfter(std::string_view place) { resume_after_ = place; }

  const QueryPlan& plan() const { return plan_; }
  uint64_t keys_examined() const {
    return keys_examined_ + (stream_ ? stream_->examined() : 0) +
           (covered_ ? covered_->keys_examined() : 0);
  }
  uint64_t documents_examined() const {
    return documents_examined_ + (documents_ ? documents_->examined() : 0) +
           (covered_ ? covered_->documents_examined() : 0);
  }
  bool fell_back() const { return fell_back_; }

 private:
  // Adds the time until it is destroyed to the scan's.
  class Stopwatch;
  class PartSource;

  // What `read` gives of the documents, batch after batch of a sorted plan.
  template <class Read, class Covered>
  Result<size_t> Pull(Read&& read, Covered&& covered);
  Status Open();
  // What an index read falls back to.
  Status OpenCollection();
  Status OpenRange();
  size_t KeyBytesMax() const;
  // The next documents of those that indexes name. False at the end.
  Result<bool> OpenBatch();
  // The next of their keys, none at the end.
  Result<KeyBatch> NextKeys();
  KeyBatch NextGathered();
  // False when they take more memory than the query may use for them.
  Result<bool> GatherAll();
  // Leaves out what comes before the place, and the place itself.
  void SkipGathered();
  Status CountByIndex();
  Result<std::vector<KeySpan>> SplitCollection(size_t parts);
  // Counts what a scan of a part has done as this one's, which shared its time with others. Called
  // by the thread that has read the part to its end, or gives it up.
  void AddPart(const DocumentScan& part, size_t threads);
  void LogSlow() const;

  QueryContext& context_;
  const QueryPlan plan_;
  std::shared_ptr<const query::Matcher> filter_;
  std::string resume_after_;
  std::optional<CoveredScan> covered_;  // of a covered plan
  std::vector<query::BatchDocument> passed_;
  std::optional<IndexStream> stream_;        // of a sorted plan
  std::optional<KeyList> gathered_;          // of an unsorted one
  size_t next_gathered_ = 0;                 // in the direction of the plan
  std::optional<CollectionScan> documents_;  // where indexes name them: of one batch of keys
  // What these are still asked: nothing where the index knows that they match.
  std::shared_ptr<const query::Matcher> batch_filter_;
  std::optional<size_t> counted_;            // by the index alone, not yet passed over
  size_t batch_keys_ = 0;
  uint64_t keys_examined_ = 0;
  uint64_t documents_examined_ = 0;
  uint64_t returned_ = 0;
  uint64_t took_ns_ = 0;
  std::mutex parts_mutex_;  // of what AddPart counts, while parts are read
  bool opened_ = false;
  bool fell_back_ = false;
};

// The same as a source of a pipeline.
class PlannedSource final : public query::DocumentSource {
 public:
  explicit PlannedSource(std::unique_ptr<DocumentScan> scan) : scan_(std::move(scan)) {}
  Result<size_t> Next(std::span<query::BatchDocument> out) override {
    return scan_->NextBodies(out);
  }
  Result<size_t> Pass(size_t most) override { return scan_->Pass(most); }
  Result<std::vector<query::SourcePtr>> Divide(const query::Division& into) override {
    return scan_->Divide(into);
  }

 private:
  std::unique_ptr<DocumentScan> scan_;
};

}  // namespace nexadb::database
