#include "plugins/database-document/command/reply.h"

#include "core/document/error.h"
#include "plugins/database-document/command/fields.h"
#include "plugins/database-document/cursor/cursor_store.h"
#include "plugins/database-document/plan/list_source.h"

namespace nexadb::database {

void AppendWriteErrors(std::span<const WriteError> errors, bson::Builder* reply) {
  if (errors.empty()) return;
  reply->OpenArray("writeErrors");
  for (size_t i = 0; i < errors.size(); ++i) {
    const Status& status = errors[i].status;
    const int32_t code = MongoCode(status);
    reply->OpenObject(std::to_string(i)).Int32("index", static_cast<int32_t>(errors[i].index));
    reply->Int32("code", code).Text("codeName", MongoCodeName(code));
    const bson::Document detail(status.detail());
    for (const std::string_view name : {"keyPattern", "keyValue"}) {
      if (const bson::Element e = detail[name]) reply->Element(e);
    }
    if (const bson::Element info = detail["errInfo"]) reply->Element(info);
    reply->Int32("number", static_cast<int32_t>(ErrorOf(status).id));
    reply->Text("errmsg", status.message()).Close();
  }
  reply->Close();
}

Result<int64_t> CursorBatchSize(const CommandCall& call, int64_t otherwise) {
  const bson::Document cursor = ObjectMember(call.command, "cursor");
  static constexpr FieldSpec kKnown[] = {{"batchSize", FieldKind::kCount}};
  if (Status status = Fields::Check(cursor, "cursor", kKnown); !status.ok()) return status;
  return IntegerMember(cursor, "batchSize", otherwise);
}

Status AppendCursor(const CommandCall& call, std::unique_ptr<QueryStream> stream,
                    const FirstBatch& first, bson::Builder* reply) {
  reply->OpenObject("cursor").OpenArray("firstBatch");
  Status status = stream->FillBatch(first.documents_max, reply);
  if (!status.ok()) return status;
  reply->Close();
  int64_t id = 0;
  if (!stream->AtEnd() && !first.single_batch) {
    if (call.session.InTransaction()) {
      // A cursor may outlive the transaction, its reader may not.
      if (Status bad = stream->Materialize(); !bad.ok()) return bad;
    }
    HeldCursor held{std::string(call.database), std::string(first.collection),
                    std::string(call.session.principal().Id()), std::move(stream)};
    auto added = call.environment().cursors->Add(std::move(held));
    if (!added.ok()) return added.status();
    id = *added;
  }
  reply->Int64("id", id).Text("ns", Namespace(call.database, first.collection)).Close();
  return {};
}

Status AppendListCursor(const CommandCall& call, std::string_view collection,
                        std::vector<std::string> documents, int64_t documents_max,
                        bson::Builder* reply) {
  auto scope = ReadScope::Open(call.session);
  if (!scope.ok()) return scope.status();
  auto context = std::make_unique<QueryContext>(call.session, std::string(call.database), *scope);
  FirstBatch first;
  first.collection = collection;
  first.documents_max = documents_max;
  return AppendCursor(
      call, std::make_unique<QueryStream>(std::move(context), MakeListSource(std::move(documents))),
      first, reply);
}

}  // namespace nexadb::database
