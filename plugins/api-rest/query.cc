// Reading many: list, query, aggregate, count, distinct, explain.
#include <algorithm>

#include "core/document/error.h"
#include "plugins/api-rest/handlers.h"
#include "plugins/api-rest/json_form.h"
#include "plugins/api-rest/members.h"
#include "plugins/api-rest/moments.h"
#include "plugins/api-rest/page.h"
#include "plugins/api-rest/query_spec.h"
#include "plugins/api-rest/reply.h"
#include "plugins/api-rest/request.h"

namespace nexadb::rest {
namespace {

Result<Buffer> Run(Request& request, Session& session, const std::string& command) {
  return request.database().Run(session, request.database_name(), AsBytes(command));
}

Status SendQuery(Request& request, const QuerySpec& spec) {
  const std::string_view name = request.capture(0);
  Result<JsonMode> form = ReadJsonForm(request.parameters(), JsonMode::kRest);
  if (!form.ok()) return std::move(form).status();
  Page page;
  page.form = *form;
  page.member = "documents";
  page.collection = name;
  page.limit = spec.limit;
  page.fingerprint = spec.FingerprintIn(request.database_name(), name);
  CursorToken token;
  if (!spec.cursor.empty()) {
    Result<CursorToken> opened = request.api().cursors.Open(spec.cursor, page.fingerprint);
    if (!opened.ok()) return std::move(opened).status();
    token = std::move(*opened);
    if (token.kind == CursorKind::kOffset) page.passed = token.Number();
  }
  Result<Session*> session = request.session(spec.max_time_ms);
  if (!session.ok()) return std::move(session).status();
  if (spec.total) {
    Result<Buffer> counted = Run(request, **session, spec.CountCommand(name));
    if (!counted.ok()) return std::move(counted).status();
    page.total = IntegerOf(bson::Document(counted->bytes()), "n");
  }
  // One more than the page holds: whether it comes tells whether a next page exists.
  const std::string command = spec.FindCommand(name, page.passed, spec.limit + 1);
  QueryOptions options;
  if (token.kind == CursorKind::kKeyset) options.after = AsBytes(token.payload);
  Result<Handle<DocumentCursor>> cursor =
      request.database().Query(**session, request.database_name(), AsBytes(command), options);
  if (!cursor.ok()) return std::move(cursor).status();
  return SendPage(request, **cursor, page);
}

// The pipeline of a body, with the moments of its $match stages read, and the options beside it.
struct Aggregation {
  std::string pipeline;  // a BSON array
  std::string extras;    // {hint, collation, let, allowDiskUse}
  std::string_view cursor;
  int64_t limit = 0;  // 0: all
  uint64_t max_time_ms = 0;

  std::string Command(std::string_view collection) const {
    bson::Builder command;
    command.Text("aggregate", collection).Array("pipeline", AsDocument(pipeline));
    command.OpenObject("cursor");
    if (limit > 0) command.Int64("batchSize", limit);
    command.Close().Elements(AsDocument(extras));
    return command.Finish();
  }
};

Result<std::string> ReadStages(bson::Document stages) {
  bson::Builder out;
  for (const bson::Element& stage : stages) {
    if (stage.type() != bson::Type::kObject || !stage.value().Doc()["$match"]) {
      out.Element(stage);
      continue;
    }
    Result<std::string> read = ReadMoments(stage.value().Doc(), NotADate::kKept);
    if (!read.ok()) return std::move(read).status();
    out.Object(stage.name(), AsDocument(*read));
  }
  return out.Finish();
}

Result<Aggregation> ReadAggregation(Request& request, const bson::Value& body) {
  Aggregation aggregation;
  if (body.type() == bson::Type::kArray) {
    Result<std::string> stages = ReadStages(body.Doc());
    if (!stages.ok()) return std::move(stages).status();
    aggregation.pipeline = std::move(*stages);
    aggregation.extras = bson::Builder().Finish();
    return aggregation;
  }
  if (body.type() != bson::Type::kObject) {
    return MakeError(ErrorId::kNotAnObject,
                     "The body takes {\"pipeline\": [...]} or the array of stages itself.");
  }
  const Members members(body.Doc());
  Status known = members.Only({"pipeline", "hint", "collation", "let", "allow_disk_use",
                               "max_time_ms", "limit", "cursor", "verbosity"});
  if (!known.ok()) return known;
  Result<bson::Document> pipeline = members.Array("pipeline");
  Result<uint64_t> time = ReadMaxTime(request, body.Doc());
  Result<int64_t> limit = members.Integer("limit", 0, 1, kPageMax);
  Result<std::string_view> cursor = members.Text("cursor", "");
  Result<bool> disk = members.Flag("allow_disk_use", true);
  for (const Status& status :
       {pipeline.status(), time.status(), limit.status(), cursor.status(), disk.status()}) {
    if (!status.ok()) return status;
  }
  Result<std::string> stages = ReadStages(*pipeline);
  if (!stages.ok()) return std::move(stages).status();
  aggregation.pipeline = std::move(*stages);
  aggregation.max_time_ms = *time;
  aggregation.limit = *limit;
  aggregation.cursor = *cursor;
  bson::Builder extras;
  for (const std::string_view name : {"hint", "collation", "let"}) {
    if (!members.Get(name).IsNullish()) extras.Value(name, members.Get(name));
  }
  extras.Bool("allowDiskUse", *disk);
  aggregation.extras = extras.Finish();
  return aggregation;
}

// One page of an aggregation whose rest the database holds until it is asked for, or idle too long.
Status SendHeldPage(Request& request, Session& session, const Aggregation& aggregation,
                    JsonMode form) {
  const std::string_view name = request.capture(0);
  HeldCursors& held = request.api().held_cursors;
  const uint64_t now_ns = request.api().services.clock->MonotonicNs();
  const uint64_t fingerprint =
      Fingerprint({"aggregate", request.database_name(), name, aggregation.pipeline});
  std::string command = aggregation.Command(name);
  uint64_t id = 0;
  uint64_t passed = 0;
  if (!aggregation.cursor.empty()) {
    Result<CursorToken> token = request.api().cursors.Open(aggregation.cursor, fingerprint);
    if (!token.ok()) return std::move(token).status();
    CursorToken position;
    position.payload = token->payload.substr(std::min<size_t>(8, token->payload.size()));
    passed = position.Number();
    token->payload.resize(std::min<size_t>(8, token->payload.size()));
    id = token->Number();
    if (!held.Claim(id, passed)) {
      return MakeError(ErrorId::kCursorExpired,
                       "This page of the aggregation was given already, or its results are no "
                       "longer held; run it again.");
    }
    bson::Builder more;
    more.Int64("getMore", static_cast<int64_t>(id)).Text("collection", name);
    more.Int64("batchSize", aggregation.limit > 0 ? aggregation.limit : kPageDefault);
    command = more.Finish();
  }
  Result<Buffer> reply = Run(request, session, command);
  if (!reply.ok()) {
    if (aggregation.cursor.empty() || reply.status().code() != Code::kNotFound) {
      // Whoever may not read it takes it from nobody.
      if (id != 0) held.Keep(id, passed, now_ns);
      return std::move(reply).status();
    }
    return MakeError(ErrorId::kCursorExpired,
                     "The results of this aggregation are no longer held; run it again.");
  }
  const bson::Document cursor = bson::Document(reply->bytes())["cursor"].value().Doc();
  const std::string_view batch = aggregation.cursor.empty() ? "firstBatch" : "nextBatch";
  JsonObject out = Success();
  out.Text("collection", name);
  std::string& text = out.Name("results");
  text.push_back('[');
  int64_t count = 0;
  for (const bson::Element& element : cursor[batch].value().Doc()) {
    if (count++ > 0) text.push_back(',');
    AppendJson(text, element.value().Doc(), form);
  }
  text.push_back(']');
  out.Integer("count", count);
  id = static_cast<uint64_t>(IntegerOf(cursor, "id"));
  if (id == 0) {
    out.Null("next_cursor");
  } else {
    CursorToken token;
    token.kind = CursorKind::kAggregation;
    token.fingerprint = fingerprint;
    passed += static_cast<uint64_t>(count);
    token.payload = CursorToken::NumberPayload(id) + CursorToken::NumberPayload(passed);
    held.Keep(id, passed, now_ns);
    out.Text("next_cursor", request.api().cursors.Sign(token));
  }
  out.Number("took_ms", request.TookMs());
  return SendJson(request.exchange(), 200, out.Finish());
}

}  // namespace

Status ListDocuments(Request& request) {
  Result<QuerySpec> spec = ReadQueryParameters(request);
  if (!spec.ok()) return std::move(spec).status();
  return SendQuery(request, *spec);
}

Status QueryDocuments(Request& request) {
  Result<std::string> body = request.OptionalObjectBody();
  if (!body.ok()) return std::move(body).status();
  Result<QuerySpec> spec = ReadQueryBody(request, AsDocument(*body));
  if (!spec.ok()) return std::move(spec).status();
  return SendQuery(request, *spec);
}

Status AggregateDocuments(Request& request) {
  Result<JsonValue> body = request.AnyBody();
  if (!body.ok()) return std::move(body).status();
  Result<Aggregation> aggregation = ReadAggregation(request, body->value());
  if (!aggregation.ok()) return std::move(aggregation).status();
  Result<JsonMode> form = ReadJsonForm(request.parameters(), JsonMode::kRest);
  if (!form.ok()) return std::move(form).status();
  Result<Session*> session = request.session(aggregation->max_time_ms);
  if (!session.ok()) return std::move(session).status();
  if (aggregation->limit > 0 || !aggregation->cursor.empty()) {
    return SendHeldPage(request, **session, *aggregation, *form);
  }
  const std::string command = aggregation->Command(request.capture(0));
  Result<Handle<DocumentCursor>> cursor = request.database().Query(
      **session, request.database_name(), AsBytes(command), QueryOptions{});
  if (!cursor.ok()) return std::move(cursor).status();
  Page page;
  page.member = "results";
  page.collection = request.capture(0);
  page.form = *form;
  return SendPage(request, **cursor, page);
}

Status CountDocuments(Request& request) {
  Result<std::string> body = request.OptionalObjectBody();
  if (!body.ok()) return std::move(body).status();
  const Members members(AsDocument(*body));
  Status known =
      members.Only({"query", "filter", "skip", "limit", "hint", "collation", "max_time_ms"});
  if (!known.ok()) return known;
  Result<std::string> filter = ReadFilter(AsDocument(*body));
  Result<uint64_t> time = ReadMaxTime(request, AsDocument(*body));
  Result<int64_t> skip = members.Integer("skip", 0, 0, kLimitMax);
  Result<int64_t> limit = members.Integer("limit", 0, 0, kLimitMax);
  for (const Status& status : {filter.status(), time.status(), skip.status(), limit.status()}) {
    if (!status.ok()) return status;
  }
  bson::Builder command;
  command.Text("count", request.capture(0)).Object("query", AsDocument(*filter));
  if (*skip > 0) command.Int64("skip", *skip);
  if (*limit > 0) command.Int64("limit", *limit);
  for (const std::string_view name : {"hint", "collation"}) {
    if (members.Has(name)) command.Value(name, members.Get(name));
  }
  Result<Session*> session = request.session(*time);
  if (!session.ok()) return std::move(session).status();
  Result<Buffer> reply = Run(request, **session, command.Finish());
  if (!reply.ok()) return std::move(reply).status();
  JsonObject out = Success();
  out.Text("collection", request.capture(0));
  out.Integer("count", IntegerOf(bson::Document(reply->bytes()), "n"));
  out.Number("took_ms", request.TookMs());
  return SendJson(request.exchange(), 200, out.Finish());
}

Status ListDistinct(Request& request) {
  Result<std::string> body = request.ObjectBody();
  if (!body.ok()) return std::move(body).status();
  const Members members(AsDocument(*body));
  Status known =
      members.Only({"field", "key", "query", "filter", "hint", "collation", "max_time_ms"});
  if (!known.ok()) return known;
  Result<std::string_view> field = members.Text(members.Has("field") ? "field" : "key", "");
  Result<std::string> filter = ReadFilter(AsDocument(*body));
  Result<uint64_t> time = ReadMaxTime(request, AsDocument(*body));
  Result<JsonMode> form = ReadJsonForm(request.parameters(), JsonMode::kRest);
  for (const Status& status : {field.status(), filter.status(), time.status(), form.status()}) {
    if (!status.ok()) return status;
  }
  if (field->empty()) {
    return FailAt(ErrorId::kMissingOption, "'field' is missing: the path whose values to list.",
                  "/field");
  }
  bson::Builder command;
  command.Text("distinct", request.capture(0)).Text("key", *field);
  command.Object("query", AsDocument(*filter));
  for (const std::string_view name : {"hint", "collation"}) {
    if (members.Has(name)) command.Value(name, members.Get(name));
  }
  Result<Session*> session = request.session(*time);
  if (!session.ok()) return std::move(session).status();
  Result<Buffer> reply = Run(request, **session, command.Finish());
  if (!reply.ok()) return std::move(reply).status();
  const bson::Document values = bson::Document(reply->bytes())["values"].value().Doc();
  JsonObject out = Success();
  out.Text("collection", request.capture(0)).Text("field", *field);
  AppendJsonArray(out.Name("values"), values, *form);
  out.Integer("count", static_cast<int64_t>(values.CountElements()));
  out.Number("took_ms", request.TookMs());
  return SendJson(request.exchange(), 200, out.Finish());
}

Status ExplainQuery(Request& request) {
  Result<std::string> body = request.OptionalObjectBody();
  if (!body.ok()) return std::move(body).status();
  const Members members(AsDocument(*body));
  Result<std::string_view> verbosity = members.Text("verbosity", "queryPlanner");
  if (!verbosity.ok()) return std::move(verbosity).status();
  std::string explained;
  uint64_t time_ms = 0;
  if (members.Has("pipeline")) {
    Result<Aggregation> aggregation =
        ReadAggregation(request, AsDocument(*body).AsValue(bson::Type::kObject));
    if (!aggregation.ok()) return std::move(aggregation).status();
    explained = aggregation->Command(request.capture(0));
    time_ms = aggregation->max_time_ms;
  } else {
    Result<QuerySpec> spec = ReadQueryBody(request, AsDocument(*body));
    if (!spec.ok()) return std::move(spec).status();
    explained = spec->FindCommand(request.capture(0), 0, spec->limit);
    time_ms = spec->max_time_ms;
  }
  bson::Builder command;
  command.Object("explain", AsDocument(explained)).Text("verbosity", *verbosity);
  Result<Session*> session = request.session(time_ms);
  if (!session.ok()) return std::move(session).status();
  Result<Buffer> reply = Run(request, **session, command.Finish());
  if (!reply.ok()) return std::move(reply).status();
  JsonObject out = Success();
  out.Text("collection", request.capture(0));
  out.Document("explain", bson::Document(reply->bytes())).Number("took_ms", request.TookMs());
  return SendJson(request.exchange(), 200, out.Finish());
}

}  // namespace nexadb::rest
