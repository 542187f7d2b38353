// Histories of concurrent transactions, checked as a whole. Every transaction must read one moment.
// Of two that overlap and write the same key only one commits. Serializable ones must have read
// what they would have read had they run alone at the moment of their commit: so no write skew, no
// phantom and no lost update can hide. Snapshot isolation must show skew now and then, or the check
// would prove nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>

#include "core/base/prng.h"
#include "core/base/sim_env.h"
#include "plugins/storage-lsm/testing/test_engine.h"

namespace nexadb::lsm::testing {
namespace {

constexpr int kClients = 3;
constexpr int kTransactionsEach = 30;
constexpr uint64_t kKeys = 10;

using Model = std::map<std::string, std::string>;

struct Record {
  uint64_t begin = 0;
  uint64_t commit = 0;  // 0: aborted
  std::vector<std::pair<std::string, std::optional<std::string>>> gets;
  struct Scan {
    std::string begin;
    std::string end;
    Rows rows;
  };
  std::vector<Scan> scans;
  std::vector<std::pair<std::string, std::optional<std::string>>> writes;  // none: deleted
};

struct Client {
  TestEngine* engine = nullptr;
  Isolation isolation = Isolation::kSnapshot;
  base::Prng prng{0};
  std::string name;
  std::vector<Record> records;

  static void Body(void* state) noexcept {
    auto& client = *static_cast<Client*>(state);
    for (int i = 0; i < kTransactionsEach; ++i) client.RunOne(i);
  }
  std::string Key() { return "k" + std::to_string(prng.Below(kKeys)); }
  void RunOne(int number) {
    Record record;
    auto transaction = engine->Begin(isolation);
    record.begin = transaction->Sequence();
    for (uint64_t i = 1 + prng.Below(3); i > 0; --i) {
      if (prng.OneIn(3)) {
        Record::Scan scan{Key(), Key(), {}};
        if (scan.end < scan.begin) std::swap(scan.begin, scan.end);
        if (scan.begin == scan.end) scan.end += "~";
        scan.rows = ScanFrom(*transaction, scan.begin, scan.end, prng.OneIn(2), 1 + prng.Below(9));
        std::sort(scan.rows.begin(), scan.rows.end());
        record.scans.push_back(std::move(scan));
      } else {
        const std::string key = Key();
        record.gets.emplace_back(key, GetFrom(*transaction, key));
      }
    }
    for (uint64_t i = 1 + prng.Below(2); i > 0; --i) {
      const std::string key = Key();
      const std::string value = name + std::to_string(number) + "." + std::to_string(i);
      const Mutation mutation = prng.OneIn(4) ? Delete(key) : Put(key, value);
      const bool put = mutation.op == Mutation::Op::kPut;
      ASSERT_TRUE(transaction->Write({&mutation, 1}).ok());
      record.writes.emplace_back(key, put ? std::optional(value) : std::nullopt);
    }
    if (prng.OneIn(8)) static_cast<void>(engine->store().FlushMemtable());
    auto committed = transaction->Commit(WriteOptions{});
    if (committed.ok()) record.commit = *committed;
    EXPECT_TRUE(committed.ok() || committed.status().code() == Code::kConflict);
    records.push_back(std::move(record));
  }
};

bool ReadsHold(const Record& record, const Model& model) {
  for (const auto& [key, value] : record.gets) {
    const auto at = model.find(key);
    if ((at == model.end()) != !value.has_value() || (value && at->second != *value)) return false;
  }
  for (const Record::Scan& scan : record.scans) {
    const Rows expected(model.lower_bound(scan.begin), model.lower_bound(scan.end));
    if (expected != scan.rows) return false;
  }
  return true;
}

struct Verdict {
  uint64_t committed = 0;
  uint64_t aborted = 0;
  uint64_t skewed = 0;  // committed, though their reads no longer held
};

Verdict Play(uint64_t seed, Isolation isolation) {
  base::SimEnv env(seed);
  TestEngine engine(env, "lsm", TinyOptions());
  engine.Open();
  Client clients[kClients];
  Handle<Thread> threads[kClients];
  for (int i = 0; i < kClients; ++i) {
    clients[i].engine = &engine;
    clients[i].isolation = isolation;
    clients[i].prng = base::Prng(seed * 31 + static_cast<uint64_t>(i));
    clients[i].name = std::string(1, static_cast<char>('a' + i));
    threads[i] = std::move(*env.StartThread("client", Callback{Client::Body, &clients[i]}));
  }
  for (Handle<Thread>& thread : threads) thread->Join();
  std::map<uint64_t, const Record*> commits;
  std::vector<const Record*> all;
  for (const Client& client : clients) {
    for (const Record& record : client.records) {
      all.push_back(&record);
      if (record.commit != 0) commits[record.commit] = &record;
    }
  }
  std::map<uint64_t, Model> states{{0, {}}};
  Verdict verdict;
  for (const auto& [sequence, record] : commits) {
    Model state = states.rbegin()->second;
    verdict.skewed += ReadsHold(*record, state) ? 0 : 1;
    for (const auto& [key, value] : record->writes) {
      if (value) state[key] = *value;
      if (!value) state.erase(key);
    }
    states[sequence] = std::move(state);
    for (auto other = commits.upper_bound(record->begin); other->first < sequence; ++other) {
      for (const auto& [key, value] : record->writes) {
        for (const auto& [other_key, other_value] : other->second->writes) {
          EXPECT_NE(key, other_key) << "a lost update, seed " << seed;
        }
      }
    }
  }
  for (const Record* record : all) {
    const Model& state = std::prev(states.upper_bound(record->begin))->second;
    EXPECT_TRUE(ReadsHold(*record, state)) << "not one moment, seed " << seed;
    ++(record->commit != 0 ? verdict.committed : verdict.aborted);
  }
  const Model& last = states.rbegin()->second;
  EXPECT_EQ(engine.Scan(), Rows(last.begin(), last.end())) << "seed " << seed;
  return verdict;
}

TEST(Isolation, HistoriesKeepWhatTheirLevelPromises) {
  const char* text = std::getenv("NEXADB_SEED");
  const uint64_t first = text != nullptr ? std::strtoull(text, nullptr, 10) : 1;
  std::printf("seed %llu\n", static_cast<unsigned long long>(first));
  Verdict snapshot;
  Verdict serializable;
  for (uint64_t seed = first; seed < first + 25; ++seed) {
    for (Isolation level : {Isolation::kSnapshot, Isolation::kSerializable}) {
      const Verdict one = Play(seed, level);
      Verdict& sum = level == Isolation::kSnapshot ? snapshot : serializable;
      sum.committed += one.committed;
      sum.aborted += one.aborted;
      sum.skewed += one.skewed;
    }
  }
  EXPECT_GT(snapshot.skewed, 0u) << "the histories are too tame to show write skew";
  EXPECT_EQ(serializable.skewed, 0u);
  EXPECT_GT(serializable.committed, serializable.aborted / 4);
  EXPECT_GT(serializable.aborted, snapshot.aborted);
}

}  // namespace
}  // namespace nexadb::lsm::testing
