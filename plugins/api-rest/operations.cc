// What administrators see and do while the server runs: requests, tasks, backups.
#include <charconv>

#include "core/document/error.h"
#include "plugins/api-rest/handlers.h"
#include "plugins/api-rest/members.h"
#include "plugins/api-rest/reply.h"
#include "plugins/api-rest/request.h"
#include "plugins/api-rest/running_requests.h"

namespace nexadb::rest {
namespace {

template <class Facet>
Result<Facet*> FacetOf(Request& request, std::string_view lacks) {
  auto* facet = static_cast<Facet*>(request.database().Facet(Facet::kInterface));
  if (facet == nullptr) {
    return MakeError(ErrorId::kNotImplemented,
                     "This server's database " + std::string(lacks) + ".");
  }
  return facet;
}

std::string RequestJson(const RequestFacts& facts) {
  JsonObject out;
  out.Text("id", std::to_string(facts.number)).Text("request_id", facts.request_id);
  if (!facts.trace_id.empty()) out.Text("trace_id", facts.trace_id);
  out.Text("method", facts.method).Text("path", facts.path).Text("database", facts.database);
  out.Raw("key", JsonObject().Text("id", facts.key_id).Text("name", facts.key_name).Finish());
  out.Moment("started_at", facts.started_ms).Number("took_ms", facts.took_ms);
  if (!facts.body.empty()) out.Text("body", facts.body);
  if (!facts.outcome.empty()) out.Text("outcome", facts.outcome);
  return out.Finish();
}

Status SendRequests(Request& request, std::string_view member,
                    const std::vector<RequestFacts>& all) {
  JsonObject out = Success();
  std::string& list = out.Name(member);
  list.push_back('[');
  for (size_t i = 0; i < all.size(); ++i) {
    if (i > 0) list.push_back(',');
    list += RequestJson(all[i]);
  }
  list.push_back(']');
  out.Integer("count", static_cast<int64_t>(all.size()));
  return SendJson(request.exchange(), 200, out.Finish());
}

// A document with its moments as text, as everywhere in these answers.
JsonObject& AppendPlain(JsonObject& out, bson::Document document) {
  for (const bson::Element& element : document) {
    if (element.type() == bson::Type::kDate) {
      out.Moment(element.name(), element.value().DateMs());
    } else if (element.type() == bson::Type::kObject) {
      JsonObject inner;
      out.Raw(element.name(), AppendPlain(inner, element.value().Doc()).Finish());
    } else {
      out.Value(element.name(), element.value());
    }
  }
  return out;
}

std::string PlainJson(bson::Document document) {
  JsonObject out;
  return AppendPlain(out, document).Finish();
}

// {member: {…}} of a reply.
Status SendOne(Request& request, uint16_t status, std::string_view member, Result<Buffer> reply) {
  if (!reply.ok()) return std::move(reply).status();
  JsonObject out = Success();
  out.Raw(member, PlainJson(bson::Document(reply->bytes())));
  return SendJson(request.exchange(), status, out.Finish());
}

// {member: [{…}, …], count} of a reply {member: […]}.
Status SendAll(Request& request, std::string_view member, Result<Buffer> reply) {
  if (!reply.ok()) return std::move(reply).status();
  const bson::Document all = bson::Document(reply->bytes())[member].value().Doc();
  JsonObject out = Success();
  std::string& list = out.Name(member);
  list.push_back('[');
  int64_t count = 0;
  for (const bson::Element& element : all) {
    if (count++ > 0) list.push_back(',');
    list += PlainJson(element.value().Doc());
  }
  list.push_back(']');
  out.Integer("count", count);
  return SendJson(request.exchange(), 200, out.Finish());
}

// 202: the task has been taken on. Its place is in Location.
Status SendTask(Request& request, Result<Buffer> task) {
  if (!task.ok()) return std::move(task).status();
  const bson::Document document(task->bytes());
  const std::string location = "/tasks/" + std::string(document["id"].value().Text());
  JsonObject out = Success();
  out.Raw("task", PlainJson(document));
  return SendJson(request.exchange(), 202, out.Finish(), {{"Location", location}});
}

// What tasks and backups are asked through.
template <class Facet>
struct Call {
  Facet* facet = nullptr;
  Session* session = nullptr;
};

template <class Facet>
Result<Call<Facet>> Open(Request& request, std::string_view lacks) {
  Result<Facet*> facet = FacetOf<Facet>(request, lacks);
  if (!facet.ok()) return std::move(facet).status();
  Result<Session*> session = request.session();
  if (!session.ok()) return std::move(session).status();
  return Call<Facet>{*facet, *session};
}

Result<Call<Tasks>> OpenTasks(Request& request) { return Open<Tasks>(request, "runs no tasks"); }
Result<Call<Backups>> OpenBackups(Request& request) {
  return Open<Backups>(request, "makes no backups");
}

}  // namespace

Status ListQueries(Request& request) {
  const Services& services = request.api().services;
  return SendRequests(
      request, "queries",
      request.api().running.List(services.clock->MonotonicNs(), services.clock->UnixMs()));
}

Status EndQuery(Request& request) {
  const std::string_view id = request.capture(0);
  uint64_t number = 0;
  const char* end = std::from_chars(id.data(), id.data() + id.size(), number).ptr;
  if (end != id.data() + id.size() || !request.api().running.Cancel(number)) {
    return MakeError(ErrorId::kQueryNotFound, "No query of this id is running.",
                     ErrorDetail().Text("id", id).Finish());
  }
  JsonObject out = Success();
  out.Text("id", id).Text("message", "The query ends soon");
  return SendJson(request.exchange(), 200, out.Finish());
}

Status ListSlowQueries(Request& request) {
  return SendRequests(request, "slow_queries", request.api().slow.List());
}

Status ListTasks(Request& request) {
  Result<Call<Tasks>> call = OpenTasks(request);
  if (!call.ok()) return std::move(call).status();
  return SendAll(request, "tasks", call->facet->List(*call->session));
}

Status GetTask(Request& request) {
  Result<Call<Tasks>> call = OpenTasks(request);
  if (!call.ok()) return std::move(call).status();
  return SendOne(request, 200, "task", call->facet->Get(*call->session, request.capture(0)));
}

Status CancelTask(Request& request) {
  Result<Call<Tasks>> call = OpenTasks(request);
  if (!call.ok()) return std::move(call).status();
  Status cancelled = call->facet->Cancel(*call->session, request.capture(0));
  if (!cancelled.ok()) return cancelled;
  return SendOne(request, 200, "task", call->facet->Get(*call->session, request.capture(0)));
}

Status Compact(Request& request) {
  Result<std::string> body = request.OptionalObjectBody();
  if (!body.ok()) return std::move(body).status();
  const Members members(AsDocument(*body));
  Status known = members.Only({"database", "collection"});
  if (!known.ok()) return known;
  Result<std::string_view> database =
      members.Text("database", request.api().options.default_database);
  Result<std::string_view> collection = members.Text("collection", "");
  for (const Status& status : {database.status(), collection.status()}) {
    if (!status.ok()) return status;
  }
  if (members.Has("database") && collection->empty()) {
    return FailAt(ErrorId::kMissingOption, "'collection' is missing beside 'database'.",
                  "/collection");
  }
  Result<Call<Tasks>> call = OpenTasks(request);
  if (!call.ok()) return std::move(call).status();
  return SendTask(request, call->facet->Compact(*call->session, *database, *collection));
}

Status ListBackups(Request& request) {
  Result<Call<Backups>> call = OpenBackups(request);
  if (!call.ok()) return std::move(call).status();
  return SendAll(request, "backups", call->facet->List(*call->session));
}

Status CreateBackup(Request& request) {
  Result<std::string> body = request.OptionalObjectBody();
  if (!body.ok()) return std::move(body).status();
  const Members members(AsDocument(*body));
  if (Status known = members.Only({"id"}); !known.ok()) return known;
  Result<std::string_view> id = members.Text("id", "");
  if (!id.ok()) return std::move(id).status();
  Result<Call<Backups>> call = OpenBackups(request);
  if (!call.ok()) return std::move(call).status();
  return SendTask(request, call->facet->Create(*call->session, *id));
}

Status GetBackup(Request& request) {
  Result<Call<Backups>> call = OpenBackups(request);
  if (!call.ok()) return std::move(call).status();
  return SendOne(request, 200, "backup", call->facet->Get(*call->session, request.capture(0)));
}

Status DeleteBackup(Request& request) {
  Result<Call<Backups>> call = OpenBackups(request);
  if (!call.ok()) return std::move(call).status();
  Status removed = call->facet->Remove(*call->session, request.capture(0));
  if (!removed.ok()) return removed;
  JsonObject out = Success();
  out.Text("id", request.capture(0)).Text("message", "Backup deleted");
  return SendJson(request.exchange(), 200, out.Finish());
}

Status VerifyBackup(Request& request) {
  Result<Call<Backups>> call = OpenBackups(request);
  if (!call.ok()) return std::move(call).status();
  return SendTask(request, call->facet->Verify(*call->session, request.capture(0)));
}

Status RestoreBackup(Request& request) {
  Result<std::string> body = request.ObjectBody();
  if (!body.ok()) return std::move(body).status();
  const Members members(AsDocument(*body));
  if (Status known = members.Only({"at_next_start", "target"}); !known.ok()) return known;
  Result<bool> at_next_start = members.Flag("at_next_start", false);
  Result<std::string_view> target = members.Text("target", "");
  for (const Status& status : {at_next_start.status(), target.status()}) {
    if (!status.ok()) return status;
  }
  if (*at_next_start != target->empty()) {
    return FailAt(ErrorId::kMissingOption,
                  "The body takes one of \"at_next_start\": true, and 'target', the name of a new "
                  "directory.",
                  "/target");
  }
  Result<Call<Backups>> call = OpenBackups(request);
  if (!call.ok()) return std::move(call).status();
  RestoreOptions options;
  options.at_next_start = *at_next_start ? 1 : 0;
  options.target = *target;
  return SendTask(request, call->facet->Restore(*call->session, request.capture(0), options));
}

}  // namespace nexadb::rest
