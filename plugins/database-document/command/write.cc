// insert, update, delete.
#include "core/document/error.h"
#include "core/document/limits.h"
#include "plugins/database-document/collection/insert.h"
#include "plugins/database-document/collection/update.h"
#include "plugins/database-document/command/collation.h"
#include "plugins/database-document/command/fields.h"
#include "plugins/database-document/command/reply.h"

namespace nexadb::database {

namespace {

constexpr int32_t kInvalidLength = 16;
constexpr int32_t kFailedToParse = 9;

// The elements of an array that must all be objects, at least one and not too many.
Result<std::vector<BytesView>> Objects(std::string_view owner, bson::Document array) {
  std::vector<BytesView> objects;
  for (const bson::Element& e : array) {
    if (e.type() != bson::Type::kObject) {
      return WrongType(owner, std::to_string(objects.size()), e.type(), "object");
    }
    objects.push_back(e.value().bytes());
  }
  if (objects.empty() || objects.size() > static_cast<size_t>(kBulkOperationsMax)) {
    return MongoError(kInvalidLength, "Write batch sizes must be between 1 and " +
                                          std::to_string(kBulkOperationsMax) + ". Got " +
                                          std::to_string(objects.size()) + " operations.");
  }
  return objects;
}

Validation ValidationOf(const CommandCall& call) {
  return FlagMember(call.command, "bypassDocumentValidation", false) ? Validation::kBypass
                                                                     : Validation::kCheck;
}

// Failures that stop a command instead of standing among its write errors.
bool StopsCommand(const Status& status) {
  switch (status.code()) {
    case Code::kPermissionDenied:
    case Code::kDeadlineExceeded:
    case Code::kUnavailable:
    case Code::kIoError:
    case Code::kCorruption:
    case Code::kInternal: return true;
    default: return MongoCode(status) == 73 || Is(status, ErrorId::kTransactionConflict);
  }
}

// Runs statements one by one; what fails is recorded, and stops the rest of an ordered command.
template <class Run>
Status ForEachStatement(const CommandCall& call, const std::vector<BytesView>& statements,
                        std::vector<WriteError>* errors, Run&& run) {
  const bool ordered = FlagMember(call.command, "ordered", true);
  for (size_t i = 0; i < statements.size(); ++i) {
    Status status = run(i, bson::Document(statements[i]));
    if (status.ok()) continue;
    if (StopsCommand(status) || call.session.InTransaction()) return status;
    errors->push_back({i, status});
    if (ordered) break;
  }
  return {};
}

}  // namespace

Status RunInsert(const CommandCall& call, bson::Builder* reply) {
  static constexpr FieldSpec kKnown[] = {{"documents", FieldKind::kArray, Need::kRequired},
                                         {"ordered", FieldKind::kFlag},
                                         {"bypassDocumentValidation", FieldKind::kFlag},
                                         {"stmtIds", FieldKind::kArray}};
  auto collection = CollectionOf(call);
  if (!collection.ok()) return collection.status();
  if (Status status = Fields::CheckCommand(call.command, kKnown); !status.ok()) return status;
  auto documents = Objects("insert.documents", ObjectMember(call.command, "documents"));
  if (!documents.ok()) return documents.status();
  InsertRequest request;
  request.database = call.database;
  request.collection = *collection;
  request.documents = *documents;
  request.ordered = FlagMember(call.command, "ordered", true);
  request.atomic = call.session.InTransaction();
  request.validation = ValidationOf(call);
  auto outcome = InsertMany(call.session, request);
  if (!outcome.ok()) return outcome.status();
  reply->Int32("n", static_cast<int32_t>(outcome->ids.size()));
  AppendWriteErrors(outcome->errors, reply);
  return {};
}

namespace {

constexpr FieldSpec kUpdateFields[] = {
    {"q", FieldKind::kObject, Need::kRequired},
    {"u", FieldKind::kObjectOrArray, Need::kRequired},
    {"c", FieldKind::kObject},
    {"multi", FieldKind::kFlag},
    {"upsert", FieldKind::kFlag},
    {"arrayFilters", FieldKind::kArray},
    {"collation", FieldKind::kObject},
    {"hint", FieldKind::kObjectOrText},
    {"sort", FieldKind::kObject},
    {"upsertSupplied", FieldKind::kFlag},
    {"sampleId", FieldKind::kAny},
};

UpdateStatement ToStatement(const CommandCall& call, bson::Document u) {
  UpdateStatement statement;
  statement.filter = ObjectMember(u, "q");
  statement.update = u["u"].value();
  statement.array_filters = ObjectMember(u, "arrayFilters");
  statement.sort = ObjectMember(u, "sort");
  statement.hint = Member(u, "hint");
  statement.multi = FlagMember(u, "multi", false);
  statement.upsert = FlagMember(u, "upsert", false);
  statement.validation = ValidationOf(call);
  return statement;
}

struct UpdateTotals {
  int64_t n = 0;
  int64_t modified = 0;
  std::vector<std::pair<size_t, std::string>> upserted;
};

Status RunOneUpdate(const CommandCall& call, const Target& target, size_t index, bson::Document u,
                    UpdateTotals* totals) {
  UpdateStatement statement = ToStatement(call, u);
  auto collation = GivenCollation(u);
  if (!collation.ok()) return collation.status();
  statement.collation = std::move(*collation);
  if (statement.multi && !statement.sort.empty()) {
    return MongoError(kFailedToParse, "Cannot specify sort with multi=true");
  }
  auto outcome = RunUpdate(call.session, target, statement, ParseOptionsOf(call));
  if (!outcome.ok()) return outcome.status();
  totals->n += outcome->matched;
  totals->modified += outcome->modified;
  if (!outcome->upserted.empty()) {
    ++totals->n;
    totals->upserted.emplace_back(index, std::move(outcome->upserted));
  }
  return {};
}

}  // namespace

Status RunUpdateCommand(const CommandCall& call, bson::Builder* reply) {
  static constexpr FieldSpec kKnown[] = {{"updates", FieldKind::kArray, Need::kRequired},
                                         {"ordered", FieldKind::kFlag},
                                         {"bypassDocumentValidation", FieldKind::kFlag},
                                         {"let", FieldKind::kObject},
                                         {"stmtIds", FieldKind::kArray}};
  auto collection = CollectionOf(call);
  if (!collection.ok()) return collection.status();
  if (Status status = Fields::CheckCommand(call.command, kKnown); !status.ok()) return status;
  auto updates = Objects("update.updates", ObjectMember(call.command, "updates"));
  if (!updates.ok()) return updates.status();
  for (const BytesView& u : *updates) {
    Status status = Fields::Check(bson::Document(u), "update.updates", kUpdateFields);
    if (status.ok()) status = GivenCollation(bson::Document(u)).status();
    if (!status.ok()) return status;
  }
  const Target target{call.database, *collection};
  UpdateTotals totals;
  std::vector<WriteError> errors;
  Status status = ForEachStatement(call, *updates, &errors, [&](size_t index, bson::Document u) {
    return RunOneUpdate(call, target, index, u, &totals);
  });
  if (!status.ok()) return status;
  reply->Int32("n", static_cast<int32_t>(totals.n));
  if (!totals.upserted.empty()) {
    reply->OpenArray("upserted");
    for (size_t i = 0; i < totals.upserted.size(); ++i) {
      const auto& [index, id] = totals.upserted[i];
      reply->OpenObject(std::to_string(i)).Int32("index", static_cast<int32_t>(index));
      reply->Element(*bson::Document(AsBytes(id)).begin()).Close();
    }
    reply->Close();
  }
  AppendWriteErrors(errors, reply);
  reply->Int32("nModified", static_cast<int32_t>(totals.modified));
  return {};
}

Status RunDeleteCommand(const CommandCall& call, bson::Builder* reply) {
  static constexpr FieldSpec kKnown[] = {{"deletes", FieldKind::kArray, Need::kRequired},
                                         {"ordered", FieldKind::kFlag},
                                         {"let", FieldKind::kObject},
                                         {"stmtIds", FieldKind::kArray}};
  static constexpr FieldSpec kDeleteFields[] = {{"q", FieldKind::kObject, Need::kRequired},
                                                {"limit", FieldKind::kNumber, Need::kRequired},
                                                {"hint", FieldKind::kObjectOrText},
                                                {"collation", FieldKind::kObject},
                                                {"sampleId", FieldKind::kAny}};
  auto collection = CollectionOf(call);
  if (!collection.ok()) return collection.status();
  if (Status status = Fields::CheckCommand(call.command, kKnown); !status.ok()) return status;
  auto deletes = Objects("delete.deletes", ObjectMember(call.command, "deletes"));
  if (!deletes.ok()) return deletes.status();
  for (const BytesView& bytes : *deletes) {
    const bson::Document d(bytes);
    Status status = Fields::Check(d, "delete.deletes", kDeleteFields);
    if (status.ok()) status = GivenCollation(d).status();
    if (!status.ok()) return status;
    const int64_t limit = IntegerMember(d, "limit", 0);
    if (limit != 0 && limit != 1) {
      return MongoError(kFailedToParse, "The limit field in delete objects must be 0 or 1. Got " +
                                            std::to_string(limit));
    }
  }
  const Target target{call.database, *collection};
  int64_t deleted = 0;
  std::vector<WriteError> errors;
  Status status =
      ForEachStatement(call, *deletes, &errors, [&](size_t, bson::Document d) -> Status {
        DeleteStatement statement;
        statement.filter = ObjectMember(d, "q");
        statement.hint = Member(d, "hint");
        statement.multi = IntegerMember(d, "limit", 0) == 0;
        auto collation = GivenCollation(d);
        if (!collation.ok()) return collation.status();
        statement.collation = std::move(*collation);
        auto outcome = RunDelete(call.session, target, statement, ParseOptionsOf(call));
        if (!outcome.ok()) return outcome.status();
        deleted += outcome->deleted;
        return {};
      });
  if (!status.ok()) return status;
  reply->Int32("n", static_cast<int32_t>(deleted));
  AppendWriteErrors(errors, reply);
  return {};
}

}  // namespace nexadb::database
