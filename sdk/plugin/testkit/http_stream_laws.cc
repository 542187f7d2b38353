// Laws of streams: answers and bodies that come in parts, clients that leave, a server that drains.
#include <atomic>
#include <thread>

#include "http_laws.h"

namespace nexadb::testkit {
namespace {

Buffer Chunk(std::string text) { return Buffer::Own(std::move(text)); }

void AStreamedAnswerArrivesWhole(LawBench& bench) {
  HttpBench http(bench);
  http.Mount(RouteOf("GET", "/stream"), [](Handle<Exchange> e) {
    const HttpHeader type{"Content-Type", "text/plain"};
    ASSERT_TRUE(e->Begin(200, {&type, 1}).ok());
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(e->Write(Chunk(std::to_string(i) + " ")).ok());
    e->Finish();
  });
  std::string expected;
  for (int i = 0; i < 50; ++i) expected += std::to_string(i) + " ";
  HttpClient client(http.port());
  for (int i = 0; i < 3; ++i) {
    const HttpAnswer answer = client.Ask("GET", "/stream");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.headers.at("content-type"), "text/plain");
    EXPECT_EQ(answer.body, expected);
    EXPECT_TRUE(answer.complete) << "the connection serves the next request";
  }
}

void AStreamGivenUpHasNoLastChunk(LawBench& bench) {
  HttpBench http(bench);
  http.Mount(RouteOf("GET", "/broken"), [](Handle<Exchange> e) {
    ASSERT_TRUE(e->Begin(200, {}).ok());
    ASSERT_TRUE(e->Write(Chunk("a part")).ok());
  });
  HttpClient client(http.port());
  const HttpAnswer answer = client.Ask("GET", "/broken");
  EXPECT_EQ(answer.status, 200);
  EXPECT_FALSE(answer.complete) << "a client would take a part for the whole";
  EXPECT_TRUE(client.ReadEnd());
}

void AWriterWaitsForItsReader(LawBench& bench) {
  HttpBench http(bench);
  constexpr size_t kChunkBytes = 64 * 1024, kChunks = 400;
  std::atomic<uint64_t> waits{0};
  http.Mount(RouteOf("GET", "/large"), [&](Handle<Exchange> e) {
    ASSERT_TRUE(e->Begin(200, {}).ok());
    for (size_t i = 0; i < kChunks; ++i) {
      auto credit = e->Write(Chunk(std::string(kChunkBytes, static_cast<char>('a' + i % 26))));
      ASSERT_TRUE(credit.ok()) << credit.status().message();
      if (*credit > 0) continue;
      ++waits;
      ASSERT_TRUE(e->WaitWritable());
    }
    e->Finish();
  });
  const HttpAnswer answer = http.Ask("GET", "/large");
  EXPECT_TRUE(answer.complete);
  ASSERT_EQ(answer.body.size(), kChunkBytes * kChunks);
  for (size_t i = 0; i < kChunks; ++i) {
    ASSERT_EQ(answer.body[i * kChunkBytes], static_cast<char>('a' + i % 26)) << "chunk " << i;
  }
  EXPECT_GT(waits, 0u) << "25 MiB were held in memory for one reader";
}

// A stream that is parked: no thread waits, a callback says what happens.
struct Parked {
  std::atomic<Exchange*> exchange{nullptr};
  std::atomic<bool> closed{false};
  static void Closed(void* state) noexcept {
    auto* self = static_cast<Parked*>(state);
    self->closed = true;
    self->closed.notify_all();
  }
  void Serve(Handle<Exchange> e) {
    EXPECT_TRUE(e->Begin(200, {}).ok());
    EXPECT_TRUE(e->Write(Chunk("hello")).ok());
    e->OnClosed({Closed, this});
    exchange = e.Detach();
    exchange.notify_all();
  }
  Handle<Exchange> Take() {
    exchange.wait(nullptr);
    return Handle<Exchange>(exchange.exchange(nullptr));
  }
};

void AParkedStreamGetsItsEvents(LawBench& bench) {
  HttpBench http(bench);
  Parked parked;
  http.Mount(RouteOf("GET", "/events", RunMode::kInline),
             [&](Handle<Exchange> e) { parked.Serve(std::move(e)); });
  http.Mount(RouteOf("GET", "/other", RunMode::kInline),
             [](Handle<Exchange> e) { SendText(*e, 200, "other"); });
  HttpClient client(http.port());
  client.Send(client.Request("GET", "/events"));
  Handle<Exchange> stream = parked.Take();
  EXPECT_EQ(http.Ask("GET", "/other").body, "other") << "others are served meanwhile";
  EXPECT_TRUE(stream->Write(Chunk(" and bye")).ok());
  EXPECT_FALSE(stream->PeerGone());
  stream->Finish();
  stream.Reset();
  const HttpAnswer answer = client.Read();
  EXPECT_EQ(answer.body, "hello and bye");
  EXPECT_TRUE(answer.complete);
}

void AParkedStreamHearsThatItsClientHasGone(LawBench& bench) {
  HttpBench http(bench);
  Parked parked;
  http.Mount(RouteOf("GET", "/events", RunMode::kInline),
             [&](Handle<Exchange> e) { parked.Serve(std::move(e)); });
  HttpClient client(http.port());
  client.Send(client.Request("GET", "/events"));
  Handle<Exchange> stream = parked.Take();
  client.Vanish();
  parked.closed.wait(false);
  EXPECT_TRUE(stream->PeerGone());
  EXPECT_EQ(stream->Write(Chunk("to nobody")).status().code(), Code::kUnavailable);
  EXPECT_FALSE(stream->WaitWritable());
}

void ADrainIsToldToParkedStreams(LawBench& bench) {
  HttpBench http(bench);
  Parked parked;
  http.Mount(RouteOf("GET", "/events", RunMode::kInline),
             [&](Handle<Exchange> e) { parked.Serve(std::move(e)); });
  HttpClient client(http.port());
  client.Send(client.Request("GET", "/events"));
  Handle<Exchange> stream = parked.Take();
  std::thread drain([&] { http.assembly().plugin().Plugin().Drain(10'000); });
  parked.closed.wait(false);
  stream->Finish();
  stream.Reset();
  drain.join();
  EXPECT_TRUE(client.Read().complete) << "what was promised is still delivered";
}

void AStreamedBodyIsPulled(LawBench& bench) {
  HttpBench http(bench);
  http.Mount(RouteOf("POST", "/up", RunMode::kPool, BodyMode::kStreamed), [](Handle<Exchange> e) {
    uint64_t bytes = 0, sum = 0;
    for (;;) {
      auto part = e->ReadBody();
      ASSERT_TRUE(part.ok()) << part.status().message();
      if (part->empty()) break;
      bytes += part->size();
      for (const uint8_t byte : *part) sum += byte;
    }
    SendText(*e, 200, std::to_string(bytes) + " " + std::to_string(sum));
  });
  const std::string header = "Content-Type: application/json\r\n";
  for (const size_t size : {size_t{0}, size_t{1}, size_t{3'000'000}}) {
    const HttpAnswer answer = http.Ask("POST", "/up", header, std::string(size, '\x02'));
    EXPECT_EQ(answer.body, std::to_string(size) + " " + std::to_string(2 * size));
  }
}

void AStreamedBodyThatEndsEarlyFailsItsReader(LawBench& bench) {
  HttpBench http(bench);
  std::atomic<int> outcome{-1};
  http.Mount(RouteOf("POST", "/up", RunMode::kPool, BodyMode::kStreamed), [&](Handle<Exchange> e) {
    Code code = Code::kOk;
    while (code == Code::kOk) {
      auto part = e->ReadBody();
      code = part.status().code();
      if (part.ok() && part->empty()) break;
    }
    e.Reset();
    outcome = static_cast<int>(code);
    outcome.notify_all();
  });
  {
    HttpClient client(http.port());
    client.Send(
        client.Request("POST", "/up", "Content-Type: application/json\r\nContent-Length: 100\r\n"));
    client.Send("only a part");
    client.Vanish();
  }
  outcome.wait(-1);
  EXPECT_EQ(static_cast<Code>(outcome.load()), Code::kUnavailable);
}

}  // namespace

std::vector<PluginLaw> HttpStreamLaws() {
  return {{"AStreamedAnswerArrivesWhole", AStreamedAnswerArrivesWhole},
          {"AStreamGivenUpHasNoLastChunk", AStreamGivenUpHasNoLastChunk},
          {"AWriterWaitsForItsReader", AWriterWaitsForItsReader},
          {"AParkedStreamGetsItsEvents", AParkedStreamGetsItsEvents},
          {"AParkedStreamHearsThatItsClientHasGone", AParkedStreamHearsThatItsClientHasGone},
          {"ADrainIsToldToParkedStreams", ADrainIsToldToParkedStreams},
          {"AStreamedBodyIsPulled", AStreamedBodyIsPulled},
          {"AStreamedBodyThatEndsEarlyFailsItsReader", AStreamedBodyThatEndsEarlyFailsItsReader}};
}

}  // namespace nexadb::testkit
