// nexadb.http_router: mounts handlers on a running HTTP server.
//
// The server owns listening, parsing, limits, timers, Host and Origin checks; it knows nothing of
// databases or keys. A request reaches its handler as one owned Exchange, whose views live until
// it is released, on any thread. Every Exchange is answered once: Send, or Begin … Finish.
// Released unanswered, the client gets 500; released between Begin and Finish, the connection is
// closed without the last chunk, so that no client takes a part for the whole.
#pragma once
#include "nexadb/abi.h"

namespace nexadb {

struct HttpHeader {
  StringView name;
  StringView value;
};

class Exchange {
 public:
  // The request. [any]; views live until Release.
  virtual StringView Method() noexcept = 0;
  virtual StringView Path() noexcept = 0;   // as sent, still percent-encoded, without the query
  virtual StringView Query() noexcept = 0;  // as sent, without the '?'
  virtual Span<const HttpHeader> Headers() noexcept = 0;
  // The first header of that name, case-insensitively; empty when absent.
  virtual StringView Header(StringView name) noexcept = 0;
  // The parts of the path that the route's {name}s matched, in order, percent-decoded.
  virtual Span<const StringView> Captures() noexcept = 0;
  virtual BytesView Body() noexcept = 0;          // whole, for a buffered route; else empty
  virtual StringView PeerAddress() noexcept = 0;  // without port
  // The caller is on this machine. False for all callers when the server also listens where others
  // can call: a proxy on this machine may speak for them.
  virtual bool PeerIsLoopback() noexcept = 0;
  virtual StringView RequestId() noexcept = 0;  // also sent back as X-Request-Id
  virtual uint64_t StartedNs() noexcept = 0;    // Clock::MonotonicNs when the head was complete

  // Streamed bodies: the next part, empty at the end. Valid until the next call. Blocks until some
  // arrives: [worker], on pool routes only. kUnavailable when the peer has gone,
  // kResourceExhausted past a limit.
  virtual Result<BytesView> ReadBody() noexcept = 0;

  // The answer. [any] thread, [serial].
  // Content-Length, Date, Connection and X-Request-Id are the server's; a HEAD answer sends no
  // body.
  virtual void Send(uint16_t status, Span<const HttpHeader> headers, Buffer body) noexcept = 0;
  virtual Status Begin(uint16_t status, Span<const HttpHeader> headers) noexcept = 0;
  // Queues a chunk; never blocks. Returns the credit left, in bytes: at 0 stop writing until
  // OnWritable. kUnavailable when the peer has gone.
  virtual Result<uint64_t> Write(Buffer chunk) noexcept = 0;
  // Waits for credit. [worker] False when the peer has gone.
  virtual bool WaitWritable() noexcept = 0;
  // Called once, when there is credit again. A parked stream holds no thread.
  virtual void OnWritable(const Callback& callback) noexcept = 0;
  // Called once, when the peer has gone or the server drains. At most one callback is kept.
  virtual void OnClosed(const Callback& callback) noexcept = 0;
  virtual bool PeerGone() noexcept = 0;
  virtual void Finish() noexcept = 0;
  virtual void Release() noexcept = 0;

 protected:
  ~Exchange() = default;
};

class HttpHandler {
 public:
  // On the I/O thread for a route that runs inline: answer from memory, or MoveToPool; never wait.
  // Otherwise on a thread that may wait.
  virtual void Serve(Handle<Exchange> exchange) noexcept = 0;

 protected:
  ~HttpHandler() = default;
};

enum class BodyMode : uint32_t { kNone = 0, kBuffered = 1, kStreamed = 2 };
enum class RunMode : uint32_t { kPool = 0, kInline = 1 };

struct Route {
  uint32_t struct_size = sizeof(Route);
  BodyMode body = BodyMode::kNone;
  RunMode run = RunMode::kPool;
  uint32_t reserved = 0;
  StringView method;  // "GET" also serves HEAD unless that is mounted too
  // "/collections/{name}/{id}": a segment in braces captures one segment, "{rest...}" at the end
  // captures all that is left. Literal segments win over captures.
  StringView pattern;
  // Buffered: largest body, 0 for the server's default. 413 past it.
  uint64_t body_bytes_max = 0;
  // Media types accepted when a body is present, separated by spaces; 415 for others. Empty for
  // "application/json".
  StringView content_types;
  // Who mounts it: the instance's name. A route of one owner takes the place of an earlier mount of
  // the same method and pattern, which comes back should the later one go first.
  StringView owner;
};

// Dropping the handle unmounts, and waits for the handlers that run.
class Mount {
 public:
  virtual void Release() noexcept = 0;

 protected:
  ~Mount() = default;
};

class HttpRouter {
 public:
  static constexpr InterfaceId kInterface{"nexadb.http_router", 0, 1};
  // [any] kConflict when the method and pattern are taken by another owner, or by nobody named.
  // Paths that no route matches get 404, known paths with another method 405 with Allow, both as
  // problem+json.
  virtual Result<Handle<Mount>> Attach(const Route& route, HttpHandler& handler) noexcept = 0;
  // [any] Continues an inline exchange on a thread that may wait: calls handler.Serve there.
  virtual void MoveToPool(Handle<Exchange> exchange, HttpHandler& handler) noexcept = 0;
  // [any] The limits in force, as BSON {name: {value, unit, error}}, for /status.
  virtual Result<Buffer> Limits() noexcept = 0;
  // [any] The port of the first listener: with ":0" configured, the one that the system chose.
  virtual uint16_t Port() noexcept = 0;
  virtual void* Facet(const InterfaceId& id) noexcept = 0;

 protected:
  ~HttpRouter() = default;
};

}  // namespace nexadb
