// Laws of the write path: how writers are slowed, how syncs are shared, what becomes of logs,
// deletes and sequences behind them.
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "core/base/sim_env.h"
#include "core/base/system_env.h"
#include "nexadb/bson.h"
#include "plugins/storage-lsm/commit/sync_pacer.h"
#include "plugins/storage-lsm/testing/test_engine.h"

namespace nexadb::lsm::testing {
namespace {

std::string Key(int i) {
  char text[16];
  std::snprintf(text, sizeof(text), "key%06d", i);
  return text;
}

int64_t Figure(TestEngine& db, std::string_view name) {
  const std::string bytes = db.store().StatisticsBson();
  return bson::Document(AsBytes(bytes))[name].value().Int64();
}

TEST(Backpressure, BelowTheSoftLimitNobodyWaits) {
  Backpressure backpressure;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(backpressure.WaitFor(1 << 20, {1.0, 1.5, 3.0}, {8, 8, 24}), 0u);
  }
}

TEST(Backpressure, AtHalfPressureWritersAreAsFastAsTheBackground) {
  Backpressure backpressure;
  for (int i = 0; i < 100; ++i) backpressure.flush.Note(1'000'000, 10'000'000);  // 10 ns a byte
  uint64_t waited_ns = 0;
  constexpr uint64_t kBytes = 64 << 20;
  for (uint64_t bytes = 0; bytes < kBytes; bytes += 128) {
    const uint64_t wait_ns = backpressure.WaitFor(128, {2.0, 1.0, 3.0}, {0, 8, 24});
    if (wait_ns == 0) continue;
    EXPECT_GE(wait_ns, 100'000u) << "sleeps are worth their switches";
    EXPECT_LE(wait_ns, 5'000'000u) << "no write waits for long";
    backpressure.Slept(wait_ns);
    waited_ns += wait_ns;
  }
  EXPECT_NEAR(static_cast<double>(waited_ns) / kBytes, 10.0, 0.2);
}

TEST(Backpressure, SleepsThatTakeLongerAreMadeUpFor) {
  Backpressure backpressure;
  uint64_t waited_ns = 0;
  constexpr uint64_t kBytes = 64 << 20;
  for (uint64_t bytes = 0; bytes < kBytes; bytes += 128) {
    if (backpressure.WaitFor(128, {0, 1, 2}, {16, 8, 24}) == 0) continue;
    backpressure.Slept(400'000);
    waited_ns += 400'000;
  }
  EXPECT_NEAR(static_cast<double>(waited_ns) / kBytes, backpressure.compaction.ns_per_byte(), 0.2);
}

TEST(SyncPacer, ALoneWriterIsNeverMadeToWait) {
  SyncPacer pacer;
  for (int i = 0; i < 100; ++i) {
    EXPECT_LE(pacer.expected(), 1u);
    pacer.Note(1, 0, 150'000);
  }
}

TEST(SyncPacer, ManyWritersAreExpectedTogetherAndForgottenWhenTheyLeave) {
  SyncPacer pacer;
  for (int i = 0; i < 20; ++i) pacer.Note(i % 2 == 0 ? 3 : 5, i % 2 == 0 ? 5 : 3, 200'000);
  EXPECT_EQ(pacer.expected(), 8u);
  EXPECT_GT(pacer.WaitNs(), 0u);
  EXPECT_LT(pacer.WaitNs(), 200'000u) << "a wait costs less than a sync";
  for (int i = 0; i < 20; ++i) pacer.Note(1, 0, 200'000);
  EXPECT_EQ(pacer.expected(), 1u);
}

// Writers on threads of their own, durable writes: what each was told is there, at once.
TEST(CommitQueueLaw, WhatWasAcknowledgedIsVisibleAndShares) {
  base::SimEnv env(11);
  TestEngine db(env, "data/lsm", TinyOptions());
  db.Open();
  struct Run {
    TestEngine* db;
    int id;
    std::atomic<int>* wrong;
    static void Body(void* state) noexcept {
      auto& run = *static_cast<Run*>(state);
      for (int i = 0; i < 50; ++i) {
        const std::string key = Key(run.id * 1000 + i);
        auto sequence = run.db->TryWrite({Put(key, "v")}, i % 3 == 0   ? Durability::kOs
                                                          : i % 3 == 1 ? Durability::kProcess
                                                                       : Durability::kDisk);
        auto snapshot = run.db->engine().OpenSnapshot();
        const bool seen = sequence.ok() && snapshot.ok() && (*snapshot)->Sequence() >= *sequence &&
                          (*snapshot)->Get(AsBytes(key), ReadOptions{}).ok();
        if (!seen) run.wrong->fetch_add(1);
      }
    }
  };
  std::atomic<int> wrong{0};
  Run runs[8];
  std::vector<Handle<Thread>> threads;
  for (int i = 0; i < 8; ++i) {
    runs[i] = {&db, i, &wrong};
    auto thread = env.StartThread("writer", Callback{Run::Body, &runs[i]});
    ASSERT_TRUE(thread.ok());
    threads.push_back(std::move(*thread));
  }
  for (auto& thread : threads) thread->Join();
  EXPECT_EQ(wrong.load(), 0);
  EXPECT_EQ(db.Scan().size(), 400u);
  EXPECT_LT(Figure(db, "wal_syncs"), 136) << "no sync was shared";
}

// A directory on the machine's own disk, gone with the test.
class DiskDirectory {
 public:
  DiskDirectory() {
    if (::mkdtemp(name_.data()) == nullptr) std::abort();
  }
  ~DiskDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(name_, ignored);
  }
  DiskDirectory(const DiskDirectory&) = delete;
  DiskDirectory& operator=(const DiskDirectory&) = delete;
  const std::string& name() const { return name_; }

 private:
  std::string name_ = ::testing::TempDir() + "nexadb_write_path_XXXXXX";
};

// The same on the machine's own threads, for the thread sanitizer's sake, with flushes under way.
TEST(CommitQueueLaw, ThreadsOfTheSystemAgreeOnWhatIsVisible) {
  const DiskDirectory directory;
  {
    TestEngine db(base::SystemEnv(), directory.name() + "/lsm", TinyOptions());
    db.Open();
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int id = 0; id < 4; ++id) {
      threads.emplace_back([&, id] {
        for (int i = 0; i < 200; ++i) {
          const std::string key = Key(id * 1000 + i);
          const auto durability = i % 4 == 0 ? Durability::kDisk : Durability::kOs;
          if (!db.TryWrite({Put(key, "v")}, durability).ok() || !db.Get(key)) wrong.fetch_add(1);
        }
      });
    }
    for (int i = 0; i < 10; ++i) {
      EXPECT_TRUE(db.store().FlushMemtable().ok());
      EXPECT_GE(Figure(db, "sequence"), 0);
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(wrong.load(), 0);
    EXPECT_EQ(db.Scan().size(), 800u);
    ASSERT_TRUE(db.store().WaitIdle().ok());
    EXPECT_EQ(db.Scan().size(), 800u);
    EXPECT_TRUE(db.TryClose().ok());
  }
}

// One write by a transaction that must not wait: its code, kOk where it went through.
Code WriteAtOnce(TestEngine& db, const std::string& key, Durability durability) {
  auto* facet = static_cast<StorageNonblocking*>(db.engine().Facet(StorageNonblocking::kInterface));
  auto transaction = facet->BeginNonblocking({});
  if (!transaction.ok()) return transaction.status().code();
  const Mutation put = Put(key, "v");
  const Status written = (*transaction)->Write({&put, 1});
  if (!written.ok()) return written.code();
  WriteOptions options;
  options.durability = durability;
  return (*transaction)->Commit(options).status().code();
}

StoreOptions IntervalOptions() {
  StoreOptions options = TinyOptions();
  options.durability = Durability::kInterval;
  return options;
}

TEST(NonblockingCommit, GoesThroughWhereNothingIsToWaitForAndIsSeenAtOnce) {
  base::SimEnv env(21);
  TestEngine db(env, "data/lsm", IntervalOptions());
  db.Open();
  EXPECT_EQ(WriteAtOnce(db, "a", Durability::kDefault), Code::kOk);
  EXPECT_EQ(db.Get("a"), "v");
}

TEST(NonblockingCommit, NeverAsksForASync) {
  base::SimEnv env(22);
  TestEngine db(env, "data/lsm", IntervalOptions());
  db.Open();
  const int64_t syncs = Figure(db, "wal_syncs");
  EXPECT_EQ(WriteAtOnce(db, "a", Durability::kDisk), Code::kWouldBlock);
  EXPECT_EQ(Figure(db, "wal_syncs"), syncs);
  EXPECT_EQ(db.Get("a"), std::nullopt);
  TestEngine durable(env, "data/durable", TinyOptions());
  durable.Open();
  EXPECT_EQ(WriteAtOnce(durable, "a", Durability::kOs), Code::kWouldBlock);
}

TEST(NonblockingCommit, LeavesAFullMemtableToAWriterThatMayWait) {
  base::SimEnv env(23);
  TestEngine db(env, "data/lsm", IntervalOptions());
  db.Open();
  const std::string value(256, 'x');
  int written = 0;
  Code code = Code::kOk;
  for (; code == Code::kOk && written < 1000; ++written) {
    code = WriteAtOnce(db, Key(written), Durability::kDefault);
  }
  EXPECT_EQ(code, Code::kWouldBlock);
  EXPECT_EQ(db.Scan().size(), static_cast<size_t>(written - 1)) << "nothing of it is stored";
  ASSERT_TRUE(db.TryWrite({Put("other", value)}, Durability::kOs).ok());
  ASSERT_TRUE(db.store().WaitIdle().ok());
  EXPECT_EQ(WriteAtOnce(db, "after", Durability::kDefault), Code::kOk);
}

TEST(NonblockingCommit, OnesThatWereRefusedLeaveNothingAmongTheOthers) {
  const DiskDirectory directory;
  {
    TestEngine db(base::SystemEnv(), directory.name() + "/lsm", IntervalOptions());
    db.Open();
    std::atomic<size_t> taken{0};
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int id = 0; id < 4; ++id) {
      threads.emplace_back([&, id] {
        for (int i = 0; i < 300; ++i) {
          const std::string key = Key(id * 1000 + i);
          const auto durability = i % 8 == 0 ? Durability::kDisk : Durability::kInterval;
          const Code code = id % 2 == 0 ? WriteAtOnce(db, key, Durability::kDefault)
                                        : db.TryWrite({Put(key, "v")}, durability).status().code();
          if (code == Code::kOk) taken.fetch_add(1);
          const bool told = code == Code::kOk || (id % 2 == 0 && code == Code::kWouldBlock);
          if (!told || db.Get(key).has_value() != (code == Code::kOk)) wrong.fetch_add(1);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(wrong.load(), 0);
    EXPECT_EQ(db.Scan().size(), taken.load());
    EXPECT_TRUE(db.TryClose().ok());
  }
}

TEST(Logs, UsedFilesServeAgainAndNoneIsLeftWhenQuiet) {
  base::SimEnv env(3);
  TestEngine db(env, "data/lsm", TinyOptions());
  db.Open();
  auto logs = [&] {
    size_t count = 0;
    DirectorySink sink{[](void* state, StringView name) noexcept {
                         if (std::string_view(name).ends_with(".wal")) {
                           ++*static_cast<size_t*>(state);
                         }
                       },
                       &count};
    EXPECT_TRUE(env.Files().List("data/lsm", sink).ok());
    return count;
  };
  for (int i = 0; i < 1000; ++i) {
    db.Write({Put(Key(i), std::string(50, 'v'))});
    ASSERT_LE(logs(), kImmutableMemtablesMax + 1 + kSpareLogsMax + 1);
  }
  ASSERT_TRUE(db.store().FlushMemtable().ok());
  EXPECT_LE(logs(), 3u) << "one in use, one kept for the next, one perhaps just flushed";
  ASSERT_TRUE(db.store().WaitIdle().ok());
  EXPECT_EQ(logs(), 1u);
  db.Reopen();
  EXPECT_EQ(db.Scan().size(), 1000u);
}

#if !defined(__SANITIZE_THREAD__)  // which knows no fork of a program with threads
// Batches of all classes, small ones and such as fill a step of the log, then kill -9.
TEST(Logs, WhatWasWrittenThroughMemoryOutlivesTheProcess) {
  const DiskDirectory directory;
  StoreOptions options = TinyOptions();
  options.memtable_bytes = 1u << 20;
  options.durability = Durability::kOs;
  constexpr int kBatches = 400;
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    TestEngine db(base::SystemEnv(), directory.name() + "/lsm", options);
    bool right = db.TryOpen().ok();
    for (int i = 0; i < kBatches; ++i) {
      const size_t size = i % 40 == 39 ? 300'000 : 50;
      const Durability durability = i % 100 == 7 ? Durability::kDisk : Durability::kOs;
      right = right && db.TryWrite({Put(Key(i), std::string(size, 'v'))}, durability).ok();
    }
    if (!right) ::_exit(1);
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status)) << "the writer failed";
  {
    TestEngine db(base::SystemEnv(), directory.name() + "/lsm", options);
    db.Open();
    const Rows rows = db.Scan();
    ASSERT_EQ(rows.size(), static_cast<size_t>(kBatches));
    for (int i = 0; i < kBatches; ++i) {
      EXPECT_EQ(rows[static_cast<size_t>(i)].second.size(), i % 40 == 39 ? 300'000u : 50u);
    }
  }
}
#endif

// Scans that meet deletes again and again have them flushed, though writers never rest.
TEST(Compaction, DeletesInTheWayOfScansAreFlushedBesideTheWriters) {
  base::SimEnv env(9);
  StoreOptions options = TinyOptions();
  options.memory_budget_bytes = 256u << 20;
  options.memtable_bytes = 64u << 20;
  TestEngine db(env, "data/lsm", options);
  db.Open();
  std::vector<std::string> keys;
  for (int i = 0; i < 40'000; ++i) keys.push_back(Key(i));
  std::vector<Mutation> batch;
  for (const std::string& key : keys) batch.push_back(Delete(key));
  db.Write(batch);
  auto rounds_until_flushed = [&](bool scans) {
    for (int round = 0; round < 20; ++round) {
      if (Figure(db, "flushes") > 0) return round;
      if (scans) {
        EXPECT_EQ(db.Scan({}, Key(30'000)).size(), 0u);
      }
      db.Write({Delete(Key(round))});
      env.SleepNs(60'000'000);
    }
    return 20;
  };
  EXPECT_EQ(rounds_until_flushed(false), 20) << "writers do not rest, and no scan suffers";
  EXPECT_LT(rounds_until_flushed(true), 10);
  EXPECT_EQ(db.Scan().size(), 0u);
}

TEST(Compaction, RowsThatEverybodySeesAreAllEquallyOld) {
  base::SimEnv env(4);
  TestEngine db(env, "data/lsm", TinyOptions());
  db.Open();
  for (int i = 0; i < 500; ++i) db.Write({Put(Key(i), "old")});
  ASSERT_TRUE(db.store().Compact({}, {}).ok());
  {
    auto snapshot = db.Snap();
    for (int i = 0; i < 500; i += 2) db.Write({Put(Key(i), "new")});
    ASSERT_TRUE(db.store().Compact({}, {}).ok());
    EXPECT_EQ(GetFrom(*snapshot, Key(2)), "old");
    EXPECT_EQ(ScanFrom(*snapshot).size(), 500u);
  }
  for (int i = 0; i < 500; ++i) db.Write({Put(Key(i), i % 2 == 0 ? "newer" : "old")});
  ASSERT_TRUE(db.store().Compact({}, {}).ok());
  for (const auto& level : db.store().View()->version->levels) {
    for (const TablePointer& table : level) {
      EXPECT_EQ(table->info.sequence_max, kOldestSequence) << "table " << table->info.number;
    }
  }
  EXPECT_EQ(db.Get(Key(0)), "newer");
  EXPECT_EQ(db.Get(Key(3)), "old");
}

// A range delete that older rows elsewhere still need must not hide what was written after it.
TEST(Compaction, ARowWrittenAfterARangeDeleteOutlivesIt) {
  base::SimEnv env(5);
  TestEngine db(env, "data/lsm", TinyOptions());
  db.Open();
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 300; ++i) db.Write({Put(Key(i), std::string(30, 'v'))});
    db.Write({DeleteRange(Key(50), Key(250))});
    for (int i = 100; i < 120; ++i) db.Write({Put(Key(i), "after")});
    ASSERT_TRUE(db.store().Compact(Key(90), Key(110)).ok());
    ASSERT_TRUE(db.store().WaitIdle().ok());
    for (int i = 100; i < 120; ++i) ASSERT_EQ(db.Get(Key(i)), "after") << i;
    ASSERT_EQ(db.Scan().size(), 120u);
  }
}

// The least budget there is, and many times as much data.
TEST(Memory, MemtablesAndCacheStayWithinTheBudgetTogether) {
  base::SimEnv env(7);
  StoreOptions options;
  options.memory_budget_bytes = kMemoryBudgetMin;
  options.disk_reserve_bytes = 0;
  options.durability = Durability::kProcess;
  TestEngine db(env, "data/lsm", options);
  db.Open();
  const std::string value(2000, 'v');
  for (int i = 0; i < 8000; ++i) {
    db.Write({Put(Key(i * 7919 % 8000), value)});
    if (i > 100) db.Get(Key((i - 100) * 7919 % 8000));
    if (i % 50 != 0) continue;
    const int64_t held = Figure(db, "memtable_size") + Figure(db, "cache_bytes");
    ASSERT_LE(held, static_cast<int64_t>(kMemoryBudgetMin)) << "after " << i << " writes";
  }
  EXPECT_EQ(db.Scan().size(), 8000u);
}

TEST(Compaction, WhenWritersRestLevelZeroIsMergedThoughNotDue) {
  base::SimEnv env(8);
  StoreOptions options = TinyOptions();
  options.level0_compact = 8;
  TestEngine db(env, "data/lsm", options);
  db.Open();
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 100; ++i) db.Write({Put(Key(i), std::to_string(round))});
    ASSERT_TRUE(db.store().FlushMemtable().ok());
  }
  env.SleepNs(4'000'000'000);
  EXPECT_TRUE(db.store().View()->version->levels[0].empty());
  EXPECT_EQ(Figure(db, "total_keys"), 100);
  EXPECT_EQ(db.Get(Key(7)), "2");
}

TEST(Compaction, DeletesOfAWriterThatRestsAreGoneSoon) {
  base::SimEnv env(6);
  StoreOptions options = TinyOptions();
  options.memtable_bytes = 1u << 20;
  options.level1_bytes = 1u << 20;
  options.level0_compact = 8;
  TestEngine db(env, "data/lsm", options);
  db.Open();
  for (int i = 0; i < 2000; ++i) db.Write({Put(Key(i), std::string(30, 'v'))});
  ASSERT_TRUE(db.store().Compact({}, {}).ok());
  for (int i = 0; i < 1980; ++i) db.Write({Delete(Key(i))});
  env.SleepNs(5'000'000'000);
  EXPECT_EQ(Figure(db, "memtable_keys"), 0);
  EXPECT_EQ(Figure(db, "total_keys"), 20);
  EXPECT_EQ(db.Scan().size(), 20u);
}

}  // namespace
}  // namespace nexadb::lsm::testing
