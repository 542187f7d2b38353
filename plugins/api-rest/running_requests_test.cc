#include "plugins/api-rest/running_requests.h"

#include <gtest/gtest.h>

#include <thread>

namespace nexadb::rest {
namespace {

class FakeSession final : public Session {
 public:
  Status Begin(TransactionIsolation) noexcept override { return {}; }
  Status Commit() noexcept override { return {}; }
  Status Rollback() noexcept override { return {}; }
  bool InTransaction() noexcept override { return false; }
  void SetDeadline(uint64_t) noexcept override {}
  void Cancel() noexcept override { ++cancelled; }
  void Release() noexcept override {}
  std::atomic<int> cancelled{0};
};

TEST(RunningRequestsTest, ARequestIsListedWhileItRuns) {
  RunningRequests table;
  FakeSession session;
  const std::string body(5000, 'x');
  {
    const auto entry = table.Enter({"r1", "", "POST", "/collections/c/query", "nexadb", "k1", "ada",
                                    body, 1'000'000, &session});
    const auto list = table.List(3'500'000, 1000);
    ASSERT_EQ(list.size(), 1u);
    EXPECT_EQ(list[0].request_id, "r1");
    EXPECT_EQ(list[0].key_name, "ada");
    EXPECT_EQ(list[0].body.size(), kBodyShownBytes);
    EXPECT_DOUBLE_EQ(list[0].took_ms, 2.5);
    EXPECT_EQ(list[0].started_ms, 998);
    EXPECT_TRUE(table.Cancel(list[0].number));
    EXPECT_EQ(session.cancelled, 1);
  }
  EXPECT_TRUE(table.List(0, 0).empty());
  EXPECT_FALSE(table.Cancel(1));
  EXPECT_EQ(session.cancelled, 1);
}

TEST(RunningRequestsTest, ManyThreadsComeAndGoWhileOthersLook) {
  RunningRequests table;
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      FakeSession session;
      for (int i = 0; i < 2000; ++i) {
        const auto entry = table.Enter({"r", "", "GET", "/", "db", "k", "n", "", 0, &session});
      }
    });
  }
  std::thread looker([&] {
    while (!done) {
      for (const RequestFacts& facts : table.List(0, 0)) table.Cancel(facts.number);
    }
  });
  for (std::thread& thread : threads) thread.join();
  done = true;
  looker.join();
  EXPECT_TRUE(table.List(0, 0).empty());
}

TEST(SlowRequestsTest, TheLatestAreKept) {
  SlowRequests slow;
  for (uint64_t i = 0; i < SlowRequests::kKept + 5; ++i) {
    RequestFacts facts;
    facts.number = i;
    slow.Add(std::move(facts));
  }
  const auto list = slow.List();
  ASSERT_EQ(list.size(), SlowRequests::kKept);
  EXPECT_EQ(list.front().number, SlowRequests::kKept + 4);
  EXPECT_EQ(list.back().number, 5u);
}

}  // namespace
}  // namespace nexadb::rest
