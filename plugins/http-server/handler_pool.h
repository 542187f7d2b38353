// HandlerPool: the server's threads for requests that may wait for a disk, a lock or their client.
//
// They are its own, so that what other plugins give the kernel's pool never waits behind requests.
// A handler that streams waits for its client: for room to write, for the next part of a body. A
// client that is slow, or means harm, would keep a thread for as long as the limits allow, and a
// dozen of them all that there are. So for every thread that waits for a client the pool may have
// one more: others find as many threads as ever.
//
// Shared by the server and the threads. [any]
#pragma once
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

#include "nexadb/metrics.h"
#include "plugins/http-server/exchange.h"

namespace nexadb::http {

// A call into a handler. The route was entered, and is left when the call is over.
struct PoolTask {
  HttpExchange* exchange = nullptr;
  HttpHandler* handler = nullptr;
  std::shared_ptr<RouteEntry> route;
};

class HandlerPool final : public ClientWaits, public std::enable_shared_from_this<HandlerPool> {
 public:
  struct Settings {
    uint64_t threads = 0;      // not counting those that wait for clients
    uint64_t waiting_max = 0;  // requests
  };
  // `waiting` is told how many requests wait, until Stop has returned.
  HandlerPool(const Settings& settings, Gauge& waiting) : settings_(settings), waiting_(&waiting) {}
  ~HandlerPool();

  // Serves the request on some thread, or answers 503 when too many wait. Throws bad_alloc, and has
  // then done nothing.
  void Add(PoolTask task);

  // ClientWaits: by the thread that is going to wait, and when it has waited.
  void Begin() noexcept override;
  void End() noexcept override;

  // REQUIRES: nothing is added any more. Serves what waits, and waits up to `timeout_ms` for it.
  void Stop(uint64_t timeout_ms);

 private:
  using Lock = std::unique_lock<std::mutex>;

  void Run(std::list<std::thread>::iterator self);
  // Has a thread look at what waits: an idle one, else a new one if there may be more.
  void Rouse(Lock& lock) noexcept;
  bool MayGrow() const;
  bool HasTooMany() const { return running_ > settings_.threads + stalled_; }
  bool StartThread(Lock& lock) noexcept;
  bool Take(PoolTask& task);
  void TellWaiting();
  void JoinFinished(Lock& lock) noexcept;

  const Settings settings_;
  std::mutex mutex_;
  std::condition_variable work_;   // for idle threads
  std::condition_variable ended_;  // for Stop
  // Guarded by mutex_ from here on.
  Gauge* waiting_;  // null once stopped
  std::deque<PoolTask> tasks_;
  uint64_t running_ = 0;  // threads that have not ended
  uint64_t idle_ = 0;     // of these, waiting for work or just roused
  uint64_t stalled_ = 0;  // threads that wait for clients
  bool stopping_ = false;
  std::list<std::thread> threads_;
  std::list<std::thread> finished_;
};

}  // namespace nexadb::http
