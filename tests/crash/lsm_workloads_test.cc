// The power goes at every single file-system operation of four fixed workloads: many small
// batches, a recovery that is itself cut off, a backup beside writes, and ingests among them. And
// the first twenty syncs of the whole store fail, one at a time.
#include <gtest/gtest.h>

#include <string>

#include "core/base/sim_env.h"
#include "tests/crash/client.h"

namespace nexadb::crash {
namespace {

using lsm::Engine;
using lsm::StoreOptions;

constexpr const char* kDirectory = "data/lsm";
constexpr const char* kBackup = "backups/one";

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

bool Write(Engine& engine, Client& client, int batches) {
  for (int i = 0; i < batches; ++i) {
    if (!client.WriteOne(engine)) return false;
  }
  return true;
}

StorageBackup& BackupsOf(Engine& engine) {
  return *static_cast<StorageBackup*>(engine.Facet(StorageBackup::kInterface));
}

void WriteMuch(base::SimEnv& env, Client& client) {
  Engine engine;
  if (engine.Open(env, nullptr, kDirectory, SmallOptions()).ok()) {
    static_cast<void>(Write(engine, client, 60));
    static_cast<void>(engine.store()->Compact({}, {}));
  }
  static_cast<void>(engine.Close());
}

// What is cut off is the second open, which finds logs and half-made files.
void Recover(base::SimEnv& env, Client&) {
  Engine engine;
  static_cast<void>(engine.Open(env, nullptr, kDirectory, SmallOptions()));
  static_cast<void>(engine.Close());
}

void BackUp(base::SimEnv& env, Client& client) {
  Engine engine;
  if (engine.Open(env, nullptr, kDirectory, SmallOptions()).ok() && Write(engine, client, 10)) {
    static_cast<void>(BackupsOf(engine).Backup(kBackup, BackupWatch{}));
    static_cast<void>(Write(engine, client, 5));
  }
  static_cast<void>(engine.Close());
}

void Ingest(base::SimEnv& env, Client& client) {
  Engine engine;
  bool good = engine.Open(env, nullptr, kDirectory, SmallOptions()).ok();
  for (int round = 0; good && round < 4; ++round) {
    good = Write(engine, client, 4) && client.IngestOne(engine);
  }
  if (good) static_cast<void>(engine.store()->Compact({}, {}));
  static_cast<void>(engine.Close());
}

struct Workload {
  const char* name;
  void (*run)(base::SimEnv& env, Client& client);
  bool after_a_kill;  // a first life comes before it, and ends without a close
};

// Brings the machine to where the workload starts; returns the operations so far.
uint64_t Prepare(const Workload& workload, base::SimEnv& env, Client& client) {
  if (workload.after_a_kill) {
    Engine engine;
    EXPECT_TRUE(engine.Open(env, nullptr, kDirectory, SmallOptions()).ok());
    EXPECT_TRUE(Write(engine, client, 30));
    EXPECT_TRUE(engine.Flush().ok());
    client.NoteFlushed();
    env.disk().CrashAt(env.disk().operations());
    static_cast<void>(engine.Close());
    env.disk().Crash(1, base::CrashStyle::kRandom);
  }
  return env.disk().operations();
}

std::string CheckAfter(base::SimEnv& env, Client& client) {
  Engine engine;
  const Status opened = engine.Open(env, nullptr, kDirectory, SmallOptions());
  if (!opened.ok()) return "open failed: " + std::string(opened.message());
  std::string wrong = client.Settle(engine, Client::Loss::kPowerCut);
  const Status verified = engine.store()->Verify();
  if (wrong.empty() && !verified.ok()) wrong = "verify: " + std::string(verified.message());
  if (wrong.empty() && BackupsOf(engine).Describe(kBackup).ok()) {
    const Status backup = BackupsOf(engine).VerifyBackup(kBackup, BackupWatch{});
    if (!backup.ok()) wrong = "backup: " + std::string(backup.message());
  }
  const Status closed = engine.Close();
  if (wrong.empty() && !closed.ok()) wrong = "close: " + std::string(closed.message());
  return wrong;
}

TEST(LsmWorkloads, APowerCutAtAnyOperationOfAnyLosesNothing) {
  for (const Workload& workload :
       {Workload{"writes", WriteMuch, false}, Workload{"recovery", Recover, true},
        Workload{"backup", BackUp, true}, Workload{"ingest", Ingest, true}}) {
    uint64_t total = 0;
    {
      base::SimEnv env(1);
      Client client(0, 1, env);
      const uint64_t start = Prepare(workload, env, client);
      workload.run(env, client);
      total = env.disk().operations() - start;
    }
    std::printf("%s: %llu operations\n", workload.name, static_cast<unsigned long long>(total));
    EXPECT_GT(total, 10u);
    for (uint64_t operation = 0; operation < total; ++operation) {
      base::SimEnv env(1);
      Client client(0, 1, env);
      env.disk().CrashAt(Prepare(workload, env, client) + operation);
      workload.run(env, client);
      env.disk().Crash(operation, base::CrashStyle::kRandom);
      ASSERT_EQ(CheckAfter(env, client), "") << workload.name << ", operation " << operation;
      ASSERT_EQ(CheckAfter(env, client), "") << workload.name << ", again after " << operation;
    }
  }
}

TEST(LsmWorkloads, AnyOfTheFirstTwentySyncsMayFail) {
  for (uint64_t turn = 0; turn < 20; ++turn) {
    base::SimEnv env(turn);
    Client client(0, turn, env);
    env.disk().Inject({.op = base::FileOp::kSync, .skip = turn});
    WriteMuch(env, client);
    EXPECT_EQ(env.disk().faults_struck(), 1u) << "turn " << turn;
    env.disk().Crash(turn, base::CrashStyle::kRandom);
    ASSERT_EQ(CheckAfter(env, client), "") << "turn " << turn;
  }
}

}  // namespace
}  // namespace nexadb::crash
