// Threads that wait for clients are made up for: others are served as if they were not there.
#include <atomic>
#include <filesystem>
#include <memory>
#include <thread>
#include <vector>

#include "plugins/http-server/testing/fixture.h"

namespace nexadb::http {
namespace {

// Three times the threads of the pool that TestServer asks for.
constexpr int kSlowClients = 12;

size_t Threads() {
  size_t count = 0;
  for ([[maybe_unused]] const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    ++count;
  }
  return count;
}

// A server with a route that takes the pool's threads, for as long as clients like, and others.
struct Counted {
  std::atomic<int> begun{0};
};
class SlowServer : public Counted, public TestServer {
 public:
  explicit SlowServer(const std::string& extra = "") : TestServer(extra) {
    Mount(
        "GET", "/endless",
        [this](Handle<Exchange> e) {
          if (!e->Begin(200, {}).ok()) return;
          ++begun;
          while (e->WaitWritable() && e->Write(Buffer::Own(std::string(100'000, 'x'))).ok()) {
          }
        },
        RunMode::kPool);
    Mount(
        "POST", "/upload",
        [this](Handle<Exchange> e) {
          ++begun;
          size_t bytes = 0;
          while (true) {
            auto part = e->ReadBody();
            if (!part.ok()) return;
            if (part->empty()) break;
            bytes += part->size();
          }
          SendText(*e, 200, std::to_string(bytes));
        },
        RunMode::kPool, BodyMode::kStreamed, "application/json");
    Mount(
        "GET", "/quick", [](Handle<Exchange> e) { SendText(*e, 200, "quick"); }, RunMode::kPool);
  }
};

TEST(PoolQueue, ClientsThatDoNotReadHoldUpNobody) {
  SlowServer server;
  EXPECT_EQ(server.Ask(server.Req("GET", "/quick")).body, "quick");
  const size_t threads = Threads();
  std::vector<std::unique_ptr<Client>> slow;
  for (int i = 0; i < kSlowClients; ++i) {
    slow.push_back(std::make_unique<Client>(server.port()));
    slow.back()->Send(server.Req("GET", "/endless"));
  }
  for (int i = 0; i < 50; ++i) EXPECT_EQ(server.Ask(server.Req("GET", "/quick")).body, "quick");
  while (server.begun < kSlowClients) std::this_thread::yield();
  for (int i = 0; i < 50; ++i) EXPECT_EQ(server.Ask(server.Req("GET", "/quick")).body, "quick");
  EXPECT_LE(Threads(), threads + kSlowClients);
  slow.clear();
  // Nobody is waited for: those in their place go.
  while (Threads() > threads) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(server.Ask(server.Req("GET", "/quick")).body, "quick");
}

TEST(PoolQueue, ClientsThatSendTheirBodySlowlyHoldUpNobody) {
  SlowServer server;
  std::vector<std::unique_ptr<Client>> slow;
  for (int i = 0; i < kSlowClients; ++i) {
    slow.push_back(std::make_unique<Client>(server.port()));
    slow.back()->Send(server.Req("POST", "/upload", std::string(kJson) + "Content-Length: 10\r\n") +
                      "12345");
  }
  while (server.begun < kSlowClients) std::this_thread::yield();
  for (int i = 0; i < 50; ++i) EXPECT_EQ(server.Ask(server.Req("GET", "/quick")).body, "quick");
  for (const auto& client : slow) {
    client->Send("67890");
    EXPECT_EQ(client->Read().body, "10");
  }
}

TEST(PoolQueue, AServerStopsWhileClientsAreWaitedFor) {
  SlowServer server(R"("write_timeout": "500ms")");
  std::vector<std::unique_ptr<Client>> slow;
  for (int i = 0; i < kSlowClients; ++i) {
    slow.push_back(std::make_unique<Client>(server.port()));
    slow.back()->Send(server.Req("GET", "/endless"));
  }
  while (server.begun < kSlowClients) std::this_thread::yield();
  server.host().Stop();
  for (const auto& client : slow) EXPECT_FALSE(client->Read().complete);
}

}  // namespace
}  // namespace nexadb::http
