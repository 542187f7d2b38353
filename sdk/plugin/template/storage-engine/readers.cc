#include "readers.h"

#include <algorithm>

#include "nexadb/sdk/guard.h"

namespace storage_example {

using namespace nexadb;

namespace {

class TableCursor final : public Cursor {
 public:
  TableCursor(Version version, const ScanOptions& options, std::vector<KeyRange>* reads)
      : version_(std::move(version)), reverse_(options.reverse != 0), reads_(reads) {
    range_.begin = AsText(options.begin);
    if (!options.end.empty()) range_.end = AsText(options.end);
    first_ = version_->lower_bound(range_.begin);
    last_ = range_.end ? version_->lower_bound(*range_.end) : version_->end();
    if (range_.end && *range_.end <= range_.begin) last_ = first_;
    at_ = reverse_ ? last_ : first_;
    unread_ = range_;
  }

  Result<uint64_t> Next(Span<Row> out) noexcept override {
    return sdk::Guard([&]() -> Result<uint64_t> {
      uint64_t count = 0;
      while (count < out.size() && at_ != (reverse_ ? first_ : last_)) {
        if (reverse_) --at_;
        out[count++] = {AsBytes(at_->first), at_->second.bytes()};
        if (!reverse_) ++at_;
      }
      if (reads_ != nullptr && !out.empty()) Note(out, count);
      return count;
    });
  }

  Status Seek(BytesView key) noexcept override {
    return sdk::Guard([&]() -> Status {
      const std::string target(AsText(key));
      unread_ = range_;
      if (reverse_) {
        // At or before the key: what stands behind the first row after it.
        unread_.end = RangeOf(target).end;
        if (range_.end && *range_.end < *unread_.end) unread_.end = range_.end;
        at_ = *unread_.end > range_.begin ? version_->lower_bound(*unread_.end) : first_;
      } else {
        unread_.begin = std::max(range_.begin, target);
        const bool past_end = range_.end && *range_.end <= unread_.begin;
        at_ = past_end ? last_ : version_->lower_bound(unread_.begin);
      }
      return {};
    });
  }
  void Release() noexcept override { delete this; }

 private:
  // The rows of the call, and the gaps between them, have been read.
  void Note(Span<Row> rows, uint64_t count) {
    KeyRange read = unread_;
    if (count == rows.size()) {
      const std::string_view last = AsText(rows[count - 1].key);
      if (reverse_) {
        read.begin = last;
        unread_.end = read.begin;
      } else {
        read.end = RangeOf(last).end;
        unread_.begin = *read.end;
      }
    }
    reads_->push_back(std::move(read));
  }

  const Version version_;
  const bool reverse_;
  std::vector<KeyRange>* const reads_;
  KeyRange range_;
  Rows::const_iterator first_, last_, at_;
  KeyRange unread_;
};

class TableSnapshot final : public Snapshot {
 public:
  TableSnapshot(Version version, uint64_t sequence)
      : version_(std::move(version)), sequence_(sequence) {}
  uint64_t Sequence() noexcept override { return sequence_; }
  Result<Buffer> Get(BytesView key, const ReadOptions&) noexcept override {
    return Find(*version_, key);
  }
  Status GetMany(Span<const BytesView> keys, const ReadOptions&,
                 Span<Lookup> out) noexcept override {
    for (size_t i = 0; i < keys.size(); ++i) {
      auto value = Find(*version_, keys[i]);
      out[i] = {value.ok() ? *value : Buffer(), value.ok() ? 1u : 0u, 0};
    }
    return {};
  }
  Result<Handle<Cursor>> Scan(const ScanOptions& options) noexcept override {
    return OpenCursor(version_, options, nullptr);
  }
  void Release() noexcept override { delete this; }

 private:
  const Version version_;
  const uint64_t sequence_;
};

}  // namespace

Result<Buffer> Find(const Rows& rows, BytesView key) {
  const auto row = rows.find(AsText(key));
  if (row == rows.end()) return Status::Error(Code::kNotFound, "key not found");
  return row->second;
}

Result<Handle<Cursor>> OpenCursor(Version version, const ScanOptions& options,
                                  std::vector<KeyRange>* reads) {
  return sdk::Guard([&]() -> Result<Handle<Cursor>> {
    return Handle<Cursor>(new TableCursor(std::move(version), options, reads));
  });
}

Handle<Snapshot> MakeSnapshot(Version version, uint64_t sequence) {
  return Handle<Snapshot>(new TableSnapshot(std::move(version), sequence));
}

}  // namespace storage_example
