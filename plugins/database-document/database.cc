#include "plugins/database-document/database.h"

#include <set>

#include "core/document/error.h"
#include "nexadb/sdk/guard.h"
#include "plugins/database-document/collection/by_id.h"
#include "plugins/database-document/collection/insert.h"
#include "plugins/database-document/collection/statistics.h"
#include "plugins/database-document/command/read_commands.h"
#include "plugins/database-document/command/reply.h"
#include "plugins/database-document/cursor/document_cursor.h"
#include "plugins/database-document/session/call_meter.h"

namespace nexadb::database {

namespace {

// The sessions of this database are the only ones that come here.
SessionImpl& Begin(Session& session) {
  auto& impl = static_cast<SessionImpl&>(session);
  impl.StartCall();
  return impl;
}

// A well-formed document, or error invalid_bson.
Result<bson::Document> Checked(BytesView bytes, std::string_view what) {
  if (const char* error = bson::Validate(bytes)) {
    return MakeError(ErrorId::kInvalidBson,
                     std::string(what) + " is not well-formed BSON: " + error);
  }
  return bson::Document(bytes);
}

}  // namespace

Result<Handle<Session>> DocumentDatabase::Open(const SessionOptions& options, Waiting waiting) {
  if (options.principal == nullptr) {
    return MakeError(ErrorId::kUnauthorized, "a session needs a principal");
  }
  if (draining_.load(std::memory_order_relaxed)) {
    return MakeError(ErrorId::kDraining, "the database is shutting down");
  }
  return Handle<Session>(new SessionImpl(environment_, options, waiting));
}

Result<Handle<Session>> DocumentDatabase::OpenSession(const SessionOptions& options) noexcept {
  return sdk::Guard([&] { return Open(options, Waiting::kAllowed); });
}

Result<Handle<Session>> DocumentDatabase::OpenNonblocking(const SessionOptions& options) noexcept {
  return sdk::Guard([&] { return Open(options, Waiting::kForbidden); });
}

Result<Buffer> DocumentDatabase::Run(Session& session, StringView name,
                                     BytesView command) noexcept {
  return sdk::Guard([&]() -> Result<Buffer> {
    auto document = Checked(command, "the command");
    if (!document.ok()) return document.status();
    SessionImpl& impl = Begin(session);
    if (Status status = impl.CheckMayWait("a command"); !status.ok()) return status;
    return RunCommand(impl, name, *document);
  });
}

Result<Handle<DocumentCursor>> DocumentDatabase::Query(Session& session, StringView name,
                                                       BytesView command,
                                                       const QueryOptions& options) noexcept {
  return sdk::Guard([&]() -> Result<Handle<DocumentCursor>> {
    auto document = Checked(command, "the command");
    if (!document.ok()) return document.status();
    if (Status status = CheckDatabaseName(name); !status.ok()) return status;
    SessionImpl& impl = Begin(session);
    if (Status status = impl.CheckMayWait("a query"); !status.ok()) return status;
    return OpenDocumentCursor({impl, name, *document}, AsText(options.after));
  });
}

Result<VersionedDocument> DocumentDatabase::GetById(Session& session, StringView name,
                                                    StringView collection, BytesView id,
                                                    bool nonblocking) noexcept {
  return sdk::Guard([&]() -> Result<VersionedDocument> {
    auto document = Checked(id, "the id");
    if (!document.ok()) return document.status();
    SessionImpl& impl = Begin(session);
    const bool waits = !nonblocking && impl.waiting() == Waiting::kAllowed;
    return database::GetById(impl, name, collection, *document,
                             waits ? ReadMode::kMayBlock : ReadMode::kNonblocking);
  });
}

Result<Buffer> DocumentDatabase::Insert(Session& session, StringView name, StringView collection,
                                        Span<const BytesView> documents,
                                        const InsertOptions& options) noexcept {
  return sdk::Guard([&]() -> Result<Buffer> {
    for (const BytesView& bytes : documents) {
      auto document = Checked(bytes, "a document");
      if (!document.ok()) return document.status();
    }
    InsertRequest request;
    request.database = name;
    request.collection = collection;
    request.documents = std::span(documents.data(), documents.size());
    request.ordered = options.ordered != 0;
    SessionImpl& impl = Begin(session);
    const CallMeter meter(impl);  // validators
    request.atomic = options.atomic != 0;
    auto outcome = InsertMany(impl, request);
    if (!outcome.ok()) return outcome.status();
    return Buffer::Own(InsertReply(*outcome));
  });
}

Result<VersionedDocument> DocumentDatabase::UpdateById(Session& session, StringView name,
                                                       StringView collection, BytesView id,
                                                       BytesView update,
                                                       const UpdateByIdOptions& options) noexcept {
  return sdk::Guard([&]() -> Result<VersionedDocument> {
    auto id_document = Checked(id, "the id");
    if (!id_document.ok()) return id_document.status();
    auto change = Checked(update, "the update");
    if (!change.ok()) return change.status();
    if (!options.array_filters.empty()) {
      auto filters = Checked(options.array_filters, "array_filters");
      if (!filters.ok()) return filters.status();
    }
    SessionImpl& impl = Begin(session);
    const CallMeter meter(impl);
    return database::UpdateById(impl, name, collection, *id_document, *change, options);
  });
}

Status DocumentDatabase::DeleteById(Session& session, StringView name, StringView collection,
                                    BytesView id, const DeleteByIdOptions& options) noexcept {
  return sdk::Guard([&]() -> Status {
    auto document = Checked(id, "the id");
    if (!document.ok()) return document.status();
    return database::DeleteById(Begin(session), name, collection, *document, options);
  });
}

namespace {

struct Totals {
  std::set<std::string_view> databases;
  int64_t collections = 0;
  int64_t vector_collections = 0;
  int64_t buckets = 0;
  int64_t documents = 0;
};

Status CountEntry(ReadScope& scope, const CollectionEntry& entry, Totals* totals) {
  totals->databases.insert(entry.database);
  if (entry.kind == EntryKind::kBucket) {
    ++totals->buckets;
    return {};
  }
  ++totals->collections;
  if (entry.vector) ++totals->vector_collections;
  if (entry.kind == EntryKind::kView) return {};
  auto count = CountDocuments(scope.reader(), entry.id);
  if (!count.ok()) return count.status();
  totals->documents += *count;
  return {};
}

}  // namespace

Result<Buffer> DocumentDatabase::Statistics(Session& session) noexcept {
  return sdk::Guard([&]() -> Result<Buffer> {
    SessionImpl& impl = Begin(session);
    bson::Builder out;
    auto* statistics =
        static_cast<StorageStatistics*>(environment_.store().Facet(StorageStatistics::kInterface));
    if (statistics == nullptr) {
      out.OpenObject("engine_stats").Close();
    } else {
      auto engine = statistics->Statistics();
      if (!engine.ok()) return engine.status();
      out.Object("engine_stats", bson::Document(engine->bytes()));
    }
    auto scope = ReadScope::Open(impl);
    if (!scope.ok()) return scope.status();
    Totals totals;
    for (const auto& [name, entry] : (*scope)->catalog().entries()) {
      // What the caller may not read is not counted for it either.
      if (!impl.CheckAccess(Action::kRead, entry->database, entry->name).ok()) continue;
      if (Status status = CountEntry(**scope, *entry, &totals); !status.ok()) return status;
    }
    out.Int64("databases", static_cast<int64_t>(totals.databases.size()));
    out.Int64("collections", totals.collections);
    out.Int64("vector_collections", totals.vector_collections);
    out.Int64("buckets", totals.buckets).Int64("documents", totals.documents);
    return Buffer::Own(out.Finish());
  });
}

void* DocumentDatabase::Facet(const InterfaceId& id) noexcept {
  const std::string_view name = id.name;
  const auto is = [&](const InterfaceId& known) {
    return name == known.name && id.major == known.major && id.minor == known.minor;
  };
  if (is(NonblockingSessions::kInterface)) return static_cast<NonblockingSessions*>(this);
  if (is(KeyValueStore::kInterface)) return static_cast<KeyValueStore*>(&key_values_);
  if (is(KeyValueBuckets::kInterface)) return static_cast<KeyValueBuckets*>(&buckets_);
  if (is(VectorCollections::kInterface)) return static_cast<VectorCollections*>(&vectors_);
  if (is(SchemaInference::kInterface)) return static_cast<SchemaInference*>(&schema_);
  if (is(Tasks::kInterface)) return static_cast<Tasks*>(&tasks_);
  if (is(Backups::kInterface)) return static_cast<Backups*>(&backups_);
  if (is(ChangeFeed::kInterface)) return static_cast<ChangeFeed*>(&changes_);
  return nullptr;
}

std::string InsertReply(const InsertOutcome& outcome) {
  bson::Builder out;
  out.Int32("n", static_cast<int32_t>(outcome.ids.size())).OpenArray("ids");
  for (size_t i = 0; i < outcome.ids.size(); ++i) {
    const bson::Element id = *bson::Document(AsBytes(outcome.ids[i])).begin();
    out.Value(std::to_string(i), id.value());
  }
  out.Close();
  if (!outcome.versions.empty()) {
    out.OpenArray("versions");
    for (size_t i = 0; i < outcome.ids.size(); ++i) {
      const auto version =
          std::string_view(outcome.versions).substr(i * kVersionstampBytes, kVersionstampBytes);
      out.Binary(std::to_string(i), 0, AsBytes(version));
    }
    out.Close();
  }
  AppendWriteErrors(outcome.errors, &out);
  return out.Finish();
}

}  // namespace nexadb::database
