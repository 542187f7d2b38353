#include "plugins/http-server/connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "plugins/http-server/server.h"

namespace nexadb::http {
namespace {

constexpr uint64_t kNsPerMs = 1'000'000;
constexpr size_t kInputBytesFirst = 16 * 1024;
constexpr size_t kScratchBytes = 64 * 1024;
constexpr uint64_t kLingerNs = 10'000 * kNsPerMs;
// Enough for a client that sends a whole body over the limit before it reads the answer.
constexpr uint64_t kLingerBytesMax = 256ull * 1024 * 1024;

bool WouldBlock(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace

Connection::Connection(Server& server, Worker& worker, int fd, PeerAddress peer,
                       const std::shared_ptr<const TlsContext>& tls)
    : server_(server),
      worker_(worker),
      fd_(fd),
      peer_(std::move(peer)),
      watch_(worker.loop, fd, *this),
      tls_(tls ? std::make_unique<TlsStream>(tls, fd) : nullptr),
      gate_(server.limits().head()),
      exchange_(worker.loop, wake_, server.draining(), server.pool()) {
  wake_.connection = this;
  wake_.run = [](LoopTask& task) noexcept {
    Connection* self = static_cast<WakeTask&>(task).connection;
    self->exchange_.Woken();
    self->Run();
    self->MaybeDelete();
  };
}

Connection::~Connection() { ReturnBodyMemory(); }

void Connection::Start() {
  if (tls_) phase_ = Phase::kHandshake;
  const uint64_t time_ms =
      tls_ ? server_.tls_config().handshake_timeout_ms : server_.limits().header_timeout_ms;
  head_deadline_ns_ = server_.NowNs() + time_ms * kNsPerMs;
  watch_.WaitReadable();
}

void Connection::Run() {
  if (running_) return;
  running_ = true;
  try {
    bool again = true;
    while (again) {
      while (Step()) {
      }
      const bool was_waiting_for_output = !out_.empty();
      Flush();
      // What waited for the output to go out can go on now.
      again = was_waiting_for_output && out_.empty() &&
              (phase_ == Phase::kFlush || (phase_ == Phase::kHead && !Input().empty()));
      if (tls_ && !again) again = ReadBuffered();
    }
    Arm();
  } catch (...) {
    // Out of memory or a bug: it ends this connection, never the server.
    Close();
  }
  running_ = false;
}

bool Connection::Step() {
  switch (phase_) {
    case Phase::kHandshake: return StepHandshake();
    case Phase::kHead: return StepHead();
    case Phase::kBody: return StepBody();
    case Phase::kServing: return StepServing();
    case Phase::kSkipBody: return StepSkipBody();
    case Phase::kFlush:
      if (!out_.empty()) return false;
      if (peer_ended_ || body_complete_) {
        Close();
      } else {
        if (tls_) tls_->SendEnd();
        ::shutdown(fd_, SHUT_WR);
        linger_deadline_ns_ = server_.NowNs() + kLingerNs;
        Enter(Phase::kLinger);
      }
      return false;
    case Phase::kLinger: return false;
    case Phase::kClosed:
      if (exchange_active_) return StepServing();
      return false;
  }
  return false;
}

bool Connection::StepHandshake() {
  const TlsMetrics& metrics = *server_.metrics().tls;
  switch (tls_->Shake()) {
    case Handshake::kWaiting: return false;
    case Handshake::kDone:
      metrics.handshakes.Add(1);
      Enter(Phase::kHead);
      head_deadline_ns_ = server_.NowNs() + server_.limits().header_timeout_ms * kNsPerMs;
      return true;
    case Handshake::kPlainHttp:
      metrics.failed_plain.Add(1);
      tls_.reset();
      RefuseAndClose({ErrorId::kMalformedRequest,
                      "This port speaks HTTPS: the address begins with https://."});
      return true;
    case Handshake::kFailed:
      (errno == EPROTO ? metrics.failed_protocol : metrics.failed_closed).Add(1);
      Close();
      return true;
  }
  return false;
}

ssize_t Connection::WriteOut() {
  if (!tls_) return out_.WriteTo(fd_);
  const ssize_t written = tls_->Write(out_.Front(kTlsRecordBytesMax, worker_.record));
  if (written > 0) out_.Consume(static_cast<size_t>(written));
  return written;
}

void Connection::Flush() {
  while (!out_.empty() && phase_ != Phase::kClosed) {
    const ssize_t written = WriteOut();
    if (written < 0) {
      if (errno == EINTR) continue;
      if (!WouldBlock(errno)) return Close();
      break;
    }
    server_.metrics().bytes_out.Add(static_cast<uint64_t>(written));
    write_deadline_ns_ = 0;
  }
  if (out_.empty()) {
    write_deadline_ns_ = 0;
  } else if (write_deadline_ns_ == 0) {
    write_deadline_ns_ = server_.NowNs() + server_.limits().write_timeout_ms * kNsPerMs;
  }
  if (exchange_active_) exchange_.Settle(out_.bytes());
}

void Connection::Arm() {
  if (phase_ == Phase::kClosed) return;
  if (!out_.empty() || (tls_ && tls_->WaitsToWrite())) watch_.WaitWritable();
  const bool wants_input = WantsInput();
  if (phase_ == Phase::kServing && sink_ == BodySink::kStreamed) {
    if (!wants_input || body_complete_ || stream_failed_) {
      body_window_end_ns_ = 0;  // it is the handler that is slow
    } else if (body_window_end_ns_ == 0) {
      StartBodyClock();
    }
  }
  if (wants_input) watch_.WaitReadable();
}

bool Connection::WantsInput() {
  switch (phase_) {
    // A client that does not read its answers gets no more of them.
    case Phase::kHead: return out_.empty() || Input().empty();
    case Phase::kHandshake:
    case Phase::kBody:
    case Phase::kSkipBody:
    case Phase::kLinger: return true;
    case Phase::kServing:
      if (sink_ == BodySink::kStreamed && !body_complete_ && !stream_failed_) {
        return exchange_.BodyQueueHasRoom();
      }
      return !peer_ended_ && !more_input_;  // to notice that the client goes
    case Phase::kFlush:
    case Phase::kClosed: return false;
  }
  return false;
}

// What TLS has decrypted already, the socket will not announce. False when there is no such thing.
bool Connection::ReadBuffered() {
  if (phase_ == Phase::kHandshake || !tls_->HasInput() || !WantsInput()) return false;
  ReadSocket();
  return true;
}

void Connection::OnReadable() noexcept {
  try {
    ReadSocket();
  } catch (...) {
    Close();
  }
  Run();
}

void Connection::OnWritable() noexcept {
  // A read over TLS may have had something to say first.
  if (tls_ && phase_ != Phase::kHandshake && tls_->WaitsToWrite()) return OnReadable();
  Run();
}

void Connection::OnUnwatched() noexcept {
  unwatched_ = true;
  Run();
  MaybeDelete();
}

ssize_t Connection::Receive(char* to, size_t room) {
  return tls_ ? tls_->Read(to, room) : ::recv(fd_, to, room, 0);
}

void Connection::ReadSocket() {
  switch (phase_) {
    case Phase::kHandshake: return;
    case Phase::kHead: return ReadHead();
    case Phase::kBody:
      if (sink_ == BodySink::kInPlace) {
        Received(Receive(in_.tail(), in_.room()));
        return;
      }
      if (sink_ == BodySink::kBuffered && !body_chunked_) return ReadIntoBody();
      return ReadBodyBytes();
    case Phase::kSkipBody: return ReadBodyBytes();
    case Phase::kServing:
      if (sink_ == BodySink::kStreamed && !body_complete_ && !stream_failed_) {
        return ReadBodyBytes();
      }
      return PeekForEnd();
    case Phase::kLinger: return DiscardInput();
    case Phase::kFlush:
    case Phase::kClosed: return;
  }
}

// Books what recv returned; 0 when there is nothing to look at.
size_t Connection::Received(ssize_t count) {
  if (count == 0) {
    OnEnd();
    return 0;
  }
  if (count < 0) {
    if (!WouldBlock(errno)) Close();
    return 0;
  }
  server_.metrics().bytes_in.Add(static_cast<uint64_t>(count));
  if (sink_ == BodySink::kInPlace && phase_ == Phase::kBody) {
    body_window_bytes_ += static_cast<uint64_t>(count);
    in_.Grew(static_cast<size_t>(count));
  }
  return static_cast<size_t>(count);
}

void Connection::ReadHead() {
  in_.DropFront(in_begin_);
  in_begin_ = 0;
  if (in_.room() == 0) in_.Reserve(std::max(kInputBytesFirst, in_.capacity() * 2));
  in_.Grew(Received(Receive(in_.tail(), in_.room())));
}

void Connection::ReadIntoBody() {
  // Not before all room is used: a client that sends single bytes would have each of them paid for
  // with a new piece of memory.
  if (body_.room() == 0) {
    const uint64_t step = std::max<uint64_t>(kScratchBytes, body_.size());
    const uint64_t wanted = body_.size() + std::min(body_left_, step);
    if (!RoomInBody(static_cast<size_t>(wanted))) return;
  }
  const size_t room = static_cast<size_t>(std::min<uint64_t>(body_.room(), body_left_));
  const size_t count = Received(Receive(body_.tail(), room));
  body_.Grew(count);
  body_left_ -= count;
  body_bytes_ += count;
  body_window_bytes_ += count;
  if (body_left_ == 0) body_complete_ = true;
}

void Connection::ReadBodyBytes() {
  worker_.scratch.resize(kScratchBytes);
  size_t room = kScratchBytes;
  if (!body_chunked_) room = static_cast<size_t>(std::min<uint64_t>(room, body_left_));
  const size_t count = Received(Receive(worker_.scratch.data(), room));
  if (count == 0) return;
  body_window_bytes_ += count;
  const std::string_view bytes(worker_.scratch.data(), count);
  const size_t used = FeedBody(bytes);
  if (body_complete_) leftover_.append(bytes.substr(used));
}

void Connection::PeekForEnd() {
  char byte;
  const ssize_t count = tls_ ? tls_->Peek(&byte, 1) : ::recv(fd_, &byte, 1, MSG_PEEK);
  if (count > 0) {
    more_input_ = true;  // the next request; it waits for its turn
    return;
  }
  if (count == 0) return OnEnd();
  if (!WouldBlock(errno)) Close();
}

void Connection::DiscardInput() {
  worker_.scratch.resize(kScratchBytes);
  // A few reads at a time: other connections wait.
  for (int i = 0; i < 16 && phase_ == Phase::kLinger; ++i) {
    const ssize_t count = Receive(worker_.scratch.data(), kScratchBytes);
    if (count < 0 && WouldBlock(errno)) return;
    if (count <= 0) return Close();
    discarded_bytes_ += static_cast<uint64_t>(count);
    if (discarded_bytes_ > kLingerBytesMax) return Close();
  }
}

void Connection::OnEnd() {
  peer_ended_ = true;
  switch (phase_) {
    case Phase::kHead: return Enter(Phase::kFlush);
    case Phase::kServing:
      // A client may have closed only its sending side: it gets its answer, and when it has gone,
      // writing that tells. Streams without an end are told at once.
      if (sink_ == BodySink::kStreamed && !body_complete_) {
        exchange_.EndBody(
            Status::Error(Code::kUnavailable, "the client closed before the end of the body"));
        stream_failed_ = true;
      }
      exchange_.MarkEnded();
      return;
    default: return Close();
  }
}

void Connection::Enter(Phase phase) {
  phase_ = phase;
  head_deadline_ns_ = idle_deadline_ns_ = body_window_end_ns_ = 0;
  if (phase == Phase::kBody || phase == Phase::kSkipBody) StartBodyClock();
}

void Connection::StartBodyClock() {
  body_window_bytes_ = 0;
  body_window_end_ns_ = server_.NowNs() + server_.limits().slow_body_window_ms * kNsPerMs;
}

void Connection::CheckSlowBody(uint64_t now_ns) {
  if (body_window_end_ns_ == 0 || now_ns < body_window_end_ns_) return;
  const uint64_t window_ms = server_.limits().slow_body_window_ms;
  const uint64_t least = std::max<uint64_t>(1, kSlowBodyBytesPerSecond * window_ms / 1000);
  if (body_window_bytes_ >= least) return StartBodyClock();
  body_window_end_ns_ = 0;
  if (phase_ == Phase::kBody) {
    RefuseAndClose({ErrorId::kClientTimeout, "The body arrives too slowly."});
  } else if (phase_ == Phase::kServing) {
    stream_failed_ = true;
    exchange_.EndBody(Status::Error(Code::kDeadlineExceeded, "the body arrives too slowly"));
  } else {
    Close();
  }
}

void Connection::OnTick(uint64_t now_ns) {
  try {
    auto passed = [now_ns](uint64_t deadline) { return deadline != 0 && now_ns >= deadline; };
    if (passed(write_deadline_ns_) || passed(linger_deadline_ns_) || passed(idle_deadline_ns_)) {
      Close();
    } else if (phase_ == Phase::kHandshake && passed(head_deadline_ns_)) {
      server_.metrics().tls->failed_timeout.Add(1);
      Close();
    } else if (phase_ == Phase::kHead && passed(head_deadline_ns_)) {
      if (Input().empty()) {
        Close();
      } else {
        RefuseAndClose({ErrorId::kClientTimeout, "The head of the request arrives too slowly."});
      }
    } else if (phase_ == Phase::kHead && in_.size() == 0) {
      in_.Free();  // an idle connection holds no input
      return;
    } else if (body_window_end_ns_ != 0) {
      CheckSlowBody(now_ns);
    } else {
      return;
    }
  } catch (...) {
    Close();
  }
  Run();
}

void Connection::Drain(IdleConnections idle) {
  const bool unasked = phase_ == Phase::kHandshake || (phase_ == Phase::kHead && Input().empty());
  if (unasked && out_.empty()) {
    if (idle == IdleConnections::kClose) Close();
  } else if (exchange_active_) {
    exchange_.NotifyDrain();
  }
  Run();
}

void Connection::Abort() {
  Close();
  Run();
}

bool Connection::Outlive(std::shared_ptr<Server> server) {
  if (body_memory_ != 0) server_.ReturnBodyMemory(std::exchange(body_memory_, 0));
  return exchange_active_ && exchange_.Outlive(std::move(server));
}

void Connection::Close() {
  if (phase_ == Phase::kClosed) return;
  // Not after half an answer, which the client must see cut off.
  if (tls_ && out_.empty() && !exchange_active_) tls_->SendEnd();
  Enter(Phase::kClosed);
  write_deadline_ns_ = linger_deadline_ns_ = 0;
  out_.Clear();
  watch_.Close();
  if (exchange_active_) exchange_.MarkGone();
}

// Deletes the connection once nobody can reach it any more. The last statement of its callers.
void Connection::MaybeDelete() {
  if (phase_ != Phase::kClosed || !unwatched_ || exchange_active_ || !exchange_.Quiet()) return;
  server_.OnConnectionDeleted(worker_, *this, peer_);
}

}  // namespace nexadb::http
