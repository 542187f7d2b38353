#include "plugins/database-document/plan/costs.h"

#include <algorithm>

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

Result<uint64_t> Estimator::Keys(const IndexRead& read) {
  if (Status status = Open(); !status.ok()) return status;
  const size_t looked_at = std::min(read.spans.size(), kSpansMax);
  if (looked_at == 0) return uint64_t{0};
  uint64_t keys = 0;
  for (size_t i = 0; i < looked_at; ++i) {
    auto count = KeysIn(read.spans[i]);
    if (!count.ok()) return count;
    keys += *count;
  }
  return keys * read.spans.size() / looked_at;
}

Result<uint64_t> Estimator::KeysIn(const KeySpan& span) {
  ScanOptions options;
  options.begin = AsBytes(span.begin);
  options.end = AsBytes(span.end);
  options.keys_only = 1;
  auto cursor = reader_->Scan(options);
  if (!cursor.ok()) return cursor.status();
  auto count = (*cursor)->Next(probe_);
  if (!count.ok() || *count < probe_.size()) return count;
  auto estimate =
      context_.session().environment().store().EstimateRange(options.begin, options.end);
  if (!estimate.ok()) return estimate.status();
  return std::max<uint64_t>(*count, estimate->rows);
}

}  // namespace nexadb::database
