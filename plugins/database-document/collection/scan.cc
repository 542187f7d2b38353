#include "plugins/database-document/collection/scan.h"

#include <algorithm>

#include "plugins/database-document/value/failure.h"

namespace nexadb::database {

namespace {

// Documents lie one behind the other in storage's blocks, mostly outside of the processor's caches.
// What a scan will look at in a moment is fetched while it looks at something else.
constexpr size_t kRowsAhead = 4;
constexpr size_t kBytesAhead = 512;
constexpr size_t kCacheLineBytes = 64;

void FetchAhead(BytesView value) {
  const size_t size = std::min(value.size(), kBytesAhead);
  for (size_t at = 0; at < size; at += kCacheLineBytes) __builtin_prefetch(value.data() + at);
}

}  // namespace

template <class Use>
Result<size_t> CollectionScan::Take(size_t most, Use&& use) {
  return query::Catch<size_t>([&]() -> Result<size_t> {
    size_t taken = 0;
    while (taken == 0 && !ended_) {
      if (next_row_ == row_count_) {
        if (Status status = context_.CheckInterrupt(); !status.ok()) return status;
        if (Status status = Fetch(most); !status.ok()) return status;
        if (!rows_filter_) rows_filter_.emplace(filter_);
        for (size_t i = 0; i < std::min(kRowsAhead, row_count_); ++i) FetchAhead(rows_[i].value);
      }
      const uint64_t before = examined_;
      while (next_row_ < row_count_ && taken < most) {
        if (next_row_ + kRowsAhead < row_count_) FetchAhead(rows_[next_row_ + kRowsAhead].value);
        const Row& row = rows_[next_row_++];
        const BytesView body = StoredBody(row.value);
        if (body.empty()) return DecodeDocument(row.value).status();
        ++examined_;
        if (rows_filter_->Matches(bson::Document(body))) use(taken++, row, body);
      }
      Status status = context_.session().CountScanned(examined_ - before);
      if (!status.ok()) return status;
    }
    return taken;
  });
}

Result<size_t> CollectionScan::Next(std::span<ScannedDocument> out) {
  return Take(out.size(), [&](size_t at, const Row& row, BytesView) {
    out[at] = {row.key, *DecodeDocument(row.value), row.value};
  });
}

Result<size_t> CollectionScan::NextBodies(std::span<query::BatchDocument> out) {
  return Take(out.size(), [&](size_t at, const Row&, BytesView body) {
    out[at] = query::BatchDocument::Borrow(bson::Document(body));
  });
}

Result<size_t> CollectionScan::Pass(size_t most) {
  return Take(most, [](size_t, const Row&, BytesView) {});
}

Status CollectionScan::Fetch(size_t wanted) {
  next_row_ = row_count_ = 0;
  // Where every row counts no more is read than asked for; a filter may pass over many.
  if (filter_->IsEmpty()) batch_rows_ = wanted;
  const size_t rows = std::min(std::max(wanted, batch_rows_), kBatchRows);
  batch_rows_ = std::min(rows * 2, kBatchRows);
  return path_.kind == AccessPath::Kind::kIdLookup ? FetchKeys(rows) : FetchRange(rows);
}

Status CollectionScan::FetchRange(size_t wanted) {
  if (!cursor_) {
    if (path_.span.begin >= path_.span.end) {
      ended_ = true;
      return {};
    }
    ScanOptions options;
    options.begin = AsBytes(path_.span.begin);
    options.end = AsBytes(path_.span.end);
    options.reverse = path_.direction == ScanDirection::kReverse ? 1 : 0;
    auto opened = context_.scope().reader().Scan(options);
    if (!opened.ok()) return opened.status();
    cursor_ = std::move(*opened);
  }
  auto count = cursor_->Next(Span<Row>(rows_.data(), wanted));
  if (!count.ok()) return count.status();
  row_count_ = *count;
  ended_ = row_count_ == 0;
  return {};
}

Status CollectionScan::FetchKeys(size_t wanted) {
  const size_t count = std::min(wanted, path_.keys.size() - next_key_);
  if (count == 0) {
    ended_ = true;
    return {};
  }
  std::vector<BytesView> keys(count);
  for (size_t i = 0; i < count; ++i) keys[i] = AsBytes(path_.keys[next_key_ + i]);
  found_.assign(count, Lookup{});
  Status status = context_.scope().reader().GetMany(keys, {}, found_);
  if (!status.ok()) return status;
  next_key_ += count;
  for (size_t i = 0; i < count; ++i) {
    if (found_[i].found != 0) rows_[row_count_++] = {keys[i], found_[i].value.bytes()};
  }
  return {};
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
