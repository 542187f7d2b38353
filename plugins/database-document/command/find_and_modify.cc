// findAndModify.
#include "core/document/error.h"
#include "plugins/database-document/collection/update.h"
#include "plugins/database-document/command/collation.h"
#include "plugins/database-document/command/command.h"
#include "plugins/database-document/command/fields.h"
#include "plugins/database-document/project/projection.h"

namespace nexadb::database {

namespace {

constexpr int32_t kFailedToParse = 9;

constexpr FieldSpec kFindAndModifyFields[] = {
    {"query", FieldKind::kObject},      {"sort", FieldKind::kObject},
    {"remove", FieldKind::kFlag},       {"update", FieldKind::kAny},
    {"new", FieldKind::kFlag},          {"fields", FieldKind::kObject},
    {"upsert", FieldKind::kFlag},       {"bypassDocumentValidation", FieldKind::kFlag},
    {"collation", FieldKind::kObject},  {"arrayFilters", FieldKind::kArray},
    {"hint", FieldKind::kObjectOrText}, {"let", FieldKind::kObject},
    {"stmtId", FieldKind::kNumber},     {"sampleId", FieldKind::kAny},
};

Status CheckCombination(bson::Document command) {
  const bool remove = FlagMember(command, "remove", false);
  const bson::Value update = Member(command, "update");
  if (update && update.type() != bson::Type::kObject && update.type() != bson::Type::kArray) {
    return MongoError(kFailedToParse, "findAndModify: 'update' must be an object or an array");
  }
  if (!remove && !update) {
    return MongoError(kFailedToParse, "Either an update or remove=true must be specified");
  }
  if (remove && update) {
    return MongoError(kFailedToParse, "Cannot specify both an update and remove=true");
  }
  if (remove && FlagMember(command, "upsert", false)) {
    return MongoError(kFailedToParse, "Cannot specify both upsert=true and remove=true");
  }
  if (remove && FlagMember(command, "new", false)) {
    return MongoError(kFailedToParse,
                      "Cannot specify both new=true and remove=true; 'remove' always returns the "
                      "deleted document");
  }
  if (remove && Member(command, "arrayFilters")) {
    return MongoError(kFailedToParse, "Cannot specify arrayFilters and remove=true");
  }
  return {};
}

Status AppendValue(const query::Projection& projection, const std::string& document,
                   bson::Builder* reply) {
  if (document.empty()) {
    reply->Null("value");
    return {};
  }
  const bson::Document value(AsBytes(document));
  if (projection.IsEmpty()) {
    reply->Object("value", value);
    return {};
  }
  auto projected = projection.Apply(value);
  if (!projected.ok()) return projected.status();
  reply->Object("value", bson::Document(AsBytes(*projected)));
  return {};
}

Status Remove(const CommandCall& call, const Target& target, const query::Projection& projection,
              bson::Builder* reply) {
  DeleteStatement statement;
  auto collation = GivenCollation(call.command);
  if (!collation.ok()) return collation.status();
  statement.collation = std::move(*collation);
  statement.filter = ObjectMember(call.command, "query");
  statement.sort = ObjectMember(call.command, "sort");
  statement.hint = Member(call.command, "hint");
  auto outcome = RunDelete(call.session, target, statement, ParseOptionsOf(call));
  if (!outcome.ok()) return outcome.status();
  reply->OpenObject("lastErrorObject").Int32("n", static_cast<int32_t>(outcome->deleted)).Close();
  return AppendValue(projection, outcome->before, reply);
}

Status Update(const CommandCall& call, const Target& target, const query::Projection& projection,
              bson::Builder* reply) {
  UpdateStatement statement;
  auto collation = GivenCollation(call.command);
  if (!collation.ok()) return collation.status();
  statement.collation = std::move(*collation);
  statement.filter = ObjectMember(call.command, "query");
  statement.sort = ObjectMember(call.command, "sort");
  statement.hint = Member(call.command, "hint");
  statement.update = Member(call.command, "update");
  statement.array_filters = ObjectMember(call.command, "arrayFilters");
  statement.upsert = FlagMember(call.command, "upsert", false);
  if (FlagMember(call.command, "bypassDocumentValidation", false)) {
    statement.validation = Validation::kBypass;
  }
  auto outcome = RunUpdate(call.session, target, statement, ParseOptionsOf(call));
  if (!outcome.ok()) return outcome.status();
  const bool upserted = !outcome->upserted.empty();
  reply->OpenObject("lastErrorObject");
  reply->Int32("n", outcome->matched != 0 || upserted ? 1 : 0);
  reply->Bool("updatedExisting", outcome->matched != 0);
  if (upserted) {
    reply->Value("upserted", (*bson::Document(AsBytes(outcome->upserted)).begin()).value());
  }
  reply->Close();
  const bool after = FlagMember(call.command, "new", false);
  return AppendValue(projection, after ? outcome->after : outcome->before, reply);
}

}  // namespace

Status RunFindAndModify(const CommandCall& call, bson::Builder* reply) {
  auto collection = CollectionOf(call);
  if (!collection.ok()) return collection.status();
  Status status = Fields::CheckCommand(call.command, kFindAndModifyFields);
  if (status.ok()) status = CheckCombination(call.command);
  if (!status.ok()) return status;
  auto projection =
      query::Projection::ParseFind(ObjectMember(call.command, "fields"),
                                   ObjectMember(call.command, "query"), ParseOptionsOf(call));
  if (!projection.ok()) return projection.status();
  // It shows the document that it writes.
  status = call.session.CheckAccess(Action::kRead, call.database, *collection);
  if (!status.ok()) return status;
  const Target target{call.database, *collection};
  return FlagMember(call.command, "remove", false) ? Remove(call, target, **projection, reply)
                                                   : Update(call, target, **projection, reply);
}

}  // namespace nexadb::database
