#include "core/base/thread_pools.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <numeric>

namespace nexadb::base {
namespace {

struct Counts {
  std::atomic<int> runs{0};
  std::atomic<int> drops{0};
  Task AsTask() {
    return {[](void* s) noexcept { ++static_cast<Counts*>(s)->runs; },
            [](void* s) noexcept { ++static_cast<Counts*>(s)->drops; }, this};
  }
};

// Occupies the only blocking thread until opened.
struct Gate {
  std::promise<void> entered;
  std::promise<void> open;
  Task AsTask() {
    return {[](void* s) noexcept {
              auto* gate = static_cast<Gate*>(s);
              gate->entered.set_value();
              gate->open.get_future().wait();
            },
            nullptr, this};
  }
};

TEST(Executor, EveryTaskIsRunOrDroppedOnce) {
  Counts counts;
  {
    ThreadPools pools({2, 1, 1000});
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(pools.Post(counts.AsTask()).ok());
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(pools.PostAfter(3600000, counts.AsTask()).ok());
    pools.Stop();
    EXPECT_EQ(counts.runs + counts.drops, 200);
    EXPECT_GE(counts.drops, 100);
    EXPECT_EQ(pools.Post(counts.AsTask()).code(), Code::kUnavailable);
  }
  EXPECT_EQ(counts.runs + counts.drops, 201);
}

TEST(Executor, AFullQueueDropsWhatIsOffered) {
  Gate gate;
  Counts counts;
  ThreadPools pools({1, 1, 2});  // last, so that it stops before what its tasks use goes
  ASSERT_TRUE(pools.Post(gate.AsTask()).ok());
  gate.entered.get_future().wait();
  ASSERT_TRUE(pools.Post(counts.AsTask()).ok());
  ASSERT_TRUE(pools.PostAfter(3600000, counts.AsTask()).ok());
  const Status refused = pools.Post(counts.AsTask());
  EXPECT_EQ(refused.code(), Code::kResourceExhausted);
  EXPECT_NE(refused.message().find("kernel.queue_max = 2"), std::string_view::npos);
  EXPECT_EQ(counts.drops, 1);
  gate.open.set_value();
}

TEST(Executor, DelayedTasksRunInTheOrderOfTheirTimes) {
  struct Step {
    std::vector<int>* order;
    int number;
    std::promise<void>* done;
  };
  std::vector<int> order;
  std::promise<void> done;
  Step late{&order, 2, &done};
  Step early{&order, 1, nullptr};
  ThreadPools pools({1, 1, 100});
  auto run = [](void* s) noexcept {
    auto* step = static_cast<Step*>(s);
    step->order->push_back(step->number);
    if (step->done != nullptr) step->done->set_value();
  };
  ASSERT_TRUE(pools.PostAfter(30, {run, nullptr, &late}).ok());
  ASSERT_TRUE(pools.PostAfter(1, {run, nullptr, &early}).ok());
  done.get_future().wait();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(Executor, ParallelForVisitsEveryIndexOnceEvenNested) {
  ThreadPools pools({1, 4, 10});
  struct State {
    ThreadPools* pools;
    std::vector<std::atomic<int>> visits;
  } state{&pools, std::vector<std::atomic<int>>(64 * 64)};
  struct Row {
    State* state;
    uint64_t row;
  };
  for (int round = 0; round < 20; ++round) {
    pools.ParallelFor(
        64,
        [](void* s, uint64_t i) noexcept {
          auto* outer = static_cast<State*>(s);
          Row row{outer, i};
          outer->pools->ParallelFor(
              64,
              [](void* r, uint64_t j) noexcept {
                auto* inner = static_cast<Row*>(r);
                ++inner->state->visits[inner->row * 64 + j];
              },
              &row);
        },
        &state);
  }
  for (const auto& visits : state.visits) ASSERT_EQ(visits, 20);
}

}  // namespace
}  // namespace nexadb::base
