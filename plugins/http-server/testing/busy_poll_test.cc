#include "plugins/http-server/busy_poll.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace nexadb::http {
namespace {

constexpr uint64_t kLookNs = 50'000;
constexpr uint64_t kTurnNs = 10'000;
constexpr int kMany = 1000;

// A loop's thread with a clock of the test's.
class Loop {
 public:
  explicit Loop(uint64_t look_ns = kLookNs) : poll_(look_ns) {}
  // A turn for the client; whether the loop looked on afterwards, and then found something.
  bool FindsMore(const void* client) {
    now_ns_ += kTurnNs;
    if (!poll_.Begin(client, now_ns_)) return false;
    poll_.Found();
    return true;
  }
  // The same where nothing comes; how often it looked, each time for `look_ns`.
  int LooksInVain(const void* client, uint64_t look_ns = 1000) {
    now_ns_ += kTurnNs;
    if (!poll_.Begin(client, now_ns_)) return 0;
    int looks = 0;
    do {
      ++looks;
      now_ns_ += look_ns;
    } while (poll_.GoOn(now_ns_));
    return looks;
  }
  int Finds(const void* client, int turns) {
    int found = 0;
    for (int i = 0; i < turns; ++i) found += FindsMore(client) ? 1 : 0;
    return found;
  }
  void Pass(uint64_t ns) { now_ns_ += ns; }

 private:
  BusyPoll poll_;
  uint64_t now_ns_ = 1'000'000'000;
};

TEST(BusyPoll, OneClientThatAsksAgainAtOnceIsLookedFor) {
  Loop loop;
  const int client = 0;
  // But for the first turns, which are tried now and then until one is of use.
  EXPECT_GE(loop.Finds(&client, kMany), kMany - int{BusyPoll::kTurns + BusyPoll::kProbe});
}

TEST(BusyPoll, OffItNeverLooks) {
  Loop loop(0);
  const int client = 0;
  EXPECT_EQ(loop.Finds(&client, kMany), 0);
}

TEST(BusyPoll, SeveralClientsAreNot) {
  Loop loop, other;
  const int clients[2] = {};
  for (int i = 0; i < kMany; ++i) {
    EXPECT_FALSE(loop.FindsMore(&clients[i % 2]));
    EXPECT_FALSE(loop.FindsMore(nullptr));
  }
  // Nor one each of two loops.
  for (int i = 0; i < kMany; ++i) {
    EXPECT_FALSE(loop.FindsMore(&clients[0]));
    EXPECT_FALSE(other.FindsMore(&clients[1]));
  }
}

TEST(BusyPoll, ALookInVainEndsInTime) {
  Loop loop;
  const int client = 0;
  loop.Finds(&client, kMany);
  EXPECT_EQ(loop.LooksInVain(&client), kLookNs / 1000);
}

TEST(BusyPoll, AClientThatTakesItsTimeIsLookedForSeldom) {
  Loop loop;
  const int client = 0;
  loop.Finds(&client, kMany);
  int looked = 0;
  for (int i = 0; i < kMany; ++i) looked += loop.LooksInVain(&client) > 0 ? 1 : 0;
  EXPECT_LE(looked, kMany / int{BusyPoll::kProbe} + BusyPoll::kLuckMax + 1);
  EXPECT_GT(looked, 0);
  // It is noticed when it asks at once again.
  EXPECT_GT(loop.Finds(&client, kMany), kMany / 2);
}

TEST(BusyPoll, WhereOthersWantTheCoreItRestsLongerEachTime) {
  Loop loop;
  const int client = 0;
  uint64_t rest_ns = BusyPoll::kRestNsMin;
  for (int i = 0; i < 12; ++i) {
    loop.Finds(&client, kMany / 10);
    EXPECT_EQ(loop.LooksInVain(&client, BusyPoll::kPutAsideNs + 1), 1);
    loop.Pass(rest_ns - kMany * kTurnNs - kTurnNs);
    EXPECT_EQ(loop.Finds(&client, kMany), 0) << "rest " << i;
    loop.Pass(2 * kTurnNs);
    rest_ns = std::min(2 * rest_ns, BusyPoll::kRestNsMax);
  }
  // After some calm it begins anew.
  loop.Pass(2 * BusyPoll::kRestNsMax);
  loop.Finds(&client, kMany);
  EXPECT_EQ(loop.LooksInVain(&client, BusyPoll::kPutAsideNs + 1), 1);
  loop.Pass(BusyPoll::kRestNsMin);
  EXPECT_GT(loop.Finds(&client, kMany), kMany / 2);
}

}  // namespace
}  // namespace nexadb::http
