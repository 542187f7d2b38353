// Laws of backups: consistent, complete or recognisably not, shared where they can be, checked.
#include <gtest/gtest.h>

#include "core/base/prng.h"
#include "core/base/sim_env.h"
#include "plugins/storage-lsm/backup/backup_list.h"
#include "plugins/storage-lsm/testing/test_engine.h"

namespace nexadb::lsm {
namespace {

using testing::Delete;
using testing::Put;
using testing::Rows;
using testing::ScanFrom;
using testing::TestEngine;
using testing::TinyOptions;

constexpr const char* kStore = "data/lsm";
constexpr const char* kFirst = "backups/first";

StorageBackup& BackupsOf(TestEngine& engine) {
  return *static_cast<StorageBackup*>(engine.engine().Facet(StorageBackup::kInterface));
}

void Fill(TestEngine& engine, int first, int count) {
  for (int i = first; i < first + count; ++i) {
    const std::string key = "key" + std::to_string(10000 + i * 7919 % 5000);
    engine.Write({Put(key, std::string(100, static_cast<char>('a' + i % 26)))});
    if (i % 10 == 9) engine.Write({Delete("key" + std::to_string(10000 + i * 17 % 5000))});
  }
}

Rows RowsOf(Env& env, const std::string& directory) {
  TestEngine engine(env, directory, TinyOptions());
  engine.Open();
  return engine.Scan();
}

std::vector<std::string> FilesOf(base::SimEnv& env, const std::string& directory) {
  std::vector<std::string> names;
  EXPECT_TRUE(env.disk().List(directory, &names).ok());
  return names;
}

// What a backup that shares every table still has to write.
uint64_t BytesBesideTables(base::SimEnv& env, const std::string& directory) {
  uint64_t bytes = 0;
  for (const std::string& name : FilesOf(env, directory)) {
    if (name.ends_with(".sst") || name == "BACKUP") continue;
    bytes += *env.Files().FileSize(directory + "/" + name);
  }
  return bytes;
}

TEST(Backup, OpensAsAStoreOfItsOwn) {
  base::SimEnv env(1);
  TestEngine engine(env, kStore, TinyOptions());
  engine.Open();
  Fill(engine, 0, 500);
  const Rows before = engine.Scan();
  auto info = BackupsOf(engine).Backup(kFirst, BackupWatch{});
  ASSERT_TRUE(info.ok()) << info.status().message();
  EXPECT_EQ(info->sequence, engine.Snap()->Sequence());
  EXPECT_GT(info->files, 3u);
  EXPECT_EQ(info->bytes_copied, BytesBesideTables(env, kFirst)) << "tables are linked";
  EXPECT_TRUE(BackupsOf(engine).VerifyBackup(kFirst, BackupWatch{}).ok());
  Fill(engine, 500, 500);
  ASSERT_TRUE(engine.store().Compact({}, {}).ok());
  ASSERT_TRUE(BackupsOf(engine).VerifyBackup(kFirst, BackupWatch{}).ok());
  const Rows after = engine.Scan();
  EXPECT_NE(after, before);
  EXPECT_EQ(RowsOf(env, kFirst), before);
  EXPECT_EQ(BackupsOf(engine).Describe(kFirst).status().code(), Code::kInvalidArgument)
      << "opened as a store, it is a backup no more";
  EXPECT_EQ(engine.Scan(), after);
}

TEST(Backup, HoldsAllOfOneMomentWhileWritersGoOn) {
  struct Writer {
    TestEngine* engine;
    int first;
    static void Body(void* state) noexcept {
      auto& writer = *static_cast<Writer*>(state);
      // Both keys of a pair change in one batch: a backup that has only one of them is torn.
      for (int i = 0; i < 150; ++i) {
        const std::string value = std::to_string(i) + std::string(100, 'v');
        const std::string key = std::to_string(writer.first + i % 10);
        writer.engine->Write({Put("a" + key, value), Put("z" + key, value)});
      }
    }
  };
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    base::SimEnv env(seed);
    TestEngine engine(env, kStore, TinyOptions());
    engine.Open();
    Writer writers[2] = {{&engine, 0}, {&engine, 10}};
    Handle<Thread> threads[2];
    for (int i = 0; i < 2; ++i) {
      threads[i] = std::move(*env.StartThread("writer", Callback{Writer::Body, &writers[i]}));
    }
    std::vector<uint64_t> sequences;
    for (int i = 0; i < 3; ++i) {
      const uint64_t acknowledged = engine.Snap()->Sequence();
      auto info = BackupsOf(engine).Backup("backups/" + std::to_string(i), BackupWatch{});
      ASSERT_TRUE(info.ok()) << info.status().message();
      EXPECT_GE(info->sequence, acknowledged) << "seed " << seed;
      sequences.push_back(info->sequence);
    }
    for (Handle<Thread>& thread : threads) thread->Join();
    for (int i = 0; i < 3; ++i) {
      TestEngine copy(env, "backups/" + std::to_string(i), TinyOptions());
      copy.Open();
      EXPECT_EQ(copy.Snap()->Sequence(), sequences[static_cast<size_t>(i)]);
      const Rows low = copy.Scan("a", "b");
      const Rows high = copy.Scan("z", "{");
      ASSERT_EQ(low.size(), high.size()) << "seed " << seed;
      for (size_t row = 0; row < low.size(); ++row) EXPECT_EQ(low[row].second, high[row].second);
    }
  }
}

TEST(Backup, TheNextOneCopiesOnlyWhatIsNew) {
  base::SimEnv env(2);
  StoreOptions options = TinyOptions();
  options.level0_compact = 1000;
  TestEngine engine(env, kStore, options);
  engine.Open();
  // As between two file systems: nothing of the store can be linked.
  env.disk().Inject({.op = base::FileOp::kLink,
                     .times = base::FaultTimes::kAlways,
                     .path_contains = "data/lsm/"});
  // Puts alone: tables of deletes would be compacted at once, and so be new ones.
  auto put = [&](int from, int count) {
    for (int i = from; i < from + count; ++i) {
      engine.Write({Put("key" + std::to_string(i), std::string(100, 'v'))});
    }
  };
  put(0, 1000);
  auto first = BackupsOf(engine).Backup(kFirst, BackupWatch{});
  ASSERT_TRUE(first.ok()) << first.status().message();
  EXPECT_EQ(first->bytes_copied, first->bytes);
  put(1000, 50);
  const Rows rows = engine.Scan();
  auto second = BackupsOf(engine).Backup("backups/second", BackupWatch{});
  ASSERT_TRUE(second.ok()) << second.status().message();
  EXPECT_GT(second->bytes, first->bytes);
  const uint64_t beside = BytesBesideTables(env, "backups/second");
  EXPECT_LT(second->bytes_copied - beside, (first->bytes - beside) / 2);
  ASSERT_TRUE(BackupsOf(engine).Remove(kFirst).ok());
  EXPECT_FALSE(env.Files().Exists(kFirst));
  EXPECT_TRUE(BackupsOf(engine).VerifyBackup("backups/second", BackupWatch{}).ok());
  EXPECT_EQ(RowsOf(env, "backups/second"), rows) << "without the one it shared files with";
}

TEST(Backup, EveryDamagedFileIsNamed) {
  base::SimEnv env(3);
  TestEngine engine(env, kStore, TinyOptions());
  engine.Open();
  Fill(engine, 0, 300);
  ASSERT_TRUE(BackupsOf(engine).Backup(kFirst, BackupWatch{}).ok());
  // Flips reach the store's own files too, which are the same ones: it is closed first.
  TestEngine other(env, "data/other", TinyOptions());
  other.Open();
  ASSERT_TRUE(engine.TryClose().ok());
  base::Prng prng(3);
  for (const std::string& name : FilesOf(env, kFirst)) {
    const std::string path = std::string(kFirst) + "/" + name;
    const uint64_t offset = prng.Below(*env.Files().FileSize(path));
    ASSERT_TRUE(env.disk().FlipBits(path, offset, 0x10).ok());
    const Status status = BackupsOf(other).VerifyBackup(kFirst, BackupWatch{});
    EXPECT_EQ(status.code(), Code::kCorruption) << name;
    EXPECT_NE(std::string(status.message()).find(name), std::string::npos) << status.message();
    EXPECT_FALSE(BackupsOf(other).Restore(kFirst, "data/restored", BackupWatch{}).ok());
    EXPECT_FALSE(env.Files().Exists("data/restored")) << "damage was restored: " << name;
    ASSERT_TRUE(env.disk().FlipBits(path, offset, 0x10).ok());
  }
  EXPECT_TRUE(BackupsOf(other).VerifyBackup(kFirst, BackupWatch{}).ok());
  const std::string lost = std::string(kFirst) + "/" + FilesOf(env, kFirst)[0];
  ASSERT_TRUE(env.Files().Remove(lost).ok());
  const Status status = BackupsOf(other).VerifyBackup(kFirst, BackupWatch{});
  EXPECT_NE(std::string(status.message()).find(lost), std::string::npos) << status.message();
}

TEST(Backup, TakesNoDamagedTable) {
  base::SimEnv env(4);
  TestEngine engine(env, kStore, TinyOptions());
  engine.Open();
  Fill(engine, 0, 300);
  ASSERT_TRUE(engine.store().FlushMemtable().ok());
  const auto& levels = engine.store().View()->version->levels;
  const TablePointer table = levels[0].empty() ? levels[1].front() : levels[0].front();
  ASSERT_TRUE(env.disk().FlipBits(table->reader->path(), 20, 1).ok());
  const Status status = BackupsOf(engine).Backup(kFirst, BackupWatch{}).status();
  EXPECT_EQ(status.code(), Code::kCorruption) << status.message();
  EXPECT_NE(std::string(status.message()).find(table->reader->path()), std::string::npos);
  EXPECT_FALSE(env.Files().Exists(kFirst));
  EXPECT_FALSE(env.Files().Exists(std::string(kFirst) + ".partial"));
}

TEST(Backup, IsRestoredIntoAnEmptyDirectoryOnly) {
  base::SimEnv env(5);
  TestEngine engine(env, kStore, TinyOptions());
  engine.Open();
  Fill(engine, 0, 300);
  const Rows rows = engine.Scan();
  ASSERT_TRUE(BackupsOf(engine).Backup(kFirst, BackupWatch{}).ok());
  EXPECT_EQ(BackupsOf(engine).Restore(kFirst, kStore, BackupWatch{}).code(), Code::kConflict);
  ASSERT_TRUE(env.Files().CreateDirectories("data/empty").ok());
  for (const char* target : {"data/new/", "data/empty"}) {
    const Status status = BackupsOf(engine).Restore(kFirst, target, BackupWatch{});
    ASSERT_TRUE(status.ok()) << status.message();
    EXPECT_EQ(RowsOf(env, target), rows);
  }
  EXPECT_EQ(engine.Scan(), rows);
  EXPECT_EQ(BackupsOf(engine).Restore("backups/none", "data/x", BackupWatch{}).code(),
            Code::kNotFound);
}

TEST(Backup, ACancelledOneLeavesNothing) {
  base::SimEnv env(6);
  TestEngine engine(env, kStore, TinyOptions());
  engine.Open();
  Fill(engine, 0, 300);
  uint64_t calls = 0;
  BackupWatch watch;
  watch.state = &calls;
  watch.progress = [](void* state, uint64_t done, uint64_t total) noexcept {
    EXPECT_LE(done, total);
    return ++*static_cast<uint64_t*>(state) == 2 ? Status::Error(Code::kDeadlineExceeded, "enough")
                                                 : Status::Ok();
  };
  EXPECT_EQ(BackupsOf(engine).Backup(kFirst, watch).status().code(), Code::kDeadlineExceeded);
  EXPECT_FALSE(env.Files().Exists(kFirst));
  EXPECT_FALSE(env.Files().Exists(std::string(kFirst) + ".partial"));
}

TEST(Backup, TheListTellsAllOldestFirst) {
  base::SimEnv env(7);
  TestEngine engine(env, kStore, TinyOptions());
  engine.Open();
  std::vector<std::pair<std::string, bool>> listed;
  BackupSink sink{
      [](void* state, StringView name, const BackupInfo&, const Status& status) noexcept {
        static_cast<decltype(listed)*>(state)->emplace_back(std::string_view(name), status.ok());
      },
      &listed};
  ASSERT_TRUE(BackupsOf(engine).List("backups", sink).ok());
  EXPECT_TRUE(listed.empty());
  for (const char* name : {"backups/b", "backups/a"}) {
    Fill(engine, 0, 20);
    ASSERT_TRUE(BackupsOf(engine).Backup(name, BackupWatch{}).ok());
    env.SleepNs(5'000'000);
  }
  ASSERT_TRUE(env.Files().CreateDirectories("backups/c.partial").ok());
  ASSERT_TRUE(BackupsOf(engine).List("backups", sink).ok());
  EXPECT_EQ(listed, (decltype(listed){{"b", true}, {"a", true}}));
  ASSERT_TRUE(env.disk().FlipBits("backups/a/BACKUP", 30, 1).ok());
  listed.clear();
  ASSERT_TRUE(BackupsOf(engine).List("backups", sink).ok());
  EXPECT_EQ(listed.size(), 2u);
  EXPECT_EQ(listed[0], (std::pair<std::string, bool>{"a", false}));
}

TEST(Backup, TheListComesBackAsItWas) {
  BackupList list;
  list.sequence = 42;
  list.created_ms = -1;
  list.store_id = ~uint64_t{0};
  list.files = {{"000001.sst", 10, 7}, {"CURRENT", 1, 0}};
  const std::string text = list.Encode();
  BackupList decoded;
  ASSERT_TRUE(BackupList::Decode(text, &decoded));
  EXPECT_EQ(decoded.Encode(), text);
  for (size_t i = 0; i < text.size(); ++i) {
    std::string damaged = text;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_FALSE(BackupList::Decode(damaged, &decoded)) << "byte " << i;
    EXPECT_FALSE(BackupList::Decode(text.substr(0, i), &decoded)) << "cut at " << i;
  }
}

// ---- Crashes ----

TEST(Backup, CutOffAtAnyOperationItIsWholeOrNone) {
  uint64_t whole = 0;
  uint64_t none = 0;
  bool reached_end = false;
  for (uint64_t cut = 0; !reached_end; ++cut) {
    for (base::CrashStyle style :
         {base::CrashStyle::kLoseAll, base::CrashStyle::kKeepAll, base::CrashStyle::kRandom}) {
      base::SimEnv env(cut);
      Rows rows;
      {
        TestEngine engine(env, kStore, TinyOptions());
        engine.Open();
        Fill(engine, 0, 60);
        rows = engine.Scan();
        env.disk().CrashAt(env.disk().operations() + cut);
        const bool made = BackupsOf(engine).Backup(kFirst, BackupWatch{}).ok();
        reached_end = made && !env.disk().cut();
        static_cast<void>(engine.TryClose());
      }
      env.disk().Crash(cut, style);
      TestEngine engine(env, kStore, TinyOptions());
      engine.Open();
      ASSERT_EQ(engine.Scan(), rows) << "cut at " << cut;
      if (BackupsOf(engine).Describe(kFirst).ok()) {
        ++whole;
        const Status status = BackupsOf(engine).VerifyBackup(kFirst, BackupWatch{});
        ASSERT_TRUE(status.ok()) << "cut at " << cut << ": " << status.message();
      } else {
        ++none;
        ASSERT_FALSE(env.Files().Exists(kFirst)) << "half a backup has the name, cut at " << cut;
        auto again = BackupsOf(engine).Backup(kFirst, BackupWatch{});
        ASSERT_TRUE(again.ok()) << "cut at " << cut << ": " << again.status().message();
      }
      ASSERT_EQ(RowsOf(env, kFirst), rows) << "cut at " << cut;
    }
  }
  EXPECT_GT(whole, 1u);
  EXPECT_GT(none, 20u);
}

TEST(Backup, ARestoreAtTheNextOpenHappensWholeOrNot) {
  uint64_t replaced = 0;
  uint64_t kept = 0;
  bool reached_end = false;
  for (uint64_t cut = 0; !reached_end; ++cut) {
    base::SimEnv env(cut);
    Rows then;
    Rows now;
    {
      TestEngine engine(env, kStore, TinyOptions());
      engine.Open();
      Fill(engine, 0, 40);
      then = engine.Scan();
      ASSERT_TRUE(BackupsOf(engine).Backup(kFirst, BackupWatch{}).ok());
      Fill(engine, 40, 40);
      now = engine.Scan();
      env.disk().CrashAt(env.disk().operations() + cut);
      static_cast<void>(BackupsOf(engine).RestoreAtNextOpen(kFirst, BackupWatch{}));
      static_cast<void>(engine.TryClose());
    }
    {
      TestEngine engine(env, kStore, TinyOptions());
      reached_end = engine.TryOpen().ok();
    }
    env.disk().Crash(cut, base::CrashStyle::kRandom);
    const Rows found = RowsOf(env, kStore);
    ASSERT_TRUE(found == then || found == now) << "cut at " << cut;
    ++(found == then ? replaced : kept);
    // The way back: what was replaced is a store too.
    if (reached_end) {
      EXPECT_EQ(RowsOf(env, std::string(kStore) + ".replaced"), now);
    }
  }
  EXPECT_GT(replaced, 5u);
  EXPECT_GT(kept, 5u);
}

}  // namespace
}  // namespace nexadb::lsm
