#include "plugins/api-rest/request.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "nexadb/repeat_authenticator.h"
#include "nexadb/sdk/guard.h"
#include "plugins/api-rest/problem.h"
#include "plugins/api-rest/trace_context.h"

namespace nexadb::rest {
namespace {

// Other connections of the I/O thread wait for so many bytes of JSON to become a document, about
// 100 us.
constexpr size_t kInlineBodyBytesMax = 16 * 1024;

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// Whether `text` is `lower` but for the case of its letters.
bool IsNamed(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() &&
         std::equal(text.begin(), text.end(), lower.begin(), [](char c, char wanted) {
           return (c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) == wanted;
         });
}

// The key in an Authorization header; empty when it is of another scheme.
std::string_view BearerOf(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() < kScheme.size() ||
      Lower(authorization.substr(0, kScheme.size())) != kScheme) {
    return {};
  }
  authorization.remove_prefix(kScheme.size());
  while (authorization.starts_with(' ')) authorization.remove_prefix(1);
  return authorization;
}

// The key of a request: X-API-Key, or Authorization: Bearer. Empty is none; of two, nobody could
// say which one counts.
Result<std::string_view> SecretOf(Exchange& exchange) {
  std::string_view secret;
  for (const HttpHeader& header : exchange.Headers()) {
    std::string_view found;
    if (IsNamed(header.name, "x-api-key")) found = header.value;
    if (IsNamed(header.name, "authorization")) found = BearerOf(header.value);
    if (found.empty()) continue;
    if (!secret.empty()) {
      return MakeError(ErrorId::kAmbiguousCredentials, "The request carries more than one key.");
    }
    secret = found;
  }
  return secret;
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
                 std::string_view database, Span<const StringView> captures)
    : api_(api),
      route_(route),
      exchange_(exchange),
      waiting_(waiting),
      database_name_(database),
      captures_(captures),
      started_ns_(exchange.StartedNs()) {}

Request::~Request() = default;

Status Request::Run() {
  Status outcome = RunChecked();
  // One that is moved to the pool comes again.
  const bool counted = api_.metrics != nullptr && outcome.code() != Code::kWouldBlock;
  if (counted) {
    const double took_ms = handled_ms_ ? *handled_ms_ : TookMs();
    api_.metrics->Count(route_, outcome, took_ms / 1000.0);
  }
  return outcome;
}

Status Request::RunChecked() {
  if (Status status = CheckParameters(); !status.ok()) return status;
  if (Status status = Authenticate(); !status.ok()) return status;
  if (Status status = CheckEncoding(); !status.ok()) return status;
  const bool names_transaction = !exchange_.Header("X-Transaction-Id").empty();
  if (names_transaction && route_.access == Access::kKey && route_.operation == Operation::kNo) {
    return MakeError(ErrorId::kNotInTransaction, "This route cannot be part of a transaction.");
  }
  // A transaction's session may have to wait for its lock; a large body takes long to read.
  if (!may_wait() && (names_transaction || exchange_.Body().size() > kInlineBodyBytesMax)) {
    return Status::Error(Code::kWouldBlock, "not on the I/O thread");
  }
  return RunHandler();
}

Status Request::CheckEncoding() {
  const std::string_view sent = exchange_.Header("Content-Encoding");
  if (sent.empty()) return {};
  const std::string encoding = Lower(sent);
  if (encoding == "identity") return {};
  sent_gzip_ = encoding == "gzip" && route_.body == BodyMode::kStreamed;
  if (sent_gzip_) return {};
  return MakeError(ErrorId::kUnsupportedEncoding, "The body is sent with Content-Encoding '" +
                                                      encoding +
                                                      "'; only imports take one, and only gzip.");
}

Status Request::RunWithin(Principal& principal, Session& session) {
  if (Status status = CheckParameters(); !status.ok()) return status;
  principal_ = &principal;
  session_ = &session;
  return RunHandler();
}

Status Request::RunHandler() {
  Status status = route_.handler(*this);
  KeepIfSlow(status);
  const bool read_whole = route_.body == BodyMode::kBuffered;
  if (status.ok() || begun_ || !read_whole || status.code() == Code::kWouldBlock) return status;
  return LocatedInBody(std::move(status), AsText(exchange_.Body()));
}

Status Request::CheckParameters() {
  if (exchange_.Query().empty()) return {};
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

// A request that comes again counts once against its key's rate.
Result<Handle<Principal>> Request::PrincipalOf(const Credentials& credentials) {
  Authenticator& auth = *api_.services.auth;
  if (waiting_ == Waiting::kAllowedAfterTry) {
    if (void* repeat = auth.Facet(RepeatAuthenticator::kInterface)) {
      return static_cast<RepeatAuthenticator*>(repeat)->AuthenticateAgain(credentials);
    }
  }
  return auth.Authenticate(credentials);
}

Status Request::Refused(Status why) {
  if (route_.access != Access::kOptional) return why;
  refusal_ = std::move(why);
  return {};
}

Status Request::Authenticate() {
  if (route_.access == Access::kPublic) return {};
  const Result<std::string_view> secret = SecretOf(exchange_);
  if (!secret.ok()) return Refused(secret.status());
  Credentials credentials;
  credentials.secret = *secret;
  credentials.peer = exchange_.PeerAddress();
  credentials.peer_is_loopback = exchange_.PeerIsLoopback() ? 1 : 0;
  Result<Handle<Principal>> outcome = PrincipalOf(credentials);
  if (!outcome.ok() && outcome.status().code() == Code::kWouldBlock) {
    if (!may_wait()) return outcome.status();
    outcome = AuthenticateWaiting(*api_.services.auth, credentials);
  }
  if (!outcome.ok()) return Refused(std::move(outcome).status());
  own_principal_ = std::move(*outcome);
  principal_ = own_principal_.get();
  if (route_.access == Access::kAdmin && !principal_->Allows(Action::kAdmin, Resource{})) {
    return MakeError(ErrorId::kForbidden,
                     "This needs a key with the action 'admin' on the server.");
  }
  return {};
}

// A point read that answers from memory is over before anybody could look.
void Request::Enter() {
  if (!may_wait()) return;
  RunningRequests::Request facts;
  facts.request_id = exchange_.RequestId();
  facts.trace_id = TraceIdOf(exchange_.Header("traceparent"));
  facts.method = exchange_.Method();
  facts.path = exchange_.Path();
  facts.database = database_name_;
  facts.key_id = principal_->Id();
  facts.key_name = principal_->Name();
  if (route_.body == BodyMode::kBuffered) facts.body = AsText(exchange_.Body());
  facts.started_ns = started_ns_;
  facts.session = session_;
  running_ = api_.running.Enter(facts);
}

void Request::KeepIfSlow(const Status& outcome) noexcept {
  const double took_ms = TookMs();
  handled_ms_ = took_ms;
  const bool slow = session_ != nullptr && api_.options.slow_query_ms > 0 &&
                    took_ms >= static_cast<double>(api_.options.slow_query_ms);
  // An import takes as long as its sender; a moved request comes again.
  if (!slow || route_.body == BodyMode::kStreamed || outcome.code() == Code::kWouldBlock) return;
  const Status kept = sdk::Guard([&]() -> Status {
    RequestFacts facts;
    facts.request_id = std::string_view(exchange_.RequestId());
    facts.trace_id = TraceIdOf(exchange_.Header("traceparent"));
    facts.method = std::string_view(exchange_.Method());
    facts.path = std::string_view(exchange_.Path());
    facts.database = database_name_;
    facts.key_id = std::string_view(principal_->Id());
    facts.key_name = std::string_view(principal_->Name());
    facts.body = AsText(exchange_.Body()).substr(0, kBodyShownBytes);
    facts.took_ms = took_ms;
    facts.started_ms = api_.services.clock->UnixMs() - static_cast<int64_t>(took_ms);
    facts.outcome = outcome.ok() ? "ok" : std::string(ErrorOf(outcome).name);
    api_.slow.Add(std::move(facts));
    return {};
  });
  // Without memory it is not listed; the answer is out, and is no failure.
  static_cast<void>(kept.ok());
  if (api_.metrics != nullptr) api_.metrics->CountSlow();
}

double Request::TookMs() {
  const uint64_t now = api_.services.clock->MonotonicNs();
  return now > started_ns_ ? static_cast<double>((now - started_ns_) / 1000) / 1000.0 : 0.0;
}

Result<Session*> Request::session(uint64_t time_ms, Stamps stamps) {
  const uint64_t limit_ms = time_ms != 0 ? time_ms : api_.options.query_time_ms;
  // On the I/O thread the request has just begun; in the pool it may have waited.
  const uint64_t now_ns = may_wait() ? api_.services.clock->MonotonicNs() : started_ns_;
  const uint64_t deadline = now_ns + limit_ms * 1'000'000;
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
    Enter();
    return session_;
  }
  SessionOptions options;
  options.timestamps = stamps == Stamps::kKept ? kTimestampsKept
                       : stamps == Stamps::kOn ? kTimestampsSet
                                               : kTimestampsOff;
  options.principal = principal_;
  options.deadline_ns = deadline;
  Result<Handle<Session>> opened = OpenSession(options);
  if (!opened.ok()) return std::move(opened).status();
  own_session_ = std::move(*opened);
  session_ = own_session_.get();
  Enter();
  return session_;
}

Result<Handle<Session>> Request::OpenSession(const SessionOptions& options) {
  if (may_wait()) return database().OpenSession(options);
  auto* facet =
      static_cast<NonblockingSessions*>(database().Facet(NonblockingSessions::kInterface));
  if (facet == nullptr) return Status::Error(Code::kWouldBlock, "every session may wait");
  return facet->OpenNonblocking(options);
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

bool Request::AcceptsGzip() {
  const std::string accepted = Lower(exchange_.Header("Accept-Encoding"));
  const size_t at = accepted.find("gzip");
  if (at == std::string::npos) return false;
  std::string weight = accepted.substr(at, accepted.find(',', at) - at);
  std::erase(weight, ' ');
  return weight != "gzip;q=0" && !weight.starts_with("gzip;q=0.0");
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
