// Writes that choose their documents by a filter: _update, _delete, _find_and_modify.
#include "core/document/error.h"
#include "plugins/api-rest/handlers.h"
#include "plugins/api-rest/members.h"
#include "plugins/api-rest/query_spec.h"
#include "plugins/api-rest/reply.h"
#include "plugins/api-rest/request.h"
#include "plugins/api-rest/write_outcome.h"

namespace nexadb::rest {
namespace {

// Runs a command in a session of its own deadline. A write error of its only statement is the
// request's error.
Result<Buffer> RunWrite(Request& request, uint64_t time_ms, const std::string& command) {
  Result<Session*> session = request.session(time_ms);
  if (!session.ok()) return std::move(session).status();
  Result<Buffer> reply =
      request.database().Run(**session, request.database_name(), AsBytes(command));
  if (!reply.ok()) return reply;
  for (const bson::Element& error : bson::Document(reply->bytes())["writeErrors"].value().Doc()) {
    return WriteErrorStatus(error.value().Doc());
  }
  return reply;
}

Status NeedUpdate(const Members& members) {
  const bson::Type type = members.Get("update").type();
  if (type == bson::Type::kObject || type == bson::Type::kArray) return {};
  if (!members.Has("update")) {
    return FailAt(ErrorId::kMissingOption, "'update' is missing.", "/update");
  }
  return FailAt(ErrorId::kTypeMismatch, "'update' takes an object or a pipeline.", "/update");
}

}  // namespace

Status UpdateByFilter(Request& request) {
  Result<std::string> body = request.ObjectBody();
  if (!body.ok()) return std::move(body).status();
  const Members members(AsDocument(*body));
  Status known = members.Only({"query", "filter", "all", "update", "multi", "upsert",
                               "array_filters", "hint", "collation", "max_time_ms"});
  if (!known.ok()) return known;
  Result<std::string> filter = ReadFilter(AsDocument(*body));
  Result<bool> multi = members.Flag("multi", false);
  Result<bool> upsert = members.Flag("upsert", false);
  Result<uint64_t> time = ReadMaxTime(request, AsDocument(*body));
  for (const Status& status :
       {filter.status(), multi.status(), upsert.status(), time.status(), NeedUpdate(members)}) {
    if (!status.ok()) return status;
  }
  if (*multi) {
    Status sure = CheckMeansAll(AsDocument(*body), AsDocument(*filter), "update every document");
    if (!sure.ok()) return sure;
  }
  bson::Builder command;
  command.Text("update", request.capture(0)).OpenArray("updates").OpenObject("0");
  command.Object("q", AsDocument(*filter)).Value("u", members.Get("update"));
  command.Bool("multi", *multi).Bool("upsert", *upsert);
  if (members.Has("array_filters")) {
    command.Value("arrayFilters", members.Get("array_filters"));
  }
  for (const std::string_view name : {"hint", "collation"}) {
    if (members.Has(name)) command.Value(name, members.Get(name));
  }
  Result<Buffer> reply = RunWrite(request, *time, command.Close().Close().Finish());
  if (!reply.ok()) return std::move(reply).status();
  const bson::Document outcome(reply->bytes());
  const bson::Document upserted = outcome["upserted"].value().Doc();
  JsonObject out = Success();
  out.Text("collection", request.capture(0));
  out.Integer("matched", IntegerOf(outcome, "n") - static_cast<int64_t>(upserted.CountElements()));
  out.Integer("modified", IntegerOf(outcome, "nModified"));
  for (const bson::Element& entry : upserted) {
    AppendId(out.Name("upserted_id"), entry.value().Doc()["_id"].value());
  }
  out.Number("took_ms", request.TookMs());
  return SendJson(request.exchange(), 200, out.Finish());
}

Status DeleteByFilter(Request& request) {
  Result<std::string> body = request.ObjectBody();
  if (!body.ok()) return std::move(body).status();
  const Members members(AsDocument(*body));
  Status known =
      members.Only({"query", "filter", "all", "limit", "hint", "collation", "max_time_ms"});
  if (!known.ok()) return known;
  Result<std::string> filter = ReadFilter(AsDocument(*body));
  Result<int64_t> limit = members.Integer("limit", 0, 0, 1);
  Result<uint64_t> time = ReadMaxTime(request, AsDocument(*body));
  for (const Status& status : {filter.status(), limit.status(), time.status()}) {
    if (!status.ok()) return status;
  }
  Status sure = CheckMeansAll(AsDocument(*body), AsDocument(*filter), "delete every document");
  if (!sure.ok()) return sure;
  bson::Builder command;
  command.Text("delete", request.capture(0)).OpenArray("deletes").OpenObject("0");
  command.Object("q", AsDocument(*filter)).Int32("limit", static_cast<int32_t>(*limit));
  for (const std::string_view name : {"hint", "collation"}) {
    if (members.Has(name)) command.Value(name, members.Get(name));
  }
  Result<Buffer> reply = RunWrite(request, *time, command.Close().Close().Finish());
  if (!reply.ok()) return std::move(reply).status();
  JsonObject out = Success();
  out.Text("collection", request.capture(0));
  out.Integer("deleted", IntegerOf(bson::Document(reply->bytes()), "n"));
  out.Number("took_ms", request.TookMs());
  return SendJson(request.exchange(), 200, out.Finish());
}

Status FindAndModify(Request& request) {
  Result<std::string> body = request.ObjectBody();
  if (!body.ok()) return std::move(body).status();
  const Members members(AsDocument(*body));
  Status known =
      members.Only({"query", "filter", "all", "update", "remove", "sort", "fields", "return", "new",
                    "upsert", "array_filters", "hint", "collation", "max_time_ms"});
  if (!known.ok()) return known;
  Result<std::string> filter = ReadFilter(AsDocument(*body));
  Result<std::string> sort = ReadSort(members.Get("sort"));
  Result<std::string> fields = ReadFields(members.Get("fields"));
  Result<bool> remove = members.Flag("remove", false);
  Result<bool> upsert = members.Flag("upsert", false);
  Result<bool> after = members.Flag("new", false);
  Result<std::string_view> which = members.Text("return", "");
  Result<uint64_t> time = ReadMaxTime(request, AsDocument(*body));
  for (const Status& status : {filter.status(), sort.status(), fields.status(), remove.status(),
                               upsert.status(), after.status(), which.status(), time.status()}) {
    if (!status.ok()) return status;
  }
  if (!which->empty() && *which != "before" && *which != "after") {
    return FailAt(ErrorId::kBadValue, "'return' takes before or after.", "/return");
  }
  // A sort says which document is meant, as a queue's next one.
  if (*remove && sort->empty()) {
    Status sure = CheckMeansAll(AsDocument(*body), AsDocument(*filter), "remove any document");
    if (!sure.ok()) return sure;
  }
  bson::Builder command;
  command.Text("findAndModify", request.capture(0)).Object("query", AsDocument(*filter));
  if (!sort->empty()) command.Object("sort", AsDocument(*sort));
  if (!fields->empty()) command.Object("fields", AsDocument(*fields));
  if (*remove) command.Bool("remove", true);
  if (members.Has("update") || !*remove) {
    if (Status status = NeedUpdate(members); !status.ok()) return status;
    command.Value("update", members.Get("update"));
    command.Bool("new", *after || *which == "after").Bool("upsert", *upsert);
  }
  if (members.Has("array_filters")) {
    command.Value("arrayFilters", members.Get("array_filters"));
  }
  for (const std::string_view name : {"hint", "collation"}) {
    if (members.Has(name)) command.Value(name, members.Get(name));
  }
  Result<Buffer> reply = RunWrite(request, *time, command.Finish());
  if (!reply.ok()) return std::move(reply).status();
  const bson::Document outcome(reply->bytes());
  const bson::Document last = outcome["lastErrorObject"].value().Doc();
  JsonObject out = Success();
  out.Text("collection", request.capture(0));
  const bson::Value document = outcome["value"].value();
  if (document.type() == bson::Type::kObject) {
    out.Document("document", document.Doc());
  } else {
    out.Null("document");
  }
  out.Integer("matched", last["upserted"] ? 0 : IntegerOf(last, "n"));
  if (last["upserted"]) AppendId(out.Name("upserted_id"), last["upserted"].value());
  out.Number("took_ms", request.TookMs());
  return SendJson(request.exchange(), 200, out.Finish());
}

}  // namespace nexadb::rest
