// Requests over real sockets: routing, bodies, keep-alive, pipelining, access, life.
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "nexadb/bson.h"
#include "plugins/http-server/testing/fixture.h"

namespace nexadb::http {
namespace {

TEST(HttpServer, AnswersOneRequestAfterTheOtherOnOneConnection) {
  TestServer server;
  server.MountEcho();
  Client client(server.port());
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(client.Send(server.Req("GET", "/echo")));
    const Answer answer = client.Read();
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "hello");
    EXPECT_EQ(answer.headers.at("content-length"), "5");
    EXPECT_EQ(answer.headers.at("x-request-id").size(), 16u);
    EXPECT_TRUE(answer.headers.contains("date"));
  }
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  TestServer server;
  std::atomic<int> served{0};
  const auto number = [&served](Handle<Exchange> e) {
    SendText(*e, 200, std::string(std::string_view(e->Captures()[0])));
    ++served;
  };
  server.Mount("GET", "/inline/{n}", number);
  server.Mount("GET", "/pool/{n}", number, RunMode::kPool);
  Client client(server.port());
  std::string all;
  constexpr int kRequests = 2000;
  for (int i = 0; i < kRequests; ++i) {
    all += server.Req("GET", (i % 3 == 0 ? "/pool/" : "/inline/") + std::to_string(i));
  }
  std::thread sender([&] { client.Send(all); });
  for (int i = 0; i < kRequests; ++i) ASSERT_EQ(client.Read().body, std::to_string(i));
  sender.join();
  EXPECT_EQ(served, kRequests);
}

TEST(HttpServer, TakesBodiesOfEverySizeAndForm) {
  TestServer server;
  server.MountEcho();
  Client client(server.port());
  for (const size_t size : {1u, 100u, 15'000u, 17'000u, 70'000u, 3'000'000u}) {
    const std::string body(size, 'b');
    std::thread sender([&] { client.Send(server.Req("POST", "/echo", kJson, body)); });
    EXPECT_TRUE(client.Read().body == body) << size;
    sender.join();
    std::string chunked =
        server.Req("POST", "/echo", std::string(kJson) + "Transfer-Encoding: chunked\r\n");
    for (size_t at = 0; at < size; at += 4000) {
      const std::string piece = body.substr(at, 4000);
      char head[16];
      std::snprintf(head, sizeof(head), "%zx\r\n", piece.size());
      chunked += head + piece + "\r\n";
    }
    chunked += "0\r\n\r\n";
    // The next request rides behind the last chunk.
    std::thread chunk_sender([&] { client.Send(chunked + server.Req("GET", "/echo")); });
    EXPECT_TRUE(client.Read().body == body) << size;
    EXPECT_EQ(client.Read().body, "hello");
    chunk_sender.join();
  }
}

TEST(HttpServer, SplitsARequestAnywhere) {
  TestServer server;
  server.MountEcho();
  const std::string request = server.Req("POST", "/echo", kJson, "[1, 2]");
  for (size_t cut = 1; cut < request.size(); ++cut) {
    Client client(server.port());
    client.Send(request.substr(0, cut));
    client.Send(request.substr(cut));
    ASSERT_EQ(client.Read().body, "[1, 2]") << cut;
  }
}

TEST(HttpServer, HeadSendsTheLengthAndNoBody) {
  TestServer server;
  server.MountEcho();
  Client client(server.port());
  client.Send(server.Req("HEAD", "/echo") + server.Req("GET", "/echo"));
  EXPECT_EQ(client.ReadHeadOnly().headers.at("content-length"), "5");
  EXPECT_EQ(client.Read().body, "hello");
}

TEST(HttpServer, Http10ClosesUnlessAskedToKeepAlive) {
  TestServer server;
  server.MountEcho();
  const std::string host = "Host: 127.0.0.1:" + std::to_string(server.port()) + "\r\n";
  Client once(server.port());
  once.Send("GET /echo HTTP/1.0\r\n" + host + "\r\n");
  EXPECT_EQ(once.Read().body, "hello");
  EXPECT_TRUE(once.ReadEnd());
  Client kept(server.port());
  for (int i = 0; i < 2; ++i) {
    kept.Send("GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n" + host + "\r\n");
    const Answer answer = kept.Read();
    EXPECT_EQ(answer.body, "hello");
    EXPECT_EQ(answer.headers.at("connection"), "keep-alive");
  }
}

TEST(HttpServer, SendsNoHeaderThatSplitsTheAnswer) {
  TestServer server;
  server.Mount("GET", "/split", [](Handle<Exchange> e) {
    const HttpHeader headers[] = {{"X-A", "a\r\nX-B: b"}, {"Content-Length", "9"}, {"X-C", "c"}};
    e->Send(200, {headers, 3}, {});
  });
  const Answer answer = server.Ask(server.Req("GET", "/split"));
  EXPECT_EQ(answer.headers.count("x-b") + answer.headers.count("x-a"), 0u);
  EXPECT_EQ(answer.headers.at("content-length"), "0");
  EXPECT_EQ(answer.headers.at("x-c"), "c");
}

TEST(HttpServer, EchoesASaneRequestIdAndMakesOneOtherwise) {
  TestServer server;
  server.MountEcho();
  EXPECT_EQ(
      server.Ask(server.Req("GET", "/echo", "X-Request-Id: abc-1\r\n")).headers.at("x-request-id"),
      "abc-1");
  for (const std::string& id : {std::string("a b"), std::string(129, 'x')}) {
    EXPECT_NE(server.Ask(server.Req("GET", "/echo", "X-Request-Id: " + id + "\r\n"))
                  .headers.at("x-request-id"),
              id);
  }
}

TEST(HttpServer, UnansweredIs500AndUnknownIs404And405) {
  TestServer server;
  server.MountEcho();
  server.Mount("GET", "/forgets", [](Handle<Exchange>) {});
  server.Mount(
      "GET", "/pool", [](Handle<Exchange>) {}, RunMode::kPool);
  Client client(server.port());
  for (const char* path : {"/forgets", "/pool"}) {
    client.Send(server.Req("GET", path));
    const Answer answer = client.Read();
    EXPECT_EQ(answer.status, 500);
    EXPECT_NE(answer.body.find("\"internal\""), std::string::npos);
  }
  client.Send(server.Req("GET", "/nowhere"));
  EXPECT_EQ(client.Read().status, 404);
  client.Send(server.Req("DELETE", "/echo"));
  const Answer wrong = client.Read();
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.headers.at("allow"), "GET, HEAD, POST");
  client.Send(server.Req("OPTIONS", "/echo"));
  EXPECT_EQ(client.Read().status, 405);
  client.Send(server.Req("GET", "/echo/%zz"));
  EXPECT_EQ(client.Read().status, 400);
}

TEST(HttpServer, CapturesAreDecoded) {
  TestServer server;
  server.Mount("GET", "/c/{a}/{b}", [](Handle<Exchange> e) {
    std::string out(std::string_view(e->Path()));
    for (const StringView capture : e->Captures())
      out += "|" + std::string(std::string_view(capture));
    SendText(*e, 200, out + "?" + std::string(std::string_view(e->Query())));
  });
  EXPECT_EQ(server.Ask(server.Req("GET", "/c/a%2Fb%20/%C3%A9?x=%41")).body,
            "/c/a%2Fb%20/%C3%A9|a/b |\xC3\xA9?x=%41");
  EXPECT_EQ(server.Ask(server.Req("GET", "/c/a/%00")).status, 400);
  EXPECT_EQ(server.Ask(server.Req("GET", "/c/a/%FF")).status, 400);
}

TEST(HttpServer, MovesAnInlineRequestToThePool) {
  TestServer server;
  std::atomic<bool> moved{false};
  const std::thread::id here = std::this_thread::get_id();
  LambdaHandler slow([&](Handle<Exchange> e) {
    moved = std::this_thread::get_id() != here;
    SendText(*e, 200, "from the pool");
  });
  server.Mount("GET", "/move",
               [&](Handle<Exchange> e) { server.router().MoveToPool(std::move(e), slow); });
  Client client(server.port());
  for (int i = 0; i < 20; ++i) {
    client.Send(server.Req("GET", "/move"));
    EXPECT_EQ(client.Read().body, "from the pool");
  }
  EXPECT_TRUE(moved);
}

TEST(HttpServer, ForeignHostsAndOriginsAreTurnedAway) {
  TestServer server;
  server.MountEcho();
  const std::string port = std::to_string(server.port());
  const auto with_host = [&](const std::string& host) {
    return server.Ask("GET /echo HTTP/1.1\r\nHost: " + host + "\r\n\r\n").status;
  };
  EXPECT_EQ(with_host("localhost:" + port), 200);
  EXPECT_EQ(with_host("LOCALHOST:" + port), 200);
  EXPECT_EQ(with_host("[::1]:" + port), 200);
  for (const std::string& host :
       {std::string("evil.test:") + port, std::string("127.0.0.1"), std::string("127.0.0.1:1"),
        std::string("localhost:") + port + "0", std::string("")}) {
    EXPECT_EQ(with_host(host), 421) << host;
  }
  EXPECT_EQ(server.Ask("GET http://evil.test/echo HTTP/1.1\r\nHost: 127.0.0.1:" + port + "\r\n\r\n")
                .status,
            421);
  const auto with = [&](const std::string& headers) {
    return server.Ask(server.Req("GET", "/echo", headers)).status;
  };
  EXPECT_EQ(with("Origin: http://127.0.0.1:" + port + "\r\n"), 200);
  EXPECT_EQ(with("Sec-Fetch-Site: same-origin\r\n"), 200);
  EXPECT_EQ(with("Origin: http://evil.test\r\n"), 403);
  EXPECT_EQ(with("Origin: null\r\n"), 403);
  EXPECT_EQ(with("Origin: http://127.0.0.1:1\r\n"), 403);
  EXPECT_EQ(with("Sec-Fetch-Site: cross-site\r\n"), 403);
}

TEST(HttpServer, ListedOriginsGetCors) {
  TestServer server(R"("cors": {"origins": ["https://app.test"]})");
  server.MountEcho();
  const Answer allowed = server.Ask(
      server.Req("GET", "/echo", "Origin: https://app.test\r\nSec-Fetch-Site: cross-site\r\n"));
  EXPECT_EQ(allowed.status, 200);
  EXPECT_EQ(allowed.headers.at("access-control-allow-origin"), "https://app.test");
  EXPECT_EQ(allowed.headers.at("vary"), "Origin");
  EXPECT_EQ(server.Ask(server.Req("GET", "/echo", "Origin: https://other.test\r\n")).status, 403);
  const Answer preflight = server.Ask(server.Req(
      "OPTIONS", "/echo", "Origin: https://app.test\r\nAccess-Control-Request-Method: POST\r\n"));
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.headers.at("access-control-allow-methods"), "GET, HEAD, POST");
  EXPECT_EQ(server.Ask(server.Req("GET", "/echo")).headers.count("access-control-allow-origin"),
            0u);
}

TEST(HttpServer, BodiesOfForeignTypesAre415) {
  TestServer server;
  server.MountEcho();
  server.Mount(
      "PUT", "/raw", [](Handle<Exchange> e) { SendText(*e, 200, "raw"); }, RunMode::kInline,
      BodyMode::kBuffered, "*/*");
  const auto post = [&](const std::string& headers) {
    return server.Ask(server.Req("POST", "/echo", headers, "{}")).status;
  };
  EXPECT_EQ(post("Content-Type: application/json\r\n"), 200);
  EXPECT_EQ(post("Content-Type: Application/JSON; charset=UTF-8\r\n"), 200);
  EXPECT_EQ(post("Content-Type: application/json; charset=utf-16\r\n"), 415);
  EXPECT_EQ(post("Content-Type: text/plain\r\n"), 415);
  EXPECT_EQ(post("Content-Type: application/x-www-form-urlencoded\r\n"), 415);
  EXPECT_EQ(post(""), 415);
  EXPECT_EQ(server.Ask(server.Req("PUT", "/raw", "Content-Type: image/png\r\n", "x")).status, 200);
  EXPECT_EQ(server.Ask(server.Req("POST", "/echo")).status, 200);
}

TEST(HttpServer, ExpectContinueIsAnsweredBeforeTheBody) {
  TestServer server;
  server.MountEcho();
  Client client(server.port());
  client.Send("POST /echo HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port()) +
              "\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n"
              "Content-Length: 2\r\n\r\n");
  EXPECT_EQ(client.Read().status, 100);
  client.Send("{}");
  EXPECT_EQ(client.Read().body, "{}");
}

TEST(HttpServer, ABodyThatNobodyAskedForEndsTheConnectionOfAClientThatWaits) {
  TestServer server;
  server.Mount(
      "GET", "/none", [](Handle<Exchange> e) { SendText(*e, 200, "ok"); }, RunMode::kInline,
      BodyMode::kNone);
  Client client(server.port());
  client.Send(server.Req("GET", "/none", "Expect: 100-continue\r\nContent-Length: 5\r\n"));
  EXPECT_EQ(client.Read().headers.at("connection"), "close");
  // Without Expect the body is there, and is skipped.
  Client sender(server.port());
  sender.Send(server.Req("GET", "/none", {}, "ignored") + server.Req("GET", "/none"));
  EXPECT_EQ(sender.Read().body, "ok");
  EXPECT_EQ(sender.Read().body, "ok");
}

TEST(HttpServer, UnmountingWaitsForItsHandlersAndEndsTheRoute) {
  TestServer server;
  std::atomic<bool> inside{false};
  std::atomic<bool> go{false};
  server.Mount(
      "GET", "/slow",
      [&](Handle<Exchange> e) {
        inside = true;
        inside.notify_all();
        go.wait(false);
        SendText(*e, 200, "done");
      },
      RunMode::kPool);
  Client client(server.port());
  client.Send(server.Req("GET", "/slow"));
  inside.wait(false);
  std::atomic<bool> unmounted{false};
  std::thread unmounter([&] {
    server.mounts().clear();
    unmounted = true;
  });
  // The route is gone at once, its handler still runs. Asked by a method that it does not have: a
  // GET that comes too early would be one more that is held.
  while (server.Ask(server.Req("DELETE", "/slow")).status != 404) {
  }
  EXPECT_FALSE(unmounted);
  go = true;
  go.notify_all();
  unmounter.join();
  EXPECT_EQ(client.Read().body, "done");
}

TEST(HttpServer, ARouteIsMountedOnce) {
  TestServer server;
  server.MountEcho();
  LambdaHandler handler([](Handle<Exchange>) {});
  Route route;
  route.method = "GET";
  route.pattern = "/echo";
  EXPECT_EQ(server.router().Attach(route, handler).status().code(), Code::kConflict);
  route.pattern = "echo";
  EXPECT_EQ(server.router().Attach(route, handler).status().code(), Code::kInvalidArgument);
}

TEST(HttpServer, SaysWhichPortIsTaken) {
  TestServer server;
  testkit::HostOptions options;
  options.data_directory = "/tmp";
  options.config = R"({"listen": ["127.0.0.1:)" + std::to_string(server.port()) + R"("]})";
  auto second = testkit::PluginHost::Open(NEXADB_HTTP_SERVER_LIBRARY, options);
  ASSERT_TRUE(second.ok()) << second.status().message();
  const Status started = (*second)->Start();
  EXPECT_EQ(started.code(), Code::kConflict);
  EXPECT_NE(started.message().find("127.0.0.1:" + std::to_string(server.port())),
            std::string_view::npos);
  EXPECT_NE(started.message().find("ss -ltnp"), std::string_view::npos);
}

TEST(HttpServer, ARouteOfOneOwnerTakesTheEarlierOnesPlaceUntilItGoes) {
  TestServer server;
  LambdaHandler first([](Handle<Exchange> e) { SendText(*e, 200, "first"); });
  LambdaHandler second([](Handle<Exchange> e) { SendText(*e, 200, "second"); });
  Route route;
  route.method = "GET";
  route.pattern = "/who";
  route.run = RunMode::kInline;
  route.owner = "rest";
  auto earlier = server.router().Attach(route, first);
  auto later = server.router().Attach(route, second);
  ASSERT_TRUE(earlier.ok() && later.ok());
  route.owner = "other";
  EXPECT_EQ(server.router().Attach(route, first).status().code(), Code::kConflict);
  route.owner = {};
  EXPECT_EQ(server.router().Attach(route, first).status().code(), Code::kConflict);
  const std::string request = server.Req("GET", "/who");
  EXPECT_EQ(server.Ask(request).body, "second");
  later->Reset();
  EXPECT_EQ(server.Ask(request).body, "first");
  route.owner = "rest";
  later = server.router().Attach(route, second);
  earlier->Reset();
  EXPECT_EQ(server.Ask(request).body, "second");
}

TEST(HttpServer, WhereOthersCanCallNobodyCountsAsACallerFromThisMachine) {
  for (const bool reachable : {false, true}) {
    TestServer server("", reachable ? R"("0.0.0.0:0")" : R"("127.0.0.1:0")");
    server.Mount("GET", "/where", [](Handle<Exchange> e) {
      SendText(*e, 200, e->PeerIsLoopback() ? "loopback" : "far");
    });
    EXPECT_EQ(server.Ask(server.Req("GET", "/where")).body, reachable ? "far" : "loopback");
  }
}

TEST(HttpServer, DevModeDoesNotStartWhereOthersCanCall) {
  for (const bool reachable : {false, true}) {
    testkit::HostOptions options;
    options.dev_mode = true;
    options.config = reachable ? R"({"listen": ["0.0.0.0:0"]})" : R"({"listen": ["127.0.0.1:0"]})";
    auto host = testkit::PluginHost::Open(NEXADB_HTTP_SERVER_LIBRARY, options);
    EXPECT_EQ(host.status().code(), reachable ? Code::kInvalidArgument : Code::kOk)
        << host.status().message();
  }
}

TEST(HttpServer, ABodyThatArrivesAfterItsRouteWasReplacedGoesToTheSuccessor) {
  TestServer server;
  LambdaHandler first([](Handle<Exchange> e) { SendText(*e, 200, "first"); });
  LambdaHandler second(
      [](Handle<Exchange> e) { SendText(*e, 200, "second " + std::string(AsText(e->Body()))); });
  Route route;
  route.method = "POST";
  route.pattern = "/who";
  route.body = BodyMode::kBuffered;
  route.owner = "rest";
  auto earlier = server.router().Attach(route, first);
  ASSERT_TRUE(earlier.ok());
  Client client(server.port());
  const std::string request = server.Req("POST", "/who", kJson, "[1,2]");
  client.Send(request.substr(0, request.size() - 2));
  EXPECT_FALSE(client.HasInput(50));
  auto later = server.router().Attach(route, second);
  ASSERT_TRUE(later.ok());
  earlier->Reset();
  client.Send(request.substr(request.size() - 2));
  EXPECT_EQ(client.Read().body, "second [1,2]");
}

TEST(HttpServer, DrainFinishesWhatRunsUnderLoad) {
  auto server = std::make_unique<TestServer>();
  std::atomic<int> started{0};
  server->Mount(
      "GET", "/work",
      [&](Handle<Exchange> e) {
        ++started;
        SendText(*e, 200, std::string(2000, 'w'));
      },
      RunMode::kPool);
  const std::string request = server->Req("GET", "/work");
  const uint16_t port = server->port();
  std::atomic<int> incomplete{0};
  std::atomic<int> answered{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&] {
      while (true) {
        Client client(port);
        if (!client.connected()) return;
        for (int n = 0; n < 1000; ++n) {
          if (!client.Send(request)) break;
          const Answer answer = client.Read();
          if (answer.status == 0) break;  // closed between requests, before one was taken up
          ++answered;
          if (!answer.complete) ++incomplete;
          if (answer.headers.contains("connection")) break;
        }
      }
    });
  }
  while (started < 500) std::this_thread::yield();
  server->host().Stop();
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(incomplete, 0);
  EXPECT_EQ(answered, started);
}

TEST(HttpServer, RequestsThatAreHeldPastStopOutliveTheServer) {
  auto server = std::make_unique<TestServer>(R"("release_timeout": "50ms")");
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<Handle<Exchange>> held;
  server->Mount(
      "POST", "/held",
      [&](Handle<Exchange> e) {
        std::lock_guard lock(mutex);
        held.push_back(std::move(e));
        changed.notify_all();
      },
      RunMode::kPool);
  const std::string body(300'000, 'b');  // read into memory of the server's budget
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<Client>(server->port()));
    clients.back()->Send(server->Req("POST", "/held", kJson, body));
  }
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return held.size() == 3; });
  }
  server.reset();
  held[0].Reset();
  for (size_t i = 1; i < held.size(); ++i) {
    EXPECT_TRUE(held[i]->PeerGone());
    EXPECT_EQ(AsText(held[i]->Body()), body);
    EXPECT_EQ(std::string_view(held[i]->Path()), "/held");
  }
  EXPECT_FALSE(held[1]->Begin(200, {}).ok());
  held[1].Reset();
  SendText(*held[2], 200, "too late");
  held[2].Reset();
}

TEST(HttpServer, LimitsAndMetricsAreTold) {
  TestServer server(R"("body_bytes_max": "1MiB")");
  server.MountEcho();
  EXPECT_EQ(server.Ask(server.Req("GET", "/echo")).status, 200);
  auto limits = server.router().Limits();
  ASSERT_TRUE(limits.ok());
  ASSERT_EQ(bson::Validate(limits->bytes()), nullptr);
  const bson::Document body_limit = bson::Document(limits->bytes())["body_bytes_max"].value().Doc();
  EXPECT_EQ(body_limit["value"].value().Int64(), 1024 * 1024);
  EXPECT_EQ(body_limit["error"].value().Text(), "body_too_large");
  // The client may read its answer before it is counted.
  while (server.host().Metric("nexadb_http_requests_total") < 1) std::this_thread::yield();
  EXPECT_EQ(server.host().Metric("nexadb_http_requests_total"), 1);
  EXPECT_EQ(server.host().Metric("nexadb_http_connections_total"), 1);
}

}  // namespace
}  // namespace nexadb::http
