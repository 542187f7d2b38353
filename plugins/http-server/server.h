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
#include "plugins/http-server/limits.h"
#include "plugins/http-server/router.h"
#include "plugins/http-server/server_metrics.h"

namespace nexadb::http {

struct ServerConfig {
  std::vector<ListenAddress> listen;
  std::vector<std::string> allowed_hosts;
  std::vector<std::string> cors_origins;
  uint32_t io_threads = 1;
  uint64_t release_timeout_ms = 30'000;  // how long Stop waits for handlers
  Limits limits;
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
};

class Server final : public HttpRouter, public std::enable_shared_from_this<Server> {
 public:
  Server(PluginContext& context, ServerConfig config);
  ~Server();

  Status Start();
  void Drain(uint64_t deadline_ms);
  // Afterwards nothing of the kernel is used any more, even by exchanges that are still held.
  void Stop();

  // HttpRouter
  Result<Handle<Mount>> Attach(const Route& route, HttpHandler& handler) noexcept override;
  void MoveToPool(Handle<Exchange> exchange, HttpHandler& handler) noexcept override;
  Result<Buffer> Limits() noexcept override;
  uint16_t Port() noexcept override { return port_.load(); }
  void* Facet(const InterfaceId& id) noexcept override;

  // For connections.
  const struct Limits& limits() const { return config_.limits; }
  const AccessRules& access() const { return *access_; }
  const RouteTable& RoutesFor(Worker& worker);
  const std::atomic<bool>& draining() const { return draining_; }
  uint64_t NowNs() { return context_.Env().Clock().MonotonicNs(); }
  ServerMetrics& metrics() { return metrics_; }
  // The budget of all buffered bodies together.
  bool TakeBodyMemory(uint64_t bytes);
  void ReturnBodyMemory(uint64_t bytes);
  // Runs an exchange on the blocking pool; answers 503 when the pool is full.
  void ServeOnPool(HttpExchange& exchange, HttpHandler& handler);
  void ServeInline(HttpExchange& exchange);
  void OnConnectionDeleted(Worker& worker, Connection& connection, const std::string& address);

 private:
  class Acceptor;
  class RouteMount;
  struct AdoptTask;
  struct CommandTask;
  enum class AcceptVerdict { kWelcome, kTooMany };

  AcceptVerdict Admit(const std::string& address);
  // A connection that was admitted is gone.
  void Dismiss(const std::string& address);
  void OnAccepted(int fd, PeerAddress peer);
  void Adopt(Worker& worker, int fd, PeerAddress peer);
  void RefuseConnection(int fd);
  void Detach(const std::shared_ptr<RouteEntry>& route);
  enum class Command { kCloseAcceptors, kDrain, kAbort };
  void PostToAll(Command command);
  void Obey(Worker& worker, Command command);
  // False when something is still open after the time.
  bool WaitForClosed(uint64_t timeout_ms);
  void OnTick(Worker& worker);
  uint64_t TickMs() const;

  PluginContext& context_;
  ServerConfig config_;
  ServerMetrics metrics_;
  std::unique_ptr<AccessRules> access_;
  std::vector<std::unique_ptr<Worker>> workers_;
  bool running_ = false;                              // every loop has been started
  std::vector<std::unique_ptr<Acceptor>> acceptors_;  // [loop 0] once started
  std::atomic<uint16_t> port_{0};
  std::atomic<bool> draining_{false};
  std::atomic<uint64_t> body_memory_{0};
  size_t next_worker_ = 0;  // [loop 0]

  std::mutex routes_mutex_;
  std::shared_ptr<const RouteTable> routes_;  // guarded by routes_mutex_
  std::atomic<uint64_t> routes_version_{1};

  std::mutex connections_mutex_;
  std::condition_variable connections_changed_;
  uint64_t connection_count_ = 0;  // guarded by connections_mutex_, as the rest
  uint64_t acceptor_count_ = 0;
  std::unordered_map<std::string, uint64_t> by_address_;
};

}  // namespace nexadb::http
