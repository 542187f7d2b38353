// What documents of a collection are like, and what they must be like.
#include "core/document/error.h"
#include "plugins/api-rest/handlers.h"
#include "plugins/api-rest/members.h"
#include "plugins/api-rest/reply.h"
#include "plugins/api-rest/request.h"

namespace nexadb::rest {
namespace {

constexpr uint64_t kSampleDefault = 1000;
constexpr uint64_t kSampleMost = 100'000;

Status CollectionMissing(std::string_view name) {
  return MakeError(ErrorId::kCollectionNotFound, "Collection not found",
                   bson::Builder().Text("collection", name).Finish());
}

// A validator as clients give and get it.
Status SendValidator(Request& request, bson::Document validator, std::string_view level,
                     std::string_view action) {
  JsonObject out = Success();
  out.Text("collection", request.capture(0)).Document("validator", validator);
  out.Text("level", level).Text("action", action);
  return SendJson(request.exchange(), 200, out.Finish());
}

}  // namespace

Status GetSchema(Request& request) {
  Result<SchemaInference*> schema = request.api().Schema();
  if (!schema.ok()) return std::move(schema).status();
  Result<uint64_t> sample = request.parameters().Number("sample", kSampleDefault, 1, kSampleMost);
  if (!sample.ok()) return std::move(sample).status();
  Result<Session*> session = request.session();
  if (!session.ok()) return std::move(session).status();
  Result<Buffer> inferred =
      (*schema)->Infer(**session, request.database_name(), request.capture(0), *sample);
  if (!inferred.ok()) return std::move(inferred).status();
  JsonObject out = Success();
  out.Text("collection", request.capture(0)).Members(bson::Document(inferred->bytes()));
  out.Number("took_ms", request.TookMs());
  return SendJson(request.exchange(), 200, out.Finish());
}

Status GetValidator(Request& request) {
  const std::string_view name = request.capture(0);
  // A list leaves out what the key may not read; here that is an answer of its own.
  if (!request.principal()->Allows(Action::kRead, {request.database_name(), name})) {
    const std::string resource = std::string(request.database_name()) + "/" + std::string(name);
    return MakeError(ErrorId::kForbidden, "not allowed: 'read' on '" + resource + "'",
                     ErrorDetail().Text("action", "read").Text("resource", resource).Finish());
  }
  Result<Session*> session = request.session();
  if (!session.ok()) return std::move(session).status();
  bson::Builder command;
  command.Int32("listCollections", 1).OpenObject("filter").Text("name", name).Close();
  Result<Buffer> reply =
      request.database().Run(**session, request.database_name(), AsBytes(command.Finish()));
  if (!reply.ok()) return std::move(reply).status();
  const bson::Document batch =
      bson::Document(reply->bytes())["cursor"].value().Doc()["firstBatch"].value().Doc();
  if (batch.empty()) return CollectionMissing(name);
  const bson::Document options = (*batch.begin()).value().Doc()["options"].value().Doc();
  const auto text = [&](std::string_view option, std::string_view otherwise) {
    const bson::Value kept = options[option].value();
    return kept.type() == bson::Type::kString ? kept.Text() : otherwise;
  };
  return SendValidator(request, options["validator"].value().Doc(),
                       text("validationLevel", "strict"), text("validationAction", "error"));
}

Status PutValidator(Request& request) {
  Result<std::string> body = request.ObjectBody();
  if (!body.ok()) return std::move(body).status();
  const Members members(AsDocument(*body));
  Status known = members.Only({"validator", "$jsonSchema", "level", "action"});
  if (!known.ok()) return known;
  Result<bson::Document> validator = members.Object("validator");
  Result<bson::Document> schema = members.Object("$jsonSchema");
  Result<std::string_view> level = members.Text("level", "strict");
  Result<std::string_view> action = members.Text("action", "error");
  for (const Status& status :
       {validator.status(), schema.status(), level.status(), action.status()}) {
    if (!status.ok()) return status;
  }
  if (members.Has("validator") == members.Has("$jsonSchema")) {
    return FailAt(ErrorId::kMissingOption,
                  "The body takes one of 'validator', a filter, and '$jsonSchema'.", "/validator");
  }
  const std::string wanted = members.Has("$jsonSchema")
                                 ? bson::Builder().Object("$jsonSchema", *schema).Finish()
                                 : std::string(AsText(validator->bytes()));
  bson::Builder command;
  command.Text("collMod", request.capture(0)).Object("validator", AsDocument(wanted));
  command.Text("validationLevel", *level).Text("validationAction", *action);
  Result<Session*> session = request.session();
  if (!session.ok()) return std::move(session).status();
  Result<Buffer> reply =
      request.database().Run(**session, request.database_name(), AsBytes(command.Finish()));
  if (!reply.ok()) {
    return reply.status().code() == Code::kNotFound ? CollectionMissing(request.capture(0))
                                                    : std::move(reply).status();
  }
  return SendValidator(request, AsDocument(wanted), *level, *action);
}

}  // namespace nexadb::rest
