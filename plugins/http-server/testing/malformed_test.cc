// Requests that RFC 9112 or the server's limits do not allow: each is refused with its status, the
// connection is closed, and nothing behind it is taken for a second request.
#include <string>
#include <vector>

#include "plugins/http-server/testing/fixture.h"

namespace nexadb::http {
namespace {

struct Case {
  const char* name;
  std::string bytes;  // HOST stands for the host's value, NEXT for a whole request
  int status;
};

std::vector<Case> Cases() {
  const std::string get = "GET /echo HTTP/1.1\r\n";
  const std::string host = "Host: HOST\r\n";
  const std::string post =
      "POST /echo HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\n";
  return {
      {"bare LF everywhere", "GET /echo HTTP/1.1\nHost: HOST\n\n", 400},
      {"bare LF in the request line", "GET /echo HTTP/1.1\nHost: HOST\r\n\r\n", 400},
      {"bare LF in a header", get + "Host: HOST\nX: y\r\n\r\n", 400},
      {"bare LF at the end", get + host + "\n", 400},
      {"bare CR in a header", get + host + "X: a\rb\r\n\r\n", 400},
      {"bare CR for a line end", get + "Host: HOST\rX: y\r\n\r\n", 400},
      {"NUL in a header", get + host + std::string("X: a\0b\r\n\r\n", 11), 400},
      {"control character in a header", get + host + "X: a\x01z\r\n\r\n", 400},
      {"obs-fold", get + host + "X: a\r\n b\r\n\r\n", 400},
      {"obs-fold with a tab", get + host + "X: a\r\n\tb\r\n\r\n", 400},
      {"white space before the first header", get + " Host: HOST\r\n\r\n", 400},
      {"space before the colon", get + "Host : HOST\r\n\r\n", 400},
      {"tab before the colon", get + "Host\t: HOST\r\n\r\n", 400},
      {"no colon", get + host + "nonsense\r\n\r\n", 400},
      {"empty header name", get + host + ": x\r\n\r\n", 400},
      {"header name with brackets", get + host + "X(y): z\r\n\r\n", 400},
      {"header name beyond ASCII", get + host + "X\xC3\xA9: z\r\n\r\n", 400},
      {"HTTP/0.9", "GET /echo\r\n", 400},
      {"HTTP/2.0", "GET /echo HTTP/2.0\r\nHost: HOST\r\n\r\n", 505},
      {"HTTP/1.2", "GET /echo HTTP/1.2\r\nHost: HOST\r\n\r\n", 505},
      {"HTTP/0.9 spelled out", "GET /echo HTTP/0.9\r\nHost: HOST\r\n\r\n", 505},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"lower case version", "GET /echo http/1.1\r\nHost: HOST\r\n\r\n", 400},
      {"version of three digits", "GET /echo HTTP/1.10\r\nHost: HOST\r\n\r\n", 400},
      {"junk after the version", "GET /echo HTTP/1.1 x\r\nHost: HOST\r\n\r\n", 400},
      {"two spaces before the target", "GET  /echo HTTP/1.1\r\nHost: HOST\r\n\r\n", 400},
      {"two spaces before the version", "GET /echo  HTTP/1.1\r\nHost: HOST\r\n\r\n", 400},
      {"tab in the request line", "GET\t/echo HTTP/1.1\r\nHost: HOST\r\n\r\n", 400},
      {"space at the start", " GET /echo HTTP/1.1\r\nHost: HOST\r\n\r\n", 400},
      {"space at the request line's end", "GET /echo HTTP/1.1 \r\nHost: HOST\r\n\r\n", 400},
      {"UTF-8 target", "GET /\xC3\xA9 HTTP/1.1\r\nHost: HOST\r\n\r\n", 400},
      {"fragment in the target", "GET /echo#x HTTP/1.1\r\nHost: HOST\r\n\r\n", 400},
      {"target without slash", "GET echo HTTP/1.1\r\nHost: HOST\r\n\r\n", 400},
      {"asterisk for GET", "GET * HTTP/1.1\r\nHost: HOST\r\n\r\n", 400},
      {"unknown method", "BREW /echo HTTP/1.1\r\nHost: HOST\r\n\r\n", 501},
      {"CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: HOST\r\n\r\n", 501},
      {"TRACE", "TRACE / HTTP/1.1\r\nHost: HOST\r\n\r\n", 501},
      {"lower case method", "get /echo HTTP/1.1\r\nHost: HOST\r\n\r\n", 501},
      {"method that is no token", "G@T /echo HTTP/1.1\r\nHost: HOST\r\n\r\n", 400},
      {"TLS hello", std::string("\x16\x03\x01\x02\x00\x01", 6), 400},
      {"no Host", get + "X: y\r\n\r\n", 400},
      {"no Host in HTTP/1.0", "GET /echo HTTP/1.0\r\n\r\n", 400},
      {"two Hosts", get + host + host + "\r\n", 400},
      {"Content-Length and chunked",
       post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
              "0\r\n\r\nNEXT",
       400},
      {"chunked and Content-Length",
       post + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"
              "0\r\n\r\nNEXT",
       400},
      {"two Content-Lengths", post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhelloNEXT",
       400},
      {"the same Content-Length twice",
       post + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhelloNEXT", 400},
      {"Content-Length list", post + "Content-Length: 5, 5\r\n\r\nhelloNEXT", 400},
      {"signed Content-Length", post + "Content-Length: +5\r\n\r\nhelloNEXT", 400},
      {"negative Content-Length", post + "Content-Length: -5\r\n\r\nhelloNEXT", 400},
      {"hexadecimal Content-Length", post + "Content-Length: 0x5\r\n\r\nhelloNEXT", 400},
      {"Content-Length with a space", post + "Content-Length: 1 5\r\n\r\nhelloNEXT", 400},
      {"empty Content-Length", post + "Content-Length:\r\n\r\nhelloNEXT", 400},
      {"chunked in HTTP/1.0",
       "POST /echo HTTP/1.0\r\nHost: HOST\r\nContent-Type: "
       "application/json\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       400},
      {"chunked twice", post + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\nNEXT", 400},
      {"two Transfer-Encodings",
       post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nNEXT", 400},
      {"identity", post + "Transfer-Encoding: identity\r\n\r\n0\r\n\r\nNEXT", 400},
      {"xchunked", post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\nNEXT", 400},
      {"chunked with a parameter", post + "Transfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\nNEXT",
       400},
      {"chunked behind a vertical tab",
       post + "Transfer-Encoding: \x0b"
              "chunked\r\n\r\n0\r\n\r\nNEXT",
       400},
      {"gzip", post + "Transfer-Encoding: gzip\r\n\r\n0\r\n\r\nNEXT", 501},
      {"gzip, chunked", post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\nNEXT", 501},
      {"trailer", post + "Transfer-Encoding: chunked\r\n\r\n0\r\nX-Api-Key: k\r\n\r\nNEXT", 400},
      {"bare LF in a chunk", post + "Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\nNEXT", 400},
      {"chunk longer than its size",
       post + "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\nNEXT", 400},
      {"chunk size that is no number",
       post + "Transfer-Encoding: chunked\r\n\r\nzz\r\na\r\n0\r\n\r\nNEXT", 400},
      {"chunk size over 60 bits",
       post + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\na\r\n0\r\n\r\nNEXT", 400},
      {"chunk extension over 256 bytes",
       post + "Transfer-Encoding: chunked\r\n\r\n1;" + std::string(300, 'x') +
           "\r\na\r\n0\r\n\r\nNEXT",
       400},
      {"request line over 8 KiB",
       "GET /" + std::string(8192, 'a') + " HTTP/1.1\r\n" + host + "\r\n", 414},
      {"headers over 16 KiB", get + host + "X: " + std::string(16384, 'a') + "\r\n\r\n", 431},
      {"Content-Length over 64 bits", post + "Content-Length: 99999999999999999999\r\n\r\n", 400},
      {"Expect that is unknown", post + "Expect: tea\r\nContent-Length: 5\r\n\r\n", 400},
  };
}

std::string Fill(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

TEST(Malformed, IsRefusedAndNothingBehindItIsServed) {
  TestServer server;
  server.MountEcho();
  const std::string host = "127.0.0.1:" + std::to_string(server.port());
  for (const Case& malformed : Cases()) {
    SCOPED_TRACE(malformed.name);
    Client client(server.port());
    client.Send(Fill(Fill(malformed.bytes, "NEXT", server.Req("GET", "/echo")), "HOST", host));
    const Answer answer = client.Read();
    EXPECT_EQ(answer.status, malformed.status) << answer.body;
    EXPECT_EQ(answer.headers.at("content-type"), "application/problem+json");
    EXPECT_EQ(answer.headers.at("connection"), "close");
    EXPECT_NE(answer.body.find("\"code\":"), std::string::npos) << answer.body;
    EXPECT_TRUE(client.ReadEnd());
  }
  EXPECT_EQ(server.Ask(server.Req("GET", "/echo")).body, "hello");
}

TEST(Malformed, IsRefusedByteByByteToo) {
  TestServer server;
  server.MountEcho();
  const std::string host = "127.0.0.1:" + std::to_string(server.port());
  for (const Case& malformed : Cases()) {
    if (malformed.bytes.size() > 1000) continue;
    SCOPED_TRACE(malformed.name);
    Client client(server.port());
    const std::string bytes = Fill(Fill(malformed.bytes, "NEXT", ""), "HOST", host);
    // The server may have refused and closed before the last byte.
    for (const char byte : bytes) {
      if (!client.Send({&byte, 1})) break;
    }
    EXPECT_EQ(client.Read().status, malformed.status);
  }
}

TEST(Malformed, RandomDamageNeverStopsTheServer) {
  TestServer server;
  server.MountEcho();
  unsigned seed = 4711;
  SCOPED_TRACE("seed 4711");
  auto random = [&seed] { return seed = seed * 1664525u + 1013904223u; };
  const std::string good = server.Req("POST", "/echo", kJson, R"({"a": 1})");
  for (int round = 0; round < 300; ++round) {
    std::string bad = good;
    for (int i = 0; i < 3; ++i)
      bad[(random() >> 8) % bad.size()] = static_cast<char>(random() >> 16);
    Client client(server.port());
    client.Send(bad);
    client.CloseSending();
    while (client.Read().status != 0) {
    }
  }
  EXPECT_EQ(server.Ask(good).body, R"({"a": 1})");
}

}  // namespace
}  // namespace nexadb::http
