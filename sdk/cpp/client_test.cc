#include "nexadb/client/client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace nexadb::client {
namespace {

// One connection, as the server sees it.
class Peer {
 public:
  explicit Peer(int socket) : socket_(socket) {}
  ~Peer() { ::close(socket_); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // Reads until `end` was sent, once more than before; what came up to there. Empty at the end of
  // the connection.
  std::string ReadTo(std::string_view end) {
    size_t at;
    while ((at = unread_.find(end)) == std::string::npos) {
      char part[4096];
      const ssize_t size = ::recv(socket_, part, sizeof(part), 0);
      if (size <= 0) return {};
      unread_.append(part, static_cast<size_t>(size));
    }
    std::string out = unread_.substr(0, at + end.size());
    unread_.erase(0, out.size());
    return out;
  }
  std::string ReadHead() { return ReadTo("\r\n\r\n"); }
  // In pieces of so many bytes, each a packet of its own.
  void Write(std::string_view text, size_t piece = 1 << 20) {
    while (!text.empty()) {
      const std::string_view now = text.substr(0, piece);
      if (::send(socket_, now.data(), now.size(), MSG_NOSIGNAL) < 0) return;
      text.remove_prefix(now.size());
    }
  }

 private:
  const int socket_;
  std::string unread_;
};

// Serves one connection after another by the functions, on a thread of its own.
class ScriptedServer {
 public:
  explicit ScriptedServer(std::vector<std::function<void(Peer&)>> connections)
      : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(socket_, 8), 0);
    EXPECT_EQ(::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, connections = std::move(connections)] {
      for (const auto& serve : connections) {
        const int accepted = ::accept(socket_, nullptr, nullptr);
        if (accepted < 0) return;
        const int on = 1;
        ::setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        Peer peer(accepted);
        serve(peer);
      }
    });
  }
  ~ScriptedServer() {
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
  }
  Options options() const {
    Options out;
    out.url = "http://127.0.0.1:" + std::to_string(port_);
    out.timeout_ms = 5000;
    return out;
  }

 private:
  const int socket_;
  uint16_t port_ = 0;
  std::thread thread_;
};

// Answers so many requests without bodies with `text`, and hangs up.
std::function<void(Peer&)> Answers(std::string text, int count = 1, size_t piece = 1 << 20) {
  return [=](Peer& peer) {
    for (int i = 0; i < count; ++i) {
      if (peer.ReadHead().empty()) return;
      peer.Write(text, piece);
    }
  };
}

Error ErrorOf(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  return {0, "no error", ""};
}

TEST(ClientTest, AnAnswerIsReadHoweverItIsCut) {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const struct {
    std::string answer;
    std::string body;
  } cases[] = {
      {ok + "Content-Length: 5\r\n\r\nhello", "hello"},
      {ok + "Content-Length: 0\r\n\r\n", ""},
      {ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n", "hello"},
      {ok + "Transfer-Encoding: chunked\r\n\r\n0\r\nA-Trailer: x\r\n\r\n", ""},
      {ok + "\r\nhello", "hello"},  // until the connection ends
      {"HTTP/1.1 204 No Content\r\n\r\n", ""},
      {"HTTP/1.1 100 Continue\r\n\r\n" + ok + "Content-Length: 5\r\n\r\nhello", "hello"},
  };
  for (const auto& one : cases) {
    for (const size_t piece : {1, 2, 3, 7, 1000}) {
      const ScriptedServer server({Answers(one.answer, 1, piece)});
      Client client(server.options());
      EXPECT_EQ(client.Call("GET", "/x"), one.body) << one.answer << " in pieces of " << piece;
    }
  }
}

TEST(ClientTest, OneWriteCarriesHeadAndBody) {
  std::string head;
  std::string body;
  {
    const ScriptedServer server({[&](Peer& peer) {
      head = peer.ReadHead();
      body = peer.ReadTo("}");
      peer.Write("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
    }});
    Options options = server.options();
    options.api_key = "k1";
    Client client(options);
    client.Call("POST", "/collections/c", R"({"a":1})");
    EXPECT_EQ(client.last_status(), 201);
    const std::string host = options.url.substr(std::string_view("http://").size());
    EXPECT_EQ(head, "POST /collections/c HTTP/1.1\r\nHost: " + host +
                        "\r\nX-API-Key: k1\r\nContent-Type: application/json\r\n"
                        "Content-Length: 7\r\n\r\n");
  }
  EXPECT_EQ(body, R"({"a":1})");
}

TEST(ClientTest, AConnectionIsKeptAndReplacedOnceItIsClosed) {
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  const std::string last = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
  const ScriptedServer server({Answers(answer, 3), Answers(last), Answers(answer, 1)});
  Client client(server.options());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.Call("GET", "/x"), "ok");
  // The server hangs up after the third, and says so with the fourth.
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(client.Call("GET", "/x"), "ok");
  EXPECT_EQ(client.Call("GET", "/x"), "ok");
}

TEST(ClientTest, ABrokenAnswerIsAnErrorAndTheNextCallGoesOn) {
  const ScriptedServer server({
      Answers("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"),
      Answers("SSH-2.0-OpenSSH_9.2\r\n"),
      Answers(""),
      Answers("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
  });
  Client client(server.options());
  for (const char* why : {"before the answer was over", "not HTTP", "before the answer was over"}) {
    const Error error = ErrorOf([&] { client.Call("GET", "/x"); });
    EXPECT_EQ(error.code(), "unreachable");
    EXPECT_NE(std::string(error.what()).find(why), std::string::npos) << error.what();
  }
  EXPECT_EQ(client.Call("GET", "/x"), "ok");
}

TEST(ClientTest, ASilentServerIsATimeout) {
  const ScriptedServer server({[](Peer& peer) {
    peer.ReadHead();
    peer.ReadHead();  // until the client hangs up
  }});
  Options options = server.options();
  options.timeout_ms = 50;
  Client client(options);
  EXPECT_EQ(ErrorOf([&] { client.Call("GET", "/x"); }).code(), "timeout");
}

TEST(ClientTest, AnErrorIsWhatTheProblemSaysOrTheStatusLine) {
  const std::string problem = R"({"code":"not_found","detail":"There is no such document."})";
  const ScriptedServer server({
      Answers("HTTP/1.1 404 Not Found\r\nContent-Length: " + std::to_string(problem.size()) +
              "\r\n\r\n" + problem + "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"),
      Answers("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"),
  });
  Client client(server.options());
  const Error told = ErrorOf([&] { client.Call("GET", "/x"); });
  EXPECT_EQ(told.status(), 404);
  EXPECT_EQ(told.code(), "not_found");
  EXPECT_STREQ(told.what(), "There is no such document.");
  // More was sent than asked for: nothing of it may become the next answer.
  const Error untold = ErrorOf([&] { client.Call("GET", "/x"); });
  EXPECT_EQ(untold.status(), 502);
  EXPECT_STREQ(untold.what(), "HTTP status 502 Bad Gateway");
}

TEST(ClientTest, AnUploadThatIsRefusedEarlyEndsWithTheAnswer) {
  const ScriptedServer server({[](Peer& peer) {
    peer.ReadHead();
    peer.Write("HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  }});
  Client client(server.options());
  int parts = 0;
  const Error error = ErrorOf([&] {
    client.Upload("/x", "application/x-ndjson", [&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      return ++parts == 10'000 ? std::string() : std::string(1024, 'x');
    });
  });
  EXPECT_EQ(error.status(), 413) << error.what();
  EXPECT_LT(parts, 10'000);
}

TEST(ClientTest, AnUploadIsChunkedAndADownloadComesInParts) {
  const std::vector<std::string> parts{"{\"a\":1}\n", std::string(20, 'y')};
  const ScriptedServer server({[&](Peer& peer) {
    EXPECT_NE(peer.ReadHead().find("Transfer-Encoding: chunked\r\n"), std::string::npos);
    EXPECT_EQ(peer.ReadTo("0\r\n\r\n"),
              "8\r\n" + parts[0] + "\r\n14\r\n" + parts[1] + "\r\n0\r\n\r\n");
    peer.Write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    peer.ReadHead();
    peer.Write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdef", 2);
  }});
  Client client(server.options());
  auto next = parts.begin();
  const auto source = [&] { return next == parts.end() ? std::string() : *next++; };
  EXPECT_EQ(client.Upload("/x", "application/x-ndjson", source), "ok");
  std::string got;
  client.Download("/y", [&](std::string_view part) {
    got.append(part);
    return true;
  });
  EXPECT_EQ(got, "abcdef");
}

TEST(ClientTest, NothingThatIsSaidBecomesAHeader) {
  const ScriptedServer server({});
  Client client(server.options());
  EXPECT_EQ(ErrorOf([&] { client.Call("GET", "/x\r\nX-API-Key: other"); }).code(), "invalid_path");
  EXPECT_EQ(ErrorOf([&] { client.Call("GET", "/a b"); }).code(), "invalid_path");
  EXPECT_EQ(ErrorOf([&] { client.Call("GET", "x"); }).code(), "invalid_path");
  EXPECT_EQ(ErrorOf([&] { client.Call("POST", "/x", "{}", "a\r\nb: c"); }).code(),
            "invalid_header");
  Options options = server.options();
  options.api_key = "key\n";
  EXPECT_EQ(ErrorOf([&] { const Client other(options); }).code(), "invalid_key");
  options.url = "localhost:6969";
  EXPECT_EQ(ErrorOf([&] { const Client other(options); }).code(), "invalid_url");
}

}  // namespace
}  // namespace nexadb::client
