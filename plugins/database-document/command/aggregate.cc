// aggregate.
#include "core/document/error.h"
#include "plugins/database-document/command/collation.h"
#include "plugins/database-document/command/fields.h"
#include "plugins/database-document/command/read_commands.h"
#include "plugins/database-document/command/reply.h"
#include "plugins/database-document/expression/expression.h"
#include "plugins/database-document/plan/namespace_source.h"
#include "plugins/database-document/plan/pipeline_access.h"
#include "plugins/database-document/value/number.h"

namespace nexadb::database {

namespace {

constexpr int32_t kBadValue = 2;
constexpr int32_t kFailedToParse = 9;
constexpr int32_t kInvalidNamespace = 73;
constexpr int32_t kTypeMismatch = 14;
constexpr int32_t kInvalidOptions = 72;
// What stands for a collection in the namespace of {aggregate: 1}.
constexpr std::string_view kNoCollection = "$cmd.aggregate";

constexpr FieldSpec kAggregateFields[] = {
    {"pipeline", FieldKind::kArray, Need::kRequired},
    {"cursor", FieldKind::kObject},
    {"explain", FieldKind::kBool},
    {"allowDiskUse", FieldKind::kBool},
    {"bypassDocumentValidation", FieldKind::kFlag},
    {"collation", FieldKind::kObject},
    {"hint", FieldKind::kObjectOrText},
    {"let", FieldKind::kObject},
    {"isMapReduceCommand", FieldKind::kFlag},
    {"exchange", FieldKind::kAny},
};

// Stages that need no collection to begin with.
bool BringsDocuments(std::string_view stage) {
  return stage == "$documents" || stage == "$currentOp" || stage == "$listLocalSessions" ||
         stage == "$listClusterCatalog";
}

// Stages that read or write by a read concern of their own.
Status CheckReadLevel(bson::Document command) {
  const std::string_view level = TextMember(ObjectMember(command, "readConcern"), "level");
  if (level.empty() || level == "local") return {};
  for (const bson::Element& e : ObjectMember(command, "pipeline")) {
    const std::string_view stage = (*e.value().Doc().begin()).name();
    const bool writes = stage == "$out" || stage == "$merge";
    if ((writes && level == "linearizable") || stage == "$listClusterCatalog") {
      return MongoError(kInvalidOptions, "the stage " + std::string(stage) +
                                             " cannot run with a readConcern level of '" +
                                             std::string(level) + "'");
    }
  }
  return {};
}

}  // namespace

Result<std::string_view> CheckAggregate(const CommandCall& call) {
  const bson::Element first = *call.command.begin();
  std::string_view collection;
  if (first.value().IsNumber()) {
    if (query::IsNan(first.value())) {
      return MongoError(kBadValue, "the 'aggregate' field must be a collection's name or 1");
    }
    if (ToInteger(first.value()) != 1) {
      return MongoError(kFailedToParse,
                        "Invalid command format: the 'aggregate' field must "
                        "specify a collection name or 1");
    }
  } else {
    auto named = CollectionOf(call);
    if (!named.ok()) return named;
    collection = *named;
  }
  Status status = Fields::CheckCommand(call.command, kAggregateFields);
  if (!status.ok()) {
    const bson::Element pipeline = call.command["pipeline"];
    const bool null = pipeline && pipeline.value().IsNullish();
    return null ? WrongType("aggregate", "pipeline", pipeline.type(), "array") : status;
  }
  for (const bson::Element& e : ObjectMember(call.command, "pipeline")) {
    if (e.type() != bson::Type::kObject) {
      return MongoError(kTypeMismatch, "Each element of the 'pipeline' array must be an object");
    }
  }
  if (Member(call.command, "writeConcern") && FlagMember(call.command, "explain", false)) {
    return MongoError(kFailedToParse, "aggregate cannot explain with a write concern");
  }
  if (Status bad = CheckReadLevel(call.command); !bad.ok()) return bad;
  if (!Member(call.command, "cursor") && !Member(call.command, "explain")) {
    return MongoError(kFailedToParse,
                      "The 'cursor' option is required, except for aggregate with "
                      "the explain argument");
  }
  return collection;
}

Result<std::unique_ptr<QueryStream>> OpenAggregate(const CommandCall& call) {
  auto collection = CheckAggregate(call);
  if (!collection.ok()) return collection.status();
  const bson::Document stages = ObjectMember(call.command, "pipeline");
  if (collection->empty()) {
    const bson::Element first = *stages.begin();
    const bson::Document stage = first ? first.value().Doc() : bson::Document();
    if (stage.empty() || !BringsDocuments((*stage.begin()).name())) {
      return MongoError(kInvalidNamespace,
                        "{aggregate: 1} is not valid for this pipeline: its first stage needs a "
                        "collection");
    }
  } else {
    // Before the pipeline is looked at: whoever may not read learns nothing.
    Status status = call.session.CheckAccess(Action::kRead, call.database, *collection);
    if (!status.ok()) return status;
  }
  auto scope = ReadScope::Open(call.session);
  if (!scope.ok()) return scope.status();
  Status may_read = CheckPipelineAccess(call.session, (*scope)->catalog(), call.database, stages);
  if (!may_read.ok()) return may_read;
  if (Status bad = CheckHintOf(call, **scope, *collection); !bad.ok()) return bad;
  auto context = std::make_unique<QueryContext>(call.session, std::string(call.database), *scope);
  context->set_parse_options(call.session.call_ms(), ObjectMember(call.command, "let"));
  context->set_disk_use(FlagMember(call.command, "allowDiskUse", true));
  context->set_bypass_validation(FlagMember(call.command, "bypassDocumentValidation", false));
  if (Status bad = SetCollation(call.command, *collection, *context); !bad.ok()) return bad;
  if (Status bad = query::Expression::CheckLet(context->parse_options()); !bad.ok()) return bad;
  auto source = OpenPipeline(*context, *collection, stages, Member(call.command, "hint"));
  if (!source.ok()) return source.status();
  return std::make_unique<QueryStream>(std::move(context), std::move(*source));
}

Status RunAggregate(const CommandCall& call, bson::Builder* reply) {
  if (FlagMember(call.command, "explain", false)) return RunExplain(call, reply);
  auto stream = OpenAggregate(call);
  if (!stream.ok()) return stream.status();
  auto batch_size = CursorBatchSize(call, kFirstBatchDocuments);
  if (!batch_size.ok()) return batch_size.status();
  const bson::Element named = *call.command.begin();
  FirstBatch first;
  first.documents_max = *batch_size;
  first.collection = named.type() == bson::Type::kString ? named.value().Text() : kNoCollection;
  return AppendCursor(call, std::move(*stream), first, reply);
}

}  // namespace nexadb::database
