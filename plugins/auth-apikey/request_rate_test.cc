#include "plugins/auth-apikey/request_rate.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace nexadb::auth {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint32_t kNoLimitSeen = 10'000;

// How many turns there are at one moment.
uint32_t TurnsAt(RequestRate& rate, uint64_t now_ns) {
  uint32_t turns = 0;
  while (turns < kNoLimitSeen && rate.Take(now_ns) == 0) ++turns;
  return turns;
}

TEST(RequestRate, WithoutALimitNobodyIsHeldUp) {
  RequestRate rate;
  EXPECT_FALSE(rate.limited());
  EXPECT_EQ(TurnsAt(rate, 5 * kSecond), kNoLimitSeen);
}

TEST(RequestRate, GivesItsTurnsEverySecondAndNoMore) {
  for (const uint32_t per_second : {1u, 3u, 7u, 100u, 997u}) {
    RequestRate rate;
    rate.Set(per_second, 0);
    EXPECT_TRUE(rate.limited());
    for (uint64_t second = 5; second < 8; ++second) {
      EXPECT_EQ(TurnsAt(rate, second * kSecond), per_second) << per_second;
    }
  }
}

TEST(RequestRate, ABurstIsWhatASilentKeyMaySendAtOnce) {
  RequestRate rate;
  rate.Set(10, 25);
  EXPECT_EQ(TurnsAt(rate, 100 * kSecond), 25u);
  EXPECT_EQ(TurnsAt(rate, 101 * kSecond), 10u);
  EXPECT_EQ(TurnsAt(rate, 103 * kSecond), 20u);
  EXPECT_EQ(TurnsAt(rate, 999 * kSecond), 25u);
  rate.Set(10, 1);  // evenly spread
  EXPECT_EQ(TurnsAt(rate, 2000 * kSecond), 1u);
  EXPECT_EQ(TurnsAt(rate, 2000 * kSecond + kSecond / 10), 1u);
}

TEST(RequestRate, TheWaitThatIsToldIsTheWaitThatIsNeeded) {
  RequestRate rate;
  rate.Set(4, 0);
  const uint64_t now_ns = 5 * kSecond;
  EXPECT_EQ(TurnsAt(rate, now_ns), 4u);
  const uint64_t wait_ns = rate.Take(now_ns);
  EXPECT_EQ(wait_ns, kSecond / 4);
  EXPECT_NE(rate.Take(now_ns + wait_ns - 1), 0u);
  EXPECT_EQ(rate.Take(now_ns + wait_ns), 0u);
}

TEST(RequestRate, ARefusalTakesNothing) {
  RequestRate rate;
  rate.Set(2, 0);
  EXPECT_EQ(TurnsAt(rate, 5 * kSecond), 2u);
  for (int i = 0; i < 1000; ++i) EXPECT_NE(rate.Take(5 * kSecond + 1), 0u);
  EXPECT_EQ(TurnsAt(rate, 6 * kSecond), 2u);
}

TEST(RequestRate, AChangeHoldsAtOnce) {
  RequestRate rate;
  rate.Set(1, 0);
  EXPECT_EQ(TurnsAt(rate, 5 * kSecond), 1u);
  rate.Set(0, 0);
  EXPECT_EQ(rate.Take(5 * kSecond), 0u);
  rate.Set(1000, 0);
  EXPECT_EQ(TurnsAt(rate, 8 * kSecond), 1000u);
}

TEST(RequestRate, TheLargestNumbersFit) {
  RequestRate rate;
  rate.Set(1, kRequestsPerSecondMax);
  EXPECT_EQ(rate.Take(~0ull / 4), 0u);
  rate.Set(kRequestsPerSecondMax, kRequestsPerSecondMax);
  EXPECT_TRUE(rate.limited());
}

TEST(RequestRate, ThreadsShareTheTurnsAndLoseNone) {
  RequestRate rate;
  rate.Set(1000, 5000);
  std::atomic<uint32_t> taken{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 3000; ++j) taken += rate.Take(5 * kSecond) == 0 ? 1u : 0u;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken, 5000u);
}

TEST(RequestRate, WhatIsOwedIsTakenFromTheNextBucketAndNeverMoreThanIsThere) {
  const uint64_t now_ns = 50 * kSecond;
  RequestRate first;
  first.Set(10, 20);
  for (int i = 0; i < 15; ++i) EXPECT_EQ(first.Take(now_ns), 0u);
  RequestRate next;
  next.Set(10, 20);
  next.Owe(first.OwedNs(now_ns), now_ns);
  EXPECT_EQ(TurnsAt(next, now_ns), 5u);
  next.Owe(first.OwedNs(now_ns), now_ns);
  EXPECT_EQ(TurnsAt(next, now_ns + kSecond), 10u);
  RequestRate unlimited;
  unlimited.Owe(~uint64_t{0}, now_ns);
  unlimited.Set(10, 20);
  EXPECT_EQ(TurnsAt(unlimited, now_ns), 20u);
}

}  // namespace
}  // namespace nexadb::auth
