#include "core/base/sim_env.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace nexadb::base {
namespace {

// Threads that take turns at a counter and a file.
struct Workshop {
  explicit Workshop(SimEnv& e) : env(e), mutex(e.NewMutex()), changed(e.NewCondVar()) {}
  SimEnv& env;
  Handle<Mutex> mutex;
  Handle<CondVar> changed;
  Handle<File> file;
  uint64_t guarded = 0;
  uint64_t unguarded = 0;
  int ended = 0;
};

constexpr int kWorkers = 4;
constexpr int kRounds = 25;

void Work(void* state) noexcept {
  auto& w = *static_cast<Workshop*>(state);
  for (int i = 0; i < kRounds; ++i) {
    uint64_t seen = w.unguarded;
    uint8_t byte = static_cast<uint8_t>(i);
    EXPECT_TRUE(w.file->WriteAt(seen, {&byte, 1}).ok());
    w.unguarded = seen + 1;
    w.mutex->Lock();
    uint64_t before = w.guarded;
    EXPECT_TRUE(w.file->Sync().ok());
    w.guarded = before + 1;
    w.mutex->Unlock();
  }
  w.mutex->Lock();
  ++w.ended;
  w.changed->NotifyAll();
  w.mutex->Unlock();
}

struct Outcome {
  uint64_t history;
  uint64_t unguarded;
};

Outcome RunWorkshop(uint64_t seed) {
  SimEnv env(seed);
  Workshop w(env);
  w.file = std::move(*env.Files().Open("/file", FileMode::kCreate));
  std::vector<Handle<Thread>> threads;
  for (int i = 0; i < kWorkers; ++i) {
    auto thread = env.StartThread("worker", {Work, &w});
    EXPECT_TRUE(thread.ok());
    threads.push_back(std::move(*thread));
  }
  w.mutex->Lock();
  while (w.ended < kWorkers) w.changed->Wait(*w.mutex);
  w.mutex->Unlock();
  for (auto& thread : threads) thread->Join();
  EXPECT_EQ(w.guarded, uint64_t{kWorkers * kRounds}) << "seed " << seed;
  return {env.History(), w.unguarded};
}

TEST(SimEnv, TheSameSeedGivesTheSameHistory) {
  std::set<uint64_t> histories;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    Outcome first = RunWorkshop(seed);
    Outcome second = RunWorkshop(seed);
    EXPECT_EQ(first.history, second.history) << "seed " << seed;
    EXPECT_EQ(first.unguarded, second.unguarded) << "seed " << seed;
    histories.insert(first.history);
  }
  EXPECT_EQ(histories.size(), 10u);
}

TEST(SimEnv, InterleavingsAreExplored) {
  std::set<uint64_t> lost_updates;
  for (uint64_t seed = 1; seed <= 10; ++seed) lost_updates.insert(RunWorkshop(seed).unguarded);
  EXPECT_GT(lost_updates.size(), 3u) << "a counter without its lock loses updates in many ways";
  EXPECT_LT(*lost_updates.begin(), uint64_t{kWorkers * kRounds});
}

TEST(SimEnv, SleepsTakeVirtualTimeOnly) {
  SimEnv env(3);
  uint64_t before = env.Clock().MonotonicNs();
  int64_t wall = env.Clock().UnixMs();
  constexpr uint64_t kDayNs = 86'400'000'000'000;
  env.SleepNs(kDayNs);
  EXPECT_GE(env.Clock().MonotonicNs() - before, kDayNs);
  EXPECT_GE(env.Clock().UnixMs() - wall, 86'400'000);
  env.StepWallClock(-1'000'000'000);
  EXPECT_LT(env.Clock().UnixMs(), wall);
}

TEST(SimEnv, AWaitEndsByNotifyOrTimeout) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    SimEnv env(seed);
    Workshop w(env);
    auto thread = env.StartThread("ringer", {[](void* state) noexcept {
                                               auto& shop = *static_cast<Workshop*>(state);
                                               shop.env.SleepNs(1'000'000);
                                               shop.mutex->Lock();
                                               shop.ended = 1;
                                               shop.changed->NotifyOne();
                                               shop.mutex->Unlock();
                                             },
                                             &w});
    ASSERT_TRUE(thread.ok());
    uint64_t start = env.Clock().MonotonicNs();
    w.mutex->Lock();
    while (w.ended == 0) ASSERT_TRUE(w.changed->WaitFor(*w.mutex, 60'000'000'000));
    EXPECT_LT(env.Clock().MonotonicNs() - start, 1'000'000'000u) << "woke by the notify";
    start = env.Clock().MonotonicNs();
    while (w.changed->WaitFor(*w.mutex, 5'000'000)) {
    }
    EXPECT_GE(env.Clock().MonotonicNs() - start, 5'000'000u);
    w.mutex->Unlock();
    (*thread)->Join();
  }
}

TEST(SimEnv, TryLockFailsWhileHeldByAnother) {
  SimEnv env(1);
  Workshop w(env);
  w.mutex->Lock();
  auto thread = env.StartThread("try", {[](void* state) noexcept {
                                          auto& shop = *static_cast<Workshop*>(state);
                                          shop.ended = shop.mutex->TryLock() ? 1 : 2;
                                        },
                                        &w});
  (*thread)->Join();
  w.mutex->Unlock();
  EXPECT_EQ(w.ended, 2);
}

TEST(SimEnv, RandomComesFromTheSeed) {
  auto draw = [](uint64_t seed) {
    SimEnv env(seed);
    uint8_t bytes[16];
    env.Random().Fill({bytes, 16});
    return std::string(AsText({bytes, 16}));
  };
  EXPECT_EQ(draw(1), draw(1));
  EXPECT_NE(draw(1), draw(2));
}

TEST(SimEnv, APowerCutReachesEveryThreadAndTheRebootEndsIt) {
  SimEnv env(1);
  auto file = env.Files().Open("/a", FileMode::kCreate);
  ASSERT_TRUE(file.ok());
  env.disk().CrashAt(env.disk().operations());
  EXPECT_EQ((*file)->WriteAt(0, AsBytes("x")).code(), Code::kIoError);
  EXPECT_FALSE(env.Files().Exists("/a"));
  env.disk().Crash(1);
  EXPECT_TRUE(env.Files().Open("/b", FileMode::kCreate).ok());
}

using SimEnvDeathTest = ::testing::Test;

TEST(SimEnvDeathTest, ADeadlockNamesItsThreadsAndSeed) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(
      {
        SimEnv env(4711);
        Workshop w(env);
        w.mutex->Lock();
        auto thread = env.StartThread(
            "starving",
            {[](void* state) noexcept { static_cast<Workshop*>(state)->mutex->Lock(); }, &w});
        (*thread)->Join();
      },
      "deadlock \\(seed 4711.*main.* joins thread.*starving.* waits for mutex");
}

TEST(SimEnvDeathTest, AMutexLockedTwiceIsABug) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(
      {
        SimEnv env(5);
        auto mutex = env.NewMutex();
        mutex->Lock();
        mutex->Lock();
      },
      "locks a mutex that it holds \\(seed 5");
}

}  // namespace
}  // namespace nexadb::base
