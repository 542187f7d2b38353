// The request's side of Connection: from a complete head to the end of its answer.
#include <algorithm>

#include "plugins/http-server/connection.h"
#include "plugins/http-server/problem.h"
#include "plugins/http-server/server.h"

namespace nexadb::http {
namespace {

constexpr uint64_t kNsPerMs = 1'000'000;
// Answers to pipelined requests that may wait for the client to read them.
constexpr size_t kPipelinedOutputBytesMax = 64 * 1024;
constexpr size_t kRequestIdBytesMax = 128;

bool IsSaneRequestId(std::string_view id) {
  if (id.empty() || id.size() > kRequestIdBytesMax) return false;
  return std::all_of(id.begin(), id.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

void SetRequestId(Worker& worker, std::string_view sent, std::string& id) {
  if (IsSaneRequestId(sent)) {
    id.assign(sent);
    return;
  }
  constexpr char kDigits[] = "0123456789abcdef";
  // Eight random digits of this run, then the count.
  const uint64_t number = worker.request_prefix << 32 | (++worker.request_count & 0xFFFFFFFF);
  id.resize(16);
  for (size_t i = 0; i < 16; ++i) id[i] = kDigits[(number >> (60 - 4 * i)) & 15];
}

// The media type without parameters, when those are harmless; else empty.
std::string MediaType(std::string_view content_type) {
  const size_t semicolon = content_type.find(';');
  std::string type(content_type.substr(0, semicolon));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.pop_back();
  std::transform(type.begin(), type.end(), type.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (semicolon == std::string_view::npos) return type;
  std::string parameters(content_type.substr(semicolon + 1));
  std::transform(parameters.begin(), parameters.end(), parameters.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const size_t charset = parameters.find("charset=");
  if (charset == std::string::npos) return type;
  std::string value = parameters.substr(charset + 8);
  std::erase(value, '"');
  return value.starts_with("utf-8") || value.starts_with("us-ascii") ? type : std::string();
}

}  // namespace

bool Connection::StepHead() {
  if (Input().empty()) {
    in_.Clear();
    in_begin_ = 0;
    if (!first_request_ && server_.ClosesIdle()) {
      Enter(Phase::kFlush);
      return true;
    }
    return false;
  }
  // A client that does not read its answers gets no more of them.
  if (out_.bytes() > kPipelinedOutputBytesMax) return false;
  switch (gate_.Scan(Input())) {
    case GateState::kNeedMore:
      if (head_deadline_ns_ == 0) {
        head_deadline_ns_ = server_.NowNs() + server_.limits().header_timeout_ms * kNsPerMs;
      }
      idle_deadline_ns_ = 0;
      return false;
    case GateState::kRefused: RefuseAndClose(gate_.refusal()); return true;
    case GateState::kComplete: break;
  }
  BeginRequest(Input().substr(0, gate_.head_end()).substr(gate_.head_begin()));
  return true;
}

void Connection::BeginRequest(std::string_view head) {
  first_request_ = false;
  exchange_.started_ns = server_.NowNs();
  exchange_.peer = peer_.text;
  exchange_.peer_is_loopback = peer_.loopback;
  consumed_ = gate_.head_end();
  Refusal refusal;
  Framing framing;
  if (!ParseHead(head, exchange_.head, refusal) || !ReadFraming(exchange_.head, framing, refusal)) {
    return RefuseAndClose(refusal);
  }
  SetRequestId(worker_, framing.request_id, exchange_.request_id);
  exchange_.path = framing.path;
  exchange_.query = framing.query;
  exchange_.keep_alive = framing.keep_alive;
  // Until a route wants the body, it is to be skipped.
  sink_ = BodySink::kSkipped;
  body_chunked_ = framing.chunked;
  body_left_ = framing.content_length;
  body_complete_ = !framing.has_body();
  body_bytes_ = 0;
  body_bytes_max_ = kSkippedBodyBytesMax;
  stream_failed_ = false;
  more_input_ = false;
  chunks_.Reset();
  exchange_.body_left.store(body_left_, std::memory_order_relaxed);
  if (!server_.access().Check(framing, refusal)) {
    // A client that waits for 100 may or may not send its body now: nobody can tell where the next
    // request begins.
    exchange_.keep_alive = exchange_.keep_alive && !framing.expect_continue;
    return Refuse(refusal, {});
  }
  exchange_.allow_origin = server_.access().AllowOrigin(framing);
  if (!FindRoute(framing) || !CheckBody(framing)) return;
  BeginBody(framing);
}

bool Connection::FindRoute(const Framing& framing) {
  const RouteTable& routes = server_.RoutesFor(worker_);
  Match match;
  routes.Find(exchange_.head.method, framing.path, match);
  if (match.kind == MatchKind::kFound) {
    exchange_.route = *match.route;
    if (exchange_.SetCaptures(match)) return true;
    match.kind = MatchKind::kBadPath;
  }
  exchange_.keep_alive = exchange_.keep_alive && !framing.expect_continue;
  switch (match.kind) {
    case MatchKind::kWrongMethod: {
      if (exchange_.head.method == "OPTIONS" && server_.access().cors() && framing.has_origin) {
        AnswerPreflight(match.allow);
        return false;
      }
      const HttpHeader allow{"Allow", match.allow};
      Refuse({ErrorId::kMethodNotAllowed, std::string(exchange_.head.method) +
                                              " is not a method of this path; it has " +
                                              match.allow + "."},
             {&allow, 1});
      return false;
    }
    case MatchKind::kBadPath:
      Refuse({ErrorId::kBadRequest,
              "The path has a malformed percent escape, a NUL or bytes that are not UTF-8."},
             {});
      return false;
    default:
      Refuse({ErrorId::kRouteNotFound,
              "There is no path '" + std::string(framing.path.substr(0, 200)) + "'."},
             {});
      return false;
  }
}

void Connection::AnswerPreflight(const std::string& allow) {
  const HttpHeader headers[] = {
      {"Access-Control-Allow-Methods", allow},
      {"Access-Control-Allow-Headers",
       "Authorization, Content-Type, If-Match, If-None-Match, Last-Event-ID, X-API-Key, "
       "X-Request-Id, X-Transaction-Id"},
      {"Access-Control-Max-Age", "600"},
  };
  exchange_active_ = true;
  Enter(Phase::kServing);
  exchange_.SetInline(true);
  exchange_.Send(204, {headers, 3}, {});
  exchange_.Release();
  exchange_.SetInline(false);
}

bool Connection::CheckBody(const Framing& framing) {
  const RouteEntry& route = *exchange_.route;
  if (!framing.has_body() || route.body == BodyMode::kNone) return true;
  const std::string type = MediaType(framing.content_type);
  const bool accepted =
      std::any_of(route.content_types.begin(), route.content_types.end(),
                  [&](const std::string& wanted) { return wanted == "*/*" || wanted == type; });
  if (!accepted) {
    std::string wanted;
    for (const std::string& one : route.content_types) wanted += (wanted.empty() ? "" : ", ") + one;
    exchange_.keep_alive = exchange_.keep_alive && !framing.expect_continue;
    Refuse({ErrorId::kUnsupportedMediaType, "The body is '" +
                                                std::string(framing.content_type.substr(0, 100)) +
                                                "'; this path accepts " + wanted + "."},
           {});
    return false;
  }
  if (route.body == BodyMode::kStreamed) return true;
  body_bytes_max_ =
      route.body_bytes_max != 0 ? route.body_bytes_max : server_.limits().body_bytes_max;
  if (framing.content_length <= body_bytes_max_) return true;
  const uint64_t limit = std::exchange(body_bytes_max_, kSkippedBodyBytesMax);
  exchange_.keep_alive = exchange_.keep_alive && !framing.expect_continue;
  Refuse({ErrorId::kBodyTooLarge, "The body has " + std::to_string(framing.content_length) +
                                      " bytes; this path takes " + std::to_string(limit) + "."},
         {});
  return false;
}

void Connection::BeginBody(const Framing& framing) {
  if (!framing.has_body() || exchange_.route->body == BodyMode::kNone) {
    // As with refusals: the client may or may not send the body that nobody asked for.
    if (framing.has_body() && framing.expect_continue) exchange_.keep_alive = false;
    if (exchange_.route->body == BodyMode::kStreamed) {
      sink_ = BodySink::kStreamed;
      exchange_.EndBody({});
    }
    return Dispatch();
  }
  if (framing.expect_continue && Input().size() == consumed_) {
    out_.AddText("HTTP/1.1 100 Continue\r\n\r\n");
  }
  if (exchange_.route->body == BodyMode::kStreamed) {
    sink_ = BodySink::kStreamed;
    body_bytes_max_ = ~uint64_t{0};
    consumed_ += FeedBody(Input().substr(consumed_));
    StartBodyClock();
    return Dispatch();
  }
  const size_t room_behind_head = in_.capacity() - in_begin_ - consumed_;
  if (!framing.chunked && framing.content_length <= room_behind_head) {
    sink_ = BodySink::kInPlace;
    return Enter(Phase::kBody);
  }
  sink_ = BodySink::kBuffered;
  body_.Clear();
  Enter(Phase::kBody);
  const size_t used = FeedBody(Input().substr(consumed_));
  if (phase_ == Phase::kBody) consumed_ += used;
}

bool Connection::StepBody() {
  if (sink_ == BodySink::kInPlace) {
    if (Input().size() - consumed_ < body_left_) return false;
    exchange_.body = Input().substr(consumed_, static_cast<size_t>(body_left_));
    consumed_ += static_cast<size_t>(body_left_);
    body_left_ = 0;
    body_complete_ = true;
  } else {
    if (!body_complete_) return false;
    exchange_.body = body_.text();
  }
  exchange_.body_left.store(0, std::memory_order_relaxed);
  Dispatch();
  return true;
}

bool Connection::RoomInBody(size_t capacity) {
  if (capacity <= body_.capacity()) return true;
  const uint64_t more = capacity - body_.capacity();
  if (!server_.TakeBodyMemory(more)) {
    RefuseAndClose({ErrorId::kBusy, "The bodies of all requests together take too much memory."});
    return false;
  }
  body_memory_ += more;
  body_.Reserve(capacity);
  return true;
}

// Takes decoded bytes of the body. False when that ended the body's reading: the phase has changed,
// or the stream is marked as failed.
bool Connection::Sink(std::string_view bytes) {
  body_bytes_ += bytes.size();
  if (body_bytes_ > body_bytes_max_) {
    if (phase_ == Phase::kBody) {
      RefuseAndClose({ErrorId::kBodyTooLarge, "The body is longer than the " +
                                                  std::to_string(body_bytes_max_) +
                                                  " bytes that this path takes."});
    } else {
      Enter(Phase::kFlush);
    }
    return false;
  }
  if (sink_ == BodySink::kBuffered) {
    const size_t wanted = body_.size() + bytes.size();
    if (wanted > body_.capacity() && !RoomInBody(std::max(wanted, body_.capacity() * 2))) {
      return false;
    }
    body_.Append(bytes);
  } else if (sink_ == BodySink::kStreamed) {
    exchange_.AddBody(std::string(bytes));
  }
  return true;
}

size_t Connection::FeedBody(std::string_view bytes) {
  size_t used = 0;
  if (!body_chunked_) {
    used = static_cast<size_t>(std::min<uint64_t>(body_left_, bytes.size()));
    body_left_ -= used;
    body_complete_ = body_left_ == 0;
    if (used > 0 && !Sink(bytes.substr(0, used))) return used;
  } else {
    while (used < bytes.size() && !chunks_.done() && chunks_.error() == nullptr) {
      const ChunkDecoder::Step step = chunks_.Next(bytes.substr(used));
      used += step.consumed;
      if (!step.data.empty() && !Sink(step.data)) return used;
    }
    body_complete_ = chunks_.done();
  }
  exchange_.body_left.store(body_left_, std::memory_order_relaxed);
  if (chunks_.error() != nullptr) {
    if (phase_ == Phase::kBody) {
      RefuseAndClose({ErrorId::kMalformedRequest, chunks_.error()});
    } else if (sink_ == BodySink::kStreamed) {
      stream_failed_ = true;
      exchange_.EndBody(Status::Error(Code::kInvalidArgument, chunks_.error()));
    } else {
      Enter(Phase::kFlush);
    }
  } else if (body_complete_ && sink_ == BodySink::kStreamed) {
    exchange_.EndBody({});
  }
  return used;
}

void Connection::Dispatch() {
  exchange_active_ = true;
  const uint64_t body_window_end_ns = body_window_end_ns_;
  Enter(Phase::kServing);
  if (sink_ == BodySink::kStreamed && !body_complete_) body_window_end_ns_ = body_window_end_ns;
  if (exchange_.route->run == RunMode::kInline) {
    exchange_.SetInline(true);
    server_.ServeInline(exchange_);
    exchange_.SetInline(false);
  } else {
    CountRunning();  // before the handler starts, so that one that asks finds itself
    server_.ServeOnPool(exchange_);
  }
}

void Connection::CountRunning() {
  if (std::exchange(counted_running_, true)) return;
  server_.metrics().running.Add(1);
}

bool Connection::StepServing() {
  const HttpExchange::Progress progress = exchange_.Collect(out_);
  if (phase_ == Phase::kClosed) out_.Clear();
  if (!progress.released) {
    if (exchange_.route) CountRunning();
    return false;
  }
  EndRequest(progress.answer);
  return true;
}

void Connection::EndRequest(AnswerState answer) {
  if (answer == AnswerState::kNone && phase_ != Phase::kClosed) {
    exchange_.SetInline(true);
    exchange_.SendRefusal({ErrorId::kInternal, "The request was given up without an answer."}, {});
    exchange_.SetInline(false);
    if (exchange_.Collect(out_).answer == AnswerState::kNone) Close();
  }
  exchange_active_ = false;
  if (std::exchange(counted_running_, false)) server_.metrics().running.Add(-1);
  const uint64_t now_ns = server_.NowNs();
  server_.metrics().CountRequest(exchange_.status(), now_ns - exchange_.started_ns);
  const bool sent_close = exchange_.sent_close();
  exchange_.Reset();
  ReturnBodyMemory();
  if (phase_ == Phase::kClosed) return;
  in_begin_ += consumed_;
  consumed_ = 0;
  if (!leftover_.empty()) {
    in_.Append(leftover_);
    leftover_.clear();
  }
  gate_.Reset();
  more_input_ = false;
  if (answer == AnswerState::kBegun) {
    // Given up in the middle: what is written goes out, the last chunk does not.
    Flush();
    return Close();
  }
  if (sent_close || stream_failed_ || (peer_ended_ && Input().empty())) {
    return Enter(Phase::kFlush);
  }
  if (!body_complete_) {
    sink_ = BodySink::kSkipped;
    body_bytes_ = 0;
    body_bytes_max_ = kSkippedBodyBytesMax;
    return Enter(Phase::kSkipBody);
  }
  Enter(Phase::kHead);
  idle_deadline_ns_ = now_ns + server_.limits().idle_timeout_ms * kNsPerMs;
}

bool Connection::StepSkipBody() {
  const std::string_view input = Input();
  if (!input.empty() && !body_complete_) in_begin_ += FeedBody(input);
  if (phase_ != Phase::kSkipBody) return true;
  if (!body_complete_) return false;
  in_.DropFront(in_begin_);
  in_begin_ = 0;
  in_.Append(leftover_);
  leftover_.clear();
  Enter(Phase::kHead);
  idle_deadline_ns_ = server_.NowNs() + server_.limits().idle_timeout_ms * kNsPerMs;
  return true;
}

void Connection::RefuseAndClose(const Refusal& refusal) {
  if (exchange_.request_id.empty()) {  // the head was not read
    exchange_.started_ns = server_.NowNs();
    SetRequestId(worker_, {}, exchange_.request_id);
  }
  first_request_ = false;
  exchange_.keep_alive = false;
  // Whatever the client still sends is thrown away.
  body_complete_ = false;
  sink_ = BodySink::kSkipped;
  Refuse(refusal, {});
}

void Connection::Refuse(const Refusal& refusal, Span<const HttpHeader> headers) {
  exchange_active_ = true;
  exchange_.route.reset();
  Enter(Phase::kServing);
  exchange_.SetInline(true);
  exchange_.SendRefusal(refusal, headers);
  exchange_.Release();
  exchange_.SetInline(false);
}

void Connection::ReturnBodyMemory() {
  if (body_memory_ == 0) return;
  server_.ReturnBodyMemory(std::exchange(body_memory_, 0));
  body_.Free();
}

}  // namespace nexadb::http
