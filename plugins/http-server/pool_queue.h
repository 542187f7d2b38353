// PoolQueue: requests that wait for a thread of the kernel's blocking pool, and threads in place of
// those that wait for a client.
//
// A handler that streams waits for its client: for room to write, for the next part of a body. A
// client that is slow, or means harm, would keep a thread of the pool for as long as the limits
// allow, and a dozen of them all that there are. So while K threads wait for clients, up to K
// threads of this queue's own serve what waits: others find as many threads as ever.
//
// Each request that is put in is worth one ticket in the pool, and whoever has a thread takes the
// oldest request. While the pool is certain to be of no use no ticket is bought.
//
// Shared by the server and the tickets. [any]
#pragma once
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

#include "nexadb/executor.h"
#include "plugins/http-server/exchange.h"

namespace nexadb::http {

// A call into a handler. The route was entered, and is left when the call is over.
struct PoolTask {
  HttpExchange* exchange = nullptr;
  HttpHandler* handler = nullptr;
  std::shared_ptr<RouteEntry> route;
};

class PoolQueue final : public ClientWaits, public std::enable_shared_from_this<PoolQueue> {
 public:
  explicit PoolQueue(Executor& executor) : executor_(executor) {}
  ~PoolQueue();

  // Serves the request on some thread, or answers 503 when too many wait. Throws bad_alloc, and has
  // then done nothing.
  void Add(PoolTask task);

  // ClientWaits: by the thread that is going to wait, and when it has waited.
  void Begin() noexcept override;
  void End() noexcept override;

  // REQUIRES: nothing is added any more. Waits up to `timeout_ms` for its threads and tickets.
  void Stop(uint64_t timeout_ms);

 private:
  using Lock = std::unique_lock<std::mutex>;
  struct Ticket;

  void RunTicket();
  void RefuseNewest();
  void RunHelper(std::list<std::thread>::iterator self);
  // Wakes or starts a helper when fewer run than threads wait for clients. False when no helper
  // will see what waits.
  bool Help(Lock& lock) noexcept;
  bool Take(PoolTask& task);
  void JoinFinished(Lock& lock) noexcept;

  Executor& executor_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_ from here on.
  std::deque<PoolTask> waiting_;
  uint64_t tickets_ = 0;  // in the pool
  uint64_t stalled_ = 0;  // threads that wait for clients
  uint64_t helpers_ = 0;  // threads of its own that have not ended
  uint64_t idle_ = 0;     // of these, waiting for work
  bool stopping_ = false;
  std::list<std::thread> threads_;
  std::list<std::thread> finished_;
};

}  // namespace nexadb::http
