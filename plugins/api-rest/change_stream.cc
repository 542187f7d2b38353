#include "plugins/api-rest/change_stream.h"

#include <chrono>
#include <vector>

#include "core/document/error.h"
#include "core/document/limits.h"
#include "nexadb/sdk/guard.h"
#include "plugins/api-rest/json_object.h"

namespace nexadb::rest {
namespace {

constexpr uint64_t kNsPerMs = 1'000'000;
// A read that takes longer has met a disk that does not answer.
constexpr uint64_t kReadNs = 30'000 * kNsPerMs;
constexpr uint64_t kTickMs = 1000;
constexpr auto kStopAgain = std::chrono::milliseconds(20);
// EventSource tries again after so long.
constexpr std::string_view kGreeting = "retry: 2000\n";

// Posts a task that keeps `target` alive until it has run or was dropped.
template <class Target>
bool PostTo(std::shared_ptr<Target> target, Executor& executor, uint64_t delay_ms,
            void (*run)(Target&), void (*drop)(Target&)) {
  struct Job {
    std::shared_ptr<Target> target;
    void (*run)(Target&);
    void (*drop)(Target&);
  };
  const Task task{[](void* p) noexcept {
                    const std::unique_ptr<Job> job(static_cast<Job*>(p));
                    job->run(*job->target);
                  },
                  [](void* p) noexcept {
                    const std::unique_ptr<Job> job(static_cast<Job*>(p));
                    job->drop(*job->target);
                  },
                  new Job{std::move(target), run, drop}};
  const Status posted = delay_ms == 0 ? executor.Post(task) : executor.PostAfter(delay_ms, task);
  return posted.ok();
}

bool IsRename(bson::Document event) { return event["operation"].value().Text() == "rename"; }

void AppendEvent(std::string& out, bson::Document event) {
  out.append("id: ").append(event["token"].value().Text());
  out.append("\nevent: ").append(event["operation"].value().Text()).append("\ndata: ");
  JsonObject data;
  data.Text("operation", event["operation"].value().Text());
  if (IsRename(event)) {
    data.Text("database", event["database"].value().Text()).Text("to", event["to"].value().Text());
    out.append(data.Finish()).append("\n\n");
    return;
  }
  data.Value("document_id", event["document_id"].value());
  data.Moment("at", event["at"].value().DateMs());
  for (const std::string_view image : {"document", "before"}) {
    if (event[image]) data.Document(image, event[image].value().Doc());
  }
  out.append(data.Finish()).append("\n\n");
}

}  // namespace

Status ChangeStream::Begin(Handle<Exchange> exchange) {
  const Callback wake{[](void* self) noexcept { static_cast<ChangeStream*>(self)->Wake(); }, this};
  Result<Handle<ChangeWatch>> watch =
      source_.feed->Watch(*source_.session, source_.database, source_.collection, wake);
  if (!watch.ok()) return std::move(watch).status();
  watch_ = std::move(*watch);
  exchange_ = std::move(exchange);
  exchange_->OnClosed({[](void* self) noexcept {
                         auto* stream = static_cast<ChangeStream*>(self);
                         stream->stopping_.store(true);
                         stream->Wake();
                       },
                       this});
  said_ns_.store(streams_.NowNs());
  Write(std::string(kGreeting) + "id: " + source_.token + "\n\n");
  Run();
  return {};
}

void ChangeStream::Wake() {
  if (wakes_.fetch_add(1) != 0) return;
  PostTo<ChangeStream>(
      shared_from_this(), streams_.executor(), 0, [](ChangeStream& self) { self.Run(); },
      [](ChangeStream& self) {
        self.missed_.store(true);
        self.wakes_.store(0);
      });
}

void ChangeStream::Tick(uint64_t now_ns) {
  if (missed_.exchange(false) || now_ns - said_ns_.load() >= source_.heartbeat_ns) Wake();
}

void ChangeStream::Stop() {
  stopping_.store(true);
  if (wakes_.fetch_add(1) == 0) Run();
}

// REQUIRES: this thread made wakes_ differ from 0.
void ChangeStream::Run() {
  const std::shared_ptr<ChangeStream> keep = shared_from_this();
  uint32_t seen = 0;
  do {
    seen = wakes_.load();
    const Status pumped = sdk::Guard([&]() -> Status {
      Pump();
      return {};
    });
    if (!pumped.ok()) End();
  } while (wakes_.fetch_sub(seen) != seen);
}

void ChangeStream::Pump() {
  if (ended_) return;
  if (stopping_.load()) return End();
  bool more = true;
  while (more && !blocked_.load()) {
    source_.session->SetDeadline(streams_.NowNs() + kReadNs);
    Result<std::string> events = ReadEvents(more);
    if (!events.ok()) return Fail(events.status());
    if (events->empty() && streams_.NowNs() - said_ns_.load() >= source_.heartbeat_ns) {
      *events = ": heartbeat\nid: " + source_.token + "\n\n";
    }
    if (!events->empty() && !Write(std::move(*events))) return;
    if (renamed_) return End();
  }
}

Result<std::string> ChangeStream::ReadEvents(bool& more) {
  Result<Buffer> reply = source_.feed->Read(*source_.session, source_.database, source_.collection,
                                            source_.token, ChangeReadOptions{});
  if (!reply.ok()) return std::move(reply).status();
  const bson::Document page(reply->bytes());
  Result<std::string> events = TellWanted(page["events"].value().Doc());
  if (!events.ok()) return events;
  source_.token = page["token"].value().Text();
  more = page["more"].value().Bool();
  for (const bson::Element& event : page["events"].value().Doc()) {
    renamed_ = renamed_ || IsRename(event.value().Doc());
  }
  return events;
}

Result<std::string> ChangeStream::TellWanted(bson::Document events) const {
  std::vector<std::string> wanted;
  const bool all = source_.filter.passes_all() || events.empty();
  if (!all) {
    Result<std::vector<std::string>> matching = source_.filter.Matching(*source_.session, events);
    if (!matching.ok()) return std::move(matching).status();
    wanted = std::move(*matching);
  }
  std::string out;
  auto next = wanted.begin();
  for (const bson::Element& element : events) {
    const bson::Document event = element.value().Doc();
    const bool matches = next != wanted.end() && *next == event["token"].value().Text();
    if (matches) ++next;
    if (all || matches || IsRename(event)) AppendEvent(out, event);
  }
  return out;
}

bool ChangeStream::Write(std::string text) {
  said_ns_.store(streams_.NowNs());
  Result<uint64_t> credit = exchange_->Write(Buffer::Own(std::move(text)));
  if (!credit.ok()) {
    End();
    return false;
  }
  if (*credit > 0) return true;
  blocked_.store(true);
  exchange_->OnWritable({[](void* self) noexcept {
                           auto* stream = static_cast<ChangeStream*>(self);
                           stream->blocked_.store(false);
                           stream->Wake();
                         },
                         this});
  return false;
}

// Says why there is nothing more: the collection is gone, its history is, or the key's rights.
void ChangeStream::Fail(const Status& status) {
  std::string text = "event: error\ndata: ";
  AppendErrorItem(text, status, -1);
  text += "\n\n";
  static_cast<void>(exchange_->Write(Buffer::Own(std::move(text))).ok());
  End();
}

void ChangeStream::End() {
  if (ended_) return;
  ended_ = true;
  watch_.Reset();
  exchange_->Finish();
  exchange_.Reset();
  source_.session.Reset();
  source_.principal.Reset();
  streams_.Remove(shared_from_this());
}

// What a tick holds on to: it may come after the table has gone.
struct ChangeStreams::Ticker {
  std::mutex mutex;
  ChangeStreams* streams = nullptr;
};

Status ChangeStreams::Add(std::shared_ptr<ChangeStream> stream) {
  std::lock_guard lock(mutex_);
  if (closed_) return MakeError(ErrorId::kDraining, "The server is stopping.");
  if (open_.size() >= static_cast<size_t>(kEventStreamsMax)) {
    return LimitError(ErrorId::kTooManyStreams, "event_streams", kEventStreamsMax,
                      static_cast<int64_t>(open_.size()) + 1);
  }
  open_.insert(std::move(stream));
  Arm();
  return {};
}

void ChangeStreams::Remove(const std::shared_ptr<ChangeStream>& stream) {
  std::lock_guard lock(mutex_);
  open_.erase(stream);
  ended_.notify_all();
}

size_t ChangeStreams::Count() {
  std::lock_guard lock(mutex_);
  return open_.size();
}

void ChangeStreams::Arm() {
  if (ticker_ != nullptr || closed_ || open_.empty()) return;
  ticker_ = std::make_shared<Ticker>();
  ticker_->streams = this;
  const bool armed = PostTo<Ticker>(
      ticker_, executor_, kTickMs,
      [](Ticker& ticker) {
        std::lock_guard lock(ticker.mutex);
        if (ticker.streams != nullptr) ticker.streams->Tick();
      },
      [](Ticker&) {});
  // A full queue: the next stream tries again.
  if (!armed) ticker_.reset();
}

void ChangeStreams::Tick() {
  std::vector<std::shared_ptr<ChangeStream>> all;
  {
    std::lock_guard lock(mutex_);
    all.assign(open_.begin(), open_.end());
  }
  const uint64_t now_ns = NowNs();
  for (const auto& stream : all) stream->Tick(now_ns);
  // Only now: as long as it has the ticker, Close waits for us.
  std::lock_guard lock(mutex_);
  ticker_.reset();
  Arm();
}

void ChangeStreams::Close() {
  std::vector<std::shared_ptr<ChangeStream>> all;
  std::shared_ptr<Ticker> ticker;
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    all.assign(open_.begin(), open_.end());
    ticker = std::move(ticker_);
  }
  if (ticker != nullptr) {
    std::lock_guard lock(ticker->mutex);
    ticker->streams = nullptr;
  }
  // Again and again: a stream whose task the pool refused has nobody to end it but us.
  for (std::unique_lock lock(mutex_); !open_.empty(); ended_.wait_for(lock, kStopAgain)) {
    lock.unlock();
    for (const auto& stream : all) stream->Stop();
    lock.lock();
    if (open_.empty()) return;
  }
}

}  // namespace nexadb::rest
