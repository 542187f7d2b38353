#include "plugins/http-server/exchange.h"

#include <charconv>

#include "nexadb/sdk/guard.h"
#include "plugins/http-server/framing.h"
#include "plugins/http-server/problem.h"
#include "plugins/http-server/response_head.h"

namespace nexadb::http {
namespace {

constexpr size_t kJoinedPartBytesMax = 64 * 1024;

Status PeerGoneStatus() { return Status::Error(Code::kUnavailable, "the client has gone"); }

bool StatusHasBody(uint16_t status) { return status >= 200 && status != 204 && status != 304; }

}  // namespace

bool HttpExchange::SetCaptures(const Match& match) {
  captures_.clear();
  decoded_.clear();
  size_t encoded_bytes = 0;
  for (size_t i = 0; i < match.capture_count; ++i) encoded_bytes += match.captures[i].size();
  decoded_.reserve(encoded_bytes);  // decoding shrinks, so the views below stay
  for (size_t i = 0; i < match.capture_count; ++i) {
    const std::string_view encoded = match.captures[i];
    if (encoded.find('%') == std::string_view::npos) {
      captures_.push_back(encoded);
      continue;
    }
    const size_t begin = decoded_.size();
    if (!PercentDecode(encoded, decoded_)) return false;
    captures_.push_back(std::string_view(decoded_).substr(begin));
  }
  return true;
}

void HttpExchange::Reset() {
  head.method = head.target = path = query = body = {};
  head.headers.clear();
  captures_.clear();
  request_id.clear();
  allow_origin.clear();
  route.reset();
  body_left.store(0, std::memory_order_relaxed);
  keep_alive = false;
  Lock lock(mutex_);
  answer_ = AnswerState::kNone;
  status_ = 0;
  sent_close_ = has_body_ = chunked_ = released_ = body_ended_ = false;
  in_flight_bytes_ = parts_bytes_ = 0;
  writable_ = closed_ = Callback();
  parts_.clear();
  part_.clear();
  body_outcome_ = Status();
}

void HttpExchange::SendRefusal(const Refusal& refusal, Span<const HttpHeader> headers) noexcept {
  const Status outcome = sdk::Guard([&]() -> Status {
    std::vector<HttpHeader> all(headers.begin(), headers.end());
    all.push_back({"Content-Type", "application/problem+json"});
    const uint16_t status = StatusOf(refusal.error);
    if (status == 503 || status == 429) all.push_back({"Retry-After", "1"});
    Send(status, {all.data(), all.size()}, Buffer::Own(ProblemBody(refusal, path, request_id)));
    return {};
  });
  if (!outcome.ok()) Send(503, {}, {});
}

void HttpExchange::Woken() {
  Lock lock(mutex_);
  posted_ = false;
}

bool HttpExchange::Quiet() {
  Lock lock(mutex_);
  return !posted_;
}

HttpExchange::Progress HttpExchange::Collect(OutQueue& out) {
  Lock lock(mutex_);
  out.MoveFrom(pending_);
  in_flight_bytes_ = out.bytes();
  return {answer_, released_};
}

void HttpExchange::Settle(size_t in_flight_bytes) {
  Lock lock(mutex_);
  in_flight_bytes_ = in_flight_bytes;
  if (Closing()) Fire(lock, closed_);
  if (Credit(lock) == 0) return;
  changed_.notify_all();
  Fire(lock, writable_);
}

bool HttpExchange::Closing() const { return gone_.load() || ended_.load() || draining_.load(); }

void HttpExchange::MarkEnded() {
  Lock lock(mutex_);
  ended_.store(true, std::memory_order_release);
  Fire(lock, closed_);
}

void HttpExchange::MarkGone() {
  Lock lock(mutex_);
  gone_.store(true, std::memory_order_release);
  changed_.notify_all();
  Fire(lock, closed_);
}

void HttpExchange::NotifyDrain() {
  Lock lock(mutex_);
  if (!released_) Fire(lock, closed_);
}

size_t HttpExchange::AddBody(std::string part) {
  Lock lock(mutex_);
  parts_bytes_ += part.size();
  // Many small chunks must not cost more than their bytes.
  if (!parts_.empty() && parts_.back().size() + part.size() <= kJoinedPartBytesMax) {
    parts_.back() += part;
  } else if (!part.empty()) {
    parts_.push_back(std::move(part));
  }
  changed_.notify_all();
  return parts_bytes_;
}

void HttpExchange::EndBody(Status outcome) {
  Lock lock(mutex_);
  if (body_ended_) return;
  body_ended_ = true;
  body_outcome_ = std::move(outcome);
  changed_.notify_all();
}

bool HttpExchange::BodyQueueHasRoom() {
  Lock lock(mutex_);
  return parts_bytes_ < kBodyQueueBytesMax;
}

StringView HttpExchange::Header(StringView name) noexcept {
  for (const HttpHeader& header : head.headers) {
    if (EqualsIgnoringCase(header.name, name)) return header.value;
  }
  return {};
}

// What is ready stays so while the mutex is let go: one thread at a time reads or writes.
template <class Ready>
void HttpExchange::WaitForClient(Lock& lock, Ready&& ready) {
  if (ready()) return;
  lock.unlock();
  waits_.Begin();
  lock.lock();
  changed_.wait(lock, ready);
  lock.unlock();
  waits_.End();
  lock.lock();
}

Result<BytesView> HttpExchange::ReadBody() noexcept {
  return sdk::Guard([&]() -> Result<BytesView> {
    Lock lock(mutex_);
    WaitForClient(lock, [&] {
      return !parts_.empty() || body_ended_ || gone_.load(std::memory_order_relaxed);
    });
    if (!parts_.empty()) {
      part_ = std::move(parts_.front());
      parts_.pop_front();
      const bool was_full = parts_bytes_ >= kBodyQueueBytesMax;
      parts_bytes_ -= part_.size();
      if (was_full && parts_bytes_ < kBodyQueueBytesMax) Wake(lock);
      return AsBytes(part_);
    }
    part_.clear();
    if (!body_ended_) return PeerGoneStatus();
    if (!body_outcome_.ok()) return body_outcome_;
    return BytesView();
  });
}

void HttpExchange::AddHead(const Lock&, uint16_t status, Span<const HttpHeader> headers,
                           const uint64_t* content_length) {
  status_ = status;
  has_body_ = StatusHasBody(status) && head.method != "HEAD";
  HeadFacts facts;
  facts.status = status;
  if (content_length != nullptr && StatusHasBody(status)) facts.content_length = *content_length;
  chunked_ = content_length == nullptr && StatusHasBody(status) && !head.http_1_0;
  facts.chunked = chunked_;
  const bool ends_by_closing = content_length == nullptr && has_body_ && !chunked_;
  facts.close = !keep_alive || ends_by_closing || draining_.load(std::memory_order_relaxed) ||
                body_left.load(std::memory_order_relaxed) > kSkippedBodyBytesMax;
  facts.say_keep_alive = head.http_1_0;
  facts.request_id = request_id;
  facts.allow_origin = allow_origin;
  head_text_.clear();
  AppendHead(facts, headers, head_text_);
  sent_close_ = facts.close;
}

void HttpExchange::Send(uint16_t status, Span<const HttpHeader> headers, Buffer body_out) noexcept {
  const Status outcome = sdk::Guard([&]() -> Status {
    Lock lock(mutex_);
    if (answer_ != AnswerState::kNone) return {};  // answered once already
    const uint64_t size = body_out.size();
    AddHead(lock, status, headers, &size);
    pending_.AddText(head_text_);
    if (has_body_ && size > 0) pending_.AddBuffer(std::move(body_out));
    answer_ = AnswerState::kDone;
    Wake(lock);
    return {};
  });
  // Without memory for an answer the exchange stays unanswered: Release makes it a 500 or, failing
  // that too, a closed connection.
  static_cast<void>(outcome.ok());
}

Status HttpExchange::Begin(uint16_t status, Span<const HttpHeader> headers) noexcept {
  return sdk::Guard([&]() -> Status {
    Lock lock(mutex_);
    if (answer_ != AnswerState::kNone) {
      return Status::Error(Code::kInvalidArgument, "the request is answered already");
    }
    if (gone_.load(std::memory_order_relaxed)) return PeerGoneStatus();
    AddHead(lock, status, headers, nullptr);
    pending_.AddText(head_text_);
    answer_ = AnswerState::kBegun;
    Wake(lock);
    return {};
  });
}

size_t HttpExchange::Credit(const Lock&) const {
  const size_t used = pending_.bytes() + in_flight_bytes_;
  return used >= kStreamWindowBytes ? 0 : kStreamWindowBytes - used;
}

Result<uint64_t> HttpExchange::Write(Buffer chunk) noexcept {
  return sdk::Guard([&]() -> Result<uint64_t> {
    Lock lock(mutex_);
    if (answer_ != AnswerState::kBegun) {
      return Status::Error(Code::kInvalidArgument, "Write outside Begin and Finish");
    }
    if (gone_.load(std::memory_order_relaxed)) return PeerGoneStatus();
    if (has_body_ && !chunk.empty()) {
      if (chunked_) {
        char size_line[24];
        char* end = std::to_chars(size_line, size_line + 20, chunk.size(), 16).ptr;
        *end++ = '\r';
        *end++ = '\n';
        pending_.AddText({size_line, static_cast<size_t>(end - size_line)});
      }
      pending_.AddBuffer(std::move(chunk));
      if (chunked_) pending_.AddText("\r\n");
      Wake(lock);
    }
    return static_cast<uint64_t>(Credit(lock));
  });
}

bool HttpExchange::WaitWritable() noexcept {
  Lock lock(mutex_);
  WaitForClient(lock, [&] { return gone_.load(std::memory_order_relaxed) || Credit(lock) > 0; });
  return !gone_.load(std::memory_order_relaxed);
}

void HttpExchange::OnWritable(const Callback& callback) noexcept {
  Lock lock(mutex_);
  writable_ = callback;
  if (Credit(lock) > 0) Wake(lock);
}

void HttpExchange::OnClosed(const Callback& callback) noexcept {
  Lock lock(mutex_);
  closed_ = callback;
  if (Closing()) Wake(lock);
}

void HttpExchange::Finish() noexcept {
  const Status outcome = sdk::Guard([&]() -> Status {
    Lock lock(mutex_);
    if (answer_ != AnswerState::kBegun) return {};
    if (has_body_ && chunked_) pending_.AddText("0\r\n\r\n");
    answer_ = AnswerState::kDone;
    Wake(lock);
    return {};
  });
  static_cast<void>(outcome.ok());  // unfinished for want of memory: the connection is closed
}

bool HttpExchange::Outlive(std::shared_ptr<void> owner) {
  Lock lock(mutex_);
  if (released_) return false;
  owner_ = std::move(owner);
  return true;
}

void HttpExchange::Release() noexcept {
  std::shared_ptr<void> owner;  // dropped last, without the mutex: this object may go with it
  const bool on_loop = loop_.OnLoopThread();
  Lock lock(mutex_);
  if (!on_loop) changed_.wait(lock, [&] { return !calling_; });
  writable_ = closed_ = Callback();
  released_ = true;
  owner = std::move(owner_);
  if (!owner) Wake(lock);
}

void HttpExchange::Wake(const Lock&) noexcept {
  if (posted_ || (loop_.OnLoopThread() && serving_inline_)) return;
  posted_ = true;
  // Posted under the mutex: once the loop has it, this object may be deleted.
  loop_.Post(wake_);
}

void HttpExchange::Fire(Lock& lock, Callback& slot) {
  const Callback callback = std::exchange(slot, Callback());
  if (callback.run == nullptr) return;
  calling_ = true;
  lock.unlock();
  callback.run(callback.state);
  lock.lock();
  calling_ = false;
  changed_.notify_all();
}

}  // namespace nexadb::http
