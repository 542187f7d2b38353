#include "plugins/http-server/server.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "nexadb/sdk/guard.h"
#include "plugins/http-server/problem.h"
#include "plugins/http-server/response_head.h"

namespace nexadb::http {
namespace {

constexpr uint64_t kTickMsMin = 10;
constexpr uint64_t kTickMsMax = 1000;
constexpr int kAcceptsInOneGo = 64;
// Of the files that the process may open, connections take at most three quarters: the engine's
// tables and logs must still open while every client that can has connected.
constexpr uint64_t kDescriptorShare = 4;

void Decline(HttpExchange& exchange, ErrorId error, std::string_view detail) {
  exchange.SendRefusal({error, std::string(detail)}, {});
  exchange.Release();
}

}  // namespace

// One listening socket, watched by the first loop.
class Server::Acceptor final : public FdObserver {
 public:
  Acceptor(Server& server, EventLoop& loop, int fd)
      : server_(server), fd_(fd), watch_(loop, fd, *this) {
    if (server_.accepting_.load()) watch_.WaitReadable();
  }
  // Out of descriptors: waits for the next tick instead of spinning.
  void Resume() { watch_.WaitReadable(); }
  void Close() { watch_.Close(); }

  void OnReadable() noexcept override {
    for (int i = 0; i < kAcceptsInOneGo; ++i) {
      PeerAddress peer;
      const int fd = AcceptPeer(fd_, peer);
      if (fd >= 0) {
        try {
          server_.OnAccepted(fd, std::move(peer));
        } catch (...) {  // no memory for bookkeeping: this client has to come again
          ::close(fd);
        }
        continue;
      }
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) return;
      if (errno == EAGAIN || errno == EWOULDBLOCK) break;
    }
    watch_.WaitReadable();
  }
  void OnWritable() noexcept override {}
  void OnUnwatched() noexcept override {
    std::lock_guard lock(server_.connections_mutex_);
    --server_.acceptor_count_;
    server_.connections_changed_.notify_all();
  }

 private:
  Server& server_;
  const int fd_;
  FdWatch watch_;
};

class Server::RouteMount final : public Mount {
 public:
  RouteMount(std::shared_ptr<Server> server, std::shared_ptr<RouteEntry> route)
      : server_(std::move(server)), route_(std::move(route)) {}
  void Release() noexcept override {
    server_->Detach(route_);
    route_->CloseAndWait();
    delete this;
  }

 private:
  ~RouteMount() = default;
  const std::shared_ptr<Server> server_;
  const std::shared_ptr<RouteEntry> route_;
};

struct Server::AdoptTask : LoopTask {
  Server* server;
  Worker* worker;
  int fd;
  PeerAddress peer;
};

struct Server::CommandTask : LoopTask {
  Server* server;
  Worker* worker;
  Command command;
};

// Connections that a handler held past Stop; the loop, which they refer to, goes after them.
Worker::~Worker() {
  while (connections != nullptr) {
    Connection* const gone = connections;
    connections = gone->next;
    delete gone;
  }
}

Server::Server(PluginContext& context, ServerConfig config)
    : context_(context),
      config_(std::move(config)),
      metrics_(context.Metrics(),
               config_.tls.enabled() ? ServerMetrics::Tls::kOn : ServerMetrics::Tls::kOff),
      pool_(std::make_shared<HandlerPool>(
          HandlerPool::Settings{config_.pool_threads != 0 ? config_.pool_threads
                                                          : context.Executor().BlockingThreads(),
                                config_.limits.waiting_requests_max},
          metrics_.waiting)),
      routes_(std::make_shared<const RouteTable>()) {}

// The plugin has stopped it, or it never started: destroying must not call the kernel, which may be
// gone when the last holder is a handler's thread.
Server::~Server() = default;

Status Server::Start() {
  if (const Status loaded = ReloadCertificate(); !loaded.ok()) return loaded;
  LeaveDescriptorsToOthers();
  auto sockets = OpenListeners(config_.listen, predecessor_, context_.Log());
  if (!sockets.ok()) return sockets.status();
  std::vector<uint16_t> ports;
  std::string where;
  for (const ListenSocket& socket : *sockets) {
    ports.push_back(socket.port);
    where += (where.empty() ? "" : ", ") + socket.text.substr(0, socket.text.rfind(':')) + ":" +
             std::to_string(socket.port);
  }
  access_ = std::make_unique<AccessRules>(config_.allowed_hosts, config_.cors_origins, ports);
  for (uint32_t i = 0; i < config_.io_threads; ++i) {
    auto worker = std::make_unique<Worker>(*this);
    uint32_t prefix = 0;
    context_.Env().Random().Fill({reinterpret_cast<uint8_t*>(&prefix), sizeof(prefix)});
    worker->request_prefix = prefix;
    workers_.push_back(std::move(worker));
  }
  loopback_only_ = std::all_of(config_.listen.begin(), config_.listen.end(),
                               [](const ListenAddress& a) { return a.IsLoopback(); });
  accepting_.store(predecessor_ == nullptr);
  listen_sockets_ = *sockets;
  for (const ListenSocket& socket : *sockets) {
    acceptors_.push_back(std::make_unique<Acceptor>(*this, workers_[0]->loop, socket.fd));
    ++acceptor_count_;
  }
  port_.store(ports[0]);
  for (const auto& worker : workers_) {
    auto tick = [](void* state) noexcept {
      auto* self = static_cast<Worker*>(state);
      self->server.OnTick(*self);
    };
    const Status started = worker->loop.Start(
        context_.Env(), "http-io", {TickMs(), config_.busy_poll_us}, {tick, worker.get()});
    if (!started.ok()) {
      Stop();
      return started;
    }
  }
  running_ = true;
  if (predecessor_ != nullptr) {
    predecessor_->OnDrain(
        {[](void* state) noexcept { static_cast<Server*>(state)->BeginAccepting(); }, this});
  }
  context_.Log().Info("listening on " + where + (config_.tls.enabled() ? " with TLS" : ""));
  if (access_->cors() && access_->AllowsEveryOrigin()) {
    context_.Log().Warning(
        "cors.origins = [\"*\"]: pages of every site may use this server from their visitors' "
        "browsers");
  }
  return {};
}

void Server::LeaveDescriptorsToOthers() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  const uint64_t most = std::max<uint64_t>(1, files.rlim_cur - files.rlim_cur / kDescriptorShare);
  connections_max_ = std::min(config_.limits.connections_max, most);
  if (config_.limits.connections_max <= most) return;
  const std::string text = "connections_max is " + std::to_string(config_.limits.connections_max) +
                           ", but the process may open only " + std::to_string(files.rlim_cur) +
                           " files (ulimit -n, LimitNOFILE): " + std::to_string(most) +
                           " connections are taken";
  // Who asked for so many is warned that they are fewer; a default adapts to the machine.
  const struct Limits defaults;
  if (config_.limits.connections_max == defaults.connections_max) {
    context_.Log().Info(text);
  } else {
    context_.Log().Warning(text);
  }
}

uint64_t Server::TickMs() const {
  const struct Limits& limits = config_.limits;
  const uint64_t shortest =
      std::min({limits.header_timeout_ms, limits.idle_timeout_ms, limits.slow_body_window_ms,
                limits.write_timeout_ms, config_.tls.handshake_timeout_ms});
  return std::clamp(shortest / 4, kTickMsMin, kTickMsMax);
}

void Server::OnTick(Worker& worker) {
  const uint64_t now_ns = NowNs();
  for (Connection* c = worker.connections; c != nullptr; c = c->next) c->OnTick(now_ns);
  if (&worker != workers_[0].get() || !accepting_.load()) return;
  for (const auto& acceptor : acceptors_) acceptor->Resume();
}

int Server::Duplicate(StringView address) noexcept {
  for (const ListenSocket& socket : listen_sockets_) {
    if (socket.text == std::string_view(address)) return ::fcntl(socket.fd, F_DUPFD_CLOEXEC, 0);
  }
  return -1;
}

void Server::OnDrain(const Callback& accepting_ended) noexcept {
  accepting_ended_ = accepting_ended;
}

void Server::BeginAccepting() {
  predecessor_ = nullptr;
  accepting_.store(true);
  // Should there be no memory for the command, the next tick resumes them.
  static_cast<void>(sdk::Guard([&]() -> Status {
                      PostToAll(Command::kAccept);
                      return {};
                    }).ok());
}

Server::AcceptVerdict Server::Admit(PeerAddress& peer) {
  std::lock_guard lock(connections_mutex_);
  const std::string& address = peer.text;
  uint64_t& here = by_address_[address];
  if (connection_count_ >= connections_max_ || here >= limits().connections_per_address_max) {
    if (here == 0) by_address_.erase(address);
    return AcceptVerdict::kTooMany;
  }
  ++here;
  ++connection_count_;
  peer.late = drain_began_;
  if (peer.late) ++late_count_;
  return AcceptVerdict::kWelcome;
}

void Server::Dismiss(const PeerAddress& peer) {
  std::lock_guard lock(connections_mutex_);
  --connection_count_;
  if (peer.late) --late_count_;
  const auto found = by_address_.find(peer.text);
  if (found != by_address_.end() && --found->second == 0) by_address_.erase(found);
  connections_changed_.notify_all();
}

void Server::OnAccepted(int fd, PeerAddress peer) {
  // Where others can call, a caller from this machine may be a proxy that speaks for them.
  peer.loopback = peer.loopback && loopback_only_;
  metrics_.connections.Add(1);
  if (Admit(peer) == AcceptVerdict::kTooMany) {
    metrics_.rejected_connections.Add(1);
    return RefuseConnection(fd);
  }
  metrics_.open_connections.Add(1);
  Worker& worker = *workers_[next_worker_++ % workers_.size()];
  if (&worker == workers_[0].get()) return Adopt(worker, fd, std::move(peer));
  auto* task = new AdoptTask{{}, this, &worker, fd, std::move(peer)};
  task->run = [](LoopTask& posted) noexcept {
    std::unique_ptr<AdoptTask> self(static_cast<AdoptTask*>(&posted));
    self->server->Adopt(*self->worker, self->fd, std::move(self->peer));
  };
  worker.loop.Post(*task);
}

void Server::Adopt(Worker& worker, int fd, PeerAddress peer) {
  const PeerAddress admitted = peer;
  try {
    auto connection =
        std::make_unique<Connection>(*this, worker, fd, std::move(peer), CurrentTls());
    connection->next = worker.connections;
    if (worker.connections != nullptr) worker.connections->previous = connection.get();
    worker.connections = connection.get();
    Connection* adopted = connection.release();  // deletes itself through OnConnectionDeleted
    adopted->Start();
  } catch (...) {  // no memory, or no room in the poll set: the socket is closed already
    metrics_.open_connections.Add(-1);
    Dismiss(admitted);
  }
}

void Server::OnConnectionDeleted(Worker& worker, Connection& connection, const PeerAddress& peer) {
  const PeerAddress gone = peer;  // it dies with the connection
  if (connection.previous != nullptr) {
    connection.previous->next = connection.next;
  } else {
    worker.connections = connection.next;
  }
  if (connection.next != nullptr) connection.next->previous = connection.previous;
  delete &connection;
  metrics_.open_connections.Add(-1);
  Dismiss(gone);
}

void Server::RefuseConnection(int fd) {
  if (config_.tls.enabled()) {  // a handshake for a refusal would cost more than a request
    ::close(fd);
    return;
  }
  const std::string body = ProblemBody(
      {ErrorId::kTooManyConnections, "The server has as many connections as it may."}, {}, {});
  HeadFacts facts;
  facts.status = StatusOf(ErrorId::kTooManyConnections);
  facts.content_length = body.size();
  facts.close = true;
  const HttpHeader headers[] = {{"Content-Type", "application/problem+json"}, {"Retry-After", "1"}};
  std::string answer;
  AppendHead(facts, {headers, 2}, answer);
  answer += body;
  // Best effort, without waiting: a fresh socket has room for this much.
  static_cast<void>(::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
  ::shutdown(fd, SHUT_WR);
  char unread[4096];
  while (::recv(fd, unread, sizeof(unread), MSG_DONTWAIT) > 0) {
  }
  ::close(fd);
}

const RouteTable& Server::RoutesFor(Worker& worker) {
  const uint64_t version = routes_version_.load(std::memory_order_acquire);
  if (worker.routes_version != version) {
    std::lock_guard lock(routes_mutex_);
    worker.routes = routes_;
    worker.routes_version = version;
  }
  return *worker.routes;
}

Result<Handle<Mount>> Server::Attach(const Route& route, HttpHandler& handler) noexcept {
  return sdk::Guard([&]() -> Result<Handle<Mount>> {
    auto entry = std::make_shared<RouteEntry>();
    entry->method = std::string_view(route.method);
    entry->pattern = std::string_view(route.pattern);
    const std::string what = entry->method + " " + entry->pattern;
    if (!IsToken(entry->method)) {
      return Status::Error(Code::kInvalidArgument, "route " + what + ": the method is no token");
    }
    if (const char* wrong = CheckPattern(entry->pattern)) {
      return Status::Error(Code::kInvalidArgument, "route " + what + ": the pattern " + wrong);
    }
    entry->body = route.body;
    entry->run = route.run;
    entry->body_bytes_max = route.body_bytes_max;
    entry->handler = &handler;
    if (route.body == BodyMode::kStreamed && route.run == RunMode::kInline) {
      return Status::Error(Code::kInvalidArgument,
                           "route " + what + ": a streamed body needs the pool");
    }
    std::string_view types = route.content_types;
    while (!types.empty()) {
      const size_t space = types.find(' ');
      const std::string_view type = types.substr(0, space);
      if (!type.empty()) entry->content_types.emplace_back(type);
      types = space == std::string_view::npos ? std::string_view() : types.substr(space + 1);
    }
    if (entry->content_types.empty()) entry->content_types = {"application/json"};
    if (route.struct_size >= offsetof(Route, owner) + sizeof(route.owner)) {
      entry->owner = std::string_view(route.owner);
    }
    std::lock_guard lock(routes_mutex_);
    std::vector<std::shared_ptr<RouteEntry>> routes = routes_->routes();
    for (const auto& taken : routes) {
      if (!taken->Stands(entry->method, entry->pattern)) continue;
      if (entry->owner.empty() || taken->owner != entry->owner) {
        return Status::Error(Code::kConflict, "route " + what + " is mounted already");
      }
    }
    routes.push_back(entry);
    routes_ = std::make_shared<const RouteTable>(std::move(routes));
    routes_version_.fetch_add(1, std::memory_order_release);
    return Handle<Mount>(new RouteMount(shared_from_this(), std::move(entry)));
  });
}

void Server::Detach(const std::shared_ptr<RouteEntry>& route) {
  std::lock_guard lock(routes_mutex_);
  std::vector<std::shared_ptr<RouteEntry>> routes = routes_->routes();
  std::erase(routes, route);
  routes_ = std::make_shared<const RouteTable>(std::move(routes));
  routes_version_.fetch_add(1, std::memory_order_release);
}

// A route that was unmounted since it was matched may have a successor.
bool Server::EnterRoute(HttpExchange& exchange) {
  while (!exchange.route->Enter()) {
    std::lock_guard lock(routes_mutex_);
    const std::shared_ptr<RouteEntry>* now = nullptr;
    for (const auto& route : routes_->routes()) {
      const bool same = route->Stands(exchange.route->method, exchange.route->pattern);
      if (same && route->body == exchange.route->body) now = &route;
    }
    if (now == nullptr) return false;
    exchange.route = *now;
  }
  return true;
}

void Server::ServeInline(HttpExchange& exchange) {
  if (!EnterRoute(exchange)) {
    return Decline(exchange, ErrorId::kRouteNotFound, "The path has gone.");
  }
  // The exchange may be released by then; what it refers to stays until the loop, on which this
  // runs, has ended the request.
  RouteEntry* const route = exchange.route.get();
  if (route->run == RunMode::kPool) {
    pool_->Add({&exchange, route->handler, exchange.route});
  } else {
    route->handler->Serve(Handle<Exchange>(&exchange));
    route->Leave();
  }
}

void Server::ServeOnPool(HttpExchange& exchange) {
  if (!EnterRoute(exchange)) {
    return Decline(exchange, ErrorId::kRouteNotFound, "The path has gone.");
  }
  pool_->Add({&exchange, exchange.route->handler, exchange.route});
}

void Server::MoveToPool(Handle<Exchange> exchange, HttpHandler& handler) noexcept {
  auto* own = static_cast<HttpExchange*>(exchange.Detach());
  const Status moved = sdk::Guard([&]() -> Status {
    own->route->EnterAgain();
    pool_->Add({own, &handler, own->route});
    return {};
  });
  if (!moved.ok()) own->Release();
}

Result<Buffer> Server::Limits() noexcept {
  return sdk::Guard(
      [&]() -> Result<Buffer> { return Buffer::Own(LimitsDocument(config_.limits)); });
}

void* Server::Facet(const InterfaceId&) noexcept { return nullptr; }

bool Server::TakeBodyMemory(uint64_t bytes) {
  const uint64_t before = body_memory_.fetch_add(bytes);
  if (before + bytes <= limits().body_memory_bytes_max) {
    metrics_.body_bytes.Set(static_cast<double>(before + bytes));
    return true;
  }
  body_memory_.fetch_sub(bytes);
  return false;
}

void Server::ReturnBodyMemory(uint64_t bytes) {
  const uint64_t before = body_memory_.fetch_sub(bytes);
  metrics_.body_bytes.Set(static_cast<double>(before - bytes));
}

void Server::PostToAll(Command command) {
  for (const auto& worker : workers_) {
    auto* task = new CommandTask{{}, this, worker.get(), command};
    task->run = [](LoopTask& posted) noexcept {
      std::unique_ptr<CommandTask> self(static_cast<CommandTask*>(&posted));
      self->server->Obey(*self->worker, self->command);
    };
    worker->loop.Post(*task);
  }
}

void Server::Obey(Worker& worker, Command command) {
  if (command == Command::kCloseAcceptors || command == Command::kAccept) {
    if (&worker != workers_[0].get()) return;
    for (const auto& acceptor : acceptors_) {
      if (command == Command::kAccept) acceptor->Resume();
      if (command == Command::kCloseAcceptors) acceptor->Close();
    }
    return;
  }
  const auto idle = ClosesIdle() ? IdleConnections::kClose : IdleConnections::kKeep;
  for (Connection* c = worker.connections; c != nullptr;) {
    Connection* const next = c->next;  // a connection that is closed may be gone
    if (command == Command::kDrain) c->Drain(idle);
    if (command == Command::kAbort) c->Abort();
    c = next;
  }
}

uint64_t Server::EndOf(uint64_t timeout_ms) { return NowNs() + timeout_ms * 1'000'000; }

bool Server::WaitUntil(Gone what, uint64_t end_ns) {
  const uint64_t now_ns = NowNs();
  std::unique_lock lock(connections_mutex_);
  return connections_changed_.wait_for(
      lock, std::chrono::nanoseconds(end_ns > now_ns ? end_ns - now_ns : 0), [&] {
        switch (what) {
          case Gone::kAcceptors: return acceptor_count_ == 0;
          case Gone::kEarlyConnections: return connection_count_ == late_count_;
          default: return connection_count_ == 0 && acceptor_count_ == 0;
        }
      });
}

void Server::Drain(uint64_t deadline_ms) {
  if (!running_) return;
  const uint64_t end_ns = EndOf(deadline_ms);
  const bool succeeded = accepting_ended_.run != nullptr;
  keeps_idle_.store(succeeded);
  draining_.store(true);
  {
    std::lock_guard lock(connections_mutex_);
    drain_began_ = true;
  }
  PostToAll(Command::kDrain);
  if (succeeded) {
    PostToAll(Command::kCloseAcceptors);
    WaitUntil(Gone::kAcceptors, end_ns);
    accepting_ended_.run(std::exchange(accepting_ended_, {}).state);
    WaitUntil(Gone::kEverything, std::min(end_ns, EndOf(kIdleHandoverMs)));
    keeps_idle_.store(false);
  } else {
    WaitUntil(Gone::kEarlyConnections, end_ns);
    PostToAll(Command::kCloseAcceptors);
  }
  PostToAll(Command::kDrain);
  if (!WaitUntil(Gone::kEverything, end_ns)) {
    context_.Log().Warning("requests still run at the end of the time to drain");
  }
}

void Server::Stop() {
  draining_.store(true);
  keeps_idle_.store(false);
  // Not to be called once gone, had the handover not come to its end.
  if (predecessor_ != nullptr) predecessor_->OnDrain({});
  predecessor_ = nullptr;
  if (running_) {
    running_ = false;
    PostToAll(Command::kCloseAcceptors);
    PostToAll(Command::kAbort);
    if (!WaitUntil(Gone::kEverything, EndOf(config_.release_timeout_ms))) {
      context_.Log().Error("handlers still hold requests " +
                           std::to_string(config_.release_timeout_ms) +
                           " ms after Stop; these stay in memory until they are released");
    }
  }
  pool_->Stop(config_.release_timeout_ms);
  for (const auto& worker : workers_) worker->loop.Stop();
  // No thread of the server runs now, so the lists of connections are this thread's.
  acceptors_.clear();
  listen_sockets_.clear();
  bool held = false;
  for (const auto& worker : workers_) {
    for (Connection* c = worker->connections; c != nullptr; c = c->next) {
      held = c->Outlive(shared_from_this()) || held;
    }
  }
  if (!held) workers_.clear();
}

}  // namespace nexadb::http
