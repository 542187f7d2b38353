#include "plugins/database-document/keyvalue/bucket.h"

#include <cstring>
#include <limits>

#include "core/document/error.h"
#include "core/document/limits.h"
#include "plugins/database-document/collection/layout.h"
#include "plugins/database-document/collection/writer.h"

namespace nexadb::database {

namespace {

std::string EntryNameOf(std::string_view bucket) {
  return std::string(kBucketPrefix).append(bucket);
}

Status CheckNames(SessionImpl& session, Action action, std::string_view database,
                  std::string_view bucket) {
  if (Status status = CheckDatabaseName(database); !status.ok()) return status;
  if (Status status = CheckBucketName(bucket); !status.ok()) return status;
  return session.CheckAccess(action, database, EntryNameOf(bucket));
}

}  // namespace

Status CheckKey(BytesView key) {
  if (!key.empty() && key.size() <= static_cast<size_t>(kKvKeyBytesMax)) return {};
  const auto got = static_cast<int64_t>(key.size());
  if (got > 0) return LimitError(ErrorId::kKvKeyTooLong, "kv_key_bytes", kKvKeyBytesMax, got);
  ErrorDetail detail;
  detail.Text("limit", "kv_key_bytes").Int64("max", kKvKeyBytesMax).Int64("got", got);
  return MakeError(ErrorId::kKvKeyTooLong, "a key has at least one byte", detail.Finish());
}

Status CheckValue(BytesView value) {
  if (value.size() <= static_cast<size_t>(kKvValueBytesMax)) return {};
  return LimitError(ErrorId::kKvValueTooLarge, "kv_value_bytes", kKvValueBytesMax,
                    static_cast<int64_t>(value.size()));
}

int64_t ExpiryOf(int64_t now_ms, int64_t ttl_ms) {
  if (ttl_ms <= 0) return 0;
  if (ttl_ms > std::numeric_limits<int64_t>::max() - now_ms) {
    return std::numeric_limits<int64_t>::max();
  }
  return now_ms + ttl_ms;
}

Result<HeldEntry> Hold(Result<Buffer> found, int64_t now_ms) {
  HeldEntry held;
  if (!found.ok()) {
    if (found.status().code() == Code::kNotFound) return held;
    return found.status();
  }
  held.stored = std::move(*found);
  auto record = DecodeKeyValue(held.stored.bytes());
  if (!record.ok()) return record.status();
  held.record = *record;
  held.stored_at_all = true;
  held.present = record->expires_ms == 0 || record->expires_ms > now_ms;
  return held;
}

KeyValue ToKeyValue(const HeldEntry& entry) {
  KeyValue out;
  out.value = entry.stored.Slice(entry.record.value_offset, entry.record.value.size());
  out.content_type =
      entry.stored.Slice(entry.record.content_type_offset, entry.record.content_type.size());
  out.expires_ms = entry.record.expires_ms;
  std::memcpy(out.version, entry.record.version.data(), kVersionstampBytes);
  return out;
}

Result<BucketReader> BucketReader::Open(SessionImpl& session, std::string_view database,
                                        std::string_view bucket) {
  Status status = CheckNames(session, Action::kRead, database, bucket);
  if (!status.ok()) return status;
  BucketReader reader;
  auto scope = ReadScope::Open(session);
  if (!scope.ok()) return scope.status();
  reader.scope_ = std::move(*scope);
  reader.entry_ = reader.scope_->Find(database, EntryNameOf(bucket));
  reader.now_ms_ = session.environment().NowMs();
  reader.options_.nonblocking = session.waiting() == Waiting::kForbidden ? 1 : 0;
  return reader;
}

Result<HeldEntry> BucketReader::Get(BytesView key) {
  if (!exists()) return HeldEntry();
  return Hold(reader().Get(AsBytes(KeyValueKey(id(), key)), options_), now_ms_);
}

Result<BucketWriter> BucketWriter::Open(SessionImpl& session, WriteSet& set,
                                        std::string_view database, std::string_view bucket,
                                        MakeBucket make) {
  Status status = CheckNames(session, Action::kWrite, database, bucket);
  if (!status.ok()) return status;
  BucketWriter writer;
  writer.set_ = &set;
  writer.now_ms_ = session.environment().NowMs();
  const std::string name = EntryNameOf(bucket);
  writer.entry_ = set.Find(database, name);
  if (writer.entry_ == nullptr && make == MakeBucket::kYes) {
    auto made = NewEntry(session.environment(), set, EntryKind::kBucket, database, name);
    if (!made.ok()) return made.status();
    writer.entry_ = *made;
    if (Status put = set.PutEntry(writer.entry_); !put.ok()) return put;
  }
  if (Status guarded = set.Guard(EntryName(database, name)); !guarded.ok()) return guarded;
  return writer;
}

Result<HeldEntry> BucketWriter::Get(BytesView key) {
  if (!exists()) return HeldEntry();
  return Hold(set_->transaction().Get(AsBytes(KeyValueKey(entry_->id, key)), {}), now_ms_);
}

Status BucketWriter::Count(int64_t delta) {
  const std::string key = SpacePrefix(entry_->id, Space::kCount);
  const Mutation add{Mutation::Op::kAdd,
                     0,
                     AsBytes(key),
                     {reinterpret_cast<const uint8_t*>(&delta), sizeof(delta)}};
  return set_->Write(Span<const Mutation>(&add, 1));
}

Status BucketWriter::Put(BytesView key, const HeldEntry& before, int64_t expires_ms,
                         std::string_view content_type, BytesView value) {
  const std::string stored_key = KeyValueKey(entry_->id, key);
  const std::string stored = EncodeKeyValue(expires_ms, content_type, value);
  const std::string old_expiry = ExpiryKey(before.record.expires_ms, entry_->id, key);
  const std::string new_expiry = ExpiryKey(expires_ms, entry_->id, key);
  std::vector<Mutation> batch;
  if (before.stored_at_all && before.record.expires_ms != 0 &&
      before.record.expires_ms != expires_ms) {
    batch.push_back({Mutation::Op::kDelete, 0, AsBytes(old_expiry), {}});
  }
  if (expires_ms != 0) batch.push_back({Mutation::Op::kPut, 0, AsBytes(new_expiry), {}});
  batch.push_back({Mutation::Op::kPutStampedValue, 0, AsBytes(stored_key), AsBytes(stored)});
  if (Status status = set_->Write(batch); !status.ok()) return status;
  return before.stored_at_all ? Status() : Count(1);
}

Status BucketWriter::Remove(BytesView key, const HeldEntry& before) {
  if (!before.stored_at_all) return {};
  const std::string stored_key = KeyValueKey(entry_->id, key);
  const std::string expiry = ExpiryKey(before.record.expires_ms, entry_->id, key);
  std::vector<Mutation> batch{{Mutation::Op::kDelete, 0, AsBytes(stored_key), {}}};
  if (before.record.expires_ms != 0) {
    batch.push_back({Mutation::Op::kDelete, 0, AsBytes(expiry), {}});
  }
  if (Status status = set_->Write(batch); !status.ok()) return status;
  return Count(-1);
}

}  // namespace nexadb::database
