// Laws under many threads. The threads come from the fixture's Env, so under a SimEnv each seed
// gives another interleaving, and always the same one.
#include <algorithm>
#include <atomic>
#include <set>

#include "core/base/coding.h"
#include "storage_laws.h"

namespace nexadb::testkit {
namespace {

constexpr int kThreads = 4;
constexpr int kRounds = 40;
// A law of progress: retries beyond this mean that nobody ever wins.
constexpr int kAttemptsMax = 10'000;

int64_t Number(std::string_view counter) {
  return static_cast<int64_t>(base::LoadLittle<uint64_t>(AsBytes(counter).data()));
}

// Runs `body` in transactions until one commits.
void Retry(Bench& bench, Isolation isolation, const std::function<void(Transaction&)>& body) {
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    auto transaction = Begin(bench, isolation);
    body(*transaction);
    auto sequence = transaction->Commit({});
    if (sequence.ok()) return;
    ASSERT_EQ(sequence.status().code(), Code::kConflict) << sequence.status().message();
  }
  FAIL() << "never committed";
}

void BatchesAreAtomicUnderReaders(Bench& bench) {
  constexpr int kKeys = 10;
  std::vector<std::string> keys;
  for (int i = 0; i < kKeys; ++i) keys.push_back("k" + std::to_string(i));
  constexpr uint64_t kReaderPauseNs = 200'000;
  std::atomic<bool> done{false};
  RunThreads(bench.fixture.Environment(), kThreads, [&](int thread) {
    if (thread == 0) {
      for (int64_t round = 1; round <= 100; ++round) {
        std::string value = Counter(round);
        std::vector<Mutation> batch;
        for (const std::string& key : keys) batch.push_back(Put(key, value));
        Write(bench, batch);
      }
      done = true;
      return;
    }
    int64_t last = 0;
    uint64_t last_sequence = 0;
    while (!done) {
      // An engine may read without asking the Env for anything, and a simulated one hands on its
      // turn, and lets time go by for a writer that waits, only when asked.
      bench.fixture.Environment().SleepNs(kReaderPauseNs);
      auto snapshot = OpenSnapshot(bench);
      ASSERT_GE(snapshot->Sequence(), last_sequence);
      last_sequence = snapshot->Sequence();
      Rows rows = thread == 1 ? Scan(*snapshot, "", "", 3) : ScanReverse(*snapshot, "", "", 3);
      if (rows.empty()) continue;
      ASSERT_EQ(rows.size(), size_t{kKeys});
      for (const auto& row : rows) ASSERT_EQ(row.second, rows.front().second) << "a torn batch";
      ASSERT_GE(Number(rows.front().second), last) << "time ran backwards";
      last = Number(rows.front().second);
    }
  });
}

void ConcurrentIncrementsLoseNothing(Bench& bench) {
  for (Isolation isolation : {Isolation::kSnapshot, Isolation::kSerializable}) {
    Write(bench, {Put("n", Counter(0))});
    RunThreads(bench.fixture.Environment(), kThreads, [&](int) {
      for (int i = 0; i < kRounds; ++i) {
        Retry(bench, isolation, [&](Transaction& transaction) {
          std::string next = Counter(Number(*Get(transaction, "n")) + 1);
          WriteIn(transaction, {Put("n", next)});
        });
      }
    });
    EXPECT_EQ(Get(bench, "n"), Counter(kThreads * kRounds));
  }
}

void ConcurrentAddsSumUp(Bench& bench) {
  RunThreads(bench.fixture.Environment(), kThreads, [&](int thread) {
    std::string one = Counter(1);
    for (int i = 0; i < kRounds; ++i) {
      if (thread % 2 == 0) {
        Write(bench, {Add("n", one)});
      } else {
        auto transaction = Begin(bench);
        WriteIn(*transaction, {Add("n", one)});
        MustCommit(*transaction);
      }
    }
  });
  EXPECT_EQ(Get(bench, "n"), Counter(kThreads * kRounds));
}

void ConcurrentStampsAreUnique(Bench& bench) {
  RunThreads(bench.fixture.Environment(), kThreads, [&](int thread) {
    std::string hole(10, '.');
    std::string name = std::to_string(thread);
    for (int i = 0; i < kRounds; ++i) Write(bench, {StampedKey(hole, 0, name)});
  });
  EXPECT_EQ(ScanAll(bench).size(), size_t{kThreads} * kRounds);
}

void SerializableTransfersKeepTheSum(Bench& bench) {
  constexpr int kAccounts = 5;
  constexpr int64_t kEach = 100;
  std::vector<std::string> accounts;
  for (int i = 0; i < kAccounts; ++i) {
    accounts.push_back("account" + std::to_string(i));
    Write(bench, {Put(accounts.back(), Counter(kEach))});
  }
  auto sum = [](const Rows& rows) {
    int64_t total = 0;
    for (const auto& row : rows) total += Number(row.second);
    return total;
  };
  RunThreads(bench.fixture.Environment(), kThreads, [&](int thread) {
    base::Prng prng(bench.seed + static_cast<uint64_t>(thread));
    for (int i = 0; i < kRounds; ++i) {
      Retry(bench, Isolation::kSerializable, [&](Transaction& transaction) {
        // Read by a scan, written by single keys: the range must be validated.
        Rows rows = Scan(transaction);
        ASSERT_EQ(sum(rows), kAccounts * kEach);
        size_t from = prng.Below(kAccounts), to = prng.Below(kAccounts);
        if (from == to) return;
        std::string less = Counter(Number(rows[from].second) - 1);
        std::string more = Counter(Number(rows[to].second) + 1);
        WriteIn(transaction, {Put(accounts[from], less), Put(accounts[to], more)});
      });
    }
  });
  EXPECT_EQ(sum(ScanAll(bench)), kAccounts * kEach);
}

void SerializableKeepsAtLeastOneOnCall(Bench& bench) {
  // Write skew, hunted by threads: each takes itself off call while another stands.
  for (int round = 0; round < 20; ++round) {
    std::vector<Mutation> all_on;
    std::vector<std::string> names;
    for (int i = 0; i < kThreads; ++i) names.push_back("doctor" + std::to_string(i));
    for (const std::string& name : names) all_on.push_back(Put(name, "on"));
    Write(bench, all_on);
    auto on_call = [](const Rows& rows) {
      return std::count_if(rows.begin(), rows.end(),
                           [](const auto& r) { return r.second == "on"; });
    };
    RunThreads(bench.fixture.Environment(), kThreads, [&](int thread) {
      Retry(bench, Isolation::kSerializable, [&](Transaction& transaction) {
        if (on_call(Scan(transaction)) < 2) return;
        WriteIn(transaction, {Put(names[static_cast<size_t>(thread)], "off")});
      });
    });
    ASSERT_EQ(on_call(ScanAll(bench)), 1) << "round " << round;
  }
}

}  // namespace

std::vector<StorageLaw> StorageConcurrencyLaws() {
  return {{"BatchesAreAtomicUnderReaders", BatchesAreAtomicUnderReaders},
          {"ConcurrentIncrementsLoseNothing", ConcurrentIncrementsLoseNothing},
          {"ConcurrentAddsSumUp", ConcurrentAddsSumUp},
          {"ConcurrentStampsAreUnique", ConcurrentStampsAreUnique},
          {"SerializableTransfersKeepTheSum", SerializableTransfersKeepTheSum},
          {"SerializableKeepsAtLeastOneOnCall", SerializableKeepsAtLeastOneOnCall}};
}

}  // namespace nexadb::testkit
