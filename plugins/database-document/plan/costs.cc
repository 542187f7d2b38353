#include "plugins/database-document/plan/costs.h"

#include <algorithm>

#include "plugins/database-document/collection/layout.h"
#include "plugins/database-document/collection/statistics.h"

namespace nexadb::database {

// A transaction notes what it reads, to find conflicts; what only the planner looks at is none.
Status Estimator::Open() {
  if (reader_ != nullptr) return {};
  if (context_.scope().write_set() == nullptr) {
    reader_ = &context_.scope().reader();
    return {};
  }
  auto snapshot = context_.session().environment().store().OpenSnapshot();
  if (!snapshot.ok()) return snapshot.status();
  snapshot_ = std::move(*snapshot);
  reader_ = snapshot_.get();
  return {};
}

Result<uint64_t> Estimator::Documents(uint32_t collection_id) {
  if (Status status = Open(); !status.ok()) return status;
  auto counted = CountDocuments(*reader_, collection_id);
  if (!counted.ok()) return counted.status();
  return static_cast<uint64_t>(std::max<int64_t>(*counted, 0));
}

Result<uint64_t> Estimator::Keys(IndexRead& read) {
  if (Status status = Open(); !status.ok()) return status;
  auto probe = std::make_shared<ProbedEntries>();
  const size_t looked_at = std::min(read.spans.size(), kSpansMax);
  if (looked_at == 0) return uint64_t{0};
  uint64_t keys = 0;
  for (size_t i = 0; i < looked_at; ++i) {
    auto count = KeysIn(read.spans[i], probe.get());
    if (!count.ok()) return count;
    keys += *count;
  }
  if (read.spans.size() == 1 && !snapshot_) read.probed = std::move(probe);
  return keys * read.spans.size() / looked_at;
}

Result<double> Estimator::Share(uint32_t collection_id, const query::Matcher& filter) {
  if (Status status = Open(); !status.ok()) return status;
  Sample all;
  for (const ScanDirection direction : {ScanDirection::kForward, ScanDirection::kReverse}) {
    auto sample = SampleFrom(collection_id, filter, direction);
    if (!sample.ok()) return sample.status();
    all.documents += sample->documents;
    all.matching += sample->matching;
  }
  // As if half of a document more had matched.
  return (static_cast<double>(all.matching) + 0.5) / (static_cast<double>(all.documents) + 0.5);
}

Result<Estimator::Sample> Estimator::SampleFrom(uint32_t collection_id,
                                                const query::Matcher& filter,
                                                ScanDirection direction) {
  const KeySpan span = SpaceSpan(collection_id, Space::kDocument);
  ScanOptions options;
  options.begin = AsBytes(span.begin);
  options.end = AsBytes(span.end);
  options.reverse = direction == ScanDirection::kReverse ? 1 : 0;
  auto cursor = reader_->Scan(options);
  if (!cursor.ok()) return cursor.status();
  auto count = (*cursor)->Next(Span<Row>(sampled_.data(), kSampledDocuments));
  if (!count.ok()) return count.status();
  Sample sample;
  for (size_t i = 0; i < *count; ++i) {
    const BytesView body = StoredBody(sampled_[i].value);
    // What is damaged is told by who reads it for its own sake; what no filter can be asked of too.
    if (body.empty()) continue;
    ++sample.documents;
    auto matches = filter.Matches(bson::Document(body));
    if (matches.ok() && *matches) ++sample.matching;
  }
  return sample;
}

Result<uint64_t> Estimator::KeysIn(const KeySpan& span, ProbedEntries* probe) {
  ScanOptions options;
  options.begin = AsBytes(span.begin);
  options.end = AsBytes(span.end);
  auto cursor = reader_->Scan(options);
  if (!cursor.ok()) return cursor.status();
  auto count = (*cursor)->Next(probe->rows);
  if (!count.ok()) return count;
  probe->cursor = std::move(*cursor);
  probe->count = *count;
  if (*count < probe->rows.size()) return count;
  auto estimate =
      context_.session().environment().store().EstimateRange(options.begin, options.end);
  if (!estimate.ok()) return estimate.status();
  return std::max<uint64_t>(*count, estimate->rows);
}

}  // namespace nexadb::database
