// Laws of ingest: sorted rows become part of the store at one sequence, or not at all, whatever
// stands there and whatever goes on meanwhile.
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "core/base/sim_env.h"
#include "plugins/storage-lsm/ingest/placement.h"
#include "plugins/storage-lsm/testing/row_cursor.h"
#include "plugins/storage-lsm/testing/test_engine.h"
#include "plugins/storage-lsm/testing/test_keys.h"

namespace nexadb::lsm::testing {
namespace {

constexpr const char* kDirectory = "lsm";

std::string KeyOf(int i) {
  std::string digits = std::to_string(i);
  return "k" + std::string(6 - digits.size(), '0') + digits;
}

// Values that no compression makes small, so that a few hundred rows fill tables.
RowCursor::Rows SomeRows(int first, int count, const std::string& tag) {
  RowCursor::Rows rows;
  for (int i = first; i < first + count; ++i) {
    std::string value = tag;
    uint64_t mix = static_cast<uint64_t>(i) * 0x9e3779b97f4a7c15u + 1;
    for (int byte = 0; byte < 80; ++byte) {
      value.push_back(static_cast<char>(mix >> 56));
      mix *= 6364136223846793005u;
    }
    rows.emplace_back(KeyOf(i), value);
  }
  return rows;
}

StorageIngest& IngestOf(TestEngine& db) {
  return *static_cast<StorageIngest*>(db.engine().Facet(StorageIngest::kInterface));
}

Result<uint64_t> TryIngest(TestEngine& db, RowCursor::Rows rows) {
  RowCursor cursor(std::move(rows));
  return IngestOf(db).Ingest(cursor);
}

uint64_t Ingest(TestEngine& db, RowCursor::Rows rows) {
  auto sequence = TryIngest(db, std::move(rows));
  EXPECT_TRUE(sequence.ok()) << sequence.status().message();
  return sequence.ok() ? *sequence : 0;
}

std::set<std::string> TableFiles(Env& env) {
  std::set<std::string> tables;
  DirectorySink sink{[](void* state, StringView name) noexcept {
                       const std::string text(static_cast<std::string_view>(name));
                       if (text.ends_with(".sst")) {
                         static_cast<std::set<std::string>*>(state)->insert(text);
                       }
                     },
                     &tables};
  EXPECT_TRUE(env.Files().List(kDirectory, sink).ok());
  return tables;
}

class Ingesting : public ::testing::Test {
 protected:
  Ingesting() : env_(1), db_(env_, kDirectory, TinyOptions()) { db_.Open(); }
  const VersionPointer& version() {
    view_ = db_.store().View();
    return view_->version;
  }

  base::SimEnv env_;
  TestEngine db_;
  ReadViewPointer view_;
};

TEST_F(Ingesting, RowsAreThereAtOneSequenceAndAfterAPowerCut) {
  const RowCursor::Rows rows = SomeRows(0, 300, "i");
  const uint64_t before = db_.Write({Put("a", "1")});
  const Handle<Snapshot> old = db_.Snap();
  const uint64_t sequence = Ingest(db_, rows);
  EXPECT_GT(sequence, before);
  EXPECT_GT(version()->TableCount(), 3u) << "one table tells little";
  EXPECT_EQ(db_.Snap()->Sequence(), sequence);
  EXPECT_EQ(db_.Scan("k", "l"), rows);
  EXPECT_TRUE(ScanFrom(*old, "k", "l").empty()) << "an older snapshot sees none of it";
  EXPECT_EQ(GetFrom(*old, KeyOf(7)), std::nullopt);
  EXPECT_GT(db_.Write({Put("b", "2")}), sequence);
}

TEST_F(Ingesting, NothingGoesThroughTheLog) {
  Ingest(db_, SomeRows(0, 300, "i"));
  EXPECT_EQ(db_.store().View()->memtable->entries(), 0u);
  EXPECT_TRUE(db_.store().Verify().ok());
  env_.disk().CrashAt(env_.disk().operations());
  static_cast<void>(db_.TryClose());
  env_.disk().Crash(1, base::CrashStyle::kLoseAll);
  db_.Open();
  EXPECT_EQ(db_.Scan(), SomeRows(0, 300, "i"));
}

TEST_F(Ingesting, NoRowsAreNoWrite) {
  const uint64_t before = db_.Write({Put("a", "1")});
  EXPECT_EQ(Ingest(db_, {}), before);
  EXPECT_EQ(db_.Snap()->Sequence(), before);
}

TEST_F(Ingesting, WhatIsOutOfOrderOrTooLongOrFailsStoresNothing) {
  db_.Write({Put("a", "1")});
  ASSERT_TRUE(db_.store().FlushMemtable().ok());
  const auto files = TableFiles(env_);
  const RowCursor::Rows good = SomeRows(0, 300, "i");
  auto with = [&](std::pair<std::string, std::string> row) {
    RowCursor::Rows rows = good;
    rows.push_back(std::move(row));
    return rows;
  };
  for (const auto& rows :
       {with({KeyOf(299), "again"}), with({KeyOf(5), "back"}), with({"", "first"}),
        with({std::string(kStorageKeyBytesMax + 1, 'z'), ""})}) {
    EXPECT_EQ(TryIngest(db_, rows).status().code(), Code::kInvalidArgument);
  }
  RowCursor failing(good);
  failing.FailAfter(250, Status::Error(Code::kCorruption, "the source is damaged"));
  EXPECT_EQ(IngestOf(db_).Ingest(failing).status().code(), Code::kCorruption);
  EXPECT_EQ(db_.Scan(), (Rows{{"a", "1"}}));
  EXPECT_EQ(TableFiles(env_), files) << "files of a failed ingest are left";
}

TEST_F(Ingesting, RowsGoOverWhatStandsThere) {
  for (int i = 0; i < 400; i += 2) db_.Write({Put(KeyOf(i), "old" + std::string(100, 'o'))});
  ASSERT_TRUE(db_.store().Compact({}, {}).ok());
  db_.Write({DeleteRange(KeyOf(100), KeyOf(120)), Delete(KeyOf(150)), Put(KeyOf(151), "memory")});
  RowCursor::Rows rows = SomeRows(90, 100, "new");
  Ingest(db_, rows);
  EXPECT_EQ(db_.Scan(KeyOf(90), KeyOf(190)), rows);
  EXPECT_EQ(db_.Get(KeyOf(88)), "old" + std::string(100, 'o'));
  ASSERT_TRUE(db_.store().Compact({}, {}).ok());
  EXPECT_EQ(db_.Scan(KeyOf(90), KeyOf(190)), rows);
  db_.Write({DeleteRange(KeyOf(90), KeyOf(100))});
  EXPECT_EQ(db_.Get(KeyOf(95)), std::nullopt);
  EXPECT_TRUE(db_.store().Verify().ok());
}

// Rows around the range lie in every level; nothing of the range itself does.
TEST_F(Ingesting, IntoAnEmptyRangeTablesGoBelowWhatOnlySpansIt) {
  for (int round = 0; round < 6; ++round) {
    for (int i = 0; i < 100; ++i) {
      db_.Write({Put("a" + KeyOf(i), std::string(100, 'a')), Put("z" + KeyOf(i), "z")});
    }
  }
  ASSERT_TRUE(db_.store().WaitIdle().ok());
  db_.Write({Put("a", "1"), Put("z", "2")});
  ASSERT_TRUE(db_.store().FlushMemtable().ok());
  Ingest(db_, SomeRows(0, 300, "i"));
  EXPECT_EQ(version()->Overlapping(0, "k", "l").size(), version()->levels[0].size());
  for (const TablePointer& table : version()->levels[0]) EXPECT_FALSE(MayHold(*table, "k", "l"));
  EXPECT_EQ(db_.Scan("k", "l"), SomeRows(0, 300, "i"));
}

TEST_F(Ingesting, ATransactionThatReadOrWroteTheRangeConflicts) {
  db_.Write({Put("a", "1")});
  auto writer = db_.Begin();
  const std::string key = KeyOf(5);
  const Mutation put = Put(key, "mine");
  ASSERT_TRUE(writer->Write({&put, 1}).ok());
  auto reader = db_.Begin(Isolation::kSerializable);
  EXPECT_TRUE(ScanFrom(*reader, KeyOf(3), KeyOf(9)).empty());
  const Mutation other = Put("b", "2");
  ASSERT_TRUE(reader->Write({&other, 1}).ok());
  auto elsewhere = db_.Begin(Isolation::kSerializable);
  EXPECT_EQ(GetFrom(*elsewhere, "a"), "1");
  ASSERT_TRUE(elsewhere->Write({&other, 1}).ok());
  Ingest(db_, SomeRows(0, 50, "i"));
  EXPECT_EQ(writer->Commit({}).status().code(), Code::kConflict);
  EXPECT_EQ(reader->Commit({}).status().code(), Code::kConflict);
  EXPECT_TRUE(elsewhere->Commit({}).ok());
}

TEST_F(Ingesting, AFollowerIsToldOfTheGap) {
  db_.Write({Put("a", "1")});
  const uint64_t before = db_.Snap()->Sequence();
  const uint64_t sequence = Ingest(db_, SomeRows(0, 50, "i"));
  auto& changes = *static_cast<StorageChanges*>(db_.engine().Facet(StorageChanges::kInterface));
  uint64_t seen = 0;
  ChangeSink sink{[](void* state, uint64_t at, Span<const Mutation>) noexcept {
                    *static_cast<uint64_t*>(state) = at;
                    return Status::Ok();
                  },
                  &seen};
  EXPECT_EQ(changes.ChangesSince(before, sink).code(), Code::kNotFound);
  const uint64_t after = db_.Write({Put("b", "2")});
  EXPECT_EQ(changes.ChangesSince(before, sink).code(), Code::kNotFound);
  EXPECT_EQ(seen, 0u);
  EXPECT_TRUE(changes.ChangesSince(sequence, sink).ok());
  EXPECT_EQ(seen, after);
}

TEST_F(Ingesting, WritesMadeWhileTheCursorIsReadAreOlder) {
  RowCursor cursor(SomeRows(0, 300, "i"));
  uint64_t meanwhile = 0;
  cursor.RunAfter(150, [&] {
    meanwhile = db_.Write({Put(KeyOf(10), "writer"), Put(KeyOf(299), "writer"), Put("b", "2")});
    EXPECT_TRUE(ScanFrom(*db_.Snap(), KeyOf(11), KeyOf(299)).empty()) << "seen before it is whole";
  });
  auto sequence = IngestOf(db_).Ingest(cursor);
  ASSERT_TRUE(sequence.ok()) << sequence.status().message();
  EXPECT_GT(*sequence, meanwhile);
  EXPECT_EQ(db_.Scan("k", "l"), SomeRows(0, 300, "i"));
  EXPECT_EQ(db_.Get("b"), "2");
}

TEST_F(Ingesting, OneAfterTheOtherTheLastOneWins) {
  for (int round = 0; round < 5; ++round)
    Ingest(db_, SomeRows(round * 40, 100, {char('a' + round)}));
  RowCursor::Rows expected;
  for (int round = 0; round < 5; ++round) {
    for (auto& row : SomeRows(round * 40, round == 4 ? 100 : 40, {char('a' + round)})) {
      expected.push_back(row);
    }
  }
  EXPECT_EQ(db_.Scan(), expected);
  db_.Reopen();
  EXPECT_EQ(db_.Scan(), expected);
  ASSERT_TRUE(db_.store().Compact({}, {}).ok());
  EXPECT_EQ(db_.Scan(), expected);
}

TEST_F(Ingesting, ABackupHoldsIt) {
  Ingest(db_, SomeRows(0, 300, "i"));
  db_.Write({Put("z", "after")});
  auto& backups = *static_cast<StorageBackup*>(db_.engine().Facet(StorageBackup::kInterface));
  ASSERT_TRUE(backups.Backup("backups/one", {}).ok());
  TestEngine copy(env_, "backups/one", TinyOptions());
  copy.Open();
  EXPECT_EQ(copy.Scan(), db_.Scan());
}

TEST_F(Ingesting, TheDiskReserveRefusesItAndAFullDiskStoresNothing) {
  db_.Write({Put("a", "1")});
  ASSERT_TRUE(db_.store().WaitIdle().ok());
  db_.options().disk_reserve_bytes = 1u << 20;
  db_.Reopen();
  const auto files = TableFiles(env_);
  env_.disk().LimitCapacity(1u << 20);
  auto refused = TryIngest(db_, SomeRows(0, 100, "i"));
  EXPECT_EQ(refused.status().code(), Code::kResourceExhausted) << refused.status().message();
  db_.options().disk_reserve_bytes = 0;
  db_.Reopen();
  refused = TryIngest(db_, SomeRows(0, 20000, "i"));
  EXPECT_EQ(refused.status().code(), Code::kResourceExhausted) << refused.status().message();
  EXPECT_EQ(TableFiles(env_), files);
  EXPECT_EQ(db_.Scan(), (Rows{{"a", "1"}}));
  env_.disk().LimitCapacity(~uint64_t{0});
  Ingest(db_, SomeRows(0, 100, "i"));
  EXPECT_EQ(db_.Scan("k", "l"), SomeRows(0, 100, "i"));
}

TEST(Ingest, OfAnEncryptedStoreIsEncrypted) {
  base::SimEnv env(2);
  StoreOptions options = TinyOptions();
  options.keys = TestKeys("a");
  TestEngine db(env, kDirectory, options);
  db.Open();
  Ingest(db, SomeRows(0, 100, "i"));
  auto view = db.store().View();
  EXPECT_EQ(view->version->TableCount(), view->version->levels[1].size());
  for (const TablePointer& table : view->version->levels[1]) {
    EXPECT_NE(table->info.key_id, kPlainId);
  }
  view.reset();
  db.Reopen();
  EXPECT_EQ(db.Scan(), SomeRows(0, 100, "i"));
}

// Writers fill memtables and level 0, which stops them, while others ingest.
void WriteAndIngest(uint64_t seed) {
  base::SimEnv env(seed);
  StoreOptions options = TinyOptions();
  options.level0_slow = 2;
  options.level0_stop = 4;
  TestEngine db(env, kDirectory, options);
  db.Open();
  struct Side {
    TestEngine* db;
    int number;
  };
  std::vector<Side> sides;
  for (int i = 0; i < 4; ++i) sides.push_back({&db, i});
  std::vector<Handle<Thread>> threads;
  for (Side& side : sides) {
    auto run = [](void* state) noexcept {
      const Side& s = *static_cast<Side*>(state);
      for (int round = 0; round < 12; ++round) {
        if (s.number % 2 == 0) {
          Ingest(*s.db, SomeRows(s.number * 10000 + round * 100, 100, "i"));
          continue;
        }
        for (const auto& [key, value] : SomeRows(s.number * 10000 + round * 100, 100, "i")) {
          s.db->Write({Put(key, value)});
        }
      }
    };
    auto thread = env.StartThread("side", Callback{run, &side});
    ASSERT_TRUE(thread.ok());
    threads.push_back(std::move(*thread));
  }
  for (Handle<Thread>& thread : threads) thread->Join();
  RowCursor::Rows expected;
  for (int i = 0; i < 4; ++i) {
    for (auto& row : SomeRows(i * 10000, 1200, "i")) expected.push_back(std::move(row));
  }
  EXPECT_TRUE(db.Scan() == expected);
  EXPECT_TRUE(db.store().Verify().ok());
  db.Reopen();
  EXPECT_TRUE(db.Scan() == expected);
}

TEST(Ingest, WritersAndIngestsGetAlong) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    WriteAndIngest(seed);
  }
}

}  // namespace
}  // namespace nexadb::lsm::testing
