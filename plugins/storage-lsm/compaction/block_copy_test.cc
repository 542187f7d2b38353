// Laws of blocks that compaction copies as they are stored: what is read stays the same, nothing is
// copied that another row meets, and no damage goes over into a new table.
#include <gtest/gtest.h>

#include "core/base/prng.h"
#include "core/base/sim_env.h"
#include "nexadb/bson.h"
#include "plugins/storage-lsm/testing/disk_files.h"
#include "plugins/storage-lsm/testing/test_engine.h"
#include "plugins/storage-lsm/testing/test_keys.h"

namespace nexadb::lsm::testing {
namespace {

constexpr const char* kDirectory = "lsm";
constexpr int kGroups = 8;

StoreOptions Options() {
  StoreOptions options = TinyOptions();
  options.memtable_bytes = 64u << 10;  // flushes when the test says so
  options.table_bytes = 64u << 10;
  options.level1_bytes = 1u << 20;
  options.level0_compact = 100;
  return options;
}

std::string Key(int group, int number) {
  char text[32];
  std::snprintf(text, sizeof(text), "group%d/%06d", group, number);
  return text;
}

int64_t CopiedBy(TestEngine& db) {
  const std::string bytes = db.store().StatisticsBson();
  return bson::Document(AsBytes(bytes))["blocks_copied"].value().Int64();
}

class BlockCopyTest : public ::testing::Test {
 protected:
  void SetUp() override { db_.Open(); }
  void Put(const std::string& key, const std::string& value) {
    db_.Write({testing::Put(key, value)});
    model_[key] = value;
  }
  void Drop(const std::string& begin, const std::string& end) {
    db_.Write({DeleteRange(begin, end)});
    model_.erase(model_.lower_bound(begin), model_.lower_bound(end));
  }
  // Each group grows at its end, as collections under growing ids do.
  void Grow(int from, int to) {
    for (int group = 0; group < kGroups; ++group) {
      for (int i = from; i < to; ++i) Put(Key(group, i), "value " + std::to_string(i));
    }
    ASSERT_TRUE(db_.store().FlushMemtable().ok());
  }
  // Rows up to `to` of each group at the bottom, under the oldest sequence: from then on their
  // blocks may be copied. The first compaction moves whole tables, the second merges.
  void Settle(int to) {
    Grow(0, to / 2);
    Compact();
    Grow(to / 2, to);
    Compact();
    ASSERT_EQ(Copied(), 0);
  }
  void Compact() { ASSERT_TRUE(db_.store().Compact({}, {}).ok()); }
  int64_t Copied() { return CopiedBy(db_); }
  void ExpectModel() {
    const Rows rows(model_.begin(), model_.end());
    EXPECT_EQ(db_.Scan(), rows);
    EXPECT_EQ(db_.Scan({}, {}, true), Rows(rows.rbegin(), rows.rend()));
    for (const auto& [key, value] : model_) ASSERT_EQ(db_.Get(key), value) << key;
    EXPECT_TRUE(db_.store().Verify().ok());
  }

  base::SimEnv env_{7};
  TestEngine db_{env_, kDirectory, Options()};
  std::map<std::string, std::string> model_;
};

TEST_F(BlockCopyTest, WhatOnlyGrowsAtEndsIsCopiedNotMade) {
  Settle(220);
  Grow(220, 240);
  Compact();
  // 1,760 rows below, about seven in a block of 256 bytes; one at each group's end is made.
  EXPECT_GT(Copied(), 200);
  ExpectModel();
  db_.Reopen();
  ExpectModel();
}

TEST_F(BlockCopyTest, ABlockThatANewerRowMeetsIsMade) {
  Settle(100);
  for (int group = 0; group < kGroups; ++group) {
    for (int i = 0; i < 100; i += 2) Put(Key(group, i), "newer");
  }
  ASSERT_TRUE(db_.store().FlushMemtable().ok());
  Compact();
  EXPECT_EQ(Copied(), 0);
  ExpectModel();
}

TEST_F(BlockCopyTest, ARangeDeleteIsNotPassedByCopies) {
  Settle(200);
  auto before = db_.Snap();  // keeps the rows and the range delete above them
  const Rows old = ScanFrom(*before);
  Drop(Key(2, 50), Key(3, 150));
  Grow(200, 210);
  Compact();
  EXPECT_GT(Copied(), 0);
  EXPECT_EQ(ScanFrom(*before), old);
  ExpectModel();
  before.Reset();
  Grow(210, 220);
  Compact();
  ExpectModel();
}

TEST_F(BlockCopyTest, SnapshotsReadTheSameBesideCopies) {
  base::Prng prng(11);
  std::vector<std::pair<Handle<Snapshot>, Rows>> kept;
  for (int round = 0; round < 12; ++round) {
    Grow(round * 30, round * 30 + 30);
    for (int i = 0; i < 5; ++i) {
      Put(Key(static_cast<int>(prng.Below(kGroups)), static_cast<int>(prng.Below(200))),
          "again " + std::to_string(round));
    }
    auto snapshot = db_.Snap();
    Rows rows(model_.begin(), model_.end());
    kept.emplace_back(std::move(snapshot), std::move(rows));
    if (kept.size() > 3) kept.erase(kept.begin());
    Compact();
    for (auto& [held, expected] : kept) ASSERT_EQ(ScanFrom(*held), expected);
  }
  EXPECT_GT(Copied(), 0);
  ExpectModel();
}

TEST_F(BlockCopyTest, BlocksStayOfTheSizeThatIsAskedFor) {
  Settle(200);
  for (int round = 0; round < 30; ++round) {
    // Between two of these rows there is room for one or two blocks to be copied.
    for (int i = round % 8; i < 200; i += 8) Put(Key(round % kGroups, i), "again");
    Grow(200 + round * 2, 202 + round * 2);
    Compact();
  }
  EXPECT_GT(Copied(), 0);
  uint64_t blocks = 0;
  uint64_t bytes = 0;
  const ReadViewPointer view = db_.store().View();
  for (const auto& level : view->version->levels) {
    for (const TablePointer& table : level) {
      blocks += table->reader->blocks();
      bytes += table->info.raw_bytes;
    }
  }
  ASSERT_GT(blocks, 0u);
  // 127 when every block is made anew: raw bytes are without columns.
  EXPECT_GT(bytes / blocks, 115u);
  ExpectModel();
}

// A row that a block has more than fits stays open when the blocks behind it could be copied.
TEST_F(BlockCopyTest, FewBlocksAreNotWorthAShortOneInFrontOfThem) {
  Settle(200);
  base::Prng prng(17);
  for (int round = 0; round < 30; ++round) {
    for (int group = 0; group < kGroups; ++group) {
      for (int i = static_cast<int>(prng.Below(20)); i < 200; i += 20) {
        Put(Key(group, i), std::string(5 + prng.Below(30), 'v'));
      }
    }
    ASSERT_TRUE(db_.store().FlushMemtable().ok());
    Compact();
  }
  EXPECT_GT(Copied(), 0);
  uint64_t blocks = 0;
  uint64_t almost_empty = 0;
  const ReadViewPointer view = db_.store().View();
  for (const auto& level : view->version->levels) {
    for (const TablePointer& table : level) {
      for (uint32_t block = 0; block < table->reader->blocks(); ++block, ++blocks) {
        if (table->reader->RowsOf(block) <= 2) ++almost_empty;
      }
    }
  }
  // 12 of 339; 46 of 373 when every block that may be copied is.
  EXPECT_LT(almost_empty, 24u) << "of " << blocks;
  ExpectModel();
}

TEST_F(BlockCopyTest, DamageIsNotCopied) {
  Settle(110);
  ASSERT_TRUE(db_.TryClose().ok());
  const DiskFiles sound = ReadDiskFiles(env_, kDirectory);
  constexpr int kFlips = 40;
  base::Prng prng(3);
  for (int flip = 0; flip <= kFlips; ++flip) {
    DiskFiles files = sound;
    for (auto& [name, bytes] : files) {
      if (flip == kFlips || !name.ends_with(".sst")) continue;  // the last time nothing is damaged
      bytes[prng.Below(bytes.size() / 2)] ^= static_cast<char>(1 << prng.Below(8));
    }
    base::SimEnv env(static_cast<uint64_t>(flip));
    WriteDiskFiles(env, kDirectory, files);
    TestEngine db(env, kDirectory, Options());
    db.Open();
    for (int group = 0; group < kGroups; ++group) {
      db.Write({testing::Put(Key(group, 110), "more")});
    }
    static_cast<void>(db.store().FlushMemtable());
    static_cast<void>(db.store().Compact({}, {}));  // may refuse: what it leaves is judged
    if (flip == kFlips) {
      EXPECT_TRUE(db.store().Verify().ok());
      EXPECT_GT(CopiedBy(db), 50);
      continue;
    }
    EXPECT_EQ(db.store().Verify().code(), Code::kCorruption) << flip;
    for (const auto& [key, value] : model_) {
      auto found = db.Snap()->Get(AsBytes(key), ReadOptions{});
      if (found.ok()) {
        EXPECT_EQ(found->text(), value) << key;
      } else {
        EXPECT_EQ(found.status().code(), Code::kCorruption) << key;
      }
    }
  }
}

TEST(BlockCopy, EncryptedTablesAreMadeAnew) {
  base::SimEnv env(5);
  StoreOptions options = Options();
  options.keys = TestKeys("a");
  TestEngine db(env, kDirectory, options);
  db.Open();
  std::map<std::string, std::string> model;
  for (int round = 0; round < 4; ++round) {  // plain tables would copy from the third on
    for (int group = 0; group < kGroups; ++group) {
      for (int i = round * 100; i < round * 100 + 100; ++i) {
        db.Write({Put(Key(group, i), "v")});
        model[Key(group, i)] = "v";
      }
    }
    ASSERT_TRUE(db.store().FlushMemtable().ok());
    ASSERT_TRUE(db.store().Compact({}, {}).ok());
  }
  EXPECT_EQ(CopiedBy(db), 0);
  EXPECT_EQ(db.Scan(), Rows(model.begin(), model.end()));
  EXPECT_TRUE(db.store().Verify().ok());
}

}  // namespace
}  // namespace nexadb::lsm::testing
