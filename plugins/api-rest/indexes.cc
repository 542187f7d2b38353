// Indexes of a collection: passed on to the database's commands.
#include "core/document/error.h"
#include "plugins/api-rest/handlers.h"
#include "plugins/api-rest/members.h"
#include "plugins/api-rest/reply.h"
#include "plugins/api-rest/request.h"

namespace nexadb::rest {
namespace {

Result<Buffer> Run(Request& request, const std::string& command) {
  Result<Session*> session = request.session();
  if (!session.ok()) return std::move(session).status();
  return request.database().Run(**session, request.database_name(), AsBytes(command));
}

Result<Buffer> RunListIndexes(Request& request) {
  bson::Builder command;
  command.Text("listIndexes", request.capture(0));
  command.OpenObject("cursor").Int32("batchSize", 1'000'000).Close();
  return Run(request, command.Finish());
}

bson::Document BatchOf(const Buffer& reply) {
  return bson::Document(reply.bytes())["cursor"].value().Doc()["firstBatch"].value().Doc();
}

// MongoDB's way of naming: {age: 1, name: -1} is "age_1_name_-1".
std::string NameOf(bson::Document key) {
  std::string name;
  for (const bson::Element& element : key) {
    if (!name.empty()) name.push_back('_');
    name += element.name();
    name.push_back('_');
    int64_t direction = 0;
    if (element.type() == bson::Type::kString) {
      name += element.value().Text();
    } else if (AsInteger(element.value(), direction)) {
      name += std::to_string(direction);
    }
  }
  return name;
}

// Appends one index of the request as createIndexes takes it; false when it has no key.
bool AppendIndex(bson::Builder& command, std::string_view position, bson::Document spec) {
  const bson::Value key = spec["key"].value();
  if (key.type() != bson::Type::kObject || key.Doc().empty()) return false;
  command.OpenObject(position);
  command.Elements(spec);
  if (!spec["name"]) command.Text("name", NameOf(key.Doc()));
  command.Close();
  return true;
}

}  // namespace

Status ListIndexes(Request& request) {
  Result<Buffer> reply = RunListIndexes(request);
  if (!reply.ok()) return std::move(reply).status();
  const bson::Document indexes = BatchOf(*reply);
  JsonObject out = Success();
  out.Text("collection", request.capture(0));
  AppendJsonArray(out.Name("indexes"), indexes, JsonMode::kRest);
  out.Integer("count", static_cast<int64_t>(indexes.CountElements()));
  return SendJson(request.exchange(), 200, out.Finish());
}

Status CreateIndexes(Request& request) {
  Result<std::string> body = request.ObjectBody();
  if (!body.ok()) return std::move(body).status();
  const Members members(AsDocument(*body));
  bson::Builder command;
  command.Text("createIndexes", request.capture(0)).OpenArray("indexes");
  bson::Builder names;
  size_t count = 0;
  const auto add = [&](bson::Document spec) -> Status {
    const std::string position = std::to_string(count++);
    if (AppendIndex(command, position, spec)) {
      const bson::Value name = spec["name"].value();
      names.Text(position, name.type() == bson::Type::kString ? std::string(name.Text())
                                                              : NameOf(spec["key"].value().Doc()));
      return {};
    }
    return FailAt(ErrorId::kMissingOption,
                  "'key' is missing: the fields and their directions, such as {\"age\": 1}.",
                  "/key");
  };
  if (members.Has("indexes")) {
    Status known = members.Only({"indexes"});
    Result<bson::Document> indexes = members.Array("indexes");
    if (!known.ok()) return known;
    if (!indexes.ok()) return std::move(indexes).status();
    for (const bson::Element& element : *indexes) {
      if (Status status = add(element.value().Doc()); !status.ok()) return status;
    }
  } else if (Status status = add(AsDocument(*body)); !status.ok()) {
    return status;
  }
  Result<Buffer> reply = Run(request, command.Close().Finish());
  if (!reply.ok()) return std::move(reply).status();
  const bson::Document outcome(reply->bytes());
  const int64_t before = IntegerOf(outcome, "numIndexesBefore");
  const int64_t after = IntegerOf(outcome, "numIndexesAfter");
  JsonObject out = Success();
  out.Text("collection", request.capture(0));
  const std::string made = names.Finish();
  AppendJsonArray(out.Name("indexes"), AsDocument(made), JsonMode::kRest);
  out.Integer("created", after - before).Text("message", "Indexes created");
  return SendJson(request.exchange(), after > before ? 201 : 200, out.Finish());
}

Status GetIndex(Request& request) {
  Result<Buffer> reply = RunListIndexes(request);
  if (!reply.ok()) return std::move(reply).status();
  for (const bson::Element& element : BatchOf(*reply)) {
    const bson::Value name = element.value().Doc()["name"].value();
    if (name.type() != bson::Type::kString || name.Text() != request.capture(1)) continue;
    JsonObject out = Success();
    out.Text("collection", request.capture(0)).Document("index", element.value().Doc());
    return SendJson(request.exchange(), 200, out.Finish());
  }
  return MakeError(ErrorId::kIndexNotFound, "Index not found");
}

Status DropIndex(Request& request) {
  bson::Builder command;
  command.Text("dropIndexes", request.capture(0)).Text("index", request.capture(1));
  Result<Buffer> reply = Run(request, command.Finish());
  if (!reply.ok()) return std::move(reply).status();
  JsonObject out = Success();
  out.Text("collection", request.capture(0)).Text("index", request.capture(1));
  out.Text("message", "Index dropped");
  return SendJson(request.exchange(), 200, out.Finish());
}

}  // namespace nexadb::rest
