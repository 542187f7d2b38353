// Request: one request on its way through a handler.
//
// The dispatcher makes it, authenticates, checks the parameters, and calls the route's handler,
// which either answers on exchange() and returns OK, or returns the Status that becomes the problem
// document. Views live as long as the exchange. One thread at a time.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/document/json.h"
#include "nexadb/bson.h"
#include "nexadb/database.h"
#include "nexadb/http.h"
#include "plugins/api-rest/api.h"
#include "plugins/api-rest/parameters.h"
#include "plugins/api-rest/routes.h"

namespace nexadb::rest {

// Whether the thread may wait: the I/O thread may not. kAllowedAfterTry: it may, and the request
// has been tried on the I/O thread before.
enum class Waiting { kForbidden, kAllowed, kAllowedAfterTry };

// What documents get on their way in: see SessionOptions::timestamps.
enum class Stamps { kOff, kOn, kKept };

class Request {
 public:
  // `captures` are those of the pattern without any /db/{db}; they outlive the request.
  Request(Api& api, const RouteSpec& route, Exchange& exchange, Waiting waiting,
          std::string_view database, Span<const StringView> captures);
  ~Request();
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  // Runs the whole: parameters, key, handler; and counts it. kWouldBlock: call again where waiting
  // is allowed.
  Status Run();
  // The same on behalf of a caller who is known already, within the session of a transaction.
  Status RunWithin(Principal& principal, Session& session);

  Api& api() { return api_; }
  Database& database() { return *api_.services.database; }
  Exchange& exchange() { return exchange_; }
  const RouteSpec& route() const { return route_; }
  bool may_wait() const { return waiting_ != Waiting::kForbidden; }
  std::string_view database_name() const { return database_name_; }
  // The i-th capture: collection, id …
  std::string_view capture(size_t i) const { return captures_[i]; }
  const Parameters& parameters() const { return parameters_; }
  Principal* principal() { return principal_; }
  // Where the key is optional: why the one that was sent is no key; OK when it is good.
  const Status& refusal() const { return refusal_; }
  // Gives the principal up, to live as long as what borrows it; principal() stays usable meanwhile.
  // REQUIRES: the request was authenticated by itself, and has opened no session.
  Handle<Principal> TakePrincipal() { return std::move(own_principal_); }
  // Gives the exchange up, to be answered after the handler has returned OK; exchange() stays
  // usable as long as it lives. REQUIRES: lends_exchange().
  bool lends_exchange() const { return lent_ != nullptr; }
  Handle<Exchange> TakeExchange() { return std::move(*lent_); }
  void Lend(Handle<Exchange>& exchange) { lent_ = &exchange; }
  double TookMs();

  // The session for this request, opened on the first call with a deadline `time_ms` from now
  // (0: the default). The transaction's own when X-Transaction-Id names one.
  Result<Session*> session(uint64_t time_ms = 0, Stamps stamps = Stamps::kOn);
  // The transaction that X-Transaction-Id names, after session() has found it.
  TransactionLease& transaction() { return lease_; }
  bool in_transaction();

  // The answer's headers are out: a failure can only cut it off.
  bool begun() const { return begun_; }
  void MarkBegun() { begun_ = true; }

  // The body as BSON: one object. missing_body, invalid_json, not_an_object, and the limits'
  // errors. An envelope around documents gets the envelope's limits.
  Result<std::string> ObjectBody(const JsonOptions& limits = kEnvelopeJson);
  // The same; an absent body reads as {}.
  Result<std::string> OptionalObjectBody();
  // Any JSON value.
  Result<JsonValue> AnyBody();
  // The media type of the body, lower case, without parameters; empty for no Content-Type.
  std::string ContentType();
  // The body comes as gzip: for streamed bodies alone, others are refused.
  bool sent_gzip() const { return sent_gzip_; }
  // Accept-Encoding names gzip, and not to refuse it.
  bool AcceptsGzip();
  // The Accept header names `media_type`.
  bool Accepts(std::string_view media_type);

 private:
  Status RunChecked();
  Status CheckParameters();
  Status CheckEncoding();
  Status RunHandler();
  // Lists the request among those that run.
  void Enter();
  void KeepIfSlow(const Status& outcome) noexcept;
  Status Authenticate();
  Status Refused(Status why);
  Result<Handle<Principal>> PrincipalOf(const Credentials& credentials);
  // One that never waits where this request may not.
  Result<Handle<Session>> OpenSession(const SessionOptions& options);

  Api& api_;
  const RouteSpec& route_;
  Exchange& exchange_;
  const Waiting waiting_;
  const std::string_view database_name_;
  const Span<const StringView> captures_;
  Parameters parameters_;
  Handle<Exchange>* lent_ = nullptr;
  Handle<Principal> own_principal_;
  Principal* principal_ = nullptr;
  Status refusal_;
  // Declared after the principal, which it borrows.
  Handle<Session> own_session_;
  TransactionLease lease_;
  Session* session_ = nullptr;
  // After what it shows: it goes first.
  RunningRequests::Entry running_;
  const uint64_t started_ns_;
  std::optional<double> handled_ms_;  // when the handler returned
  bool begun_ = false;
  bool sent_gzip_ = false;
};

}  // namespace nexadb::rest
