// find, getMore and killCursors.
#include "core/document/error.h"
#include "plugins/database-document/command/collation.h"
#include "plugins/database-document/command/fields.h"
#include "plugins/database-document/command/read_commands.h"
#include "plugins/database-document/command/reply.h"
#include "plugins/database-document/cursor/cursor_store.h"

namespace nexadb::database {

namespace {

constexpr int32_t kBadValue = 2;
constexpr int32_t kUnauthorized = 13;
constexpr int64_t kBatchUnlimited = INT64_MAX;

constexpr FieldSpec kFindFields[] = {
    {"filter", FieldKind::kObject},
    {"sort", FieldKind::kObject},
    {"projection", FieldKind::kObject},
    {"hint", FieldKind::kObjectOrText},
    {"skip", FieldKind::kCount},
    {"limit", FieldKind::kCount},
    {"batchSize", FieldKind::kCount},
    {"singleBatch", FieldKind::kFlag},
    {"max", FieldKind::kObject},
    {"min", FieldKind::kObject},
    {"returnKey", FieldKind::kFlag},
    {"showRecordId", FieldKind::kFlag},
    {"tailable", FieldKind::kFlag},
    {"awaitData", FieldKind::kFlag},
    {"oplogReplay", FieldKind::kFlag},
    {"noCursorTimeout", FieldKind::kFlag},
    {"allowPartialResults", FieldKind::kFlag},
    {"allowDiskUse", FieldKind::kFlag},
    {"collation", FieldKind::kObject},
    {"let", FieldKind::kObject},
};

// What is understood and not offered is refused, never ignored.
Status CheckOffered(bson::Document command) {
  for (const std::string_view name : {"returnKey", "showRecordId", "awaitData"}) {
    if (FlagMember(command, name, false)) {
      return MongoError(115, "find: '" + std::string(name) + "' is not supported");
    }
  }
  if (FlagMember(command, "tailable", false)) {
    return MongoError(kBadValue,
                      "error processing query: tailable cursor requested on non capped "
                      "collection");
  }
  for (const std::string_view name : {"min", "max"}) {
    if (!ObjectMember(command, name).empty()) {
      return MongoError(Member(command, "hint") ? 115 : 51173,
                        "find: '" + std::string(name) + "' needs an index, named by 'hint'");
    }
  }
  return {};
}

}  // namespace

Result<FindRequest> ParseFindRequest(const CommandCall& call) {
  auto collection = CollectionOf(call);
  if (!collection.ok()) return collection.status();
  const bson::Document command = call.command;
  if (Status status = Fields::CheckCommand(command, kFindFields); !status.ok()) return status;
  if (Status status = CheckOffered(command); !status.ok()) return status;
  FindRequest request;
  request.command = command;
  request.collection = *collection;
  request.filter = ObjectMember(command, "filter");
  request.projection = ObjectMember(command, "projection");
  request.sort = ObjectMember(command, "sort");
  request.let = ObjectMember(command, "let");
  request.skip = static_cast<uint64_t>(IntegerMember(command, "skip", 0));
  request.limit = static_cast<uint64_t>(IntegerMember(command, "limit", 0));
  request.batch_size = IntegerMember(command, "batchSize", -1);
  request.single_batch = FlagMember(command, "singleBatch", false);
  return request;
}

Result<FindStream> OpenFind(const CommandCall& call, const FindRequest& request,
                            std::string_view after) {
  auto scope = ReadScope::Open(call.session);
  if (!scope.ok()) return scope.status();
  auto context = std::make_unique<QueryContext>(call.session, std::string(call.database), *scope);
  context->set_parse_options(call.session.call_ms(), request.let);
  context->set_disk_use(FlagMember(call.command, "allowDiskUse", true));
  Status status = SetCollation(call.command, request.collection, *context);
  if (!status.ok()) return status;
  auto source = FindSource::Open(*context, request, after);
  if (!source.ok()) return source.status();
  FindStream out;
  out.source = source->get();
  out.stream = std::make_unique<QueryStream>(std::move(context), std::move(*source));
  return out;
}

Status RunFind(const CommandCall& call, bson::Builder* reply) {
  auto request = ParseFindRequest(call);
  if (!request.ok()) return request.status();
  auto find = OpenFind(call, *request, {});
  if (!find.ok()) return find.status();
  FirstBatch first;
  first.collection = request->collection;
  first.single_batch = request->single_batch;
  if (request->batch_size >= 0) first.documents_max = request->batch_size;
  return AppendCursor(call, std::move(find->stream), first, reply);
}

namespace {

// The cursor with the calling session put in place. Others' cursors are refused, and stay.
Result<HeldCursor> TakeCursor(const CommandCall& call, int64_t id, std::string_view collection) {
  CursorStore& cursors = *call.environment().cursors;
  auto held = cursors.Take(id);
  if (!held.ok()) return held;
  Status refused;
  if (held->principal_id != std::string_view(call.session.principal().Id())) {
    refused = MongoError(kUnauthorized, "cursor id " + std::to_string(id) +
                                            " was not created by the authenticated user");
  } else if (held->database != call.database || held->name != collection) {
    refused = MongoError(kUnauthorized, "Requested getMore on namespace '" +
                                            Namespace(call.database, collection) +
                                            "', but cursor belongs to a different namespace " +
                                            Namespace(held->database, held->name));
  }
  if (!refused.ok()) {
    cursors.Return(id, std::move(*held));
    return refused;
  }
  held->stream->context().set_session(call.session);
  return held;
}

}  // namespace

Status RunGetMore(const CommandCall& call, bson::Builder* reply) {
  static constexpr FieldSpec kKnown[] = {{"collection", FieldKind::kText, Need::kRequired},
                                         {"batchSize", FieldKind::kCount},
                                         {"term", FieldKind::kNumber},
                                         {"lastKnownCommittedOpTime", FieldKind::kObject}};
  const bson::Element first = *call.command.begin();
  if (first.type() != bson::Type::kInt64) {
    return WrongType("getMore", "getMore", first.type(), "long");
  }
  if (Status status = Fields::CheckCommand(call.command, kKnown); !status.ok()) return status;
  const std::string_view collection = TextMember(call.command, "collection");
  if (collection.empty()) return MongoError(73, "Collection names cannot be empty");
  const int64_t id = first.value().Int64();
  int64_t documents_max = IntegerMember(call.command, "batchSize", 0);
  if (documents_max == 0) documents_max = kBatchUnlimited;
  auto held = TakeCursor(call, id, collection);
  if (!held.ok()) return held.status();
  reply->OpenObject("cursor").OpenArray("nextBatch");
  Status status = held->stream->FillBatch(documents_max, reply);
  // A failed cursor is closed: its source may be half-way.
  if (!status.ok()) return status;
  const bool more = !held->stream->AtEnd();
  reply->Close().Int64("id", more ? id : 0).Text("ns", Namespace(held->database, held->name));
  reply->Close();
  if (more) call.environment().cursors->Return(id, std::move(*held));
  return {};
}

Status RunKillCursors(const CommandCall& call, bson::Builder* reply) {
  static constexpr FieldSpec kKnown[] = {{"cursors", FieldKind::kArray, Need::kRequired}};
  auto collection = CollectionOf(call);
  if (!collection.ok()) return collection.status();
  if (Status status = Fields::CheckCommand(call.command, kKnown); !status.ok()) return status;
  std::vector<int64_t> killed, missing;
  size_t at = 0;
  for (const bson::Element& e : ObjectMember(call.command, "cursors")) {
    if (e.type() != bson::Type::kInt64) {
      return WrongType("killCursors.cursors", std::to_string(at), e.type(), "long");
    }
    ++at;
    const int64_t id = e.value().Int64();
    const bool found = call.environment().cursors->Kill(id, call.session.principal().Id());
    (found ? killed : missing).push_back(id);
  }
  const std::pair<std::string_view, const std::vector<int64_t>*> lists[] = {
      {"cursorsKilled", &killed}, {"cursorsNotFound", &missing}};
  for (const auto& [name, ids] : lists) {
    reply->OpenArray(name);
    for (size_t i = 0; i < ids->size(); ++i) reply->Int64(std::to_string(i), (*ids)[i]);
    reply->Close();
  }
  reply->OpenArray("cursorsAlive").Close().OpenArray("cursorsUnknown").Close();
  return {};
}

}  // namespace nexadb::database
