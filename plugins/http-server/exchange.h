// HttpExchange: one request and its answer, as handlers see it and as the connection drives it.
//
// It is a member of its Connection and is used again for the connection's next request, so that
// serving allocates nothing once warm. Between Dispatch and Release it belongs to the handler, on
// any thread; the connection touches what is not guarded only outside that time.
//
// A handler's thread leaves what it writes in a queue under the mutex and wakes the loop, which
// alone reads and writes the socket. An inline handler needs no wake-up: the loop looks when Serve
// returns.
//
// Callbacks run on the loop's thread. None runs after Release has returned, unless Release was
// called by that callback itself. So hold no lock that a callback takes while releasing.
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "nexadb/http.h"
#include "plugins/http-server/event_loop.h"
#include "plugins/http-server/out_queue.h"
#include "plugins/http-server/refusal.h"
#include "plugins/http-server/request_parser.h"
#include "plugins/http-server/router.h"

namespace nexadb::http {

// What a streamed answer may have waiting before its writer must pause.
constexpr size_t kStreamWindowBytes = 256 * 1024;
// What a streamed request may have waiting before its reader's connection pauses.
constexpr size_t kBodyQueueBytesMax = 256 * 1024;
// An unread rest of a body up to this size is skipped; past it, the connection is closed.
constexpr uint64_t kSkippedBodyBytesMax = 1024 * 1024;

enum class AnswerState { kNone, kBegun, kDone };

// Is told of each thread that waits for a client: before it does, and when it has. [any]
class ClientWaits {
 public:
  virtual void Begin() noexcept = 0;
  virtual void End() noexcept = 0;

 protected:
  ~ClientWaits() = default;
};

class HttpExchange final : public Exchange {
 public:
  // `wake` is posted to `loop` when the loop must look at this exchange.
  HttpExchange(EventLoop& loop, LoopTask& wake, const std::atomic<bool>& draining,
               ClientWaits& waits)
      : loop_(loop), wake_(wake), draining_(draining), waits_(waits) {}

  // ---- The request, filled by the connection before dispatch.
  ParsedHead head;
  std::string_view path;
  std::string_view query;
  std::string_view body;
  std::string_view peer;
  bool peer_is_loopback = false;
  std::string request_id;
  std::string allow_origin;  // CORS
  uint64_t started_ns = 0;
  bool keep_alive = false;
  std::shared_ptr<RouteEntry> route;
  // Unread bytes of the body that are known to come.
  std::atomic<uint64_t> body_left{0};

  // Fills the captures from a match. False when one does not decode.
  bool SetCaptures(const Match& match);
  // Forgets the last request. [loop]
  void Reset();
  // Answers with a problem document. [any, as Send]
  void SendRefusal(const Refusal& refusal, Span<const HttpHeader> headers) noexcept;

  // ---- The loop's side. [loop]
  struct Progress {
    AnswerState answer;
    bool released;
  };
  // While true, the exchange wakes nobody: the loop looks by itself.
  void SetInline(bool serving) { serving_inline_ = serving; }
  // The loop runs the posted task now.
  void Woken();
  // True when no wake-up is under way: the connection may be deleted.
  bool Quiet();
  // Takes what is to be written.
  Progress Collect(OutQueue& out);
  // Tells how much is still unwritten; runs the callbacks that are due.
  void Settle(size_t in_flight_bytes);
  // The peer sends no more, and may have gone: runs OnClosed. What is written still goes out.
  void MarkEnded();
  // The peer has gone: wakes waiters, runs OnClosed.
  void MarkGone();
  // The server drains: runs OnClosed, if any.
  void NotifyDrain();
  // Streamed bodies. AddBody returns the bytes that wait.
  size_t AddBody(std::string part);
  void EndBody(Status outcome);
  bool BodyQueueHasRoom();
  // The loop has ended: Release drops `owner`, which owns this exchange, instead of waking the
  // loop. False when it was released already.
  bool Outlive(std::shared_ptr<void> owner);
  uint16_t status() const { return status_; }
  bool sent_close() const { return sent_close_; }

  // ---- Exchange
  StringView Method() noexcept override { return head.method; }
  StringView Path() noexcept override { return path; }
  StringView Query() noexcept override { return query; }
  Span<const HttpHeader> Headers() noexcept override {
    return {head.headers.data(), head.headers.size()};
  }
  StringView Header(StringView name) noexcept override;
  Span<const StringView> Captures() noexcept override {
    return {captures_.data(), captures_.size()};
  }
  BytesView Body() noexcept override { return AsBytes(body); }
  StringView PeerAddress() noexcept override { return peer; }
  bool PeerIsLoopback() noexcept override { return peer_is_loopback; }
  StringView RequestId() noexcept override { return request_id; }
  uint64_t StartedNs() noexcept override { return started_ns; }
  Result<BytesView> ReadBody() noexcept override;
  void Send(uint16_t status, Span<const HttpHeader> headers, Buffer body) noexcept override;
  Status Begin(uint16_t status, Span<const HttpHeader> headers) noexcept override;
  Result<uint64_t> Write(Buffer chunk) noexcept override;
  bool WaitWritable() noexcept override;
  void OnWritable(const Callback& callback) noexcept override;
  void OnClosed(const Callback& callback) noexcept override;
  bool PeerGone() noexcept override {
    return gone_.load(std::memory_order_acquire) || ended_.load(std::memory_order_acquire);
  }
  void Finish() noexcept override;
  void Release() noexcept override;

 private:
  using Lock = std::unique_lock<std::mutex>;
  void Wake(const Lock&) noexcept;
  template <class Ready>
  void WaitForClient(Lock& lock, Ready&& ready);
  size_t Credit(const Lock&) const;
  void AddHead(const Lock&, uint16_t status, Span<const HttpHeader> headers,
               const uint64_t* content_length);
  void Fire(Lock& lock, Callback& slot);
  // OnClosed is due.
  bool Closing() const;

  EventLoop& loop_;
  LoopTask& wake_;
  const std::atomic<bool>& draining_;
  ClientWaits& waits_;
  std::vector<StringView> captures_;
  std::string decoded_;          // captures that were percent-encoded
  bool serving_inline_ = false;  // [loop]
  std::atomic<bool> gone_{false};
  std::atomic<bool> ended_{false};

  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_ from here on.
  AnswerState answer_ = AnswerState::kNone;
  uint16_t status_ = 0;
  bool sent_close_ = false;
  bool has_body_ = false;  // the answer to GET has; the one to HEAD has not
  bool chunked_ = false;
  bool released_ = false;
  bool posted_ = false;
  bool calling_ = false;
  OutQueue pending_;
  std::string head_text_;
  size_t in_flight_bytes_ = 0;
  Callback writable_;
  Callback closed_;
  std::deque<std::string> parts_;
  std::string part_;  // lent to the last ReadBody's caller
  size_t parts_bytes_ = 0;
  bool body_ended_ = false;
  Status body_outcome_;
  std::shared_ptr<void> owner_;  // empty while the loop runs
};

}  // namespace nexadb::http
