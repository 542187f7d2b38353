#include "plugins/database-document/keyvalue/key_value.h"

#include <array>
#include <charconv>
#include <cstring>
#include <vector>

#include "core/document/error.h"
#include "core/document/limits.h"
#include "nexadb/sdk/guard.h"
#include "plugins/database-document/collection/layout.h"
#include "plugins/database-document/keyvalue/bucket.h"

namespace nexadb::database {

namespace {

constexpr size_t kScanRows = 256;
constexpr size_t kContentTypeBytesMax = 255;
constexpr size_t kManyKeysMax = 100'000;
// What one answer holds in memory: four of the largest values.
constexpr size_t kAnswerBytesMax = 4 * static_cast<size_t>(kKvValueBytesMax);
// Keys that are looked up together: few enough that their values, each of which may be of the
// largest, stay near that bound before they are counted.
constexpr size_t kLookupKeys = 8;

class EntryList final : public KeyValueEntries {
 public:
  uint64_t Size() noexcept override { return entries.size(); }
  const KeyValueEntry& At(uint64_t index) noexcept override { return entries[index]; }
  bool More() noexcept override { return more; }
  void Release() noexcept override { delete this; }

  std::vector<KeyValueEntry> entries;
  bool more = false;
};

SessionImpl& Begin(Session& session) {
  auto& impl = static_cast<SessionImpl&>(session);
  impl.StartCall();
  return impl;
}

Status NotFound(std::string_view bucket, BytesView key) {
  ErrorDetail detail;
  detail.Text("bucket", bucket);
  return MakeError(ErrorId::kKvKeyNotFound,
                   "the bucket '" + std::string(bucket) + "' has no such key of " +
                       std::to_string(key.size()) + " bytes",
                   detail.Finish());
}

Status CheckPut(BytesView key, BytesView value, const PutOptions& options) {
  if (Status status = CheckKey(key); !status.ok()) return status;
  if (Status status = CheckValue(value); !status.ok()) return status;
  if (options.ttl_ms < 0) {
    return MakeError(ErrorId::kInvalidParameter, "a time to live must not be negative");
  }
  if (options.content_type.size() > kContentTypeBytesMax) {
    return MakeError(ErrorId::kInvalidParameter, "a content type has at most 255 bytes");
  }
  return {};
}

}  // namespace

Result<KeyValue> KeyValueService::Get(Session& session, StringView name, StringView bucket,
                                      BytesView key) noexcept {
  return sdk::Guard([&]() -> Result<KeyValue> {
    if (Status status = CheckKey(key); !status.ok()) return status;
    auto reader = BucketReader::Open(Begin(session), name, bucket);
    if (!reader.ok()) return reader.status();
    auto found = reader->Get(key);
    if (!found.ok()) return found.status();
    if (!found->present) return NotFound(bucket, key);
    return ToKeyValue(*found);
  });
}

Status KeyValueService::Put(Session& session, StringView name, StringView bucket, BytesView key,
                            BytesView value, const PutOptions& options) noexcept {
  return sdk::Guard([&]() -> Status {
    if (Status status = CheckPut(key, value, options); !status.ok()) return status;
    SessionImpl& impl = Begin(session);
    return RunWrite(impl, [&](WriteSet& set) -> Status {
      auto writer = BucketWriter::Open(impl, set, name, bucket, MakeBucket::kYes);
      if (!writer.ok()) return writer.status();
      auto before = writer->Get(key);
      if (!before.ok()) return before.status();
      if (options.if_absent != 0 && before->present) {
        return MakeError(ErrorId::kKvCompareFailed, "the key exists already");
      }
      return writer->Put(key, *before, ExpiryOf(writer->now_ms(), options.ttl_ms),
                         options.content_type, value);
    });
  });
}

Status KeyValueService::Delete(Session& session, StringView name, StringView bucket,
                               BytesView key) noexcept {
  return sdk::Guard([&]() -> Status {
    if (Status status = CheckKey(key); !status.ok()) return status;
    SessionImpl& impl = Begin(session);
    return RunWrite(impl, [&](WriteSet& set) -> Status {
      auto writer = BucketWriter::Open(impl, set, name, bucket, MakeBucket::kNo);
      if (!writer.ok()) return writer.status();
      auto before = writer->Get(key);
      if (!before.ok()) return before.status();
      if (!before->present) return NotFound(bucket, key);
      return writer->Remove(key, *before);
    });
  });
}

namespace {

// The least key above all that begin with `prefix`; empty when there is none.
std::string PrefixEnd(std::string prefix) {
  while (!prefix.empty() && static_cast<uint8_t>(prefix.back()) == 0xFF) prefix.pop_back();
  if (!prefix.empty()) prefix.back() = static_cast<char>(static_cast<uint8_t>(prefix.back()) + 1);
  return prefix;
}

KeySpan SpanOf(uint32_t id, const KeyRange& range) {
  const std::string prefix = KeyValueKey(id, range.prefix);
  KeySpan span{prefix,
               range.prefix.empty() ? SpaceSpan(id, Space::kKeyValue).end : PrefixEnd(prefix)};
  if (!range.begin.empty()) span.begin = std::max(span.begin, KeyValueKey(id, range.begin));
  if (!range.end.empty()) span.end = std::min(span.end, KeyValueKey(id, range.end));
  return span;
}

Status FillScan(SessionImpl& session, BucketReader& reader, const KeyRange& range,
                EntryList* list) {
  const KeySpan span = SpanOf(reader.id(), range);
  if (span.begin >= span.end) return {};
  ScanOptions options;
  options.begin = AsBytes(span.begin);
  options.end = AsBytes(span.end);
  auto cursor = reader.reader().Scan(options);
  if (!cursor.ok()) return cursor.status();
  std::array<Row, kScanRows> rows;
  const size_t prefix_size = KeyValueKey(reader.id(), {}).size();
  size_t bytes = 0;
  for (;;) {
    if (Status status = session.CheckInterrupt(); !status.ok()) return status;
    auto count = (*cursor)->Next(rows);
    if (!count.ok()) return count.status();
    if (*count == 0) return {};
    for (size_t i = 0; i < *count; ++i) {
      auto held = Hold(Buffer::Copy(rows[i].value), reader.now_ms());
      if (!held.ok()) return held.status();
      if (!held->present) continue;
      if (range.keys_only == 0) bytes += held->record.value.size();
      const bool full = bytes > kAnswerBytesMax && !list->entries.empty();
      if (full || list->entries.size() == range.limit) {
        list->more = true;
        return {};
      }
      KeyValueEntry entry;
      const BytesView key = rows[i].key;
      entry.key = Buffer::Copy(key.Sub(prefix_size, key.size() - prefix_size));
      entry.value = ToKeyValue(*held);
      if (range.keys_only != 0) entry.value.value = Buffer();
      list->entries.push_back(std::move(entry));
    }
  }
}

}  // namespace

Result<Handle<KeyValueEntries>> KeyValueService::Scan(Session& session, StringView name,
                                                      StringView bucket,
                                                      const KeyRange& range) noexcept {
  return sdk::Guard([&]() -> Result<Handle<KeyValueEntries>> {
    SessionImpl& impl = Begin(session);
    if (Status status = impl.CheckMayWait("a scan"); !status.ok()) return status;
    auto reader = BucketReader::Open(impl, name, bucket);
    if (!reader.ok()) return reader.status();
    auto* list = new EntryList();
    Handle<KeyValueEntries> entries(list);
    if (!reader->exists()) return entries;
    if (Status status = FillScan(impl, *reader, range, list); !status.ok()) return status;
    return entries;
  });
}

Result<Handle<KeyValueEntries>> KeyValueService::GetMany(Session& session, StringView name,
                                                         StringView bucket,
                                                         Span<const BytesView> keys) noexcept {
  return sdk::Guard([&]() -> Result<Handle<KeyValueEntries>> {
    if (keys.size() > kManyKeysMax) {
      return LimitError(ErrorId::kBulkTooLarge, "bulk_operations", kManyKeysMax,
                        static_cast<int64_t>(keys.size()));
    }
    for (const BytesView& key : keys) {
      if (Status status = CheckKey(key); !status.ok()) return status;
    }
    SessionImpl& impl = Begin(session);
    if (Status status = impl.CheckMayWait("a read of many keys"); !status.ok()) return status;
    auto reader = BucketReader::Open(impl, name, bucket);
    if (!reader.ok()) return reader.status();
    auto* list = new EntryList();
    Handle<KeyValueEntries> entries(list);
    list->entries.resize(keys.size());
    if (!reader->exists()) return entries;
    std::vector<std::string> stored_keys;
    for (const BytesView& key : keys) stored_keys.push_back(KeyValueKey(reader->id(), key));
    const std::vector<BytesView> views = [&] {
      std::vector<BytesView> out;
      for (const std::string& key : stored_keys) out.push_back(AsBytes(key));
      return out;
    }();
    size_t bytes = 0;
    for (size_t begin = 0; begin < keys.size(); begin += kLookupKeys) {
      const size_t count = std::min(kLookupKeys, keys.size() - begin);
      Lookup found[kLookupKeys];
      Status status = reader->reader().GetMany(Span<const BytesView>(views.data() + begin, count),
                                               {}, Span<Lookup>(found, count));
      if (!status.ok()) return status;
      for (size_t i = 0; i < count; ++i) {
        if (found[i].found == 0) continue;
        auto held = Hold(std::move(found[i].value), reader->now_ms());
        if (!held.ok()) return held.status();
        if (!held->present) continue;
        bytes += held->record.value.size();
        if (bytes > kAnswerBytesMax) {
          return LimitError(ErrorId::kMemoryLimit, "answer_bytes", kAnswerBytesMax,
                            static_cast<int64_t>(bytes));
        }
        list->entries[begin + i].key = Buffer::Copy(keys[begin + i]);
        list->entries[begin + i].value = ToKeyValue(*held);
      }
    }
    return entries;
  });
}

Status KeyValueService::PutMany(Session& session, StringView name, StringView bucket,
                                Span<const Row> rows, const PutOptions& options) noexcept {
  return sdk::Guard([&]() -> Status {
    if (rows.size() > kManyKeysMax) {
      return LimitError(ErrorId::kBulkTooLarge, "bulk_operations", kManyKeysMax,
                        static_cast<int64_t>(rows.size()));
    }
    for (const Row& row : rows) {
      if (Status status = CheckPut(row.key, row.value, options); !status.ok()) return status;
    }
    SessionImpl& impl = Begin(session);
    if (Status status = impl.CheckMayWait("a write of many keys"); !status.ok()) return status;
    return RunWrite(impl, [&](WriteSet& set) -> Status {
      auto writer = BucketWriter::Open(impl, set, name, bucket, MakeBucket::kYes);
      if (!writer.ok()) return writer.status();
      const int64_t expires_ms = ExpiryOf(writer->now_ms(), options.ttl_ms);
      for (const Row& row : rows) {
        auto before = writer->Get(row.key);
        if (!before.ok()) return before.status();
        if (options.if_absent != 0 && before->present) {
          return MakeError(ErrorId::kKvCompareFailed, "a key exists already");
        }
        Status status = writer->Put(row.key, *before, expires_ms, options.content_type, row.value);
        if (!status.ok()) return status;
      }
      return {};
    });
  });
}

Result<int64_t> KeyValueService::Increment(Session& session, StringView name, StringView bucket,
                                           BytesView key, int64_t amount) noexcept {
  return sdk::Guard([&]() -> Result<int64_t> {
    if (Status status = CheckKey(key); !status.ok()) return status;
    SessionImpl& impl = Begin(session);
    int64_t sum = 0;
    Status status = RunWrite(impl, [&](WriteSet& set) -> Status {
      auto writer = BucketWriter::Open(impl, set, name, bucket, MakeBucket::kYes);
      if (!writer.ok()) return writer.status();
      auto before = writer->Get(key);
      if (!before.ok()) return before.status();
      int64_t current = 0;
      if (before->present) {
        const std::string_view text = AsText(before->record.value);
        const auto parsed = std::from_chars(text.data(), text.data() + text.size(), current);
        if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) {
          return MakeError(ErrorId::kKvNotANumber, "the value is not a decimal 64-bit integer");
        }
      }
      if (__builtin_add_overflow(current, amount, &sum)) {
        return MakeError(ErrorId::kKvNotANumber, "the sum does not fit into 64 bits");
      }
      const bool keep = before->present;
      return writer->Put(key, *before, keep ? before->record.expires_ms : 0,
                         keep ? AsText(before->record.content_type) : std::string_view(),
                         AsBytes(std::to_string(sum)));
    });
    if (!status.ok()) return status;
    return sum;
  });
}

Result<bool> KeyValueService::CompareAndSet(Session& session, StringView name, StringView bucket,
                                            BytesView key, const BytesView* expected,
                                            BytesView value, const PutOptions& options) noexcept {
  return sdk::Guard([&]() -> Result<bool> {
    if (Status status = CheckPut(key, value, options); !status.ok()) return status;
    SessionImpl& impl = Begin(session);
    bool equal = false;
    Status status = RunWrite(impl, [&](WriteSet& set) -> Status {
      const MakeBucket make = expected == nullptr ? MakeBucket::kYes : MakeBucket::kNo;
      auto writer = BucketWriter::Open(impl, set, name, bucket, make);
      if (!writer.ok()) return writer.status();
      auto before = writer->Get(key);
      if (!before.ok()) return before.status();
      equal = expected == nullptr
                  ? !before->present
                  : before->present && AsText(before->record.value) == AsText(*expected);
      if (!equal) return {};
      return writer->Put(key, *before, ExpiryOf(writer->now_ms(), options.ttl_ms),
                         options.content_type, value);
    });
    if (!status.ok()) return status;
    return equal;
  });
}

}  // namespace nexadb::database
