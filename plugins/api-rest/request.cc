#include "plugins/api-rest/request.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "plugins/api-rest/problem.h"

namespace nexadb::rest {
namespace {

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// The key of a request: X-API-Key, or Authorization: Bearer. Empty is none.
std::string_view SecretOf(Exchange& exchange) {
  const std::string_view key = exchange.Header("X-API-Key");
  if (!key.empty()) return key;
  std::string_view authorization = exchange.Header("Authorization");
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() < kScheme.size() ||
      Lower(authorization.substr(0, kScheme.size())) != kScheme) {
    return {};
  }
  authorization.remove_prefix(kScheme.size());
  while (authorization.starts_with(' ')) authorization.remove_prefix(1);
  return authorization;
}

// Waits for the asynchronous form of Authenticate.
Result<Handle<Principal>> AuthenticateWaiting(Authenticator& auth, const Credentials& credentials) {
  struct Wait {
    std::mutex mutex;
    std::condition_variable done;
    std::optional<Result<Handle<Principal>>> outcome;
  } wait;
  const AuthenticateCallback callback{[](void* state, Result<Handle<Principal>> outcome) noexcept {
                                        auto& w = *static_cast<Wait*>(state);
                                        std::lock_guard lock(w.mutex);
                                        w.outcome.emplace(std::move(outcome));
                                        w.done.notify_one();
                                      },
                                      &wait};
  auth.AuthenticateAsync(credentials, callback);
  std::unique_lock lock(wait.mutex);
  wait.done.wait(lock, [&] { return wait.outcome.has_value(); });
  return std::move(*wait.outcome);
}

}  // namespace

Request::Request(Api& api, const RouteSpec& route, Exchange& exchange, Waiting waiting,
                 std::string_view database, std::vector<std::string_view> captures)
    : api_(api),
      route_(route),
      exchange_(exchange),
      waiting_(waiting),
      database_name_(database),
      captures_(std::move(captures)) {}

Request::~Request() = default;

Status Request::Run() {
  if (Status status = CheckParameters(); !status.ok()) return status;
  if (Status status = Authenticate(); !status.ok()) return status;
  const std::string encoding = Lower(exchange_.Header("Content-Encoding"));
  if (!encoding.empty() && encoding != "identity") {
    return MakeError(ErrorId::kUnsupportedEncoding,
                     "The body is sent with Content-Encoding '" + encoding +
                         "'; send it as it is, without an encoding.");
  }
  const bool names_transaction = !exchange_.Header("X-Transaction-Id").empty();
  if (names_transaction && route_.access == Access::kKey && route_.operation == Operation::kNo) {
    return MakeError(ErrorId::kNotInTransaction, "This route cannot be part of a transaction.");
  }
  // A transaction's session may have to wait for its lock.
  if (names_transaction && !may_wait()) return Status::Error(Code::kWouldBlock, "transaction");
  return RunHandler();
}

Status Request::RunWithin(Principal& principal, Session& session) {
  if (Status status = CheckParameters(); !status.ok()) return status;
  principal_ = &principal;
  session_ = &session;
  return RunHandler();
}

Status Request::RunHandler() {
  Status status = route_.handler(*this);
  const bool read_whole = route_.body == BodyMode::kBuffered;
  if (status.ok() || begun_ || !read_whole || status.code() == Code::kWouldBlock) return status;
  return LocatedInBody(std::move(status), AsText(exchange_.Body()));
}

Status Request::CheckParameters() {
  Result<Parameters> parsed = Parameters::Parse(exchange_.Query());
  if (!parsed.ok()) return std::move(parsed).status();
  parameters_ = std::move(*parsed);
  if (parameters_.all().empty()) return {};
  std::vector<std::string_view> known;
  ForEachWord(route_.parameters, [&](std::string_view word) { known.push_back(word); });
  for (const auto& [name, value] : parameters_.all()) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    return MakeError(ErrorId::kUnknownParameter,
                     "'" + name + "' is not a parameter of this route." + DidYouMean(name, known));
  }
  return {};
}

Status Request::Authenticate() {
  if (route_.access == Access::kPublic) return {};
  Credentials credentials;
  credentials.secret = SecretOf(exchange_);
  credentials.peer = exchange_.PeerAddress();
  credentials.peer_is_loopback = exchange_.PeerIsLoopback() ? 1 : 0;
  Result<Handle<Principal>> outcome = api_.services.auth->Authenticate(credentials);
  if (!outcome.ok() && outcome.status().code() == Code::kWouldBlock) {
    if (!may_wait()) return outcome.status();
    outcome = AuthenticateWaiting(*api_.services.auth, credentials);
  }
  if (!outcome.ok()) {
    if (route_.access == Access::kOptional) return {};
    return std::move(outcome).status();
  }
  own_principal_ = std::move(*outcome);
  principal_ = own_principal_.get();
  if (route_.access == Access::kAdmin && !principal_->Allows(Action::kAdmin, Resource{})) {
    return MakeError(ErrorId::kForbidden,
                     "This needs a key with the action 'admin' on the server.");
  }
  return {};
}

double Request::TookMs() {
  const uint64_t now = api_.services.clock->MonotonicNs();
  const uint64_t started = exchange_.StartedNs();
  return now > started ? static_cast<double>((now - started) / 1000) / 1000.0 : 0.0;
}

Result<Session*> Request::session(uint64_t time_ms, Stamps stamps) {
  const uint64_t limit_ms = time_ms != 0 ? time_ms : api_.options.query_time_ms;
  const uint64_t deadline = api_.services.clock->MonotonicNs() + limit_ms * 1'000'000;
  if (session_ != nullptr) {
    session_->SetDeadline(deadline);
    return session_;
  }
  const std::string_view transaction = exchange_.Header("X-Transaction-Id");
  if (!transaction.empty()) {
    Result<TransactionLease> lease = api_.transactions.Acquire(transaction, *principal_);
    if (!lease.ok()) return std::move(lease).status();
    lease_ = std::move(*lease);
    session_ = &lease_.session();
    session_->SetDeadline(deadline);
    return session_;
  }
  SessionOptions options;
  options.timestamps = stamps == Stamps::kKept ? kTimestampsKept
                       : stamps == Stamps::kOn ? kTimestampsSet
                                               : kTimestampsOff;
  options.principal = principal_;
  options.deadline_ns = deadline;
  Result<Handle<Session>> opened = database().OpenSession(options);
  if (!opened.ok()) return std::move(opened).status();
  own_session_ = std::move(*opened);
  session_ = own_session_.get();
  return session_;
}

bool Request::in_transaction() { return session_ != nullptr && session_->InTransaction(); }

std::string Request::ContentType() {
  std::string_view type = exchange_.Header("Content-Type");
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  return Lower(type);
}

bool Request::Accepts(std::string_view media_type) {
  return Lower(exchange_.Header("Accept")).find(media_type) != std::string::npos;
}

Result<std::string> Request::ObjectBody(const JsonOptions& limits) {
  const std::string_view text = AsText(exchange_.Body());
  if (text.empty()) {
    return MakeError(ErrorId::kMissingBody, "This request needs a body: a JSON object.");
  }
  return JsonToBson(text, limits);
}

Result<std::string> Request::OptionalObjectBody() {
  if (exchange_.Body().empty()) return bson::Builder().Finish();
  return ObjectBody();
}

Result<JsonValue> Request::AnyBody() {
  const std::string_view text = AsText(exchange_.Body());
  if (text.empty()) {
    return MakeError(ErrorId::kMissingBody, "This request needs a body: a JSON object or array.");
  }
  return ParseJsonValue(text, kEnvelopeJson);
}

}  // namespace nexadb::rest
