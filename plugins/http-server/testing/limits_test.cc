// Every limit at its edge, and every timer with a short configuration.
#include <thread>

#include "plugins/http-server/testing/fixture.h"

namespace nexadb::http {
namespace {

TEST(Limits, RequestLineAndHeadersAtTheEdge) {
  TestServer server;
  server.Mount("GET", "/{rest...}", [](Handle<Exchange> e) { SendText(*e, 200, "ok"); });
  const size_t line_rest = std::string("GET / HTTP/1.1").size();
  EXPECT_EQ(server.Ask(server.Req("GET", "/" + std::string(8192 - line_rest, 'a'))).status, 200);
  EXPECT_EQ(server.Ask(server.Req("GET", "/" + std::string(8193 - line_rest, 'a'))).status, 414);
  const std::string host = "Host: 127.0.0.1:" + std::to_string(server.port()) + "\r\n";
  const auto with_header_bytes = [&](size_t bytes) {
    const std::string filler(bytes - host.size() - 5, 'h');
    return server.Ask("GET / HTTP/1.1\r\n" + host + "X: " + filler + "\r\n\r\n").status;
  };
  EXPECT_EQ(with_header_bytes(16384), 200);
  EXPECT_EQ(with_header_bytes(16385), 431);
  const auto with_headers = [&](int count) {
    std::string more;
    for (int i = 1; i < count; ++i) more += "X-" + std::to_string(i) + ": y\r\n";
    return server.Ask(server.Req("GET", "/", more)).status;
  };
  EXPECT_EQ(with_headers(100), 200);
  EXPECT_EQ(with_headers(101), 431);
}

TEST(Limits, BodiesAtTheEdgeAndTheClientReadsTheAnswer) {
  TestServer server(R"("body_bytes_max": "100KiB")");
  server.MountEcho();
  server.Mount(
      "POST", "/small", [](Handle<Exchange> e) { SendText(*e, 200, "ok"); }, RunMode::kInline,
      BodyMode::kBuffered, "application/json", 10);
  Client client(server.port());
  client.Send(server.Req("POST", "/small", kJson, std::string(10, '1')) +
              server.Req("POST", "/small", kJson, std::string(11, '1')) +
              server.Req("POST", "/echo", kJson, std::string(100 * 1024, '1')));
  EXPECT_EQ(client.Read().status, 200);
  EXPECT_EQ(client.Read().status, 413);
  // The refused body was skipped, so the connection goes on.
  EXPECT_EQ(client.Read().body.size(), 100u * 1024);
  client.Send(server.Req("POST", "/echo", std::string(kJson) + "Transfer-Encoding: chunked\r\n") +
              "b\r\n12345678901\r\n19000\r\n" + std::string(0x19000, '1') + "\r\n0\r\n\r\n");
  EXPECT_EQ(client.Read().status, 413);
  Client large(server.port());
  std::string request = server.Req("POST", "/echo", kJson, std::string(40'000'000, '1'));
  std::thread sender([&] { EXPECT_TRUE(large.Send(request)); });
  EXPECT_EQ(large.Read().status, 413);
  sender.join();
  EXPECT_TRUE(large.ReadEnd());
}

TEST(Limits, AllBodiesTogetherShareOneBudget) {
  TestServer server(R"("body_memory_bytes_max": "300KiB")");
  server.MountEcho();
  Client holder(server.port());
  const std::string head =
      server.Req("POST", "/echo", std::string(kJson) + "Content-Length: 200000\r\n");
  holder.Send(head + std::string(190'000, 'h'));
  // Wait until the first body is in memory.
  while (server.host().Metric("nexadb_http_buffered_body_bytes") < 190'000) {
    std::this_thread::yield();
  }
  const Answer refused = server.Ask(server.Req("POST", "/echo", kJson, std::string(200'000, 'x')));
  EXPECT_EQ(refused.status, 503);
  EXPECT_TRUE(refused.headers.contains("retry-after"));
  EXPECT_NE(refused.body.find("\"busy\""), std::string::npos);
  holder.Send(std::string(10'000, 'h'));
  EXPECT_EQ(holder.Read().body.size(), 200'000u);
  // A body's memory comes back behind the answer.
  const auto buffered = [&] { return server.host().Metric("nexadb_http_buffered_body_bytes"); };
  while (buffered() != 0) std::this_thread::yield();
  EXPECT_EQ(server.Ask(server.Req("POST", "/echo", kJson, std::string(200'000, 'x'))).status, 200);
  while (buffered() != 0) std::this_thread::yield();
}

TEST(Limits, ABodyThatComesByteByByteIsNotGivenMemoryForEach) {
  TestServer server;
  server.MountEcho();
  Client slow(server.port());
  const auto received = [&] { return server.host().Metric("nexadb_http_received_bytes_total"); };
  const auto send = [&](const std::string& bytes) {
    const double after = received() + static_cast<double>(bytes.size());
    ASSERT_TRUE(slow.Send(bytes));
    while (received() < after) std::this_thread::yield();
  };
  send(server.Req("POST", "/echo", std::string(kJson) + "Content-Length: 200000\r\n"));
  send("x");
  const double held = server.host().Metric("nexadb_http_buffered_body_bytes");
  EXPECT_GT(held, 0);
  for (int i = 0; i < 50; ++i) send("x");
  EXPECT_EQ(server.host().Metric("nexadb_http_buffered_body_bytes"), held);
  send(std::string(200'000 - 51, 'x'));
  EXPECT_EQ(slow.Read().body, std::string(200'000, 'x'));
}

TEST(Limits, ConnectionsPastTheLimitAre503) {
  TestServer server(R"("connections_max": 3)");
  server.MountEcho();
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<Client>(server.port()));
    clients.back()->Send(server.Req("GET", "/echo"));
    EXPECT_EQ(clients.back()->Read().status, 200);
  }
  Client fourth(server.port());
  const Answer refused = fourth.Read();
  // Over TLS nothing can be said before the handshake, which is refused.
  const bool told = DefaultTransport() == Transport::kPlain;
  EXPECT_EQ(refused.status, told ? 503 : 0);
  EXPECT_EQ(refused.body.find("too_many_connections") != std::string::npos, told);
  clients.pop_back();
  // The place is free once the server has seen the end.
  while (server.Ask(server.Req("GET", "/echo")).status != 200) std::this_thread::yield();
  TestServer per_address(R"("connections_per_address_max": 1)");
  Client first(per_address.port());
  per_address.MountEcho();
  first.Send(per_address.Req("GET", "/echo"));
  EXPECT_EQ(first.Read().status, 200);  // it was there before the second
  Client second(per_address.port());
  EXPECT_EQ(second.Read().status, told ? 503 : 0);
}

TEST(Limits, SlowHeadsAre408AndSilentConnectionsClose) {
  TestServer server(R"("header_timeout": "400ms", "idle_timeout": "400ms")");
  server.MountEcho();
  Client slow(server.port());
  slow.Send("GET /echo HTTP/1.1\r\nHos");
  const Answer answer = slow.Read();
  EXPECT_EQ(answer.status, 408);
  EXPECT_TRUE(slow.ReadEnd());
  Client silent(server.port());
  EXPECT_TRUE(silent.ReadEnd());
  Client idle(server.port());
  idle.Send(server.Req("GET", "/echo"));
  EXPECT_EQ(idle.Read().status, 200);
  EXPECT_TRUE(idle.ReadEnd());
}

TEST(Limits, DrippingDoesNotExtendTheTimeForAHead) {
  TestServer server(R"("header_timeout": "200ms")");
  server.MountEcho();
  Client client(server.port());
  client.Send("GET /echo HTTP/1.1\r\n");
  size_t sent = 0;
  while (!client.HasInput(1) && sent < 16'000) {
    client.Send("x");
    ++sent;
  }
  EXPECT_EQ(client.Read().status, 408);
}

TEST(Limits, SlowBodiesAre408) {
  TestServer server(R"("slow_body_window": "100ms")");
  server.MountEcho();
  Client client(server.port());
  client.Send(server.Req("POST", "/echo", std::string(kJson) + "Content-Length: 100\r\n") + "{");
  EXPECT_EQ(client.Read().status, 408);
  EXPECT_TRUE(client.ReadEnd());
}

TEST(Limits, AReaderThatStallsLosesItsConnection) {
  TestServer server(R"("write_timeout": "100ms")");
  server.Mount("GET", "/big",
               [](Handle<Exchange> e) { SendText(*e, 200, std::string(60'000'000, 'b')); });
  Client client(server.port());
  client.Send(server.Req("GET", "/big"));
  while (server.host().Metric("nexadb_http_open_connections") != 0 ||
         server.host().Metric("nexadb_http_requests_total") == 0) {
    std::this_thread::yield();
  }
  EXPECT_FALSE(client.Read().complete);
}

TEST(Limits, AreNotRaisedPastTheTable) {
  for (const char* config : {R"({"header_bytes_max": "17KiB"})", R"({"idle_timeout": "76s"})",
                             R"({"request_line_bytes_max": "0"})"}) {
    testkit::HostOptions options;
    options.data_directory = "/tmp";
    options.config = config;
    const auto host = testkit::PluginHost::Open(NEXADB_HTTP_SERVER_LIBRARY, options);
    EXPECT_FALSE(host.ok()) << config;
  }
}

}  // namespace
}  // namespace nexadb::http
