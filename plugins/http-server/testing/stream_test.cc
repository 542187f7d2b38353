// Streamed bodies in both directions, parked streams, clients that vanish.
#include <sys/socket.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "plugins/http-server/testing/fixture.h"

namespace nexadb::http {
namespace {

const HttpHeader kEvents{"Content-Type", "text/event-stream"};

TEST(Stream, SendsChunksAndKeepsTheConnection) {
  TestServer server;
  server.Mount("GET", "/numbers", [](Handle<Exchange> e) {
    ASSERT_TRUE(e->Begin(200, {&kEvents, 1}).ok());
    for (int i = 0; i < 100; ++i) {
      ASSERT_TRUE(e->Write(Buffer::Own(std::to_string(i) + ";")).ok());
    }
    e->Finish();
  });
  Client client(server.port());
  for (int round = 0; round < 3; ++round) {
    client.Send(server.Req("GET", "/numbers"));
    const Answer answer = client.Read();
    EXPECT_TRUE(answer.complete);
    EXPECT_TRUE(answer.body.starts_with("0;1;2;"));
    EXPECT_TRUE(answer.body.ends_with("98;99;"));
  }
  client.Send(server.Req("HEAD", "/numbers") + server.Req("GET", "/numbers"));
  EXPECT_EQ(client.ReadHeadOnly().status, 200);
  EXPECT_TRUE(client.Read().complete);
}

TEST(Stream, ToHttp10EndsWithTheConnection) {
  TestServer server;
  server.Mount("GET", "/x", [](Handle<Exchange> e) {
    ASSERT_TRUE(e->Begin(200, {}).ok());
    ASSERT_TRUE(e->Write(Buffer::Own(std::string("abc"))).ok());
    e->Finish();
  });
  const Answer answer = server.Ask("GET /x HTTP/1.0\r\nConnection: keep-alive\r\nHost: 127.0.0.1:" +
                                   std::to_string(server.port()) + "\r\n\r\n");
  EXPECT_EQ(answer.body, "abc");
  EXPECT_EQ(answer.headers.at("connection"), "close");
}

TEST(Stream, GivenUpInTheMiddleHasNoLastChunk) {
  TestServer server;
  for (const RunMode run : {RunMode::kInline, RunMode::kPool}) {
    server.Mount(
        "GET", run == RunMode::kInline ? "/inline" : "/pool",
        [](Handle<Exchange> e) {
          ASSERT_TRUE(e->Begin(200, {}).ok());
          ASSERT_TRUE(e->Write(Buffer::Own(std::string("part"))).ok());
        },
        run);
  }
  for (const char* path : {"/inline", "/pool"}) {
    Client client(server.port());
    client.Send(server.Req("GET", path));
    const Answer answer = client.Read();
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "part");
    EXPECT_FALSE(answer.complete);
  }
}

TEST(Stream, AWriterWaitsForASlowReader) {
  TestServer server;
  constexpr size_t kTotal = 20'000'000;
  constexpr size_t kPiece = 50'000;
  std::atomic<size_t> most_ahead{0};
  server.Mount(
      "GET", "/big",
      [&](Handle<Exchange> e) {
        ASSERT_TRUE(e->Begin(200, {}).ok());
        for (size_t sent = 0; sent < kTotal; sent += kPiece) {
          if (!e->WaitWritable()) return;
          auto credit = e->Write(Buffer::Own(std::string(kPiece, 'x')));
          ASSERT_TRUE(credit.ok());
          most_ahead = sent;
        }
        e->Finish();
      },
      RunMode::kPool);
  Client client(server.port());
  client.Send(server.Req("GET", "/big"));
  const Answer answer = client.Read();
  EXPECT_TRUE(answer.complete);
  EXPECT_EQ(answer.body.size(), kTotal);
}

TEST(Stream, AWriterIsToldWhenTheClientVanishes) {
  TestServer server;
  std::mutex mutex;
  std::condition_variable changed;
  bool ended = false;
  server.Mount(
      "GET", "/endless",
      [&](Handle<Exchange> e) {
        ASSERT_TRUE(e->Begin(200, {}).ok());
        while (e->WaitWritable() && e->Write(Buffer::Own(std::string(10'000, 'x'))).ok()) {
        }
        EXPECT_TRUE(e->PeerGone());
        e.Reset();
        std::lock_guard lock(mutex);
        ended = true;
        changed.notify_all();
      },
      RunMode::kPool);
  for (int round = 0; round < 20; ++round) {
    ended = false;
    Client client(server.port());
    client.Send(server.Req("GET", "/endless"));
    ASSERT_TRUE(client.HasInput(20'000));
    client.Reset();
    std::unique_lock lock(mutex);
    EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(20), [&] { return ended; }));
  }
}

// A parked stream: written to from outside, ended by the client or by the server's drain.
struct Parked {
  std::mutex mutex;
  std::condition_variable changed;
  Handle<Exchange> exchange;
  int closed = 0;
  int writable = 0;
  Callback OnClosed() {
    return {[](void* state) noexcept {
              auto* self = static_cast<Parked*>(state);
              std::lock_guard lock(self->mutex);
              ++self->closed;
              self->changed.notify_all();
            },
            this};
  }
  Callback OnWritable() {
    return {[](void* state) noexcept {
              auto* self = static_cast<Parked*>(state);
              std::lock_guard lock(self->mutex);
              ++self->writable;
              self->changed.notify_all();
            },
            this};
  }
  template <class Predicate>
  bool WaitFor(Predicate predicate) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(20), predicate);
  }
};

void MountParked(TestServer& server, Parked& parked) {
  server.Mount("GET", "/events", [&](Handle<Exchange> e) {
    EXPECT_TRUE(e->Begin(200, {&kEvents, 1}).ok());
    e->OnClosed(parked.OnClosed());
    std::lock_guard lock(parked.mutex);
    parked.exchange = std::move(e);
    parked.changed.notify_all();
  });
}

TEST(Stream, AParkedClientHoldsNoThreadAndGetsItsEvents) {
  TestServer server;
  server.MountEcho();
  Parked parked;
  MountParked(server, parked);
  Client client(server.port());
  client.Send(server.Req("GET", "/events"));
  ASSERT_TRUE(parked.WaitFor([&] { return static_cast<bool>(parked.exchange); }));
  EXPECT_EQ(server.Ask(server.Req("GET", "/echo")).body, "hello");
  ASSERT_TRUE(parked.exchange->Write(Buffer::Own(std::string("data: 1\n\n"))).ok());
  parked.exchange->Finish();
  parked.exchange.Reset();
  EXPECT_EQ(client.Read().body, "data: 1\n\n");
  EXPECT_EQ(parked.closed, 0);
}

TEST(Stream, AParkedStreamIsToldOfItsClientsEnd) {
  TestServer server;
  Parked parked;
  MountParked(server, parked);
  for (int round = 1; round <= 10; ++round) {
    {
      Client client(server.port());
      client.Send(server.Req("GET", "/events"));
      ASSERT_TRUE(parked.WaitFor([&] { return static_cast<bool>(parked.exchange); }));
    }
    EXPECT_TRUE(parked.WaitFor([&] { return parked.closed == round; }));
    EXPECT_TRUE(parked.exchange->PeerGone());
    parked.exchange.Reset();
  }
}

TEST(Stream, OnWritableComesOnceTheClientReads) {
  TestServer server;
  Parked parked;
  MountParked(server, parked);
  Client client(server.port());
  client.Send(server.Req("GET", "/events"));
  ASSERT_TRUE(parked.WaitFor([&] { return static_cast<bool>(parked.exchange); }));
  size_t written = 0;
  while (true) {  // until the window and the socket's buffers are full
    auto credit = parked.exchange->Write(Buffer::Own(std::string(100'000, 'y')));
    ASSERT_TRUE(credit.ok());
    written += 100'000;
    if (*credit == 0 && written > 8'000'000) break;
  }
  parked.exchange->OnWritable(parked.OnWritable());
  std::thread reader([&] { EXPECT_EQ(client.Read().body.size(), written); });
  EXPECT_TRUE(parked.WaitFor([&] { return parked.writable == 1; }));
  parked.exchange->Finish();
  parked.exchange.Reset();
  reader.join();
}

TEST(Stream, DrainAsksParkedStreamsToEnd) {
  TestServer server;
  Parked parked;
  MountParked(server, parked);
  Client client(server.port());
  client.Send(server.Req("GET", "/events"));
  ASSERT_TRUE(parked.WaitFor([&] { return static_cast<bool>(parked.exchange); }));
  std::thread stopper([&] { server.host().Stop(); });
  EXPECT_TRUE(parked.WaitFor([&] { return parked.closed == 1; }));
  parked.exchange->Finish();
  parked.exchange.Reset();
  EXPECT_TRUE(client.Read().complete);
  stopper.join();
}

void MountSum(TestServer& server, std::atomic<int>& failures) {
  server.Mount(
      "POST", "/sum",
      [&failures](Handle<Exchange> e) {
        uint64_t bytes = 0;
        while (true) {
          auto part = e->ReadBody();
          if (!part.ok()) {
            ++failures;
            return SendText(*e, 400, std::string(part.status().message()));
          }
          if (part->empty()) break;
          bytes += part->size();
        }
        SendText(*e, 200, std::to_string(bytes));
      },
      RunMode::kPool, BodyMode::kStreamed, "application/x-ndjson");
}

TEST(Stream, ReadsBodiesWithoutHoldingThem) {
  TestServer server;
  std::atomic<int> failures{0};
  MountSum(server, failures);
  const std::string type = "Content-Type: application/x-ndjson\r\n";
  Client client(server.port());
  for (const size_t size : {1u, 5000u, 20'000'000u}) {
    std::thread sender(
        [&] { client.Send(server.Req("POST", "/sum", type, std::string(size, 'z'))); });
    EXPECT_EQ(client.Read().body, std::to_string(size));
    sender.join();
    std::string chunked = server.Req("POST", "/sum", type + "Transfer-Encoding: chunked\r\n");
    char head[16];
    std::snprintf(head, sizeof(head), "%zx\r\n", size);
    chunked += head + std::string(size, 'z') + "\r\n0\r\n\r\n";
    std::thread chunk_sender([&] { client.Send(chunked); });
    EXPECT_EQ(client.Read().body, std::to_string(size));
    chunk_sender.join();
  }
  client.Send(server.Req("POST", "/sum", type));
  EXPECT_EQ(client.Read().body, "0");
  EXPECT_EQ(failures, 0);
}

TEST(Stream, ABodyThatEndsEarlyOrIsMalformedFailsItsReader) {
  TestServer server;
  std::atomic<int> failures{0};
  MountSum(server, failures);
  const std::string type = "Content-Type: application/x-ndjson\r\n";
  Client vanishing(server.port());
  vanishing.Send(server.Req("POST", "/sum", type + "Content-Length: 100\r\n") + "abc");
  vanishing.CloseSending();
  EXPECT_EQ(vanishing.Read().status, 400);
  Client malformed(server.port());
  malformed.Send(server.Req("POST", "/sum", type + "Transfer-Encoding: chunked\r\n") + "3\r\nabcX");
  EXPECT_EQ(malformed.Read().status, 400);
  EXPECT_TRUE(malformed.ReadEnd());
  EXPECT_EQ(failures, 2);
}

// Whether a client that has closed its sending side waits for its answer, only writing can tell.
TEST(Stream, AClientThatSendsNoMoreGetsItsWholeAnswer) {
  constexpr size_t kParts = 100;
  TestServer server;
  const auto wait_for_end = [](Exchange& e) {
    while (!e.PeerGone()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  };
  server.Mount(
      "GET", "/streamed",
      [&](Handle<Exchange> e) {
        wait_for_end(*e);
        ASSERT_TRUE(e->Begin(200, {}).ok());
        for (size_t i = 0; i < kParts && e->WaitWritable(); ++i) {
          ASSERT_TRUE(e->Write(Buffer::Own(std::string(10'000, 'x'))).ok());
        }
        e->Finish();
      },
      RunMode::kPool);
  server.Mount(
      "GET", "/whole",
      [&](Handle<Exchange> e) {
        wait_for_end(*e);
        SendText(*e, 200, "all of it");
      },
      RunMode::kPool);
  Client streamed(server.port());
  streamed.Send(server.Req("GET", "/streamed"));
  streamed.CloseSending();
  const Answer answer = streamed.Read();
  EXPECT_TRUE(answer.complete);
  EXPECT_EQ(answer.body.size(), kParts * 10'000);
  EXPECT_TRUE(streamed.ReadEnd());
  Client whole(server.port());
  whole.Send(server.Req("GET", "/whole"));
  whole.CloseSending();
  EXPECT_EQ(whole.Read().body, "all of it");
  EXPECT_TRUE(whole.ReadEnd());
}

TEST(Stream, WhatAHandlerDoesNotReadIsSkippedOrEndsTheConnection) {
  TestServer server;
  server.MountEcho();
  server.Mount(
      "POST", "/ignore", [](Handle<Exchange> e) { SendText(*e, 200, "no thanks"); }, RunMode::kPool,
      BodyMode::kStreamed, "*/*");
  Client small(server.port());
  small.Send(server.Req("POST", "/ignore", {}, std::string(900'000, 's')) +
             server.Req("GET", "/echo"));
  EXPECT_EQ(small.Read().body, "no thanks");
  EXPECT_EQ(small.Read().body, "hello");
  Client large(server.port());
  std::thread sender(
      [&] { large.Send(server.Req("POST", "/ignore", {}, std::string(30'000'000, 'l'))); });
  const Answer answer = large.Read();
  EXPECT_EQ(answer.body, "no thanks");
  EXPECT_EQ(answer.headers.at("connection"), "close");
  sender.join();
}

}  // namespace
}  // namespace nexadb::http
