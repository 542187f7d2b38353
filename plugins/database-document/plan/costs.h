// What the planner knows of costs: a unit for each kind of work, and how much of it a read means.
#pragma once
#include <array>

#include "plugins/database-document/plan/query_plan.h"
#include "plugins/database-document/session/query_context.h"

namespace nexadb::database {

// Microseconds on one core, over cached blocks. Ratios matter, not the numbers.
namespace costs {
constexpr double kScanDocument = 0.25;  // the next document of a scan, filtered
constexpr double kScanEntry = 0.2;      // the next entry of an index
constexpr double kReadEntry = 0.15;     // what it has of its document, made of an entry
constexpr double kFetchDocument = 1.5;  // a document by its key
constexpr double kSeek = 3;             // to the begin of a range
constexpr double kSortStep = 0.1;       // one comparison of a sort
// What matches of what nothing is known of, and what lies in a range of _id. Where the share
// decides how far an index is read, it is sampled: Estimator::Share.
constexpr double kUnknownShare = 0.3;
constexpr double kNarrowedShare = 0.5;
}  // namespace costs

// Estimates from storage. For one plan, by one thread.
class Estimator {
 public:
  explicit Estimator(QueryContext& context) : context_(context) {}

  Result<uint64_t> Documents(uint32_t collection_id);
  // The entries within a read's spans. The read keeps those that were looked at.
  Result<uint64_t> Keys(IndexRead& read);
  // Which share of the collection matches, by its first and its last documents. Never 0: that none
  // of these matches does not mean that none does.
  Result<double> Share(uint32_t collection_id, const query::Matcher& filter);

 private:
  // Of a read with more ranges than this the first ones stand for all.
  static constexpr size_t kSpansMax = 8;

  // So many documents at either end of the collection are looked at.
  static constexpr size_t kSampledDocuments = 64;

  Status Open();
  // How many of up to kSampledDocuments from one end on there are, and match.
  struct Sample {
    size_t documents = 0;
    size_t matching = 0;
  };
  Result<Sample> SampleFrom(uint32_t collection_id, const query::Matcher& filter,
                            ScanDirection direction);
  // Counts as many entries of a range as a probe has before an estimate is believed: storage's own
  // counts blocks.
  Result<uint64_t> KeysIn(const KeySpan& span, ProbedEntries* probe);

  QueryContext& context_;
  Handle<Snapshot> snapshot_;
  Reader* reader_ = nullptr;
  std::array<Row, kSampledDocuments> sampled_;
};

}  // namespace nexadb::database
