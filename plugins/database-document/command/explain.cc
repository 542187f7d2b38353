// explain, honest about what is done: IDHACK for one _id, CLUSTERED_IXSCAN for several or for a
// range of _id, COLLSCAN for everything else.
#include "core/document/error.h"
#include "plugins/database-document/command/fields.h"
#include "plugins/database-document/command/read_commands.h"
#include "plugins/database-document/command/reply.h"

namespace nexadb::database {

namespace {

constexpr int32_t kCommandNotFound = 59;
constexpr int32_t kFailedToParse = 9;
constexpr int32_t kBadValue = 2;

std::string_view StageOf(const AccessPath& path) {
  if (path.single_id) return "IDHACK";
  const bool by_id = path.kind == AccessPath::Kind::kIdLookup || path.narrowed;
  return by_id ? "CLUSTERED_IXSCAN" : "COLLSCAN";
}

// What is explained: a collection and the filter that chooses its access path.
struct Explained {
  std::string_view collection;
  bson::Document filter;
  bool sorts = false;
};

Result<Explained> ParseExplained(const CommandCall& inner) {
  const std::string_view name = inner.name();
  const bson::Document command = inner.command;
  Explained out;
  if (name == "aggregate") {
    auto collection = CheckAggregate(inner);
    if (!collection.ok()) return collection.status();
    out.collection = *collection;
    const bson::Element first = *ObjectMember(command, "pipeline").begin();
    if (first) out.filter = ObjectMember(first.value().Doc(), "$match");
    return out;
  }
  auto collection = CollectionOf(inner);
  if (!collection.ok()) return collection.status();
  out.collection = *collection;
  if (name == "find") {
    auto request = ParseFindRequest(inner);
    if (!request.ok()) return request.status();
    out.filter = request->filter;
    out.sorts = !request->sort.empty();
    return out;
  }
  if (name == "count" || name == "distinct" || name == "findAndModify") {
    out.filter = ObjectMember(command, "query");
    return out;
  }
  if (name == "update" || name == "delete") {
    const bson::Element first =
        *ObjectMember(command, name == "update" ? "updates" : "deletes").begin();
    if (first.type() == bson::Type::kObject) out.filter = ObjectMember(first.value().Doc(), "q");
    return out;
  }
  return MongoError(kCommandNotFound,
                    "Explain failed due to unknown command: " + std::string(name));
}

Status AppendExecution(const CommandCall& call, const Explained& explained, const AccessPath& path,
                       std::shared_ptr<const query::Matcher> filter, bson::Builder* reply) {
  auto scope = ReadScope::Open(call.session);
  if (!scope.ok()) return scope.status();
  QueryContext context(call.session, std::string(call.database), *scope);
  const bool missing = (*scope)->Find(call.database, explained.collection) == nullptr;
  uint64_t returned = 0;
  uint64_t examined = 0;
  const uint64_t begun = call.environment().NowNs();
  if (!missing) {
    CollectionScan scan(context, path, std::move(filter));
    std::vector<ScannedDocument> batch(query::kBatchDocuments);
    for (;;) {
      auto count = scan.Next(batch);
      if (!count.ok()) return count.status();
      if (*count == 0) break;
      returned += *count;
    }
    examined = scan.examined();
  }
  const uint64_t took_ms = (call.environment().NowNs() - begun) / 1'000'000;
  reply->OpenObject("executionStats").Bool("executionSuccess", true);
  reply->Int32("nReturned", static_cast<int32_t>(returned));
  reply->Int32("executionTimeMillis", static_cast<int32_t>(took_ms));
  reply->Int32("totalKeysExamined", 0);
  reply->Int32("totalDocsExamined", static_cast<int32_t>(examined));
  reply->OpenObject("executionStages").Text("stage", StageOf(path));
  reply->Int32("nReturned", static_cast<int32_t>(returned)).Close().Close();
  return {};
}

Status Explain(const CommandCall& call, const CommandCall& inner, std::string_view verbosity,
               bson::Builder* reply) {
  auto explained = ParseExplained(inner);
  if (!explained.ok()) return explained.status();
  Status status = call.session.CheckAccess(Action::kRead, call.database, explained->collection);
  if (!status.ok()) return status;
  auto parsed = query::Matcher::Parse(explained->filter, ParseOptionsOf(inner));
  if (!parsed.ok()) return parsed.status();
  const std::shared_ptr<const query::Matcher> filter = std::move(*parsed);
  auto scope = ReadScope::Open(call.session);
  if (!scope.ok()) return scope.status();
  const EntryPtr entry = (*scope)->Find(call.database, explained->collection);
  const AccessPath path =
      ChooseAccess(entry != nullptr ? entry->id : 0, *filter, ScanDirection::kForward);
  reply->Text("explainVersion", "1").OpenObject("queryPlanner");
  reply->Text("namespace", Namespace(call.database, explained->collection));
  reply->Object("parsedQuery", explained->filter).Bool("indexFilterSet", false);
  reply->OpenObject("winningPlan");
  if (entry == nullptr) {
    reply->Text("stage", "EOF");
  } else if (explained->sorts) {
    reply->Text("stage", "SORT").OpenObject("inputStage").Text("stage", StageOf(path)).Close();
  } else {
    reply->Text("stage", StageOf(path)).Object("filter", explained->filter);
    reply->Text("direction", "forward");
  }
  reply->Close().OpenArray("rejectedPlans").Close().Close();
  reply->Object("command", inner.command);
  if (verbosity != "queryPlanner") {
    Status failed = AppendExecution(call, *explained, path, filter, reply);
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
