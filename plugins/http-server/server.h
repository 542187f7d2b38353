// Server: listeners, loops, connections and the route table, behind HttpRouter.
//
// Ownership: the plugin shares the server with its mounts; a worker owns its loop and, through a
// list, its connections, which delete themselves once closed and released. Stop waits
// `release_timeout` for handlers to let go of their exchanges. Then it says so, ends the loops, and
// gives every exchange that is still held a share of the server: the last Release frees them all.
#pragma once
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "nexadb/http.h"
#include "nexadb/plugin.h"
#include "plugins/http-server/access.h"
#include "plugins/http-server/connection.h"
#include "plugins/http-server/handler_pool.h"
#include "plugins/http-server/handover.h"
#include "plugins/http-server/limits.h"
#include "plugins/http-server/router.h"
#include "plugins/http-server/server_metrics.h"
#include "plugins/http-server/tls_context.h"

namespace nexadb::http {

constexpr uint64_t kIdleHandoverMs = 5000;

struct ServerConfig {
  std::vector<ListenAddress> listen;
  std::vector<std::string> allowed_hosts;
  std::vector<std::string> cors_origins;
  uint32_t io_threads = 1;
  uint32_t busy_poll_us = 0;
  uint32_t pool_threads = 0;             // 0: the kernel's number
  uint64_t release_timeout_ms = 30'000;  // how long Stop waits for handlers
  Limits limits;
  TlsConfig tls;

  bool operator==(const ServerConfig&) const = default;
};

// One loop's thread and what only that thread touches.
struct Worker {
  explicit Worker(Server& owner) : server(owner) {}
  ~Worker();
  Server& server;
  EventLoop loop;
  Connection* connections = nullptr;
  std::shared_ptr<const RouteTable> routes;
  uint64_t routes_version = 0;
  uint64_t request_prefix = 0;  // random, so that ids of two runs differ
  uint64_t request_count = 0;
  std::string scratch;  // where body bytes are read to before they are decoded
  std::string record;   // where the pieces of one TLS record are brought together
};

class Server final : public HttpRouter,
                     public ListenerHandover,
                     public std::enable_shared_from_this<Server> {
 public:
  Server(PluginContext& context, ServerConfig config);
  ~Server();

  // Before Start: takes the listening sockets of another server, and accepts once that one drains.
  void Succeed(ListenerHandover& predecessor) { predecessor_ = &predecessor; }
  Status Start();
  // Every answer from here on ends its connection. Connections are accepted for as long as earlier
  // ones are being served, so that callers hear that the server drains. With a successor none is
  // accepted, and idle connections are kept for one more request, for kIdleHandoverMs at most.
  void Drain(uint64_t deadline_ms);
  // Afterwards nothing of the kernel is used any more, even by exchanges that are still held.
  void Stop();

  // Reads the certificate's and the key's file again, for connections to come. When that fails, the
  // old certificate is served on.
  Status ReloadCertificate();

  // HttpRouter
  Result<Handle<Mount>> Attach(const Route& route, HttpHandler& handler) noexcept override;
  void MoveToPool(Handle<Exchange> exchange, HttpHandler& handler) noexcept override;
  Result<Buffer> Limits() noexcept override;
  uint16_t Port() noexcept override { return port_.load(); }
  void* Facet(const InterfaceId& id) noexcept override;

  // ListenerHandover
  int Duplicate(StringView address) noexcept override;
  void OnDrain(const Callback& accepting_ended) noexcept override;

  // For connections.
  const ServerConfig& config() const { return config_; }
  const struct Limits& limits() const { return config_.limits; }
  const TlsConfig& tls_config() const { return config_.tls; }
  const AccessRules& access() const { return *access_; }
  const RouteTable& RoutesFor(Worker& worker);
  const std::atomic<bool>& draining() const { return draining_; }
  bool ClosesIdle() const { return draining_.load() && !keeps_idle_.load(); }
  uint64_t NowNs() { return context_.Env().Clock().MonotonicNs(); }
  ServerMetrics& metrics() { return metrics_; }
  // The budget of all buffered bodies together.
  bool TakeBodyMemory(uint64_t bytes);
  void ReturnBodyMemory(uint64_t bytes);
  HandlerPool& pool() { return *pool_; }
  // Run an exchange on the pool (503 when too many wait), or here.
  void ServeOnPool(HttpExchange& exchange);
  void ServeInline(HttpExchange& exchange);
  void OnConnectionDeleted(Worker& worker, Connection& connection, const PeerAddress& peer);

 private:
  class Acceptor;
  class RouteMount;
  struct AdoptTask;
  struct CommandTask;
  enum class AcceptVerdict { kWelcome, kTooMany };

  // Marks a late peer.
  AcceptVerdict Admit(PeerAddress& peer);
  // A connection that was admitted is gone.
  void Dismiss(const PeerAddress& peer);
  void OnAccepted(int fd, PeerAddress peer);
  void Adopt(Worker& worker, int fd, PeerAddress peer);
  void RefuseConnection(int fd);
  void Detach(const std::shared_ptr<RouteEntry>& route);
  // False when its route has gone for good.
  bool EnterRoute(HttpExchange& exchange);
  enum class Command { kAccept, kCloseAcceptors, kDrain, kAbort };
  void PostToAll(Command command);
  void Obey(Worker& worker, Command command);
  // False when what must be gone is still there at the time.
  enum class Gone { kAcceptors, kEarlyConnections, kEverything };
  bool WaitUntil(Gone what, uint64_t end_ns);
  uint64_t EndOf(uint64_t timeout_ms);
  void BeginAccepting();
  std::shared_ptr<const TlsContext> CurrentTls();
  // Serves it from now on, and says so.
  void SetTls(std::shared_ptr<const TlsContext> tls);
  void OnTick(Worker& worker);
  uint64_t TickMs() const;
  void LeaveDescriptorsToOthers();

  PluginContext& context_;
  ServerConfig config_;
  ServerMetrics metrics_;
  const std::shared_ptr<HandlerPool> pool_;
  std::unique_ptr<AccessRules> access_;
  std::vector<std::unique_ptr<Worker>> workers_;
  bool running_ = false;                              // every loop has been started
  std::vector<std::unique_ptr<Acceptor>> acceptors_;  // [loop 0] once started
  std::atomic<uint16_t> port_{0};
  std::atomic<bool> draining_{false};
  bool loopback_only_ = false;  // set by Start
  std::atomic<bool> accepting_{true};
  std::atomic<bool> keeps_idle_{false};       // while draining
  ListenerHandover* predecessor_ = nullptr;   // until it has called accepting_ended
  Callback accepting_ended_;                  // the successor's
  std::vector<ListenSocket> listen_sockets_;  // the acceptors', by the address as configured
  uint64_t connections_max_ = 0;              // set by Start
  std::atomic<uint64_t> body_memory_{0};
  size_t next_worker_ = 0;  // [loop 0]

  std::mutex tls_mutex_;
  std::shared_ptr<const TlsContext> tls_;  // guarded by tls_mutex_; null without TLS

  std::mutex routes_mutex_;
  std::shared_ptr<const RouteTable> routes_;  // guarded by routes_mutex_
  std::atomic<uint64_t> routes_version_{1};

  std::mutex connections_mutex_;
  std::condition_variable connections_changed_;
  bool drain_began_ = false;  // guarded by connections_mutex_, as the rest
  uint64_t connection_count_ = 0;
  uint64_t late_count_ = 0;  // of these, accepted since the drain began
  uint64_t acceptor_count_ = 0;
  std::unordered_map<std::string, uint64_t> by_address_;
};

}  // namespace nexadb::http
