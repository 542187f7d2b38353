// Threads that wait for clients are made up for: others are served as if they were not there. Those
// that work are bounded, and so is what waits for them.
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "plugins/http-server/testing/fixture.h"

namespace nexadb::http {
namespace {

// As TestServer asks for; each is started once it is needed, and stays.
constexpr size_t kPoolThreads = 4;
constexpr int kSlowClients = 3 * kPoolThreads;

size_t Threads() {
  size_t count = 0;
  for ([[maybe_unused]] const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    ++count;
  }
  return count;
}

// A server with routes that take the pool's threads, for as long as clients like, and others.
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

TEST(HandlerPool, ClientsThatDoNotReadHoldUpNobody) {
  SlowServer server;
  EXPECT_EQ(server.Ask(server.Req("GET", "/quick")).body, "quick");
  const size_t threads = Threads() - 1 + kPoolThreads;
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

TEST(HandlerPool, ClientsThatSendTheirBodySlowlyHoldUpNobody) {
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

TEST(HandlerPool, AServerStopsWhileClientsAreWaitedFor) {
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

// A handler that stays in its thread until it is let go, as one that waits for a disk would.
class Gate {
 public:
  void Pass() {
    std::unique_lock lock(mutex_);
    ++inside_;
    most_ = std::max(most_, inside_);
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_; });
    --inside_;
  }
  void WaitFor(int inside) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return inside_ >= inside; });
  }
  void Open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  int most() {
    std::lock_guard lock(mutex_);
    return most_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int inside_ = 0;
  int most_ = 0;
  bool open_ = false;
};

TEST(HandlerPool, RequestsPastTheLimitOfThoseThatWaitAre503) {
  constexpr int kThreads = 2;
  constexpr int kWaiting = 3;
  Gate gate;
  TestServer server(R"("pool_threads": 2, "waiting_requests_max": 3)");
  server.Mount(
      "GET", "/gate",
      [&](Handle<Exchange> e) {
        gate.Pass();
        SendText(*e, 200, "passed");
      },
      RunMode::kPool);
  std::vector<std::unique_ptr<Client>> clients;
  const auto ask = [&] {
    clients.push_back(std::make_unique<Client>(server.port()));
    clients.back()->Send(server.Req("GET", "/gate"));
  };
  for (int i = 0; i < kThreads; ++i) ask();
  gate.WaitFor(kThreads);
  for (int i = 0; i < kWaiting; ++i) {
    ask();
    while (server.host().Metric("nexadb_http_waiting_requests") < i + 1) std::this_thread::yield();
  }
  const Answer refused = server.Ask(server.Req("GET", "/gate"));
  EXPECT_EQ(refused.status, 503);
  EXPECT_TRUE(refused.headers.contains("retry-after"));
  EXPECT_NE(refused.body.find("\"busy\""), std::string::npos);
  gate.Open();
  for (const auto& client : clients) EXPECT_EQ(client->Read().body, "passed");
  EXPECT_EQ(gate.most(), kThreads);
  EXPECT_EQ(server.host().Metric("nexadb_http_waiting_requests"), 0);
}

TEST(HandlerPool, ThreadsInPlaceOfStalledOnesAreNotMoreThanThose) {
  Gate gate;
  SlowServer server(R"("pool_threads": 2)");
  server.Mount(
      "GET", "/gate",
      [&](Handle<Exchange> e) {
        gate.Pass();
        SendText(*e, 200, "passed");
      },
      RunMode::kPool);
  std::vector<std::unique_ptr<Client>> slow;
  for (int i = 0; i < kSlowClients; ++i) {
    slow.push_back(std::make_unique<Client>(server.port()));
    slow.back()->Send(server.Req("GET", "/endless"));
  }
  while (server.begun < kSlowClients) std::this_thread::yield();
  std::vector<std::unique_ptr<Client>> waiting;
  for (int i = 0; i < 6; ++i) {
    waiting.push_back(std::make_unique<Client>(server.port()));
    waiting.back()->Send(server.Req("GET", "/gate"));
  }
  gate.WaitFor(2);
  while (server.host().Metric("nexadb_http_waiting_requests") < 4) std::this_thread::yield();
  gate.Open();
  for (const auto& client : waiting) EXPECT_EQ(client->Read().body, "passed");
  EXPECT_LE(gate.most(), 2);
}

}  // namespace
}  // namespace nexadb::http
