// Connection: one client's socket and the requests that come over it, one at a time and answered
// in order. Everything runs on its loop's thread; only the exchange is shared with handlers.
//
// Over TLS it begins with kHandshake. A request walks through the phases: kHead (gate, parser,
// framing, access, route) → kBody → kServing (the handler has it) → kSkipBody (what the handler did
// not read) → kHead … or, when the connection is to end: kFlush (the last answer goes out) →
// kLinger (what the client still sends is thrown away for a while, so that it can read the answer)
// → kClosed.
//
// The bytes of a head, and of a body that fits behind it, stay where they were read: the input is
// neither moved nor grown while an exchange looks into it. connection.cc holds the socket's side,
// connection_serve.cc the request's.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "plugins/http-server/bytes.h"
#include "plugins/http-server/chunk_decoder.h"
#include "plugins/http-server/event_loop.h"
#include "plugins/http-server/exchange.h"
#include "plugins/http-server/framing.h"
#include "plugins/http-server/listener.h"
#include "plugins/http-server/request_gate.h"
#include "plugins/http-server/tls_stream.h"

namespace nexadb::http {

class Server;
struct Worker;

enum class IdleConnections { kClose, kKeep };

class Connection final : public FdObserver {
 public:
  // Takes `fd` over; `tls` may be null. [loop] Throws when it cannot be watched (the socket is then
  // closed).
  Connection(Server& server, Worker& worker, int fd, PeerAddress peer,
             const std::shared_ptr<const TlsContext>& tls);
  ~Connection();

  void Start();
  void OnTick(uint64_t now_ns);
  // Asks a parked stream to end; an idle connection is closed, or kept for one more request.
  void Drain(IdleConnections idle);
  bool late() const { return peer_.late; }
  // Closes whatever is going on.
  void Abort();
  // The loop has ended. When a handler still holds the exchange, its Release lets go of `server`,
  // which owns this connection; else false. Gives the body's share of the budget back, for the
  // metrics do not outlive the plugin.
  bool Outlive(std::shared_ptr<Server> server);

  void OnReadable() noexcept override;
  void OnWritable() noexcept override;
  void OnUnwatched() noexcept override;

  // The worker's list of connections.
  Connection* previous = nullptr;
  Connection* next = nullptr;

 private:
  enum class Phase { kHandshake, kHead, kBody, kServing, kSkipBody, kFlush, kLinger, kClosed };
  enum class BodySink { kNone, kInPlace, kBuffered, kStreamed, kSkipped };
  struct WakeTask : LoopTask {
    Connection* connection = nullptr;
  };

  // -- The socket's side (connection.cc).
  void Run();
  bool Step();
  bool StepHandshake();
  void Flush();
  ssize_t WriteOut();
  void Arm();
  bool WantsInput();
  bool ReadBuffered();
  void ReadSocket();
  ssize_t Receive(char* to, size_t room);
  void ReadHead();
  void ReadBodyBytes();
  void ReadIntoBody();
  void PeekForEnd();
  void DiscardInput();
  void OnEnd();
  void Enter(Phase phase);
  void StartBodyClock();
  void CheckSlowBody(uint64_t now_ns);
  void Close();
  void MaybeDelete();
  size_t Received(ssize_t count);
  std::string_view Input() const { return in_.text().substr(in_begin_); }

  // -- The request's side (connection_serve.cc).
  bool StepHead();
  void BeginRequest(std::string_view head);
  bool FindRoute(const Framing& framing);
  bool CheckBody(const Framing& framing);
  void AnswerPreflight(const std::string& allow);
  void BeginBody(const Framing& framing);
  bool StepBody();
  // Feeds body bytes to their sink; returns how many belonged to the body.
  size_t FeedBody(std::string_view bytes);
  bool Sink(std::string_view bytes);
  bool RoomInBody(size_t capacity);
  void EndBody();
  void Dispatch();
  void CountRunning();
  bool StepServing();
  void EndRequest(AnswerState answer);
  bool StepSkipBody();
  void RefuseAndClose(const Refusal& refusal);
  void Refuse(const Refusal& refusal, Span<const HttpHeader> headers);
  void ReturnBodyMemory();

  Server& server_;
  Worker& worker_;
  const int fd_;
  const PeerAddress peer_;
  FdWatch watch_;
  std::unique_ptr<TlsStream> tls_;  // null: plain
  WakeTask wake_;
  RequestGate gate_;
  HttpExchange exchange_;
  Phase phase_ = Phase::kHead;
  bool running_ = false;
  bool peer_ended_ = false;  // the client sends no more
  bool more_input_ = false;  // the socket holds bytes that are not to be read yet
  bool exchange_active_ = false;
  bool unwatched_ = false;
  bool first_request_ = true;
  bool counted_running_ = false;  // a handler holds the exchange beyond the call

  GrowingBytes in_;
  size_t in_begin_ = 0;  // bytes before it are done with
  size_t consumed_ = 0;  // bytes of the input, from in_begin_, that the current request took
  OutQueue out_;

  // The current request's body.
  BodySink sink_ = BodySink::kNone;
  bool body_chunked_ = false;
  bool body_complete_ = true;
  bool stream_failed_ = false;
  uint64_t body_left_ = 0;   // when not chunked
  uint64_t body_bytes_ = 0;  // decoded so far
  uint64_t body_bytes_max_ = 0;
  ChunkDecoder chunks_;
  GrowingBytes body_;
  uint64_t body_memory_ = 0;  // taken from the server's budget
  std::string leftover_;      // read past a chunked body's end

  // Deadlines on the monotonic clock; 0 is none.
  uint64_t head_deadline_ns_ = 0;
  uint64_t idle_deadline_ns_ = 0;
  uint64_t write_deadline_ns_ = 0;
  uint64_t linger_deadline_ns_ = 0;
  uint64_t body_window_end_ns_ = 0;
  uint64_t body_window_bytes_ = 0;
  uint64_t discarded_bytes_ = 0;
};

}  // namespace nexadb::http
