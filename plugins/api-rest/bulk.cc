// POST /collections/{name}/bulk: many writes in one request.
#include <optional>

#include "core/document/error.h"
#include "core/document/limits.h"
#include "plugins/api-rest/bulk_writer.h"
#include "plugins/api-rest/handlers.h"
#include "plugins/api-rest/members.h"
#include "plugins/api-rest/problem.h"
#include "plugins/api-rest/query_spec.h"
#include "plugins/api-rest/reply.h"
#include "plugins/api-rest/request.h"
#include "plugins/api-rest/write_outcome.h"

namespace nexadb::rest {
namespace {

struct BulkSpec {
  BulkOrder order = BulkOrder::kOrdered;
  bool atomic = false;
  bool operations = false;  // else documents to insert
  bson::Document entries;   // an array
};

// The body, kept while its entries are used.
struct BulkBody {
  JsonValue json;
  std::string array;  // of NDJSON's documents
  BulkSpec spec;
};

Status CheckCount(int64_t count) {
  if (count <= kBulkOperationsMax) return {};
  return LimitError(ErrorId::kBulkTooLarge, "bulk_operations", kBulkOperationsMax, count);
}

Status ReadLines(Request& request, BulkBody& body) {
  bson::Builder array;
  Status status = NdjsonToBson(
      AsText(request.exchange().Body()), [&](uint64_t index, bson::Document document) -> Status {
        if (Status s = CheckCount(static_cast<int64_t>(index) + 1); !s.ok()) {
          return s;
        }
        array.Object(std::to_string(index), document);
        return {};
      });
  if (!status.ok()) return status;
  body.array = array.Finish();
  body.spec.entries = AsDocument(body.array);
  return {};
}

Status ReadObject(bson::Document object, BulkSpec& spec) {
  const Members members(object);
  Status known = members.Only({"documents", "operations", "ordered", "atomic"});
  if (!known.ok()) return known;
  spec.operations = members.Has("operations");
  if (spec.operations && members.Has("documents")) {
    return MakeError(ErrorId::kBadValue, "Send either 'documents' or 'operations'.");
  }
  Result<bson::Document> entries = members.Array(spec.operations ? "operations" : "documents");
  Result<bool> ordered = members.Flag("ordered", spec.order == BulkOrder::kOrdered);
  Result<bool> atomic = members.Flag("atomic", spec.atomic);
  for (const Status& status : {entries.status(), ordered.status(), atomic.status()}) {
    if (!status.ok()) return status;
  }
  spec.entries = *entries;
  spec.order = *ordered ? BulkOrder::kOrdered : BulkOrder::kUnordered;
  spec.atomic = *atomic;
  return {};
}

Status ReadBulk(Request& request, BulkBody& body) {
  Result<bool> ordered = request.parameters().Flag("ordered", true);
  Result<bool> atomic = request.parameters().Flag("atomic", false);
  if (!ordered.ok()) return std::move(ordered).status();
  if (!atomic.ok()) return std::move(atomic).status();
  body.spec.order = *ordered ? BulkOrder::kOrdered : BulkOrder::kUnordered;
  body.spec.atomic = *atomic;
  if (request.ContentType() == "application/x-ndjson") return ReadLines(request, body);
  Result<JsonValue> json = request.AnyBody();
  if (!json.ok()) return std::move(json).status();
  body.json = std::move(*json);
  const bson::Value value = body.json.value();
  if (value.type() == bson::Type::kArray) {
    body.spec.entries = value.Doc();
  } else if (value.type() != bson::Type::kObject) {
    return MakeError(ErrorId::kNotAnObject,
                     "The body takes {\"documents\": [...]}, {\"operations\": [...]}, or an array "
                     "of documents.");
  } else if (Status status = ReadObject(value.Doc(), body.spec); !status.ok()) {
    return status;
  }
  return CheckCount(static_cast<int64_t>(body.spec.entries.CountElements()));
}

// The filter of an operation: {"id": X} or {"filter": {…}}.
Result<std::string> ReadTarget(bson::Document operation) {
  const Members members(operation);
  if (members.Has("id")) {
    return bson::Builder().Value("_id", members.Get("id")).Finish();
  }
  if (!members.Has("filter") && !members.Has("query")) {
    return FailAt(ErrorId::kMissingOption, "The operation needs 'id' or 'filter'.", "/filter");
  }
  return ReadFilter(operation);
}

Result<std::string> ReadUpdate(bson::Document operation) {
  const Members members(operation);
  Status known =
      members.Only({"id", "query", "filter", "update", "multi", "all", "upsert", "array_filters"});
  if (!known.ok()) return known;
  Result<std::string> target = ReadTarget(operation);
  Result<bool> multi = members.Flag("multi", false);
  Result<bool> upsert = members.Flag("upsert", false);
  for (const Status& status : {target.status(), multi.status(), upsert.status()}) {
    if (!status.ok()) return status;
  }
  if (*multi) {
    Status sure = CheckMeansAll(operation, AsDocument(*target), "update every document");
    if (!sure.ok()) return sure;
  }
  if (members.Get("update").IsNullish()) {
    return FailAt(ErrorId::kMissingOption, "'update' is missing.", "/update");
  }
  bson::Builder statement;
  statement.Object("q", AsDocument(*target)).Value("u", members.Get("update"));
  statement.Bool("multi", *multi).Bool("upsert", *upsert);
  if (members.Has("array_filters")) {
    statement.Value("arrayFilters", members.Get("array_filters"));
  }
  return statement.Finish();
}

Result<std::string> ReadReplace(bson::Document operation) {
  const Members members(operation);
  Status known = members.Only({"id", "query", "filter", "document", "upsert"});
  if (!known.ok()) return known;
  Result<std::string> target = ReadTarget(operation);
  Result<bson::Document> document = members.Object("document");
  Result<bool> upsert = members.Flag("upsert", false);
  for (const Status& status : {target.status(), document.status(), upsert.status()}) {
    if (!status.ok()) return status;
  }
  for (const bson::Element& element : *document) {
    if (!element.name().starts_with('$')) continue;
    return FailAt(ErrorId::kInvalidFieldName, "A replacement takes fields, not update operators.",
                  "/document");
  }
  bson::Builder statement;
  statement.Object("q", AsDocument(*target)).Object("u", *document);
  return statement.Bool("multi", false).Bool("upsert", *upsert).Finish();
}

Result<std::string> ReadDelete(bson::Document operation) {
  const Members members(operation);
  Status known = members.Only({"id", "query", "filter", "multi", "all"});
  if (!known.ok()) return known;
  Result<std::string> target = ReadTarget(operation);
  Result<bool> multi = members.Flag("multi", false);
  if (!target.ok()) return target;
  if (!multi.ok()) return std::move(multi).status();
  if (*multi) {
    Status sure = CheckMeansAll(operation, AsDocument(*target), "delete every document");
    if (!sure.ok()) return sure;
  }
  bson::Builder statement;
  return statement.Object("q", AsDocument(*target)).Int32("limit", *multi ? 0 : 1).Finish();
}

// The document of an insert: the operation's value, or its member "document" where nothing else
// stands beside it, as a replacement has it.
bson::Document InsertedDocument(bson::Document operation) {
  const bson::Element first = operation.empty() ? bson::Element() : *operation.begin();
  const bool wrapped = first.name() == "document" && first.type() == bson::Type::kObject &&
                       operation.CountElements() == 1;
  return wrapped ? first.value().Doc() : operation;
}

// Reads one operation and hands it to the writer. Statements live in `kept` until they have run.
Status AddOperation(BulkWriter& writer, int64_t index, const bson::Value& value,
                    std::vector<std::string>& kept) {
  if (value.type() != bson::Type::kObject || value.Doc().CountElements() != 1) {
    return writer.Refuse(index, MakeError(ErrorId::kBadValue,
                                          "An operation is one of {\"insert\": …}, {\"update\": "
                                          "…}, {\"replace\": …} and {\"delete\": …}."));
  }
  const bson::Element operation = *value.Doc().begin();
  if (operation.type() != bson::Type::kObject) {
    return writer.Refuse(index, MakeError(ErrorId::kNotAnObject, "An operation takes an object."));
  }
  const std::string_view kind = operation.name();
  const bson::Document inner = operation.value().Doc();
  if (kind == "insert") {
    const bson::Document document = InsertedDocument(inner);
    Status status = CheckInserted(document);
    return status.ok() ? writer.Insert(index, document) : writer.Refuse(index, std::move(status));
  }
  if (kind != "update" && kind != "replace" && kind != "delete") {
    static constexpr std::string_view kKinds[] = {"insert", "update", "replace", "delete"};
    return writer.Refuse(index, MakeError(ErrorId::kUnknownOption, "'" + std::string(kind) +
                                                                       "' is not an operation." +
                                                                       DidYouMean(kind, kKinds)));
  }
  Result<std::string> statement = kind == "update"    ? ReadUpdate(inner)
                                  : kind == "replace" ? ReadReplace(inner)
                                                      : ReadDelete(inner);
  if (!statement.ok()) return writer.Refuse(index, std::move(statement).status());
  kept.push_back(std::move(*statement));
  return kind == "delete" ? writer.Delete(index, AsDocument(kept.back()))
                          : writer.Update(index, AsDocument(kept.back()));
}

Status AddDocument(BulkWriter& writer, int64_t index, const bson::Value& value) {
  if (value.type() != bson::Type::kObject) {
    return writer.Refuse(index, MakeError(ErrorId::kNotAnObject, "A document is an object."));
  }
  Status status = CheckInserted(value.Doc());
  return status.ok() ? writer.Insert(index, value.Doc()) : writer.Refuse(index, std::move(status));
}

Status WriteAll(BulkWriter& writer, const BulkSpec& spec) {
  std::vector<std::string> kept;
  // The writer keeps views of the statements, which must not move.
  kept.reserve(spec.operations ? spec.entries.CountElements() : 0);
  int64_t index = 0;
  for (const bson::Element& entry : spec.entries) {
    Status status = spec.operations ? AddOperation(writer, index, entry.value(), kept)
                                    : AddDocument(writer, index, entry.value());
    if (!status.ok()) return status;
    if (writer.stopped()) return {};
    ++index;
  }
  return writer.Finish();
}

// The failure of one write as the failure of the request.
Status WholeFailure(const BulkWriter::Failure& failure) {
  bson::Builder detail;
  if (!failure.status.detail().empty()) detail.Elements(bson::Document(failure.status.detail()));
  const std::string bytes = detail.Int64("index", failure.index).Finish();
  const Status& status = failure.status;
  return Status::Make(status.code(), status.domain(), status.number(), status.message(),
                      AsBytes(bytes));
}

Status SendOutcome(Request& request, const BulkWriter& writer, const BulkSpec& spec) {
  const bool ok = writer.failures().empty();
  JsonObject out;
  out.Text("status", ok ? "success" : "partial").Text("collection", request.capture(0));
  if (!ok || spec.operations) out.Bool("ok", ok);
  out.Raw("document_ids", "[" + writer.ids() + "]");
  if (spec.operations) {
    out.Integer("count",
                writer.inserted() + writer.matched() + writer.upserted() + writer.deleted());
    out.Integer("inserted", writer.inserted()).Integer("matched", writer.matched());
    out.Integer("modified", writer.modified()).Integer("upserted", writer.upserted());
    out.Integer("deleted", writer.deleted()).Text("message", "Operations done");
  } else {
    out.Integer("count", writer.inserted());
    out.Text("message", "Inserted " + std::to_string(writer.inserted()) + " documents");
  }
  if (!ok) {
    std::string& errors = out.Name("errors");
    errors.push_back('[');
    bool first = true;
    for (const BulkWriter::Failure& failure : writer.failures()) {
      if (!first) errors.push_back(',');
      first = false;
      AppendErrorItem(errors, failure.status, failure.index);
    }
    errors.push_back(']');
  }
  const uint16_t status = !ok ? 207 : spec.operations ? 200 : 201;
  return SendJson(request.exchange(), status, out.Finish());
}

}  // namespace

Status WriteBulk(Request& request) {
  BulkBody body;
  if (Status status = ReadBulk(request, body); !status.ok()) return status;
  // An empty list of documents is as good as any other, and was so for the original.
  if (body.spec.operations && body.spec.entries.empty()) {
    return MakeError(ErrorId::kEmptyBulk, "The request holds nothing to write.");
  }
  Result<Session*> session = request.session();
  if (!session.ok()) return std::move(session).status();
  const bool own_transaction = body.spec.atomic && !(*session)->InTransaction();
  if (own_transaction) {
    Status begun = (*session)->Begin(TransactionIsolation::kSnapshot);
    if (!begun.ok()) return begun;
  }
  BulkWriter writer(request, **session, request.capture(0),
                    body.spec.atomic ? BulkOrder::kOrdered : body.spec.order);
  Status status = WriteAll(writer, body.spec);
  if (status.ok() && body.spec.atomic && !writer.failures().empty()) {
    status = WholeFailure(writer.failures().front());
  }
  if (own_transaction) {
    Status ended = status.ok() ? (*session)->Commit() : (*session)->Rollback();
    if (status.ok()) status = std::move(ended);
  }
  if (!status.ok()) return status;
  return SendOutcome(request, writer, body.spec);
}

}  // namespace nexadb::rest
