// Whoever closes what a timer looks after waits for the timer: afterwards nothing may touch the
// instance, nor the database that is stopped next.
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <utility>

#include "plugins/api-rest/change_stream.h"
#include "plugins/api-rest/testing/fakes.h"
#include "plugins/api-rest/transactions.h"

namespace nexadb::rest {
namespace {

using testing::Answer;
using testing::FakeClock;
using testing::FakeExchange;
using testing::FakeExecutor;
using testing::FakePrincipal;
using testing::FakeRandom;
using testing::FakeSession;

// A thread that comes by is held until it is let go.
class Gate {
 public:
  void Pass() {
    reached_.set_value();
    open_.get_future().wait();
  }
  void WaitUntilReached() { reached_.get_future().wait(); }
  void Open() { open_.set_value(); }

 private:
  std::promise<void> reached_;
  std::promise<void> open_;
};

// Runs the timer until the gate holds it, and closes meanwhile.
template <class Close>
void ExpectToWait(FakeExecutor& executor, Gate& gate, Close&& close) {
  auto timer = std::async(std::launch::async, [&] { executor.Fire(); });
  gate.WaitUntilReached();
  auto closed = std::async(std::launch::async, close);
  EXPECT_EQ(closed.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  gate.Open();
  closed.get();
  timer.get();
  EXPECT_TRUE(executor.tasks.empty()) << "the timer was set again";
}

struct GatedClock final : Clock {
  Gate* gate = nullptr;  // for the next who asks
  uint64_t MonotonicNs() noexcept override {
    if (Gate* gate_of_this_call = std::exchange(gate, nullptr)) gate_of_this_call->Pass();
    return 0;
  }
  int64_t UnixMs() noexcept override { return 0; }
};

struct QuietFeed final : ChangeFeed {
  struct Watcher final : ChangeWatch {
    void Release() noexcept override { delete this; }
  };
  Result<Buffer> Read(Session&, StringView, StringView, StringView,
                      const ChangeReadOptions&) noexcept override {
    return Buffer::Own(bson::Builder()
                           .Array("events", bson::Document())
                           .Text("token", "t")
                           .Bool("more", false)
                           .Finish());
  }
  Result<Handle<ChangeWatch>> Watch(Session&, StringView, StringView,
                                    const Callback&) noexcept override {
    return Handle<ChangeWatch>(new Watcher);
  }
};

TEST(ClosingTest, ChangeStreamsWaitForTheirTimer) {
  FakeExecutor executor;
  GatedClock clock;
  QuietFeed feed;
  Answer answer;
  int sessions = 0;
  ChangeStreams streams(executor, clock);
  ChangeSource source;
  source.feed = &feed;
  source.heartbeat_ns = 1'000'000'000;
  source.session = Handle<Session>(new FakeSession(&sessions));
  const auto stream = std::make_shared<ChangeStream>(streams, std::move(source));
  ASSERT_TRUE(streams.Add(stream).ok());
  ASSERT_TRUE(stream
                  ->Begin(Handle<Exchange>(
                      new FakeExchange(answer, "GET", "/collections/c/changes", "", "", {})))
                  .ok());
  Gate gate;
  clock.gate = &gate;
  ExpectToWait(executor, gate, [&] { streams.Close(); });
  EXPECT_TRUE(answer.finished);
  EXPECT_EQ(sessions, 0);
}

struct GatedSession final : Session {
  explicit GatedSession(Gate& gate_in) : gate(gate_in) {}
  Gate& gate;
  Status Begin(TransactionIsolation) noexcept override { return {}; }
  Status Commit() noexcept override { return {}; }
  Status Rollback() noexcept override { return {}; }
  bool InTransaction() noexcept override { return true; }
  void SetDeadline(uint64_t) noexcept override {}
  void Cancel() noexcept override {}
  void Release() noexcept override {
    gate.Pass();
    delete this;
  }
};

TEST(ClosingTest, TransactionsWaitForTheEndOfIdleOnes) {
  FakeExecutor executor;
  FakeClock clock;
  FakeRandom random;
  Gate gate;
  TransactionTable table(clock, random, executor, {.idle_ms = 1, .open_max = 10});
  ASSERT_TRUE(
      table
          .Add(Handle<Principal>(new FakePrincipal("ada")), Handle<Session>(new GatedSession(gate)))
          .ok());
  clock.now_ns += 1'000'000;
  ExpectToWait(executor, gate, [&] { table.Close(); });
}

}  // namespace
}  // namespace nexadb::rest
