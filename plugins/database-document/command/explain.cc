// explain: the plan that the planner makes for a command, and what following it examines.
#include <algorithm>
#include <optional>

#include "core/document/error.h"
#include "plugins/database-document/command/collation.h"
#include "plugins/database-document/command/fields.h"
#include "plugins/database-document/command/read_commands.h"
#include "plugins/database-document/command/reply.h"
#include "plugins/database-document/plan/document_scan.h"
#include "plugins/database-document/plan/explain.h"
#include "plugins/database-document/plan/find_source.h"
#include "plugins/database-document/plan/namespace_source.h"
#include "plugins/database-document/plan/pipeline_access.h"
#include "plugins/database-document/plan/planner.h"

namespace nexadb::database {

namespace {

constexpr int32_t kCommandNotFound = 59;
constexpr int32_t kFailedToParse = 9;
constexpr int32_t kBadValue = 2;

// What is explained: a collection and the filter that chooses its access path.
struct Explained {
  std::string_view collection;
  bson::Document statement;  // what has the filter and the collation
  bson::Document filter;
  std::shared_ptr<const std::string> joined_filter;  // what `filter` lies in, where it is no member
  bson::Document sort;
  uint64_t first = 0;  // so many documents are wanted; 0: all
  uint64_t skip = 0;   // of which so many are passed over
  bson::Value hint;
  Order order = Order::kById;
  bson::Document projection;                    // a find's
  bson::Document pipeline;                      // an aggregation's
  std::optional<std::vector<std::string>> key;  // of a distinct
};

// The paths at which the command looks besides its filter; none: anywhere. What does not parse is
// not run either, and somebody else says so.
std::optional<std::vector<std::string>> LooksAt(QueryContext& context, std::string_view command,
                                                const Explained& explained) {
  if (command == "find") {
    auto projection = query::Projection::ParseFind(explained.projection, explained.filter,
                                                   context.parse_options());
    if (!projection.ok()) return std::nullopt;
    return PathsOfFind(**projection, explained.sort);
  }
  if (command != "aggregate") return explained.key;
  DatabaseContext stages(context, explained.collection);
  auto pipeline = query::Pipeline::Parse(explained.pipeline, stages, context.parse_options());
  if (!pipeline.ok()) return std::nullopt;
  (*pipeline)->TakeLeadingMatch();
  return PathsOfPipeline(**pipeline);
}

void AddSort(bson::Document sort, Explained* out) {
  const bson::Element by = *sort.begin();
  if (by && by.name() != "$natural") out->sort = sort;
}

// What of a pipeline decides how its documents are found: each $match that it begins with, a $sort
// behind them, and how many of its documents the stages behind that let through.
void AddPipeline(bson::Document stages, Explained* out) {
  auto stage = stages.begin();
  const auto named = [&](std::string_view name) {
    return stage != stages.end() && (*stage).value().Doc()[name];
  };
  std::vector<bson::Document> filters;
  for (; named("$match"); ++stage) {
    filters.push_back(ObjectMember((*stage).value().Doc(), "$match"));
  }
  if (filters.size() == 1) out->filter = filters[0];
  if (filters.size() > 1) {
    bson::Builder all;
    all.OpenArray("$and");
    for (size_t i = 0; i < filters.size(); ++i) all.Object(std::to_string(i), filters[i]);
    all.Close();
    out->joined_filter = std::make_shared<const std::string>(all.Finish());
    out->filter = bson::Document(AsBytes(*out->joined_filter));
  }
  if (!named("$sort")) return;
  AddSort(ObjectMember((*stage).value().Doc(), "$sort"), out);
  const auto count = [&](std::string_view name) {
    const int64_t given = IntegerMember((*stage).value().Doc(), name, 0);
    return static_cast<uint64_t>(std::max<int64_t>(0, given));
  };
  uint64_t skipped = 0;
  for (++stage; named("$skip"); ++stage) skipped += count("$skip");
  if (named("$limit")) out->first = skipped + count("$limit");
}

Result<Explained> ParseExplained(const CommandCall& inner) {
  const std::string_view name = inner.name();
  const bson::Document command = inner.command;
  Explained out;
  out.statement = command;
  out.hint = Member(command, "hint");
  if (name == "aggregate") {
    auto collection = CheckAggregate(inner);
    if (!collection.ok()) return collection.status();
    out.collection = *collection;
    out.pipeline = ObjectMember(command, "pipeline");
    AddPipeline(out.pipeline, &out);
    return out;
  }
  auto collection = CollectionOf(inner);
  if (!collection.ok()) return collection.status();
  out.collection = *collection;
  if (name == "find") {
    auto request = ParseFindRequest(inner);
    if (!request.ok()) return request.status();
    out.filter = request->filter;
    AddSort(request->sort, &out);
    if (request->sort.empty()) out.order = Order::kAny;
    if (request->limit != 0) out.first = request->skip + request->limit;
    out.skip = request->skip;
    out.projection = request->projection;
    return out;
  }
  if (name == "count" || name == "distinct" || name == "findAndModify") {
    out.filter = ObjectMember(command, "query");
    if (name == "distinct") out.key = {std::string(TextMember(command, "key"))};
    return out;
  }
  if (name == "update" || name == "delete") {
    const bson::Element first =
        *ObjectMember(command, name == "update" ? "updates" : "deletes").begin();
    if (first.type() == bson::Type::kObject) {
      out.statement = first.value().Doc();
      out.filter = ObjectMember(first.value().Doc(), "q");
      out.hint = Member(first.value().Doc(), "hint");
    }
    return out;
  }
  return MongoError(kCommandNotFound,
                    "Explain failed due to unknown command: " + std::string(name));
}

Result<QueryPlan> PlanOf(QueryContext& context, const EntryPtr& entry, const query::Matcher& filter,
                         std::string_view command, const Explained& explained) {
  PlanRequest request{entry, filter};
  request.looks_at = LooksAt(context, command, explained);
  request.hint = explained.hint;
  request.sort.first = explained.first;
  request.order = explained.order;
  if (explained.sort.empty()) return MakePlan(context, request);
  auto pattern = query::SortPattern::Parse(explained.sort, context.collation());
  if (!pattern.ok()) return pattern.status();
  request.sort.pattern = &*pattern;
  return MakePlan(context, request);
}

// Follows the plan and says what it took: to its end, or in order as far as the query wants.
Status AppendExecution(QueryContext& context, QueryPlan plan, const Explained& explained,
                       std::shared_ptr<const query::Matcher> filter, bson::Builder* reply) {
  Environment& environment = context.session().environment();
  const uint64_t begun = environment.NowNs();
  const bool cut = explained.first != 0;
  const bool in_order = plan.sorted || explained.sort.empty();
  const uint64_t enough = in_order && cut ? explained.first : UINT64_MAX;
  DocumentScan scan(context, std::move(plan), std::move(filter));
  std::vector<query::BatchDocument> batch(query::kBatchDocuments);
  uint64_t returned = 0;
  while (returned < enough) {
    const auto wanted = static_cast<size_t>(std::min<uint64_t>(enough - returned, batch.size()));
    auto count = scan.NextBodies(std::span(batch).first(wanted));
    if (!count.ok()) return count.status();
    if (*count == 0) break;
    returned += *count;
  }
  if (cut) returned = std::min(returned, explained.first);
  returned -= std::min(returned, explained.skip);
  const uint64_t took_ms = (environment.NowNs() - begun) / 1'000'000;
  reply->OpenObject("executionStats").Bool("executionSuccess", true);
  reply->Int32("nReturned", static_cast<int32_t>(returned));
  reply->Int32("executionTimeMillis", static_cast<int32_t>(took_ms));
  reply->Int32("totalKeysExamined", static_cast<int32_t>(scan.keys_examined()));
  reply->Int32("totalDocsExamined", static_cast<int32_t>(scan.documents_examined()));
  reply->OpenObject("executionStages");
  reply->Text("stage", scan.fell_back() ? "COLLSCAN" : StageOf(scan.plan()));
  reply->Int32("nReturned", static_cast<int32_t>(returned)).Close().Close();
  return {};
}

Status Explain(const CommandCall& call, const CommandCall& inner, std::string_view verbosity,
               bson::Builder* reply) {
  auto explained = ParseExplained(inner);
  if (!explained.ok()) return explained.status();
  Status status = call.session.CheckAccess(Action::kRead, call.database, explained->collection);
  if (!status.ok()) return status;
  auto scope = ReadScope::Open(call.session);
  if (!scope.ok()) return scope.status();
  if (inner.name() == "aggregate") {
    status = CheckPipelineAccess(call.session, (*scope)->catalog(), call.database,
                                 ObjectMember(inner.command, "pipeline"));
    if (!status.ok()) return status;
  }
  QueryContext context(call.session, std::string(call.database), *scope);
  context.set_parse_options(call.session.call_ms(), ObjectMember(inner.command, "let"));
  status = SetCollation(explained->statement, explained->collection, context);
  if (!status.ok()) return status;
  // The order of the bytes of _id is the collection's own.
  const bson::Element by = *explained->sort.begin();
  if (by && by.name() == "_id" && context.collation() == nullptr) explained->sort = {};
  auto parsed = query::Matcher::Parse(explained->filter, context.parse_options());
  if (!parsed.ok()) return parsed.status();
  const std::shared_ptr<const query::Matcher> filter = std::move(*parsed);
  QueryPlan plan;
  plan.kind = QueryPlan::Kind::kNothing;
  const EntryPtr entry = (*scope)->Find(call.database, explained->collection);
  if (entry != nullptr) {
    auto made = PlanOf(context, entry, *filter, inner.name(), *explained);
    if (!made.ok()) return made.status();
    plan = std::move(*made);
  }
  reply->Text("explainVersion", "1").OpenObject("queryPlanner");
  reply->Text("namespace", Namespace(call.database, explained->collection));
  reply->Object("parsedQuery", explained->filter).Bool("indexFilterSet", false);
  AppendPlan(plan, *filter, explained->sort, reply);
  reply->Close();
  reply->Object("command", inner.command);
  if (verbosity != "queryPlanner") {
    Status failed = AppendExecution(context, std::move(plan), *explained, filter, reply);
    if (!failed.ok()) return failed;
  }
  reply->OpenObject("serverInfo").Text("host", "nexadb").Text("version", "8.2.0").Close();
  return {};
}

}  // namespace

Status RunExplain(const CommandCall& call, bson::Builder* reply) {
  if (call.name() == "aggregate") return Explain(call, call, "queryPlanner", reply);
  static constexpr FieldSpec kKnown[] = {{"verbosity", FieldKind::kText}};
  if (Status status = Fields::CheckCommand(call.command, kKnown); !status.ok()) return status;
  const bson::Element first = *call.command.begin();
  if (first.type() != bson::Type::kObject) {
    return WrongType("explain", "explain", first.type(), "object");
  }
  const bson::Document inner = first.value().Doc();
  if (inner.empty()) return MongoError(kFailedToParse, "explain needs a command");
  std::string_view verbosity = TextMember(call.command, "verbosity");
  if (verbosity.empty()) verbosity = "allPlansExecution";
  if (verbosity != "queryPlanner" && verbosity != "executionStats" &&
      verbosity != "allPlansExecution") {
    return MongoError(kBadValue, "Enumeration value '" + std::string(verbosity) +
                                     "' for field 'explain.verbosity' is not a valid value.");
  }
  return Explain(call, {call.session, call.database, inner}, verbosity, reply);
}

}  // namespace nexadb::database
