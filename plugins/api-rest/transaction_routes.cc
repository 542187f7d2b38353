// Transactions: many operations in one request, or one that stays open over several.
#include <vector>

#include "core/document/error.h"
#include "core/document/limits.h"
#include "plugins/api-rest/handlers.h"
#include "plugins/api-rest/inner_exchange.h"
#include "plugins/api-rest/members.h"
#include "plugins/api-rest/reply.h"
#include "plugins/api-rest/request.h"

namespace nexadb::rest {
namespace {

Result<TransactionIsolation> ReadIsolation(const Members& members) {
  Result<std::string_view> text = members.Text("isolation", "snapshot");
  if (!text.ok()) return std::move(text).status();
  if (*text == "snapshot") return TransactionIsolation::kSnapshot;
  if (*text == "serializable") return TransactionIsolation::kSerializable;
  return FailAt(ErrorId::kBadValue, "'isolation' takes snapshot or serializable.", "/isolation");
}

std::string PointerOf(int64_t index, std::string_view member) {
  return "/operations/" + std::to_string(index) + "/" + std::string(member);
}

struct InnerOperation {
  InnerExchange::RequestParts parts;
  const RouteSpec* route = nullptr;
  std::string database;
  std::vector<std::string> captures;
};

// Takes /v1 and /db/{db} off the path, finds the route, and decodes what it captured.
Status FindRoute(Request& request, int64_t index, InnerOperation& operation) {
  std::string_view path = operation.parts.path;
  if (path.starts_with("/v1/")) path.remove_prefix(3);
  operation.database = request.database_name();
  if (path.starts_with("/db/")) {
    path.remove_prefix(4);
    const size_t end = std::min(path.find('/'), path.size());
    operation.database.clear();
    if (!DecodePercent(path.substr(0, end), operation.database)) {
      return FailAt(ErrorId::kInvalidName, "The path has a bad escape.", PointerOf(index, "path"));
    }
    path.remove_prefix(end);
  }
  std::vector<std::string_view> captures;
  operation.route = MatchRoute(operation.parts.method, path, captures);
  if (operation.route == nullptr) {
    return FailAt(ErrorId::kRouteNotFound,
                  "No route is '" + operation.parts.method + " " + operation.parts.path + "'.",
                  PointerOf(index, "path"));
  }
  if (operation.route->operation != Operation::kYes) {
    return FailAt(ErrorId::kNotInTransaction,
                  "'" + operation.parts.method + " " + operation.parts.path +
                      "' cannot be part of a transaction.",
                  PointerOf(index, "path"));
  }
  for (const std::string_view capture : captures) {
    std::string decoded;
    // In a path, unlike in a query string, '+' is itself.
    std::string escaped(capture);
    for (size_t at = 0; (at = escaped.find('+', at)) != std::string::npos;) {
      escaped.replace(at, 1, "%2B");
    }
    if (!DecodePercent(escaped, decoded)) {
      return FailAt(ErrorId::kInvalidName, "The path has a bad escape.", PointerOf(index, "path"));
    }
    operation.captures.push_back(std::move(decoded));
  }
  return {};
}

// A body is JSON, but for the raw value of a key, which comes as base64.
Status ReadBody(int64_t index, const bson::Value& body, InnerOperation& operation) {
  const bool raw = operation.route->handler == &PutKeyValue;
  if (!raw) {
    operation.parts.content_type = "application/json";
    if (!body.IsNullish()) AppendJson(operation.parts.body, body, JsonMode::kCanonical);
    return {};
  }
  operation.parts.content_type = "application/octet-stream";
  if (body.type() != bson::Type::kString || !DecodeBase64(body.Text(), operation.parts.body)) {
    return FailAt(ErrorId::kBadValue, "A key's value comes as base64 text.",
                  PointerOf(index, "body"));
  }
  return {};
}

Result<InnerOperation> ReadOperation(Request& request, int64_t index, const bson::Value& value) {
  if (value.type() != bson::Type::kObject) {
    return FailAt(ErrorId::kNotAnObject, "An operation is an object.",
                  "/operations/" + std::to_string(index));
  }
  const Members members(value.Doc());
  if (Status known = members.Only({"method", "path", "body"}); !known.ok()) return known;
  Result<std::string_view> method = members.Text("method", "");
  if (!method.ok()) return std::move(method).status();
  Result<std::string_view> path = members.Text("path", "");
  if (!path.ok()) return std::move(path).status();
  InnerOperation operation;
  operation.parts.method = *method;
  const size_t question = std::min(path->find('?'), path->size());
  operation.parts.path = path->substr(0, question);
  if (question < path->size()) operation.parts.query = path->substr(question + 1);
  if (Status status = FindRoute(request, index, operation); !status.ok()) return status;
  if (Status status = ReadBody(index, members.Get("body"), operation); !status.ok()) return status;
  return operation;
}

// The answer of one operation, as it would have come alone.
std::string ResultJson(const InnerExchange& exchange) {
  JsonObject out;
  out.Integer("status", exchange.status());
  if (exchange.body().empty()) {
    out.Null("body");
  } else if (exchange.content_type() == "application/json") {
    out.Raw("body", exchange.body());
  } else {
    out.Text("body", EncodeBase64(exchange.body())).Text("content_type", exchange.content_type());
  }
  return out.Finish();
}

// The failure of one operation as the failure of all: its own error, and which it was.
Status WholeFailure(const Status& status, int64_t index) {
  bson::Builder detail;
  if (!status.detail().empty()) detail.Elements(bson::Document(status.detail()));
  const std::string bytes = detail.Int64("failed_operation", index).Finish();
  return Status::Make(status.code(), status.domain(), status.number(), status.message(),
                      AsBytes(bytes));
}

Status RunOperations(Request& request, Session& session, bson::Document operations,
                     std::string& results) {
  uint64_t left = static_cast<uint64_t>(kTransactionBytesMax);
  int64_t index = 0;
  for (const bson::Element& element : operations) {
    Result<InnerOperation> operation = ReadOperation(request, index, element.value());
    if (!operation.ok()) return WholeFailure(operation.status(), index);
    const std::vector<StringView> captures(operation->captures.begin(), operation->captures.end());
    InnerExchange exchange(request.exchange(), operation->parts, left);
    Request inner(request.api(), *operation->route, exchange, Waiting::kAllowed,
                  operation->database, {captures.data(), captures.size()});
    Status status = inner.RunWithin(*request.principal(), session);
    if (status.ok() && exchange.too_large()) {
      status = MakeError(ErrorId::kTransactionTooLarge,
                         "The answers of the transaction's operations are too large together.");
    }
    if (!status.ok()) return WholeFailure(status, index);
    // 207: some writes of a bulk failed, and all or nothing is what was asked for.
    if (exchange.status() == 207) {
      return WholeFailure(MakeError(ErrorId::kConflict, "Some writes of the bulk failed: " +
                                                            exchange.body().substr(0, 1000)),
                          index);
    }
    left -= exchange.body().size();
    if (!results.empty()) results.push_back(',');
    results += ResultJson(exchange);
    ++index;
  }
  return {};
}

}  // namespace

Status RunTransaction(Request& request) {
  Result<std::string> body = request.ObjectBody();
  if (!body.ok()) return std::move(body).status();
  const Members members(AsDocument(*body));
  if (Status known = members.Only({"operations", "isolation"}); !known.ok()) return known;
  Result<bson::Document> operations = members.Array("operations");
  if (!operations.ok()) return std::move(operations).status();
  Result<TransactionIsolation> isolation = ReadIsolation(members);
  if (!isolation.ok()) return std::move(isolation).status();
  const auto count = static_cast<int64_t>(operations->CountElements());
  if (count > kTransactionOperationsMax) {
    return LimitError(ErrorId::kTransactionTooLarge, "transaction_operations",
                      kTransactionOperationsMax, count);
  }
  Result<Session*> session = request.session();
  if (!session.ok()) return std::move(session).status();
  if (Status begun = (*session)->Begin(*isolation); !begun.ok()) return begun;
  std::string results;
  Status status = RunOperations(request, **session, *operations, results);
  if (!status.ok()) {
    Status undone = (*session)->Rollback();
    return status.ok() ? undone : status;
  }
  if (Status committed = (*session)->Commit(); !committed.ok()) return committed;
  JsonObject out = Success();
  out.Bool("committed", true).Raw("results", "[" + results + "]").Integer("count", count);
  out.Number("took_ms", request.TookMs());
  return SendJson(request.exchange(), 200, out.Finish());
}

Status BeginTransaction(Request& request) {
  Result<std::string> body = request.OptionalObjectBody();
  if (!body.ok()) return std::move(body).status();
  const Members members(AsDocument(*body));
  if (Status known = members.Only({"isolation"}); !known.ok()) return known;
  Result<TransactionIsolation> isolation = ReadIsolation(members);
  if (!isolation.ok()) return std::move(isolation).status();
  Handle<Principal> principal = request.TakePrincipal();
  SessionOptions options;
  options.timestamps = 1;
  options.principal = principal.get();
  Result<Handle<Session>> session = request.database().OpenSession(options);
  if (!session.ok()) return std::move(session).status();
  if (Status begun = (*session)->Begin(*isolation); !begun.ok()) return begun;
  Result<TransactionTable::Begun> begun =
      request.api().transactions.Add(std::move(principal), std::move(*session));
  if (!begun.ok()) return std::move(begun).status();
  JsonObject out = Success();
  out.Text("id", begun->id).Moment("expires_at", begun->expires_at_ms);
  return SendJson(request.exchange(), 201, out.Finish());
}

Status CommitTransaction(Request& request) {
  Result<TransactionLease> lease =
      request.api().transactions.Acquire(request.capture(0), *request.principal());
  if (!lease.ok()) return std::move(lease).status();
  lease->End();
  lease->session().SetDeadline(request.api().services.clock->MonotonicNs() +
                               request.api().options.query_time_ms * 1'000'000);
  if (Status committed = lease->session().Commit(); !committed.ok()) return committed;
  JsonObject out = Success();
  out.Text("id", request.capture(0)).Text("message", "Transaction committed");
  return SendJson(request.exchange(), 200, out.Finish());
}

Status RollbackTransaction(Request& request) {
  Result<TransactionLease> lease =
      request.api().transactions.Acquire(request.capture(0), *request.principal());
  if (!lease.ok()) return std::move(lease).status();
  lease->End();
  if (Status undone = lease->session().Rollback(); !undone.ok()) return undone;
  JsonObject out = Success();
  out.Text("id", request.capture(0)).Text("message", "Transaction rolled back");
  return SendJson(request.exchange(), 200, out.Finish());
}

}  // namespace nexadb::rest
