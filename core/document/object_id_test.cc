#include "core/document/object_id.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <thread>
#include <vector>

namespace nexadb {
namespace {

class FakeClock final : public Clock {
 public:
  uint64_t MonotonicNs() noexcept override { return 0; }
  int64_t UnixMs() noexcept override { return ms; }
  int64_t ms = 1'700'000'000'123;
};

class FakeRandom final : public Random {
 public:
  void Fill(Span<uint8_t> out) noexcept override {
    for (uint8_t& b : out) b = static_cast<uint8_t>(generator_());
  }

 private:
  std::mt19937 generator_{42};
};

TEST(IdGenerator, IdsSortInTheOrderTheyWereMade) {
  FakeClock clock;
  FakeRandom random;
  IdGenerator ids(clock, random);
  std::string last;
  for (int i = 0; i < 10'000; ++i) {
    clock.ms += i % 7 == 0 ? 1 : 0;
    if (i % 1000 == 999) clock.ms -= 50;  // a clock that steps back
    const std::string id = ids.Next();
    ASSERT_EQ(id.size(), kGeneratedIdSize);
    ASSERT_LT(last, id);
    last = id;
  }
}

TEST(IdGenerator, TheTimeCanBeReadBack) {
  FakeClock clock;
  FakeRandom random;
  IdGenerator ids(clock, random);
  for (int64_t ms : {int64_t{1}, int64_t{1'700'000'000'123}, (int64_t{1} << 44) - 1}) {
    clock.ms = ms;
    uint64_t read = 0;
    ASSERT_TRUE(GeneratedIdTime(ids.Next(), read));
    EXPECT_EQ(read, static_cast<uint64_t>(ms));
  }
  uint64_t read = 0;
  EXPECT_FALSE(GeneratedIdTime("0123456789abcdew", read));
  EXPECT_FALSE(GeneratedIdTime("short", read));
}

TEST(IdGenerator, ThreadsNeverGetTheSameId) {
  FakeClock clock;
  FakeRandom random;
  IdGenerator ids(clock, random);
  constexpr size_t kEach = 5000;
  std::vector<std::string> made[2];
  std::vector<std::thread> threads;
  for (auto& mine : made) {
    threads.emplace_back([&ids, &mine] {
      for (size_t i = 0; i < kEach; ++i) mine.push_back(ids.Next());
    });
  }
  for (std::thread& t : threads) t.join();
  std::set<std::string> all(made[0].begin(), made[0].end());
  all.insert(made[1].begin(), made[1].end());
  EXPECT_EQ(all.size(), 2 * kEach);
}

TEST(ObjectIdGenerator, HasTheTimeFirstAndCountsUp) {
  FakeClock clock;
  FakeRandom random;
  ObjectIdGenerator ids(clock, random);
  const auto a = ids.Next();
  const auto b = ids.Next();
  const uint32_t seconds = static_cast<uint32_t>(a[0]) << 24 | static_cast<uint32_t>(a[1]) << 16 |
                           static_cast<uint32_t>(a[2]) << 8 | a[3];
  EXPECT_EQ(seconds, 1'700'000'000u);
  EXPECT_TRUE(std::equal(a.begin(), a.begin() + 9, b.begin()));
  EXPECT_NE(a, b);
}

TEST(ObjectIdText, IsReadAndWritten) {
  std::array<uint8_t, 12> id{};
  ASSERT_TRUE(ParseObjectId("0123456789abcdefABCDEF01", id));
  std::string text;
  AppendObjectId(text, id);
  EXPECT_EQ(text, "0123456789abcdefabcdef01");
  EXPECT_FALSE(ParseObjectId("0123456789abcdefabcdef0", id));
  EXPECT_FALSE(ParseObjectId("0123456789abcdefabcdef0g", id));
}

}  // namespace
}  // namespace nexadb
