#include "plugins/database-document/schema/schema_service.h"

#include <array>

#include "core/document/error.h"
#include "nexadb/sdk/guard.h"
#include "plugins/database-document/collection/statistics.h"
#include "plugins/database-document/cursor/document_cursor.h"
#include "plugins/database-document/schema/infer.h"

namespace nexadb::database {

namespace {

constexpr size_t kBatch = 128;

// Adds up to `most` documents in the order of _id: the oldest first, or the newest.
Status AddDocuments(SessionImpl& session, std::string_view database, std::string_view collection,
                    int32_t order, uint64_t most, SchemaSample& sample) {
  bson::Builder find;
  find.Text("find", collection).OpenObject("sort").Int32("_id", order).Close();
  find.Int64("limit", static_cast<int64_t>(most));
  const std::string command = find.Finish();
  auto cursor = OpenDocumentCursor({session, database, bson::Document(AsBytes(command))}, "");
  if (!cursor.ok()) return cursor.status();
  std::array<BytesView, kBatch> batch;
  for (;;) {
    auto count = (*cursor)->Next(batch);
    if (!count.ok()) return count.status();
    if (*count == 0) return {};
    for (size_t i = 0; i < *count; ++i) sample.Add(bson::Document(batch[i]));
  }
}

Result<Buffer> InferSchema(SessionImpl& session, std::string_view database,
                           std::string_view collection, uint64_t size) {
  if (Status status = CheckCollectionName(database, collection); !status.ok()) return status;
  Status status = session.CheckAccess(Action::kRead, database, collection);
  if (!status.ok()) return status;
  auto scope = ReadScope::Open(session);
  if (!scope.ok()) return scope.status();
  const EntryPtr entry = (*scope)->Find(database, collection);
  if (entry == nullptr) {
    return MakeError(ErrorId::kCollectionNotFound, "there is no such collection",
                     ErrorDetail().Text("collection", collection).Finish());
  }
  SchemaSample sample;
  bson::Builder out;
  if (entry->kind == EntryKind::kView) {
    // A view has no order of its own to take both ends of.
    status = AddDocuments(session, database, collection, 1, size, sample);
  } else {
    auto count = CountDocuments((*scope)->reader(), entry->id);
    if (!count.ok()) return count.status();
    out.Int64("documents", *count);
    const bool whole = static_cast<uint64_t>(*count) <= size;
    const uint64_t oldest = whole ? size : size - size / 2;
    status = AddDocuments(session, database, collection, 1, oldest, sample);
    if (status.ok() && !whole && size > 1) {
      status = AddDocuments(session, database, collection, -1, size / 2, sample);
    }
  }
  if (!status.ok()) return status;
  out.Int64("sampled", static_cast<int64_t>(sample.documents()))
      .Bool("complete", sample.complete());
  sample.AppendFields(out);
  sample.AppendSchema(out);
  return Buffer::Own(out.Finish());
}

}  // namespace

Result<Buffer> SchemaService::Infer(Session& session, StringView name, StringView collection,
                                    uint64_t sample) noexcept {
  return sdk::Guard([&]() -> Result<Buffer> {
    auto& impl = static_cast<SessionImpl&>(session);
    impl.StartCall();
    return InferSchema(impl, name, collection, sample);
  });
}

}  // namespace nexadb::database
