// bulkWrite: inserts, updates and deletes over several collections in one command.
#include "core/document/error.h"
#include "core/document/limits.h"
#include "plugins/database-document/collection/insert.h"
#include "plugins/database-document/collection/update.h"
#include "plugins/database-document/command/collation.h"
#include "plugins/database-document/command/fields.h"
#include "plugins/database-document/command/reply.h"

namespace nexadb::database {

namespace {

constexpr int32_t kBadValue = 2;
constexpr int32_t kFailedToParse = 9;
constexpr int32_t kInvalidLength = 16;
constexpr int32_t kInvalidNamespace = 73;

constexpr FieldSpec kBulkWriteFields[] = {{"ops", FieldKind::kArray, Need::kRequired},
                                          {"nsInfo", FieldKind::kArray, Need::kRequired},
                                          {"ordered", FieldKind::kBool},
                                          {"bypassDocumentValidation", FieldKind::kFlag},
                                          {"errorsOnly", FieldKind::kBool},
                                          {"let", FieldKind::kObject},
                                          {"cursor", FieldKind::kObject},
                                          {"stmtId", FieldKind::kNumber},
                                          {"stmtIds", FieldKind::kArray}};
constexpr FieldSpec kInsertFields[] = {{"insert", FieldKind::kNumber, Need::kRequired},
                                       {"document", FieldKind::kObject, Need::kRequired}};
constexpr FieldSpec kUpdateFields[] = {{"update", FieldKind::kNumber, Need::kRequired},
                                       {"filter", FieldKind::kObject, Need::kRequired},
                                       {"updateMods", FieldKind::kAny, Need::kRequired},
                                       {"multi", FieldKind::kBool},
                                       {"upsert", FieldKind::kBool},
                                       {"arrayFilters", FieldKind::kArray},
                                       {"hint", FieldKind::kAny},
                                       {"constants", FieldKind::kObject},
                                       {"collation", FieldKind::kObject},
                                       {"sort", FieldKind::kObject},
                                       {"sampleId", FieldKind::kAny}};
constexpr FieldSpec kDeleteFields[] = {{"delete", FieldKind::kNumber, Need::kRequired},
                                       {"filter", FieldKind::kObject, Need::kRequired},
                                       {"multi", FieldKind::kBool},
                                       {"hint", FieldKind::kAny},
                                       {"collation", FieldKind::kObject},
                                       {"sampleId", FieldKind::kAny}};

struct Totals {
  int64_t errors = 0;
  int64_t inserted = 0;
  int64_t matched = 0;
  int64_t modified = 0;
  int64_t upserted = 0;
  int64_t deleted = 0;
};

struct OneResult {
  int64_t n = 0;
  int64_t modified = -1;  // -1: not an update
  std::string upserted;
};

class BulkWrite {
 public:
  explicit BulkWrite(const CommandCall& call) : call_(call) {}

  Status Parse() {
    if (Status status = Fields::CheckCommand(call_.command, kBulkWriteFields); !status.ok()) {
      return status;
    }
    for (const bson::Element& e : ObjectMember(call_.command, "nsInfo")) {
      if (Status status = AddNamespace(e); !status.ok()) return status;
    }
    for (const bson::Element& e : ObjectMember(call_.command, "ops")) {
      if (Status status = AddOperation(e); !status.ok()) return status;
    }
    if (operations_.empty() || operations_.size() > static_cast<size_t>(kBulkOperationsMax)) {
      return MongoError(kInvalidLength, "Write batch sizes must be between 1 and 100000. Got " +
                                            std::to_string(operations_.size()) + " operations.");
    }
    return {};
  }

  // Before the first operation runs: a refusal leaves nothing behind.
  Status CheckAccess() const {
    for (const bson::Document& operation : operations_) {
      const Target& target = TargetOf(operation);
      Status status = call_.session.CheckAccess(Action::kWrite, target.database, target.collection);
      if (!status.ok()) return status;
    }
    return {};
  }

  Status Run(bson::Builder* reply) {
    const bool ordered = FlagMember(call_.command, "ordered", true);
    const bool errors_only = FlagMember(call_.command, "errorsOnly", false);
    std::vector<std::string> results;
    for (size_t i = 0; i < operations_.size(); ++i) {
      OneResult result;
      const Status status = RunOne(operations_[i], &result);
      const bool stops = status.code() == Code::kPermissionDenied ||
                         status.code() == Code::kDeadlineExceeded || call_.session.InTransaction();
      if (!status.ok() && stops) return status;
      if (!status.ok()) ++totals_.errors;
      if (!status.ok() || !errors_only) results.push_back(Describe(i, status, result));
      if (!status.ok() && ordered) break;
    }
    auto batch_size = CursorBatchSize(call_, INT64_MAX);
    if (!batch_size.ok()) return batch_size.status();
    Status status =
        AppendListCursor(call_, "$cmd.bulkWrite", std::move(results), *batch_size, reply);
    if (!status.ok()) return status;
    const std::pair<std::string_view, int64_t> counts[] = {
        {"nErrors", totals_.errors},     {"nInserted", totals_.inserted},
        {"nMatched", totals_.matched},   {"nModified", totals_.modified},
        {"nUpserted", totals_.upserted}, {"nDeleted", totals_.deleted}};
    for (const auto& [name, count] : counts) reply->Int32(name, static_cast<int32_t>(count));
    return {};
  }

 private:
  Status AddNamespace(const bson::Element& e) {
    if (e.type() != bson::Type::kObject) {
      return WrongType("bulkWrite.nsInfo", e.name(), e.type(), "object");
    }
    static constexpr FieldSpec kKnown[] = {{"ns", FieldKind::kText, Need::kRequired},
                                           {"collectionUUID", FieldKind::kAny},
                                           {"encryptionInformation", FieldKind::kObject}};
    Status status = Fields::Check(e.value().Doc(), "bulkWrite.nsInfo", kKnown);
    if (!status.ok()) return status;
    const std::string_view ns = TextMember(e.value().Doc(), "ns");
    const size_t dot = ns.find('.');
    if (dot == std::string_view::npos) {
      return MongoError(kInvalidNamespace,
                        "Invalid namespace specified for bulkWrite: '" + std::string(ns) + "'");
    }
    namespaces_.push_back({ns.substr(0, dot), ns.substr(dot + 1)});
    return CheckWritableName(namespaces_.back().database, namespaces_.back().collection);
  }

  Status AddOperation(const bson::Element& e) {
    if (e.type() != bson::Type::kObject || e.value().Doc().empty()) {
      return WrongType("bulkWrite.ops", e.name(), e.type(), "object");
    }
    const bson::Document operation = e.value().Doc();
    const bson::Element first = *operation.begin();
    Status status;
    if (first.name() == "insert") {
      status = Fields::Check(operation, "insert", kInsertFields);
    } else if (first.name() == "update") {
      status = Fields::Check(operation, "update", kUpdateFields);
    } else if (first.name() == "delete") {
      status = Fields::Check(operation, "delete", kDeleteFields);
    } else {
      return MongoError(kFailedToParse,
                        "Unrecognized bulkWrite op type: " + std::string(first.name()));
    }
    if (status.ok()) status = GivenCollation(operation).status();
    if (!status.ok()) return status;
    const bson::Value mods = Member(operation, "updateMods");
    const bson::Value hint = Member(operation, "hint");
    const auto holds = [](const bson::Value& value, bson::Type other) {
      return !value || value.type() == bson::Type::kObject || value.type() == other;
    };
    if (!holds(mods, bson::Type::kArray) || !holds(hint, bson::Type::kString)) {
      return MongoError(kFailedToParse,
                        "updateMods must be an object or an array, hint an object "
                        "or a string");
    }
    const int64_t target = ToInteger(first.value());
    if (target < 0 || static_cast<size_t>(target) >= namespaces_.size()) {
      return MongoError(kBadValue, "BulkWrite ops entry " + std::string(e.name()) +
                                       " has an invalid nsInfo index " + std::to_string(target));
    }
    operations_.push_back(operation);
    return {};
  }

  const Target& TargetOf(bson::Document operation) const {
    return namespaces_[static_cast<size_t>(ToInteger((*operation.begin()).value()))];
  }

  Status RunOne(bson::Document operation, OneResult* result) {
    const bson::Element first = *operation.begin();
    const Target& target = TargetOf(operation);
    if (first.name() == "insert") return Insert(operation, target, result);
    if (first.name() == "update") return Update(operation, target, result);
    DeleteStatement statement;
    statement.filter = ObjectMember(operation, "filter");
    statement.hint = Member(operation, "hint");
    statement.multi = FlagMember(operation, "multi", false);
    auto collation = GivenCollation(operation);
    if (!collation.ok()) return collation.status();
    statement.collation = std::move(*collation);
    auto outcome = RunDelete(call_.session, target, statement, ParseOptionsOf(call_));
    if (!outcome.ok()) return outcome.status();
    result->n = outcome->deleted;
    totals_.deleted += outcome->deleted;
    return {};
  }

  Status Insert(bson::Document operation, const Target& target, OneResult* result) {
    const BytesView document = ObjectMember(operation, "document").bytes();
    InsertRequest request;
    request.database = target.database;
    request.collection = target.collection;
    request.documents = std::span(&document, 1);
    request.atomic = true;
    request.validation = validation();
    auto outcome = InsertMany(call_.session, request);
    if (!outcome.ok()) return outcome.status();
    result->n = 1;
    ++totals_.inserted;
    return {};
  }

  Status Update(bson::Document operation, const Target& target, OneResult* result) {
    UpdateStatement statement;
    statement.filter = ObjectMember(operation, "filter");
    statement.update = Member(operation, "updateMods");
    statement.array_filters = ObjectMember(operation, "arrayFilters");
    statement.sort = ObjectMember(operation, "sort");
    statement.hint = Member(operation, "hint");
    statement.multi = FlagMember(operation, "multi", false);
    statement.upsert = FlagMember(operation, "upsert", false);
    statement.validation = validation();
    auto collation = GivenCollation(operation);
    if (!collation.ok()) return collation.status();
    statement.collation = std::move(*collation);
    query::ParseOptions options = ParseOptionsOf(call_);
    if (const bson::Value constants = Member(operation, "constants")) options.let = constants.Doc();
    auto outcome = RunUpdate(call_.session, target, statement, options);
    if (!outcome.ok()) return outcome.status();
    totals_.matched += outcome->matched;
    totals_.modified += outcome->modified;
    result->n = outcome->matched;
    result->modified = outcome->modified;
    if (!outcome->upserted.empty()) {
      ++totals_.upserted;
      result->n = 1;
      result->upserted = std::move(outcome->upserted);
    }
    return {};
  }

  static std::string Describe(size_t index, const Status& status, const OneResult& result) {
    bson::Builder out;
    out.Double("ok", status.ok() ? 1.0 : 0.0).Int32("idx", static_cast<int32_t>(index));
    out.Int32("n", static_cast<int32_t>(result.n));
    if (result.modified >= 0) out.Int32("nModified", static_cast<int32_t>(result.modified));
    if (!result.upserted.empty()) {
      out.Object("upserted", bson::Document(AsBytes(result.upserted)));
    }
    if (status.ok()) return out.Finish();
    const int32_t code = MongoCode(status);
    out.Int32("code", code).Text("codeName", MongoCodeName(code)).Text("errmsg", status.message());
    for (const std::string_view name : {"keyPattern", "keyValue"}) {
      if (const bson::Element e = bson::Document(status.detail())[name]) out.Element(e);
    }
    return out.Finish();
  }

  Validation validation() const {
    return FlagMember(call_.command, "bypassDocumentValidation", false) ? Validation::kBypass
                                                                        : Validation::kCheck;
  }

  const CommandCall& call_;
  std::vector<Target> namespaces_;
  std::vector<bson::Document> operations_;
  Totals totals_;
};

}  // namespace

Status RunBulkWrite(const CommandCall& call, bson::Builder* reply) {
  BulkWrite bulk(call);
  if (Status status = bulk.Parse(); !status.ok()) return status;
  if (Status status = bulk.CheckAccess(); !status.ok()) return status;
  return bulk.Run(reply);
}

}  // namespace nexadb::database
