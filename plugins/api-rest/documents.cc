// One document by its _id: insert, get, put, patch, delete.
#include <array>
#include <cstring>
#include <optional>

#include "core/document/error.h"
#include "core/document/limits.h"
#include "plugins/api-rest/document_path.h"
#include "plugins/api-rest/handlers.h"
#include "plugins/api-rest/json_form.h"
#include "plugins/api-rest/members.h"
#include "plugins/api-rest/preconditions.h"
#include "plugins/api-rest/problem.h"
#include "plugins/api-rest/query_spec.h"
#include "plugins/api-rest/reply.h"
#include "plugins/api-rest/request.h"
#include "plugins/api-rest/write_outcome.h"

namespace nexadb::rest {
namespace {

// The document as the answer to a change of it: without its content for a key that may not read.
Status SendChanged(Request& request, uint16_t status, const DocumentPath& path,
                   std::string_view message, const VersionedDocument& document) {
  JsonObject reply = Success();
  reply.Text("collection", path.collection);
  AppendId(reply.Name("document_id"), path.IdValue());
  reply.Text("message", message);
  const Resource resource{request.database_name(), path.collection};
  if (request.principal()->Allows(Action::kRead, resource)) {
    reply.Document("document", bson::Document(document.document.bytes()));
  }
  const std::string tag = EntityTag(document.version);
  if (request.in_transaction()) return SendJson(request.exchange(), status, reply.Finish());
  return SendJson(request.exchange(), status, reply.Finish(), {{"ETag", tag}});
}

// The version that an insert gave: from the reply, else by reading the document back. Nothing in a
// transaction, whose versions come with its commit.
std::optional<std::string> InsertedTag(Request& request, Session& session, std::string_view name,
                                       bson::Document reply, const bson::Value& id) {
  if (request.in_transaction()) return std::nullopt;
  uint8_t version[10];
  for (const bson::Element& element : reply["versions"].value().Doc()) {
    if (element.type() != bson::Type::kBinary || element.value().Binary().size() != 10) break;
    std::memcpy(version, element.value().Binary().data(), sizeof(version));
    return EntityTag(version);
  }
  const std::string key = bson::Builder().Value("_id", id).Finish();
  Result<VersionedDocument> stored = request.database().GetById(
      session, request.database_name(), name, AsBytes(key), /*nonblocking=*/false);
  if (!stored.ok()) return std::nullopt;
  return EntityTag(stored->version);
}

// The whole query machinery for the sake of ?fields=: a find by _id with a projection.
Status GetProjected(Request& request, const DocumentPath& path, std::string_view fields,
                    JsonMode form) {
  if (!request.may_wait()) return Status::Error(Code::kWouldBlock, "a projection runs a query");
  QuerySpec spec;
  spec.filter = path.id;
  Result<std::string> projection = ParseFields(fields);
  if (!projection.ok()) return std::move(projection).status();
  spec.projection = std::move(*projection);
  Result<Session*> session = request.session();
  if (!session.ok()) return std::move(session).status();
  const std::string command = spec.FindCommand(path.collection, 0, 1);
  Result<Handle<DocumentCursor>> cursor = request.database().Query(
      **session, request.database_name(), AsBytes(command), QueryOptions{});
  if (!cursor.ok()) return std::move(cursor).status();
  BytesView document[1];
  Result<uint64_t> got = (*cursor)->Next(Span<BytesView>(document, 1));
  if (!got.ok()) return std::move(got).status();
  if (*got == 0) return path.NotFound();
  JsonObject reply = Success();
  reply.Document("document", bson::Document(document[0]), form);
  return SendJson(request.exchange(), 200, reply.Finish());
}

struct Update {
  std::string document;
  UpdateMode mode = UpdateMode::kSetFields;
  JsonValue array_filters;  // an array, where operators came with some
};

// ?array_filters=[{"x.n": 1}], for $[x] in the operators of the body.
Status ReadArrayFilters(Request& request, Update& update) {
  const auto text = request.parameters().Get("array_filters");
  if (!text) return {};
  Result<JsonValue> filters = ParseJsonValue(*text);
  if (!filters.ok()) return std::move(filters).status();
  if (filters->value().type() != bson::Type::kArray) {
    return MakeError(ErrorId::kInvalidParameter,
                     "The parameter 'array_filters' takes an array of filters.");
  }
  if (update.mode != UpdateMode::kOperators) {
    return MakeError(ErrorId::kInvalidParameter,
                     "The parameter 'array_filters' goes with update operators.");
  }
  update.array_filters = std::move(*filters);
  return {};
}

// Operators, fields to set, or a merge patch, by the body's media type and its names.
Result<Update> ReadPatch(Request& request) {
  Result<std::string> body = request.ObjectBody(JsonOptions{});
  if (!body.ok()) return std::move(body).status();
  Update update{std::move(*body), UpdateMode::kSetFields, {}};
  if (request.ContentType() == "application/merge-patch+json") {
    update.mode = UpdateMode::kMergePatch;
    if (Status status = ReadArrayFilters(request, update); !status.ok()) return status;
    return update;
  }
  size_t operators = 0;
  size_t fields = 0;
  for (const bson::Element& element : AsDocument(update.document)) {
    ++(element.name().starts_with('$') ? operators : fields);
  }
  if (operators > 0 && fields > 0) {
    return MakeError(ErrorId::kMixedUpdate,
                     "The body mixes update operators with plain fields; put the fields in $set.");
  }
  update.mode = operators > 0 ? UpdateMode::kOperators : UpdateMode::kSetFields;
  if (Status status = ReadArrayFilters(request, update); !status.ok()) return status;
  return update;
}

Result<VersionedDocument> Apply(Request& request, Session& session, const DocumentPath& path,
                                std::string_view update, const UpdateByIdOptions& options) {
  return request.database().UpdateById(session, request.database_name(), path.collection,
                                       AsBytes(path.id), AsBytes(update), options);
}

UpdateByIdOptions WithVersion(UpdateMode mode, const Preconditions& conditions) {
  UpdateByIdOptions options;
  options.mode = mode;
  if (conditions.version) {
    options.has_if_version = 1;
    std::memcpy(options.if_version, conditions.version->data(), sizeof(options.if_version));
  }
  return options;
}

// Replaces or creates. Which of the two happened decides the status, so each is asked for alone;
// when another client turns one into the other in between, it is tried once more.
Status Upsert(Request& request, Session& session, const DocumentPath& path,
              const std::string& document, const Preconditions& conditions) {
  constexpr int kAttempts = 8;
  Status last;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (!conditions.must_be_absent) {
      Result<VersionedDocument> replaced =
          Apply(request, session, path, document, WithVersion(UpdateMode::kReplace, conditions));
      if (replaced.ok()) return SendChanged(request, 200, path, "Document updated", *replaced);
      if (replaced.status().code() != Code::kNotFound) return std::move(replaced).status();
    }
    UpdateByIdOptions create;
    create.mode = UpdateMode::kReplace;
    create.upsert = 1;
    create.if_absent = 1;
    Result<VersionedDocument> created = Apply(request, session, path, document, create);
    if (created.ok()) {
      return SendChanged(request, 201, path, "Document inserted", *created);
    }
    last = std::move(created).status();
    if (last.code() != Code::kConflict || Is(last, ErrorId::kTransactionConflict)) return last;
    if (conditions.must_be_absent) return PreconditionFailed("The document exists already.");
  }
  return last;
}

}  // namespace

Status InsertDocument(Request& request) {
  const std::string_view name = request.capture(0);
  Result<std::string> body = request.ObjectBody(JsonOptions{});
  if (!body.ok()) return std::move(body).status();
  if (Status status = CheckInserted(AsDocument(*body)); !status.ok()) return status;
  Result<Session*> session = request.session();
  if (!session.ok()) return std::move(session).status();
  const std::array<BytesView, 1> documents = {AsBytes(*body)};
  InsertOptions options;
  options.atomic = 1;
  Result<Buffer> inserted =
      request.database().Insert(**session, request.database_name(), name, documents, options);
  if (!inserted.ok()) return std::move(inserted).status();
  const bson::Document outcome(inserted->bytes());
  for (const bson::Element& error : outcome["writeErrors"].value().Doc()) {
    return WriteErrorStatus(error.value().Doc());
  }
  const bson::Document ids = outcome["ids"].value().Doc();
  const bson::Value id = (*ids.begin()).value();
  JsonObject reply = Success();
  reply.Text("collection", name);
  AppendId(reply.Name("document_id"), id);
  reply.Text("message", "Document inserted");
  const std::string location = LocationOf(request.exchange().Path(), id);
  const auto tag = InsertedTag(request, **session, name, outcome, id);
  if (!tag) return SendJson(request.exchange(), 201, reply.Finish(), {{"Location", location}});
  return SendJson(request.exchange(), 201, reply.Finish(),
                  {{"Location", location}, {"ETag", *tag}});
}

Status GetDocument(Request& request) {
  Result<DocumentPath> path = ReadDocumentPath(request);
  if (!path.ok()) return std::move(path).status();
  Result<JsonMode> form = ReadJsonForm(request.parameters(), JsonMode::kRest);
  if (!form.ok()) return std::move(form).status();
  if (const auto fields = request.parameters().Get("fields"); fields && !fields->empty()) {
    return GetProjected(request, *path, *fields, *form);
  }
  Result<Session*> session = request.session();
  if (!session.ok()) return std::move(session).status();
  Result<VersionedDocument> found = request.database().GetById(**session, request.database_name(),
                                                               path->collection, AsBytes(path->id),
                                                               /*nonblocking=*/!request.may_wait());
  if (!found.ok()) return path->OrNotFound(std::move(found).status());
  const std::string tag = EntityTag(found->version);
  const std::string_view known = request.exchange().Header("If-None-Match");
  if (!known.empty() && MatchesAnyTag(known, tag)) {
    return SendEmpty(request.exchange(), 304, {{"ETag", tag}});
  }
  const std::string_view wanted = request.exchange().Header("If-Match");
  if (!wanted.empty() && !MatchesAnyTag(wanted, tag)) {
    return PreconditionFailed("The document has another version.");
  }
  JsonObject reply = Success();
  reply.Document("document", bson::Document(found->document.bytes()), *form);
  return SendJson(request.exchange(), 200, reply.Finish(), {{"ETag", tag}});
}

Status PutDocument(Request& request) {
  Result<DocumentPath> path = ReadDocumentPath(request);
  if (!path.ok()) return std::move(path).status();
  const std::string_view mode = request.parameters().Get("mode").value_or("update");
  Result<bool> upsert = request.parameters().Flag("upsert", false);
  if (!upsert.ok()) return std::move(upsert).status();
  if (mode != "update" && mode != "replace") {
    return MakeError(ErrorId::kInvalidParameter, "The parameter 'mode' takes update or replace.");
  }
  if (*upsert && mode != "replace") {
    return MakeError(ErrorId::kInvalidParameter, "upsert=true needs mode=replace beside it.");
  }
  Result<std::string> body = request.ObjectBody(JsonOptions{});
  if (!body.ok()) return std::move(body).status();
  for (const bson::Element& element : AsDocument(*body)) {
    if (!element.name().starts_with('$')) continue;
    return MakeError(ErrorId::kInvalidFieldName,
                     "PUT takes fields; send update operators such as '" +
                         std::string(element.name()) + "' with PATCH.");
  }
  Result<Session*> session = request.session();
  if (!session.ok()) return std::move(session).status();
  Result<Preconditions> conditions = ReadPreconditions(request, **session, *path);
  if (!conditions.ok()) return std::move(conditions).status();
  // If-None-Match: * asks for a new document, as upsert does; If-Match asks for an old one.
  if ((*upsert && !conditions->must_exist) || conditions->must_be_absent) {
    return Upsert(request, **session, *path, *body, *conditions);
  }
  const UpdateMode update = mode == "replace" ? UpdateMode::kReplace : UpdateMode::kSetFields;
  Result<VersionedDocument> changed =
      Apply(request, **session, *path, *body, WithVersion(update, *conditions));
  if (!changed.ok()) return path->OrNotFound(std::move(changed).status());
  return SendChanged(request, 200, *path, "Document updated", *changed);
}

Status PatchDocument(Request& request) {
  Result<DocumentPath> path = ReadDocumentPath(request);
  if (!path.ok()) return std::move(path).status();
  Result<Update> update = ReadPatch(request);
  if (!update.ok()) return std::move(update).status();
  Result<Session*> session = request.session();
  if (!session.ok()) return std::move(session).status();
  Result<Preconditions> conditions = ReadPreconditions(request, **session, *path);
  if (!conditions.ok()) return std::move(conditions).status();
  if (conditions->must_be_absent) return PreconditionFailed("PATCH changes documents that exist.");
  UpdateByIdOptions options = WithVersion(update->mode, *conditions);
  const bson::Value filters = update->array_filters.value();
  if (filters.type() == bson::Type::kArray) options.array_filters = filters.Doc().bytes();
  Result<VersionedDocument> changed = Apply(request, **session, *path, update->document, options);
  if (!changed.ok()) return path->OrNotFound(std::move(changed).status());
  return SendChanged(request, 200, *path, "Document updated", *changed);
}

Status DeleteDocument(Request& request) {
  Result<DocumentPath> path = ReadDocumentPath(request);
  if (!path.ok()) return std::move(path).status();
  Result<Session*> session = request.session();
  if (!session.ok()) return std::move(session).status();
  Result<Preconditions> conditions = ReadPreconditions(request, **session, *path);
  if (!conditions.ok()) return std::move(conditions).status();
  if (conditions->must_be_absent) return PreconditionFailed("DELETE removes documents that exist.");
  DeleteByIdOptions options;
  if (conditions->version) {
    options.has_if_version = 1;
    std::memcpy(options.if_version, conditions->version->data(), sizeof(options.if_version));
  }
  Status deleted = request.database().DeleteById(**session, request.database_name(),
                                                 path->collection, AsBytes(path->id), options);
  if (!deleted.ok()) return path->OrNotFound(std::move(deleted));
  JsonObject reply = Success();
  reply.Text("collection", path->collection);
  AppendId(reply.Name("document_id"), path->IdValue());
  reply.Text("message", "Document deleted");
  return SendJson(request.exchange(), 200, reply.Finish());
}

}  // namespace nexadb::rest
