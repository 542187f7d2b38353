#include "plugins/database-document/plan/index_stream.h"

#include <algorithm>

#include "plugins/database-document/index/entry_types.h"

namespace nexadb::database {

IndexStream::IndexStream(QueryContext& context, const QueryPlan& plan, const IndexRead& read)
    : context_(context),
      read_(read),
      document_prefix_(SpacePrefix(plan.entry->id, Space::kDocument)) {}

// A key of the index holds the values of the sort and _id just as a place does, but inverted where
// it is read against its order.
void IndexStream::ResumeAfter(std::string_view place) {
  std::string key = read_.sort_prefix;
  for (const char c : place) key.push_back(reverse() ? static_cast<char>(~c) : c);
  if (reverse()) {
    end_ = std::move(key);
  } else {
    begin_ = PrefixEnd(std::move(key));
  }
}

bool IndexStream::TakeProbed() {
  const bool from_the_start = next_span_ == 0 && begin_.empty() && end_.empty() && !reverse();
  if (!from_the_start || read_.probed == nullptr || !read_.probed->cursor) return false;
  cursor_ = std::move(read_.probed->cursor);
  probed_end_ = read_.probed->count;
  next_span_ = 1;
  return true;
}

Result<bool> IndexStream::OpenNext() {
  if (TakeProbed()) return true;
  while (next_span_ < read_.spans.size()) {
    const size_t at = reverse() ? read_.spans.size() - 1 - next_span_ : next_span_;
    ++next_span_;
    const std::string& begin = std::max(read_.spans[at].begin, begin_);
    const std::string& end =
        end_.empty() ? read_.spans[at].end : std::min(read_.spans[at].end, end_);
    if (begin >= end) continue;
    ScanOptions options;
    options.begin = AsBytes(begin);
    options.end = AsBytes(end);
    options.reverse = reverse() ? 1 : 0;
    options.keys_only = keys_only_ ? 1 : 0;
    auto cursor = context_.scope().reader().Scan(options);
    if (!cursor.ok()) return cursor.status();
    cursor_ = std::move(*cursor);
    return true;
  }
  return false;
}

Result<size_t> IndexStream::Examined(size_t count) {
  examined_ += count;
  Status status = context_.session().CountScanned(count);
  if (!status.ok()) return status;
  return count;
}

Result<size_t> IndexStream::Fetch(size_t most) {
  for (;;) {
    if (Status status = context_.CheckInterrupt(); !status.ok()) return status;
    if (!cursor_) {
      auto opened = OpenNext();
      if (!opened.ok()) return opened.status();
      if (!*opened) return size_t{0};
    }
    const size_t wanted = std::min(most, rows_.size());
    if (next_probed_ < probed_end_) {
      const size_t taken = std::min(wanted, probed_end_ - next_probed_);
      std::copy_n(read_.probed->rows.begin() + next_probed_, taken, rows_.begin());
      next_probed_ += taken;
      return Examined(taken);
    }
    auto count = cursor_->Next(Span<Row>(rows_.data(), wanted));
    if (!count.ok()) return count.status();
    if (*count != 0) return Examined(*count);
    cursor_.Reset();
  }
}

Result<size_t> IndexStream::Next(size_t most, KeyBatch* keys) {
  auto count = Fetch(most);
  if (!count.ok()) return count;
  for (size_t i = 0; i < *count; ++i) {
    keys->Add(document_prefix_, EntryOwner(AsText(rows_[i].value)));
  }
  return count;
}

Result<size_t> IndexStream::Next(KeyList* keys) {
  auto count = Fetch(rows_.size());
  if (!count.ok()) return count;
  for (size_t i = 0; i < *count; ++i) keys->Add(EntryOwner(AsText(rows_[i].value)));
  return count;
}

Result<std::span<const Row>> IndexStream::NextEntries(size_t most) {
  auto count = Fetch(most);
  if (!count.ok()) return count.status();
  return std::span<const Row>(rows_).first(*count);
}

Result<size_t> IndexStream::Count() {
  keys_only_ = true;
  size_t total = 0;
  for (;;) {
    auto count = Fetch(rows_.size());
    if (!count.ok()) return count;
    if (*count == 0) return total;
    total += *count;
  }
}

}  // namespace nexadb::database
