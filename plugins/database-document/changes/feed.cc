#include "plugins/database-document/changes/feed.h"

#include <algorithm>

#include "core/document/error.h"
#include "nexadb/sdk/guard.h"
#include "plugins/database-document/changes/hub.h"
#include "plugins/database-document/changes/options.h"
#include "plugins/database-document/changes/record.h"
#include "plugins/database-document/collection/layout.h"
#include "plugins/database-document/session/read_scope.h"

namespace nexadb::database {

namespace {

// Records have up to a megabyte each, and more with large documents: few are pinned at a time.
constexpr size_t kRecordsAtOnce = 4;

SessionImpl& Begin(Session& session) {
  auto& impl = static_cast<SessionImpl&>(session);
  impl.StartCall();
  return impl;
}

std::string CollectionDetail(std::string_view collection) {
  return ErrorDetail().Text("collection", collection).Finish();
}

// The collection's entry; fails unless the caller may read it and it records its changes.
Result<EntryPtr> Recorded(SessionImpl& session, const ReadScope& scope, std::string_view database,
                          std::string_view collection) {
  if (Status status = CheckCollectionName(database, collection); !status.ok()) return status;
  Status status = session.CheckAccess(Action::kRead, database, collection);
  if (!status.ok()) return status;
  EntryPtr entry = scope.Find(database, collection);
  if (entry == nullptr) {
    return MakeError(ErrorId::kCollectionNotFound, "there is no such collection",
                     CollectionDetail(collection));
  }
  if (!ChangeOptionsOf(*entry)) {
    return MakeError(ErrorId::kChangesNotRecorded,
                     "'" + std::string(collection) + "' does not record its changes",
                     CollectionDetail(collection));
  }
  return entry;
}

// Behind the last record that was cut off; the log's beginning when none was.
Result<ChangePosition> FloorOf(Reader& reader, uint32_t collection_id) {
  auto stored = reader.Get(AsBytes(ChangeFloorKey(collection_id)), {});
  ChangePosition floor;
  if (!stored.ok()) {
    if (stored.status().code() == Code::kNotFound) return floor;
    return stored.status();
  }
  if (stored->size() != kVersionstampBytes) {
    return MakeError(ErrorId::kCorruption, "the change log's floor is not what was written");
  }
  std::copy_n(stored->bytes().data(), kVersionstampBytes, floor.stamp.begin());
  floor.index = kRecordEnd;
  return floor;
}

Result<ChangePosition> Start(const EntryPtr& entry, const ChangePosition& floor,
                             std::string_view since) {
  if (since == ChangeFeed::kOldest) return floor;
  auto token = DecodeToken(since);
  if (!token.ok()) return token.status();
  if (token->collection_id == entry->id && token->position >= floor) return token->position;
  const bool other = token->collection_id != entry->id;
  ErrorDetail detail;
  detail.Text("oldest", EncodeToken(entry->id, floor));
  return MakeError(ErrorId::kChangeHistoryLost,
                   other ? "the position is another collection's, which had this name before"
                         : "the changes after this position are no longer kept",
                   detail.Finish());
}

// Who follows a collection that was renamed is told its new name, at the place where he is: the log
// goes on there. Null when the position is none of a collection that he may read.
EntryPtr RenamedFrom(const SessionImpl& session, const ReadScope& scope, std::string_view since) {
  const auto token = DecodeToken(since);
  if (!token.ok()) return nullptr;
  for (const auto& [name, entry] : scope.catalog().entries()) {
    if (entry->id != token->collection_id) continue;
    const bool readable = session.CheckAccess(Action::kRead, entry->database, entry->name).ok();
    return readable && ChangeOptionsOf(*entry) ? entry : nullptr;
  }
  return nullptr;
}

std::string RenameReply(const CollectionEntry& entry, std::string_view since) {
  bson::Builder out;
  out.OpenArray("events").OpenObject("0").Text("token", since).Text("operation", "rename");
  out.Text("database", entry.database).Text("to", entry.name).Close().Close();
  return out.Text("token", since).Bool("more", false).Finish();
}

// Gathers the events behind a position until one of the limits is reached.
class Reading {
 public:
  Reading(uint32_t collection_id, ChangePosition from, const ChangeReadOptions& options)
      : collection_id_(collection_id), position_(from), options_(options) {
    out_.OpenArray("events");
  }

  bool full() const {
    return count_ >= options_.events_max || (count_ > 0 && bytes_ >= options_.bytes_max);
  }

  Status Take(BytesView key, BytesView value) {
    auto end = PositionOfKey(key);
    if (!end.ok()) return end.status();
    auto record = DecodeRecord(value);
    if (!record.ok()) return record.status();
    const auto size = static_cast<uint32_t>(record->events.size());
    uint32_t next = position_.stamp == end->stamp ? std::min(position_.index, size) : 0;
    for (; next < size && !full(); ++next) {
      position_ = *end;
      if (next + 1 < size) position_.index = next + 1;
      Add(record->events[next], record->unix_ms);
    }
    return {};
  }

  // `all`: the log held no more; then the position moves on to the snapshot's end.
  std::string Finish(bool all, uint64_t sequence) {
    if (all) position_ = std::max(position_, PositionAt(sequence));
    out_.Close().Text("token", EncodeToken(collection_id_, position_)).Bool("more", !all);
    return out_.Finish();
  }

 private:
  void Add(bson::Document event, int64_t unix_ms) {
    out_.OpenObject(std::to_string(count_++));
    out_.Text("token", EncodeToken(collection_id_, position_)).DateMs("at", unix_ms);
    out_.Elements(event).Close();
    bytes_ += event.bytes().size();
  }

  const uint32_t collection_id_;
  ChangePosition position_;
  const ChangeReadOptions& options_;
  bson::Builder out_;
  uint64_t count_ = 0;
  uint64_t bytes_ = 0;
};

Result<Buffer> ReadChanges(SessionImpl& session, std::string_view database,
                           std::string_view collection, std::string_view since,
                           const ChangeReadOptions& options) {
  if (session.InTransaction()) {
    return MakeError(ErrorId::kNotInTransaction, "changes are read outside of transactions");
  }
  auto scope = ReadScope::Open(session);
  if (!scope.ok()) return scope.status();
  auto entry = Recorded(session, **scope, database, collection);
  if (!entry.ok()) {
    if (!Is(entry.status(), ErrorId::kCollectionNotFound)) return entry.status();
    const EntryPtr renamed = RenamedFrom(session, **scope, since);
    if (renamed == nullptr) return entry.status();
    return Buffer::Own(RenameReply(*renamed, since));
  }
  const uint32_t id = (*entry)->id;
  const uint64_t sequence = (*scope)->sequence();
  if (since.empty()) {
    return Buffer::Own(Reading(id, PositionAt(sequence), options).Finish(true, sequence));
  }
  Reader& reader = (*scope)->reader();
  auto floor = FloorOf(reader, id);
  if (!floor.ok()) return floor.status();
  auto from = Start(*entry, *floor, since);
  if (!from.ok()) return from.status();
  const std::string begin = ChangeKeyFrom(id, *from);
  const std::string end = SpaceSpan(id, Space::kChange).end;
  ScanOptions scan;
  scan.begin = AsBytes(begin);
  scan.end = AsBytes(end);
  auto cursor = reader.Scan(scan);
  if (!cursor.ok()) return cursor.status();
  Reading reading(id, *from, options);
  std::array<Row, kRecordsAtOnce> rows;
  while (!reading.full()) {
    if (Status status = session.CheckInterrupt(); !status.ok()) return status;
    auto count = (*cursor)->Next(rows);
    if (!count.ok()) return count.status();
    if (*count == 0) return Buffer::Own(reading.Finish(true, sequence));
    for (size_t i = 0; i < *count && !reading.full(); ++i) {
      Status status = reading.Take(rows[i].key, rows[i].value);
      if (!status.ok()) return status;
    }
  }
  return Buffer::Own(reading.Finish(false, sequence));
}

}  // namespace

Result<Buffer> ChangeFeedService::Read(Session& session, StringView name, StringView collection,
                                       StringView since,
                                       const ChangeReadOptions& options) noexcept {
  return sdk::Guard([&]() -> Result<Buffer> {
    return ReadChanges(Begin(session), name, collection, since, options);
  });
}

Result<Handle<ChangeWatch>> ChangeFeedService::Watch(Session& session, StringView name,
                                                     StringView collection,
                                                     const Callback& changed) noexcept {
  return sdk::Guard([&]() -> Result<Handle<ChangeWatch>> {
    SessionImpl& impl = Begin(session);
    auto scope = ReadScope::Open(impl);
    if (!scope.ok()) return scope.status();
    auto entry = Recorded(impl, **scope, name, collection);
    if (!entry.ok()) return entry.status();
    return impl.environment().changes->Watch((*entry)->id, changed);
  });
}

}  // namespace nexadb::database
