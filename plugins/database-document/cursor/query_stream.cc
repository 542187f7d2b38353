#include "plugins/database-document/cursor/query_stream.h"

#include <algorithm>

namespace nexadb::database {

namespace {

// An element of an array: type, index, NUL.
constexpr size_t kElementOverhead = 16;

}  // namespace

Status QueryStream::Fetch(size_t wanted) {
  if (next_ != count_ || ended_) return {};
  batch_.resize(std::clamp<size_t>(wanted, 1, query::kBatchDocuments));
  next_ = count_ = 0;
  auto count = source_->Next(batch_);
  if (!count.ok()) return count.status();
  ended_ = *count == 0;
  count_ = *count;
  return {};
}

Status QueryStream::FillBatch(int64_t documents_max, bson::Builder* out) {
  for (int64_t added = 0; added < documents_max; ++added) {
    // One more than asked for, to know whether there is more.
    const int64_t wanted = std::min<int64_t>(documents_max - added, query::kBatchDocuments) + 1;
    if (Status status = Fetch(static_cast<size_t>(wanted)); !status.ok()) return status;
    if (next_ == count_) return {};
    const BytesView next = batch_[next_].view().bytes();
    if (added > 0 && out->size() + next.size() + kElementOverhead > kReplyBytesMax) return {};
    out->Object(std::to_string(added), bson::Document(next));
    ++next_;
  }
  return documents_max > 0 ? Fetch(1) : Status();
}

Status QueryStream::Materialize() {
  std::vector<query::BatchDocument> all;
  while (!AtEnd()) {
    if (Status status = Fetch(query::kBatchDocuments); !status.ok()) return status;
    for (; next_ < count_; ++next_) {
      all.push_back(query::BatchDocument::Share(batch_[next_].Keep()));
    }
  }
  batch_ = std::move(all);
  next_ = 0;
  count_ = batch_.size();
  return {};
}

}  // namespace nexadb::database
