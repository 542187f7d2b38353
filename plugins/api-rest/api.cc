#include "plugins/api-rest/api.h"

#include "core/document/error.h"
#include "nexadb/sdk/guard.h"
#include "plugins/api-rest/inline_trials.h"
#include "plugins/api-rest/problem.h"
#include "plugins/api-rest/request.h"
#include "plugins/api-rest/routes.h"

namespace nexadb::rest {
namespace {

constexpr int kServersFault = 500;

}  // namespace

// One row of the table at one prefix. The router calls Serve where the row says; a request that
// would have to wait on the I/O thread is moved to the pool, where OnPool takes it up.
class MountedRoute final : public HttpHandler {
 public:
  // Stays with the router that it was made for, which lives until the mount is dropped.
  MountedRoute(Api& api, HttpRouter& router, const RouteSpec& spec, Scope mounted)
      : api_(api),
        router_(router),
        spec_(spec),
        mounted_(mounted),
        untried_on_pool_(*this, Waiting::kAllowed),
        tried_on_pool_(*this, Waiting::kAllowedAfterTry) {}

  Status Attach(std::string_view prefix) {
    const std::string pattern = std::string(prefix) + std::string(spec_.pattern);
    Route route;
    route.method = spec_.method;
    route.pattern = pattern;
    route.body = spec_.body;
    route.run = spec_.run;
    route.content_types = spec_.content_types;
    route.owner = api_.options.instance;
    Result<Handle<Mount>> mount = router_.Attach(route, *this);
    if (!mount.ok()) return std::move(mount).status();
    mount_ = std::move(*mount);
    return {};
  }

  void Serve(Handle<Exchange> exchange) noexcept override {
    if (spec_.run != RunMode::kInline) return Answer(std::move(exchange), Waiting::kAllowed);
    if (trials_.Worthwhile()) return Answer(std::move(exchange), Waiting::kForbidden);
    router_.MoveToPool(std::move(exchange), untried_on_pool_);
  }

 private:
  class OnPool final : public HttpHandler {
   public:
    OnPool(MountedRoute& route, Waiting waiting) : route_(route), waiting_(waiting) {}
    void Serve(Handle<Exchange> exchange) noexcept override {
      route_.Answer(std::move(exchange), waiting_);
    }

   private:
    MountedRoute& route_;
    const Waiting waiting_;
  };

  void Answer(Handle<Exchange> exchange, Waiting waiting) noexcept {
    std::optional<Request> request;
    const Status status = sdk::Guard([&]() -> Status {
      Span<const StringView> captures = exchange->Captures();
      std::string_view database = api_.options.default_database;
      if (mounted_ == Scope::kDatabase) {
        database = captures[0];
        captures = {captures.data() + 1, captures.size() - 1};
      }
      request.emplace(api_, spec_, *exchange, waiting, database, captures);
      request->Lend(exchange);
      return request->Run();
    });
    const bool begun = request && request->begun();
    request.reset();
    const bool would_block = status.code() == Code::kWouldBlock && waiting == Waiting::kForbidden;
    if (waiting == Waiting::kForbidden) would_block ? trials_.Failed() : trials_.Succeeded();
    if (status.ok()) return;
    if (would_block) {
      router_.MoveToPool(std::move(exchange), tried_on_pool_);
      return;
    }
    if (ErrorOf(status).status == kServersFault) Log(*exchange, status);
    // Once begun, releasing the exchange cuts the answer off, which the client sees.
    if (!begun) SendProblem(*exchange, status);
  }

  // The caller is told the request's id, by which the operator finds what happened.
  void Log(Exchange& exchange, const Status& status) noexcept {
    if (api_.services.log == nullptr) return;
    const LogField fields[] = {{"code", ErrorOf(status).name},
                               {"detail", status.message()},
                               {"request_id", exchange.RequestId()},
                               {"method", exchange.Method()},
                               {"path", exchange.Path()}};
    api_.services.log->Write(LogLevel::kError, "a request failed", {fields, std::size(fields)});
  }

  Api& api_;
  HttpRouter& router_;
  const RouteSpec& spec_;
  const Scope mounted_;
  OnPool untried_on_pool_;
  OnPool tried_on_pool_;
  InlineTrials trials_;
  // Last: dropping it waits for the handlers that run.
  Handle<Mount> mount_;
};

Api::Api(Services services_in, ApiOptions options_in, const CursorKey& cursor_key)
    : options(std::move(options_in)),
      services(std::move(services_in)),
      cursors(cursor_key),
      transactions(*services.clock, *services.random, *services.executor, options.transactions),
      change_streams(*services.executor, *services.clock),
      metrics(services.metrics != nullptr ? std::make_unique<RestMetrics>(*services.metrics)
                                          : nullptr) {}

Api::~Api() { Close(); }

Status Api::Open() {
  static constexpr std::string_view kServerPrefixes[] = {"", "/v1"};
  static constexpr std::string_view kDatabasePrefixes[] = {"/db/{db}", "/v1/db/{db}"};
  former_routes_ = std::move(routes_);
  routes_.clear();
  for (const RouteSpec& spec : Routes()) {
    const auto attach = [&](std::string_view prefix, Scope scope) {
      routes_.push_back(std::make_unique<MountedRoute>(*this, *services.router, spec, scope));
      return routes_.back()->Attach(prefix);
    };
    for (const std::string_view prefix : kServerPrefixes) {
      if (Status status = attach(prefix, Scope::kServer); !status.ok()) return status;
    }
    if (spec.scope != Scope::kDatabase) continue;
    for (const std::string_view prefix : kDatabasePrefixes) {
      if (Status status = attach(prefix, Scope::kDatabase); !status.ok()) return status;
    }
  }
  return {};
}

void Api::Close() {
  // First: a mount that is dropped may wait for the exchanges that streams hold.
  change_streams.Close();
  routes_.clear();
  former_routes_.clear();
  transactions.Close();
}

Result<KeyValueStore*> Api::KeyValue() const {
  auto* facet = static_cast<KeyValueStore*>(services.database->Facet(KeyValueStore::kInterface));
  if (facet == nullptr) {
    return MakeError(ErrorId::kNotImplemented, "This server's database has no key-value store.");
  }
  return facet;
}

Result<VectorCollections*> Api::Vectors() const {
  auto* facet =
      static_cast<VectorCollections*>(services.database->Facet(VectorCollections::kInterface));
  if (facet == nullptr) {
    return MakeError(ErrorId::kNotImplemented, "This server's database has no vector collections.");
  }
  return facet;
}

Result<ChangeFeed*> Api::Changes() const {
  auto* facet = static_cast<ChangeFeed*>(services.database->Facet(ChangeFeed::kInterface));
  if (facet == nullptr) {
    return MakeError(ErrorId::kNotImplemented, "This server's database records no changes.");
  }
  return facet;
}

Result<SchemaInference*> Api::Schema() const {
  auto* facet =
      static_cast<SchemaInference*>(services.database->Facet(SchemaInference::kInterface));
  if (facet == nullptr) {
    return MakeError(ErrorId::kNotImplemented, "This server's database infers no schemas.");
  }
  return facet;
}

Result<KeyAdmin*> Api::Keys() const {
  auto* facet = static_cast<KeyAdmin*>(services.auth->Facet(KeyAdmin::kInterface));
  if (facet == nullptr) {
    return MakeError(ErrorId::kNotImplemented, "This server's keys are managed elsewhere.");
  }
  return facet;
}

}  // namespace nexadb::rest
