#include "plugins/database-document/plan/covered_scan.h"

#include <algorithm>

#include "plugins/database-document/collection/layout.h"
#include "plugins/database-document/value/failure.h"

namespace nexadb::database {

CoveredScan::CoveredScan(QueryContext& context, const QueryPlan& plan,
                         std::shared_ptr<const query::Matcher> filter)
    : context_(context),
      plan_(plan),
      document_prefix_(SpacePrefix(plan.entry->id, Space::kDocument)),
      reader_(*plan.reads[0].index, *plan.covered),
      stream_(context, plan, plan.reads[0]),
      filter_(std::move(filter)),
      rows_filter_(filter_) {}

Result<bool> CoveredScan::Open(std::string_view resume_after, size_t bytes_max) {
  if (plan_.sorted) {
    if (!resume_after.empty()) stream_.ResumeAfter(resume_after);
    return true;
  }
  auto fits = query::Catch<bool>([&] { return Gather(bytes_max); });
  if (!fits.ok() || !*fits) return fits;
  SkipGathered(resume_after);
  return true;
}

// The bounds may say all that the filter does.
bool CoveredScan::Matches(std::string_view made) {
  return plan_.reads[0].exact || rows_filter_.Matches(bson::Document(AsBytes(made)));
}

Result<bool> CoveredScan::Gather(size_t bytes_max) {
  gathered_.emplace(document_prefix_);
  for (;;) {
    auto entries = stream_.NextEntries(kBatchMax);
    if (!entries.ok()) return entries.status();
    if (entries->empty()) break;
    for (const Row& row : *entries) {
      made_.clear();
      const std::string_view owner = EntryOwner(AsText(row.value));
      if (!reader_.Read(AsText(row.key), AsText(row.value), &made_)) {
        gathered_->AddWith(owner, {});
      } else if (Matches(made_)) {
        gathered_->AddWith(owner, made_);
      }
    }
    if (gathered_->bytes() > bytes_max) return false;
  }
  gathered_->Sort();
  return true;
}

void CoveredScan::SkipGathered(std::string_view place) {
  if (!place.empty()) next_gathered_ = gathered_->CountUpTo(place, plan_.collection.direction);
}

Result<size_t> CoveredScan::Next(std::span<query::BatchDocument> out) {
  return query::Catch<size_t>([&]() -> Result<size_t> {
    size_t taken = 0;
    while (taken == 0) {
      if (Status status = context_.CheckInterrupt(); !status.ok()) return status;
      auto more = NextItems(std::min(out.size(), batch_));
      if (!more.ok()) return more.status();
      if (!*more) return size_t{0};
      batch_ = std::min(batch_ * 2, kBatchMax);
      if (Status status = ReadRest(); !status.ok()) return status;
      size_t next_found = 0;
      for (const Item& item : items_) {
        if (item.made) {
          const char* bytes = item.lasting != nullptr ? item.lasting : made_.data() + item.begin;
          out[taken++] = query::BatchDocument::Borrow(
              bson::Document(AsBytes(std::string_view(bytes, item.size))));
          continue;
        }
        const Lookup& found = found_[next_found++];
        if (found.found == 0) continue;
        const BytesView body = StoredBody(found.value.bytes());
        if (body.empty()) return DecodeDocument(found.value.bytes()).status();
        ++documents_examined_;
        if (!rows_filter_.Matches(bson::Document(body))) continue;
        out[taken++] = query::BatchDocument::Borrow(bson::Document(body));
      }
    }
    return taken;
  });
}

Result<bool> CoveredScan::NextItems(size_t most) {
  items_.clear();
  made_.clear();
  rest_ = KeyBatch();
  if (gathered_) return NextGathered(most);
  return NextOfStream(most);
}

Result<bool> CoveredScan::NextOfStream(size_t most) {
  auto entries = stream_.NextEntries(most);
  if (!entries.ok()) return entries.status();
  for (const Row& row : *entries) {
    const size_t begin = made_.size();
    if (!reader_.Read(AsText(row.key), AsText(row.value), &made_)) {
      rest_.Add(document_prefix_, EntryOwner(AsText(row.value)));
      items_.push_back({});
    } else if (Matches(std::string_view(made_).substr(begin))) {
      items_.push_back({true, begin, made_.size() - begin});
    } else {
      made_.resize(begin);
    }
  }
  return !entries->empty();
}

bool CoveredScan::NextGathered(size_t most) {
  const bool reverse = plan_.collection.direction == ScanDirection::kReverse;
  for (; items_.size() < most && next_gathered_ < gathered_->size(); ++next_gathered_) {
    const size_t at = reverse ? gathered_->size() - 1 - next_gathered_ : next_gathered_;
    const std::string_view made = gathered_->DocumentAt(at);
    if (made.empty()) {
      gathered_->CopyTo(&rest_, at);
      items_.push_back({});
    } else {
      items_.push_back({true, 0, made.size(), made.data()});
    }
  }
  return !items_.empty();
}

Status CoveredScan::ReadRest() {
  found_.assign(rest_.size(), Lookup{});
  if (rest_.empty()) return {};
  std::vector<BytesView> keys;
  keys.reserve(rest_.size());
  for (size_t i = 0; i < rest_.size(); ++i) keys.push_back(AsBytes(rest_[i]));
  return context_.scope().reader().GetMany(keys, {}, found_);
}

}  // namespace nexadb::database
