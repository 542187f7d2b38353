// Laws of versions, their edits and the compaction picker.
#include "plugins/storage-lsm/version/version.h"

#include <gtest/gtest.h>

#include "core/base/sim_env.h"
#include "plugins/storage-lsm/compaction/picker.h"
#include "plugins/storage-lsm/format/file_names.h"
#include "plugins/storage-lsm/version/version_set.h"

namespace nexadb::lsm {
namespace {

class VersionTest : public ::testing::Test {
 protected:
  // A table that exists as a file, empty but for one row at each end of its range.
  TablePointer Table(std::string begin, std::string last, Sequence sequence) {
    const uint64_t number = ++number_;
    auto file = env_.Files().Open(TableName(number), FileMode::kTruncate);
    TableBuilder builder(std::move(*file), number, TableOptions{});
    EXPECT_TRUE(builder.Add(begin, sequence, Kind::kPut, "v").ok());
    EXPECT_TRUE(builder.Add(last, sequence, Kind::kPut, "v").ok());
    auto info = builder.Finish();
    EXPECT_TRUE(info.ok());
    auto table = std::make_shared<TableFile>(*info, obsolete_);
    auto reader =
        TableReader::Open(env_.Files(), TableName(number), number, info->file_bytes, cache_);
    EXPECT_TRUE(reader.ok());
    table->reader = std::move(*reader);
    return table;
  }

  base::SimEnv env_{1};
  BlockCache cache_{env_, 1u << 20};
  ObsoleteTables obsolete_{env_};
  uint64_t number_ = 0;
};

TEST_F(VersionTest, EditsComeBackAsTheyWere) {
  VersionEdit edit;
  edit.wal_min = 12;
  edit.next_number = 99;
  edit.last_sequence = kSequenceMax;
  edit.removed.emplace_back(3, 17);
  TableInfo info;
  info.number = 5;
  info.rows = 1000;
  info.begin = std::string("\0a", 2);
  info.end = "";
  edit.added.emplace_back(6, info);
  std::string bytes;
  edit.Encode(bytes);
  VersionEdit decoded;
  ASSERT_TRUE(VersionEdit::Decode(AsBytes(bytes), &decoded).ok());
  std::string again;
  decoded.Encode(again);
  EXPECT_EQ(again, bytes);
  EXPECT_EQ(decoded.added[0].second.begin, info.begin);
  EXPECT_EQ(decoded.removed[0], (std::pair<int, uint64_t>{3, 17}));
  const std::string unknown = "\x7f";
  EXPECT_EQ(VersionEdit::Decode(AsBytes(unknown), &decoded).code(), Code::kUnsupported);
}

TEST_F(VersionTest, OverlappingTablesAreRefused) {
  const TablePointer a = Table("a", "f", 1);
  const TablePointer b = Table("f", "k", 2);
  const TablePointer c = Table("g", "k", 3);
  VersionEdit edit;
  edit.added = {{1, a->info}, {1, b->info}};
  EXPECT_EQ(ApplyEdit(Version(), edit, {a, b}).status().code(), Code::kCorruption);
  edit.added = {{1, c->info}, {1, a->info}};
  auto version = ApplyEdit(Version(), edit, {a, c});
  ASSERT_TRUE(version.ok());
  EXPECT_EQ((*version)->levels[1][0]->info.number, a->info.number) << "in key order";
  EXPECT_EQ(Version::FindTable((*version)->levels[1], "f"), 0u);
  EXPECT_EQ(Version::FindTable((*version)->levels[1], "fa"), 1u);
  EXPECT_EQ(Version::FindTable((*version)->levels[1], "z"), 2u);
  VersionEdit drop;
  drop.removed = {{1, 1234}};
  EXPECT_FALSE(ApplyEdit(**version, drop, {}).ok());
}

TEST_F(VersionTest, LevelZeroIsNewestFirst) {
  const TablePointer old_table = Table("a", "f", 1);
  const TablePointer new_table = Table("a", "f", 9);
  VersionEdit edit;
  edit.added = {{0, old_table->info}, {0, new_table->info}};
  auto version = ApplyEdit(Version(), edit, {old_table, new_table});
  ASSERT_TRUE(version.ok());
  EXPECT_EQ((*version)->levels[0][0]->info.number, new_table->info.number);
}

TEST_F(VersionTest, ThePickerMovesWhatOverlapsNothing) {
  Version version;
  version.levels[0] = {Table("m", "p", 4), Table("a", "c", 3)};
  CompactionLimits limits;
  const std::string after[kLevels];
  limits.level0_tables = 3;
  EXPECT_FALSE(PickCompaction(version, limits, after, 9).has_value());
  limits.level0_tables = 2;
  auto move = PickCompaction(version, limits, after, 9);
  ASSERT_TRUE(move.has_value());
  EXPECT_TRUE(move->move);
  version.levels[1] = {Table("b", "d", 1), Table("x", "z", 1)};
  auto merge = PickCompaction(version, limits, after, 9);
  ASSERT_TRUE(merge.has_value());
  EXPECT_FALSE(merge->move);
  EXPECT_EQ(merge->inputs.size(), 2u);
  EXPECT_EQ(merge->overlap.size(), 1u);
}

TEST_F(VersionTest, ADroppedTableIsRemovedOnceNobodyReadsIt) {
  ASSERT_TRUE(env_.Files().CreateDirectories("db").ok());
  VersionSet versions(env_, "db", cache_, 1u << 20);
  ASSERT_TRUE(versions.Create().ok());
  TablePointer table = Table("a", "b", 1);
  VersionEdit add;
  add.added = {{1, table->info}};
  ASSERT_TRUE(versions.Apply(add, {table}).ok());
  VersionPointer reader = versions.current();
  table.reset();
  VersionEdit drop;
  drop.removed = {{1, 1}};
  ASSERT_TRUE(versions.Apply(drop, {}).ok());
  EXPECT_EQ(versions.current()->TableCount(), 0u);
  EXPECT_TRUE(versions.obsolete_tables().Take().empty()) << "somebody still reads it";
  EXPECT_EQ(reader->TableCount(), 1u);
  reader.reset();
  EXPECT_TRUE(versions.obsolete_tables().Take().empty()) << "it belongs to another set";
  EXPECT_EQ(obsolete_.Take(), std::vector<uint64_t>{1});
}

}  // namespace
}  // namespace nexadb::lsm
