#include "plugins/database-document/collection/scan.h"

#include <algorithm>

namespace nexadb::database {

Result<size_t> CollectionScan::Next(std::span<ScannedDocument> out) {
  while (!ended_) {
    if (Status status = context_.CheckInterrupt(); !status.ok()) return status;
    auto count = path_.kind == AccessPath::Kind::kIdLookup ? NextOfKeys(out) : NextOfRange(out);
    if (!count.ok() || *count != 0) return count;
  }
  return size_t{0};
}

Result<bool> CollectionScan::Take(BytesView key, BytesView value, ScannedDocument* out) {
  auto stored = DecodeDocument(value);
  if (!stored.ok()) return stored.status();
  ++examined_;
  if (!filter_->IsEmpty()) {
    auto matches = filter_->Matches(stored->body);
    if (!matches.ok() || !*matches) return matches;
  }
  *out = {key, *stored, value};
  return true;
}

Result<size_t> CollectionScan::NextOfRange(std::span<ScannedDocument> out) {
  if (!cursor_) {
    if (path_.span.begin >= path_.span.end) {
      ended_ = true;
      return size_t{0};
    }
    ScanOptions options;
    options.begin = AsBytes(path_.span.begin);
    options.end = AsBytes(path_.span.end);
    options.reverse = path_.direction == ScanDirection::kReverse ? 1 : 0;
    auto opened = context_.scope().reader().Scan(options);
    if (!opened.ok()) return opened.status();
    cursor_ = std::move(*opened);
  }
  const size_t wanted = std::min(out.size(), rows_.size());
  auto count = cursor_->Next(Span<Row>(rows_.data(), wanted));
  if (!count.ok()) return count.status();
  ended_ = *count == 0;
  size_t kept = 0;
  for (size_t i = 0; i < *count; ++i) {
    auto taken = Take(rows_[i].key, rows_[i].value, &out[kept]);
    if (!taken.ok()) return taken.status();
    if (*taken) ++kept;
  }
  return kept;
}

Result<size_t> CollectionScan::NextOfKeys(std::span<ScannedDocument> out) {
  const size_t wanted = std::min({out.size(), rows_.size(), path_.keys.size() - next_key_});
  ended_ = wanted == 0;
  if (ended_) return size_t{0};
  std::vector<BytesView> keys(wanted);
  for (size_t i = 0; i < wanted; ++i) keys[i] = AsBytes(path_.keys[next_key_ + i]);
  found_.assign(wanted, Lookup{});
  Status status = context_.scope().reader().GetMany(keys, {}, found_);
  if (!status.ok()) return status;
  next_key_ += wanted;
  size_t kept = 0;
  for (size_t i = 0; i < wanted; ++i) {
    if (found_[i].found == 0) continue;
    auto taken = Take(keys[i], found_[i].value.bytes(), &out[kept]);
    if (!taken.ok()) return taken.status();
    if (*taken) ++kept;
  }
  return kept;
}

Result<size_t> CollectionSource::Next(std::span<query::BatchDocument> out) {
  const size_t wanted = std::min(out.size(), batch_.size());
  auto count = scan_.Next(std::span(batch_).first(wanted));
  if (!count.ok()) return count;
  for (size_t i = 0; i < *count; ++i) {
    out[i] = query::BatchDocument::Borrow(batch_[i].stored.body);
  }
  return count;
}

Result<CurrentDocument> ReadDocument(Reader& reader, std::string key, const ReadOptions& options) {
  CurrentDocument current;
  current.key = std::move(key);
  auto value = reader.Get(AsBytes(current.key), options);
  if (!value.ok()) {
    if (value.status().code() == Code::kNotFound) return current;
    return value.status();
  }
  current.value = std::move(*value);
  auto stored = DecodeDocument(current.value.bytes());
  if (!stored.ok()) return stored.status();
  current.stored = *stored;
  current.found = true;
  return current;
}

}  // namespace nexadb::database
