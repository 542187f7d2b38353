// GET /collections/{name}/_changes: what happens to a collection, as server-sent events.
#include <array>

#include "core/document/error.h"
#include "plugins/api-rest/change_stream.h"
#include "plugins/api-rest/handlers.h"
#include "plugins/api-rest/reply.h"
#include "plugins/api-rest/request.h"

namespace nexadb::rest {
namespace {

// More often is a waste, less often lets proxies think that the connection is dead.
constexpr uint64_t kHeartbeatMs = 15'000;
constexpr uint64_t kHeartbeatLeastMs = 1'000;
constexpr uint64_t kHeartbeatMostMs = 300'000;

// Where the client wants to go on: what EventSource remembers wins over the address that it was
// given at first. Empty is now.
std::string_view SinceOf(Request& request) {
  const std::string_view last = request.exchange().Header("Last-Event-ID");
  if (!last.empty()) return last;
  const std::string_view since = request.parameters().Get("since").value_or("");
  return since == "now" ? std::string_view() : since;
}

Result<ChangeSource> ReadSource(Request& request) {
  Result<ChangeFeed*> feed = request.api().Changes();
  if (!feed.ok()) return std::move(feed).status();
  Result<uint64_t> heartbeat_ms = request.parameters().Duration("heartbeat", kHeartbeatMs);
  if (!heartbeat_ms.ok()) return std::move(heartbeat_ms).status();
  if (*heartbeat_ms < kHeartbeatLeastMs || *heartbeat_ms > kHeartbeatMostMs) {
    return MakeError(ErrorId::kInvalidParameter,
                     "The parameter 'heartbeat' takes a duration from 1s to 300s.");
  }
  ChangeSource source;
  source.feed = *feed;
  source.database = request.database_name();
  source.collection = request.capture(0);
  source.heartbeat_ns = *heartbeat_ms * 1'000'000;
  source.principal = request.TakePrincipal();
  SessionOptions options;
  options.principal = source.principal.get();
  Result<Handle<Session>> session = request.database().OpenSession(options);
  if (!session.ok()) return std::move(session).status();
  source.session = std::move(*session);
  if (const auto filter = request.parameters().Get("filter")) {
    Result<ChangeFilter> parsed =
        ChangeFilter::Parse(*filter, request.database(), *source.session, request.database_name());
    if (!parsed.ok()) return std::move(parsed).status();
    source.filter = std::move(*parsed);
  }
  // Nothing is read yet, but a position that is no good is told as an ordinary error.
  ChangeReadOptions nothing;
  nothing.events_max = 0;
  Result<Buffer> start = source.feed->Read(*source.session, source.database, source.collection,
                                           SinceOf(request), nothing);
  if (!start.ok()) return std::move(start).status();
  const bson::Document page(start->bytes());
  for (const bson::Element& event : page["events"].value().Doc()) {
    // Nothing else is told here: the collection has another name now.
    const std::string to(event.value().Doc()["to"].value().Text());
    return MakeError(ErrorId::kCollectionNotFound,
                     "The collection is now called '" + to + "'; go on there from this position.",
                     ErrorDetail().Text("collection", source.collection).Finish());
  }
  source.token = page["token"].value().Text();
  return source;
}

}  // namespace

Status FollowChanges(Request& request) {
  Result<ChangeSource> source = ReadSource(request);
  if (!source.ok()) return std::move(source).status();
  const std::array<HttpHeader, 3> headers = {{{"Content-Type", "text/event-stream"},
                                              {"Cache-Control", "no-store, no-transform"},
                                              {"X-Accel-Buffering", "no"}}};
  if (std::string_view(request.exchange().Method()) == "HEAD") {
    request.exchange().Send(200, headers, Buffer());
    return {};
  }
  if (!request.lends_exchange()) {
    return MakeError(ErrorId::kNotInTransaction, "A stream of changes stands alone.");
  }
  ChangeStreams& streams = request.api().change_streams;
  auto stream = std::make_shared<ChangeStream>(streams, std::move(*source));
  if (Status status = streams.Add(stream); !status.ok()) return status;
  Status begun = request.exchange().Begin(200, headers);
  if (begun.ok()) {
    request.MarkBegun();
    begun = stream->Begin(request.TakeExchange());
  }
  if (!begun.ok()) streams.Remove(stream);
  return begun;
}

}  // namespace nexadb::rest
