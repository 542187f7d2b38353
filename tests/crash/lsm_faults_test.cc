// Storage-lsm when one thing fails: the power at every single operation, a sync at every turn, the
// disk when it is full. A fixed workload, so that no place is left to chance.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "core/base/sim_env.h"
#include "tests/crash/client.h"

namespace nexadb::crash {
namespace {

using lsm::Engine;
using lsm::StoreOptions;

constexpr const char* kDirectory = "data/lsm";
constexpr int kBatches = 40;

StoreOptions SmallOptions() {
  StoreOptions options;
  options.memory_budget_bytes = 1u << 20;
  options.memtable_bytes = 8u << 10;
  options.block_bytes = 512;
  options.table_bytes = 8u << 10;
  options.level1_bytes = 16u << 10;
  options.manifest_bytes = 1u << 10;
  options.level0_compact = 2;
  options.level0_slow = 1000;
  options.level0_stop = 1000;
  options.disk_reserve_bytes = 0;
  return options;
}

// Opens, writes until done or failed, closes.
void Work(base::SimEnv& env, Client& client) {
  Engine engine;
  if (engine.Open(env, nullptr, kDirectory, SmallOptions()).ok()) {
    for (int i = 0; i < kBatches; ++i) {
      if (!client.WriteOne(engine)) break;
      if (i % 12 == 11 && !client.IngestOne(engine)) break;
      if (i % 16 == 15) static_cast<void>(engine.store()->FlushMemtable());
      if (i == 30) static_cast<void>(engine.store()->Compact({}, {}));
    }
  }
  static_cast<void>(engine.Close());
}

std::string CheckAfter(base::SimEnv& env, Client& client, Client::Loss loss) {
  Engine engine;
  const Status opened = engine.Open(env, nullptr, kDirectory, SmallOptions());
  if (!opened.ok()) return "open failed: " + std::string(opened.message());
  std::string wrong = client.Settle(engine, loss);
  const Status verified = engine.store()->Verify();
  if (wrong.empty() && !verified.ok()) wrong = "verify: " + std::string(verified.message());
  const Status closed = engine.Close();
  if (wrong.empty() && !closed.ok()) wrong = "close: " + std::string(closed.message());
  return wrong;
}

TEST(LsmFaults, APowerCutAtAnyOperationLosesNothingThatWasPromised) {
  uint64_t total = 0;
  {
    base::SimEnv env(1);
    Client client(0, 1, env);
    Work(env, client);
    total = env.disk().operations();
  }
  ASSERT_GT(total, 100u);
  for (uint64_t operation = 0; operation < total; ++operation) {
    for (base::CrashStyle style : {base::CrashStyle::kLoseAll, base::CrashStyle::kRandom}) {
      base::SimEnv env(1);
      Client client(0, 1, env);
      env.disk().CrashAt(operation);
      Work(env, client);
      env.disk().Crash(operation, style);
      ASSERT_EQ(CheckAfter(env, client, Client::Loss::kPowerCut), "")
          << "power cut at operation " << operation;
    }
  }
}

TEST(LsmFaults, AFailedSyncStopsWritesNotReadsAndLosesNothing) {
  uint64_t poisoned = 0;
  uint64_t turn = 0;
  for (;; ++turn) {
    base::SimEnv env(turn);
    Client client(0, 5, env);
    Engine engine;
    ASSERT_TRUE(engine.Open(env, nullptr, kDirectory, SmallOptions()).ok());
    env.disk().Inject({.op = base::FileOp::kSync, .skip = turn, .path_contains = ".wal"});
    bool failed = false;
    for (int i = 0; i < kBatches && !failed; ++i) failed = !client.WriteOne(engine);
    if (env.disk().faults_struck() == 0) {
      break;
    }
    if (failed) {
      // The next sync would succeed, but nobody may try it: the log takes no more. Only a log that
      // failed before its first record is given up for another one.
      const Mutation put{Mutation::Op::kPut, 0, AsBytes(std::string_view("x")), {}};
      if (!engine.Write({&put, 1}, WriteOptions{}).ok()) ++poisoned;
      EXPECT_EQ(client.CheckVisible(engine), "") << "turn " << turn;
    }
    static_cast<void>(engine.Close());
    env.disk().Crash(turn, base::CrashStyle::kRandom);
    ASSERT_EQ(CheckAfter(env, client, Client::Loss::kPowerCut), "") << "turn " << turn;
  }
  EXPECT_GT(turn, 10u) << "the workload hardly syncs";
  EXPECT_GT(poisoned, turn / 2);
}

TEST(LsmFaults, AFailureOfAnyOtherFileLosesNothing) {
  for (const char* path : {".sst", "MANIFEST", "CURRENT"}) {
    for (base::FileOp op : {base::FileOp::kWrite, base::FileOp::kSync, base::FileOp::kOpen}) {
      for (uint64_t turn = 0; turn < 12; ++turn) {
        base::SimEnv env(turn);
        Client client(0, 9, env);
        env.disk().Inject({.op = op, .skip = turn, .path_contains = path});
        Work(env, client);
        env.disk().ClearFaults();
        env.disk().Crash(turn, base::CrashStyle::kRandom);
        ASSERT_EQ(CheckAfter(env, client, Client::Loss::kPowerCut), "")
            << path << " " << base::FileOpName(op) << " turn " << turn;
      }
    }
  }
}

// The successor of a log names where that ended. If making it fails, and it comes back all the same
// when the power goes, what the older log took meanwhile must not be passed over.
TEST(LsmFaults, ALogWhoseSuccessorFailedHalfMadeLosesNothing) {
  for (uint64_t turn = 0; turn < 8; ++turn) {
    for (base::CrashStyle style : {base::CrashStyle::kKeepAll, base::CrashStyle::kRandom}) {
      base::SimEnv env(turn);
      Client client(0, turn, env);
      Engine engine;
      ASSERT_TRUE(engine.Open(env, nullptr, kDirectory, SmallOptions()).ok());
      ASSERT_TRUE(client.WriteOne(engine));
      env.disk().Inject({.op = base::FileOp::kSyncDirectory});
      env.disk().Inject({.op = base::FileOp::kRemove, .path_contains = ".wal"});
      EXPECT_FALSE(engine.store()->FlushMemtable().ok());
      env.disk().ClearFaults();
      for (int i = 0; i < 3; ++i) ASSERT_TRUE(client.WriteOne(engine));
      ASSERT_TRUE(engine.Flush().ok());
      client.NoteFlushed();
      env.disk().CrashAt(env.disk().operations());
      static_cast<void>(engine.Close());
      env.disk().Crash(turn, style);
      ASSERT_EQ(CheckAfter(env, client, Client::Loss::kPowerCut), "") << "turn " << turn;
    }
  }
}

TEST(LsmFaults, AnIntervalLaterAPowerCutTakesNothing) {
  constexpr uint64_t kIntervalNs = 100'000'000;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    base::SimEnv env(seed);
    Client client(0, seed, env);
    Engine engine;
    ASSERT_TRUE(engine.Open(env, nullptr, kDirectory, SmallOptions()).ok());
    for (int i = 0; i < kBatches; ++i) {
      ASSERT_TRUE(client.WriteOne(engine));
      env.SleepNs(kIntervalNs / 3 * (seed % 7));
      client.NotePowerOn(kIntervalNs);
    }
    env.disk().CrashAt(env.disk().operations());
    static_cast<void>(engine.Close());
    env.disk().Crash(seed, base::CrashStyle::kLoseAll);
    ASSERT_EQ(CheckAfter(env, client, Client::Loss::kPowerCut), "") << "seed " << seed;
  }
}

// The interval's sync runs beside the writers; its failure must reach them.
TEST(LsmFaults, AFailedSyncOfTheIntervalStopsWrites) {
  base::SimEnv env(6);
  Engine engine;
  StoreOptions options = SmallOptions();
  options.durability = Durability::kInterval;
  ASSERT_TRUE(engine.Open(env, nullptr, kDirectory, options).ok());
  const Mutation put{Mutation::Op::kPut, 0, AsBytes(std::string_view("x")), {}};
  env.disk().Inject({.op = base::FileOp::kSync, .path_contains = ".wal"});
  ASSERT_TRUE(engine.Write({&put, 1}, WriteOptions{}).ok());
  env.SleepNs(200'000'000);
  EXPECT_EQ(env.disk().faults_struck(), 1u);
  EXPECT_FALSE(engine.Write({&put, 1}, WriteOptions{}).ok());
  EXPECT_FALSE(engine.Flush().ok()) << "a sync that failed was tried again";
  EXPECT_TRUE((*engine.OpenSnapshot())->Get(put.key, ReadOptions{}).ok());
  static_cast<void>(engine.Close());
}

TEST(LsmFaults, AFullDiskRefusesWritesAndKeepsWhatWasAcknowledged) {
  base::SimEnv env(3);
  uint64_t capacity = 200u << 10;
  std::map<std::string, std::string> acknowledged;
  for (int cycle = 0; cycle < 4; ++cycle, capacity += 200u << 10) {
    env.disk().LimitCapacity(capacity);
    Engine engine;
    const Status opened = engine.Open(env, nullptr, kDirectory, SmallOptions());
    ASSERT_TRUE(opened.ok()) << opened.message();
    Status refused;
    for (int i = 0; i < 5000 && refused.ok(); ++i) {
      const std::string key = std::to_string(cycle) + "/" + std::to_string(i);
      const std::string value(300, static_cast<char>('a' + i % 26));
      const Mutation put{Mutation::Op::kPut, 0, AsBytes(key), AsBytes(value)};
      auto written = engine.Write({&put, 1}, WriteOptions{});
      if (written.ok()) acknowledged[key] = value;
      refused = written.status();
    }
    EXPECT_EQ(refused.code(), Code::kResourceExhausted) << refused.message();
    auto snapshot = engine.OpenSnapshot();
    for (const auto& [key, value] : acknowledged) {
      auto read = (*snapshot)->Get(AsBytes(key), ReadOptions{});
      ASSERT_TRUE(read.ok()) << key << ": " << read.status().message();
      ASSERT_EQ(read->text(), value);
    }
    *snapshot = {};
    static_cast<void>(engine.Close());
    env.disk().Crash(static_cast<uint64_t>(cycle), base::CrashStyle::kRandom);
  }
  EXPECT_GT(acknowledged.size(), 300u);
}

// Without closing: each time there is room again, the store goes on, and a refused write is never
// seen, before a power cut or after it, unless the power went before another log was begun.
TEST(LsmFaults, ThreeTimesFullADiskTakesWritesAgainOnceThereIsRoom) {
  for (Durability durability : {Durability::kDisk, Durability::kOs, Durability::kProcess}) {
    base::SimEnv env(5);
    StoreOptions options = SmallOptions();
    options.durability = durability;
    options.compression = lsm::Compression::kNone;
    std::map<std::string, std::string> acknowledged;
    {
      Engine engine;
      ASSERT_TRUE(engine.Open(env, nullptr, kDirectory, options).ok());
      uint64_t capacity = 0;
      for (int cycle = 0; cycle < 3; ++cycle) {
        capacity += 200u << 10;
        env.disk().LimitCapacity(capacity);
        Status refused;
        for (int i = 0; i < 5000 && refused.ok(); ++i) {
          const std::string key = std::to_string(cycle) + "/" + std::to_string(i);
          const std::string value(300, static_cast<char>('a' + i % 26));
          const Mutation put{Mutation::Op::kPut, 0, AsBytes(key), AsBytes(value)};
          refused = engine.Write({&put, 1}, WriteOptions{}).status();
          if (refused.ok()) acknowledged[key] = value;
        }
        EXPECT_EQ(refused.code(), Code::kResourceExhausted) << refused.message();
        EXPECT_TRUE((*engine.OpenSnapshot())->Get(AsBytes(std::string_view("0/0")), {}).ok());
        env.disk().LimitCapacity(capacity += 400u << 10);
        env.SleepNs(2'000'000'000);  // a failed flush is tried again
        const std::string key = std::to_string(cycle) + "/again";
        const Mutation put{Mutation::Op::kPut, 0, AsBytes(key), AsBytes(key)};
        const Status again = engine.Write({&put, 1}, WriteOptions{}).status();
        ASSERT_TRUE(again.ok()) << "cycle " << cycle << ": " << again.message();
        acknowledged[key] = key;
      }
      ASSERT_TRUE(engine.Flush().ok());
      env.disk().CrashAt(env.disk().operations());
      static_cast<void>(engine.Close());
    }
    env.disk().Crash(7, base::CrashStyle::kLoseAll);
    Engine engine;
    const Status opened = engine.Open(env, nullptr, kDirectory, options);
    ASSERT_TRUE(opened.ok()) << opened.message();
    auto snapshot = engine.OpenSnapshot();
    auto cursor = (*snapshot)->Scan(ScanOptions{});
    Row rows[64];
    std::map<std::string, std::string> found;
    for (uint64_t count = 1; count > 0;) {
      count = *(*cursor)->Next({rows, 64});
      for (uint64_t i = 0; i < count; ++i)
        found.emplace(AsText(rows[i].key), AsText(rows[i].value));
    }
    EXPECT_EQ(found, acknowledged) << "durability " << static_cast<int>(durability);
    cursor->Reset();
    *snapshot = {};
    EXPECT_TRUE(engine.Close().ok());
  }
}

TEST(LsmFaults, TheDiskReserveIsLeftToDeletes) {
  base::SimEnv env(4);
  StoreOptions options = SmallOptions();
  options.disk_reserve_bytes = 100u << 10;
  options.compression = lsm::Compression::kNone;
  env.disk().LimitCapacity(300u << 10);
  Engine engine;
  ASSERT_TRUE(engine.Open(env, nullptr, kDirectory, options).ok());
  const std::string value(1000, 'v');
  Status refused;
  int written = 0;
  for (; written < 1000 && refused.ok(); ++written) {
    const std::string key = std::to_string(written);
    const Mutation put{Mutation::Op::kPut, 0, AsBytes(key), AsBytes(value)};
    refused = engine.Write({&put, 1}, WriteOptions{}).status();
    env.SleepNs(200'000'000);
  }
  EXPECT_EQ(refused.code(), Code::kResourceExhausted) << refused.message();
  const Mutation drop{Mutation::Op::kDeleteRange, 0, {}, {}};
  EXPECT_TRUE(engine.Write({&drop, 1}, WriteOptions{}).ok());
  ASSERT_TRUE(engine.store()->Compact({}, {}).ok());
  env.SleepNs(200'000'000);
  const Mutation put{Mutation::Op::kPut, 0, AsBytes(std::string_view("again")), {}};
  const Status again = engine.Write({&put, 1}, WriteOptions{}).status();
  EXPECT_TRUE(again.ok()) << again.message();
  EXPECT_TRUE(engine.Close().ok());
}

}  // namespace
}  // namespace nexadb::crash
