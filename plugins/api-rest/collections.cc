// Collections and databases: list, create, change, drop.
#include "core/document/error.h"
#include "plugins/api-rest/handlers.h"
#include "plugins/api-rest/members.h"
#include "plugins/api-rest/parameters.h"
#include "plugins/api-rest/reply.h"
#include "plugins/api-rest/request.h"

namespace nexadb::rest {
namespace {

// More collections than this do not come in one reply of the database.
constexpr int32_t kNamesMax = 1'000'000;

Result<Buffer> RunIn(Request& request, std::string_view database, const std::string& command) {
  Result<Session*> session = request.session();
  if (!session.ok()) return std::move(session).status();
  return request.database().Run(**session, database, AsBytes(command));
}

Result<Buffer> Run(Request& request, const std::string& command) {
  return RunIn(request, request.database_name(), command);
}

Result<Buffer> RunListCollections(Request& request) {
  bson::Builder command;
  command.Int32("listCollections", 1).OpenObject("cursor").Int32("batchSize", kNamesMax).Close();
  return Run(request, command.Finish());
}

bool IsVectorCollection(Request& request, Session& session, std::string_view name) {
  Result<VectorCollections*> vectors = request.api().Vectors();
  return vectors.ok() && (*vectors)->Describe(session, request.database_name(), name).ok();
}

// One entry of ?details=true. A collection that is dropped meanwhile has none.
Status AppendDetails(Request& request, std::string& out, bson::Document entry) {
  const bson::Value name = entry["name"].value();
  if (name.type() != bson::Type::kString) return {};
  Result<Session*> session = request.session();
  if (!session.ok()) return std::move(session).status();
  JsonObject details;
  details.Text("name", name.Text());
  if (entry["type"]) details.Value("type", entry["type"].value());
  const std::string command = bson::Builder().Text("collStats", name.Text()).Finish();
  Result<Buffer> stats = Run(request, command);
  if (stats.ok()) {
    const bson::Document numbers(stats->bytes());
    details.Integer("documents", IntegerOf(numbers, "count"));
    details.Integer("bytes", IntegerOf(numbers, "size"));
    details.Integer("indexes", IntegerOf(numbers, "nindexes"));
  }
  details.Bool("vector", IsVectorCollection(request, **session, name.Text()));
  if (entry["options"]) details.Document("options", entry["options"].value().Doc());
  if (!out.empty()) out.push_back(',');
  out += details.Finish();
  return {};
}

// Creating a collection again with the same options is fine for MongoDB; over HTTP it is a
// conflict.
Status CheckAbsent(Request& request, std::string_view name) {
  bson::Builder command;
  command.Int32("listCollections", 1).OpenObject("filter").Text("name", name).Close();
  Result<Buffer> reply = Run(request, command.Finish());
  if (!reply.ok()) return std::move(reply).status();
  const bson::Document cursor = bson::Document(reply->bytes())["cursor"].value().Doc();
  if (cursor["firstBatch"].value().Doc().empty()) return {};
  return MakeError(ErrorId::kCollectionExists, "The collection exists already.",
                   bson::Builder().Text("collection", name).Finish());
}

Status CollectionMissing(std::string_view name) {
  return MakeError(ErrorId::kCollectionNotFound, "Collection not found",
                   bson::Builder().Text("collection", name).Finish());
}

}  // namespace

Status ListCollections(Request& request) {
  Result<bool> wants_details = request.parameters().Flag("details", false);
  if (!wants_details.ok()) return std::move(wants_details).status();
  Result<Buffer> reply = RunListCollections(request);
  if (!reply.ok()) return std::move(reply).status();
  const bson::Document batch =
      bson::Document(reply->bytes())["cursor"].value().Doc()["firstBatch"].value().Doc();
  JsonObject out = Success();
  std::string& names = out.Name("collections");
  names.push_back('[');
  int64_t count = 0;
  std::string details;
  for (const bson::Element& element : batch) {
    const bson::Document entry = element.value().Doc();
    const bson::Value name = entry["name"].value();
    if (name.type() != bson::Type::kString) continue;
    if (count++ > 0) names.push_back(',');
    AppendJsonString(names, name.Text());
    if (!*wants_details) continue;
    if (Status status = AppendDetails(request, details, entry); !status.ok()) return status;
  }
  names.push_back(']');
  out.Integer("count", count);
  if (*wants_details) out.Raw("details", "[" + details + "]");
  return SendJson(request.exchange(), 200, out.Finish());
}

Status CreateCollection(Request& request) {
  Result<std::string> body = request.ObjectBody();
  if (!body.ok()) return std::move(body).status();
  const Members members(AsDocument(*body));
  Status known = members.Only({"name", "timestamps", "validator", "validationLevel",
                               "validationAction", "collation", "viewOn", "pipeline", "changes"});
  if (!known.ok()) return known;
  Result<std::string_view> name = members.Text("name", "");
  if (!name.ok()) return std::move(name).status();
  if (name->empty()) {
    return FailAt(ErrorId::kMissingOption, "'name' is missing: the collection's name.", "/name");
  }
  if (Status status = CheckAbsent(request, *name); !status.ok()) return status;
  bson::Builder command;
  command.Text("create", *name);
  for (const bson::Element& element : AsDocument(*body)) {
    if (element.name() != "name") command.Element(element);
  }
  Result<Buffer> reply = Run(request, command.Finish());
  if (!reply.ok()) return std::move(reply).status();
  JsonObject out = Success();
  out.Text("collection", *name).Text("message", "Collection created");
  const std::string location =
      std::string(std::string_view(request.exchange().Path())) + "/" + EncodePercent(*name);
  return SendJson(request.exchange(), 201, out.Finish(), {{"Location", location}});
}

Status ChangeCollection(Request& request) {
  Result<std::string> body = request.ObjectBody();
  if (!body.ok()) return std::move(body).status();
  const Members members(AsDocument(*body));
  Status known = members.Only({"name", "timestamps", "validator", "validationLevel",
                               "validationAction", "viewOn", "pipeline", "index", "changes"});
  if (!known.ok()) return known;
  Result<std::string_view> renamed = members.Text("name", "");
  if (!renamed.ok()) return std::move(renamed).status();
  std::string name(request.capture(0));
  bson::Builder change;
  change.Text("collMod", name);
  size_t options = 0;
  for (const bson::Element& element : AsDocument(*body)) {
    if (element.name() == "name") continue;
    change.Element(element);
    ++options;
  }
  if (options > 0) {
    Result<Buffer> reply = Run(request, change.Finish());
    if (!reply.ok()) return std::move(reply).status();
  }
  if (!renamed->empty() && *renamed != name) {
    const std::string prefix = std::string(request.database_name()) + ".";
    bson::Builder rename;
    rename.Text("renameCollection", prefix + name);
    rename.Text("to", prefix + std::string(*renamed));
    Result<Buffer> reply = RunIn(request, "admin", rename.Finish());
    if (!reply.ok()) return std::move(reply).status();
    name = *renamed;
  } else if (options == 0) {
    return MakeError(ErrorId::kMissingOption, "The body names nothing to change.");
  }
  JsonObject out = Success();
  out.Text("collection", name).Text("message", "Collection changed");
  return SendJson(request.exchange(), 200, out.Finish());
}

Status DropCollection(Request& request) {
  const std::string_view name = request.capture(0);
  Result<Buffer> reply = Run(request, bson::Builder().Text("drop", name).Finish());
  if (!reply.ok()) {
    return reply.status().code() == Code::kNotFound ? CollectionMissing(name)
                                                    : std::move(reply).status();
  }
  // Dropping what is not there is fine for MongoDB; its reply then names no collection.
  if (!bson::Document(reply->bytes())["ns"]) return CollectionMissing(name);
  JsonObject out = Success();
  out.Text("collection", name).Text("message", "Collection dropped");
  return SendJson(request.exchange(), 200, out.Finish());
}

Status GetCollectionStats(Request& request) {
  const std::string_view name = request.capture(0);
  Result<Buffer> reply = Run(request, bson::Builder().Text("collStats", name).Finish());
  if (!reply.ok()) return std::move(reply).status();
  JsonObject stats;
  for (const bson::Element& element : bson::Document(reply->bytes())) {
    if (element.name() != "ok") stats.Value(element.name(), element.value());
  }
  JsonObject out = Success();
  out.Text("collection", name).Raw("stats", stats.Finish());
  return SendJson(request.exchange(), 200, out.Finish());
}

Status ListDatabases(Request& request) {
  Result<Buffer> reply =
      RunIn(request, "admin", bson::Builder().Int32("listDatabases", 1).Finish());
  if (!reply.ok()) return std::move(reply).status();
  const bson::Document databases = bson::Document(reply->bytes())["databases"].value().Doc();
  JsonObject out = Success();
  AppendJsonArray(out.Name("databases"), databases, JsonMode::kRest);
  out.Integer("count", static_cast<int64_t>(databases.CountElements()));
  return SendJson(request.exchange(), 200, out.Finish());
}

Status DropDatabase(Request& request) {
  const std::string_view name = request.capture(0);
  Result<Buffer> reply = RunIn(request, name, bson::Builder().Int32("dropDatabase", 1).Finish());
  if (!reply.ok()) return std::move(reply).status();
  if (!bson::Document(reply->bytes())["dropped"]) {
    return MakeError(ErrorId::kDatabaseNotFound, "Database not found");
  }
  JsonObject out = Success();
  out.Text("database", name).Text("message", "Database dropped");
  return SendJson(request.exchange(), 200, out.Finish());
}

}  // namespace nexadb::rest
