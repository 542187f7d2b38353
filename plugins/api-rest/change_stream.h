// ChangeStream: one client that follows a collection's changes as server-sent events.
//
// Between events it holds no thread: a commit, a client that can take more, or the heartbeat's time
// wakes it, and a task on the pool reads what is new from the change log and writes it. A client
// that reads slowly is simply behind: its place is in the log, and nothing is queued for it. Each
// event's `id` is the place after it, which EventSource sends back as Last-Event-ID; heartbeats
// carry one too, so that a quiet collection's followers keep up with the log's retention.
//
// ChangeStreams are the open ones of an instance. [any]
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "nexadb/bson.h"
#include "nexadb/database.h"
#include "nexadb/env.h"
#include "nexadb/executor.h"
#include "nexadb/http.h"
#include "plugins/api-rest/change_filter.h"

namespace nexadb::rest {

class ChangeStreams;

// What a stream reads from, and for whom.
struct ChangeSource {
  ChangeFeed* feed = nullptr;
  std::string database;
  std::string collection;
  std::string token;          // where it begins
  ChangeFilter filter;        // events that do not match are passed over
  uint64_t heartbeat_ns = 0;  // a sign of life when so long there was nothing to say
  // In this order: the session borrows the principal.
  Handle<Principal> principal;
  Handle<Session> session;
};

class ChangeStream final : public std::enable_shared_from_this<ChangeStream> {
 public:
  ChangeStream(ChangeStreams& streams, ChangeSource source)
      : streams_(streams), source_(std::move(source)) {}
  // Takes the exchange, whose headers are out, and runs until either side ends. After this only the
  // functions below are called. Fails when the collection cannot be watched.
  Status Begin(Handle<Exchange> exchange);
  // Something may have happened. Never blocks.
  void Wake();
  // Once a second.
  void Tick(uint64_t now_ns);
  // Ends the answer as soon as nobody works on it: at once, or by whoever does.
  void Stop();

 private:
  void Run();
  void Pump();
  Result<std::string> ReadEvents(bool& more);
  // Those of `events` that the client wants, as server-sent events.
  Result<std::string> TellWanted(bson::Document events) const;
  // False when the client has gone, or can take no more for now.
  bool Write(std::string text);
  void Fail(const Status& status);
  void End();

  ChangeStreams& streams_;
  ChangeSource source_;
  Handle<Exchange> exchange_;
  Handle<ChangeWatch> watch_;
  // Since the last look; whoever makes it differ from 0 does the work. Begin is the first.
  std::atomic<uint32_t> wakes_{1};
  std::atomic<bool> blocked_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> missed_{false};  // a wake that the pool refused
  std::atomic<uint64_t> said_ns_{0};
  bool renamed_ = false;  // the collection goes on under another name: so may the client
  bool ended_ = false;
};

class ChangeStreams {
 public:
  ChangeStreams(Executor& executor, Clock& clock) : executor_(executor), clock_(clock) {}
  ~ChangeStreams() { Close(); }
  // Error too_many_streams.
  Status Add(std::shared_ptr<ChangeStream> stream);
  void Remove(const std::shared_ptr<ChangeStream>& stream);
  // Ends all, waits until they have ended, and refuses new ones.
  void Close();
  size_t Count();

  Executor& executor() { return executor_; }
  uint64_t NowNs() { return clock_.MonotonicNs(); }

 private:
  struct Ticker;
  void Arm();  // REQUIRES: mutex_ held
  void Tick();

  Executor& executor_;
  Clock& clock_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::set<std::shared_ptr<ChangeStream>> open_;
  std::shared_ptr<Ticker> ticker_;  // set while a tick is due or runs
  bool closed_ = false;
};

}  // namespace nexadb::rest
