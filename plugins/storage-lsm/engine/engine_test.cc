// Laws of the engine as its callers see it, on the simulated machine.
#include "plugins/storage-lsm/engine/engine.h"

#include <gtest/gtest.h>

#include "core/base/coding.h"
#include "core/base/sim_env.h"
#include "nexadb/bson.h"
#include "plugins/storage-lsm/testing/test_engine.h"

namespace nexadb::lsm::testing {
namespace {

class EngineTest : public ::testing::Test {
 protected:
  EngineTest() { db_.Open(); }
  // Spreads rows over memtable and tables.
  void Fill(int from, int to, std::string_view value) {
    for (int i = from; i < to; ++i) db_.Write({Put(Key(i), std::string(value))});
  }
  static std::string Key(int i) {
    char text[16];
    std::snprintf(text, sizeof(text), "k%05d", i);
    return text;
  }

  base::SimEnv env_{42};
  TestEngine db_{env_, "data/lsm", TinyOptions()};
};

TEST_F(EngineTest, WhatIsPutIsRead) {
  EXPECT_EQ(db_.Get("a"), std::nullopt);
  const uint64_t first = db_.Write({Put("a", "1"), Put("b", "")});
  const uint64_t second = db_.Write({Put("a", "2"), Delete("b")});
  EXPECT_LT(first, second);
  EXPECT_EQ(db_.Get("a"), "2");
  EXPECT_EQ(db_.Get("b"), std::nullopt);
}

TEST_F(EngineTest, TheEmptyKeyAndTheLongestKeyAreKeys) {
  const std::string longest(kStorageKeyBytesMax, '\xff');
  db_.Write({Put("", "empty"), Put(longest, "long")});
  ASSERT_TRUE(db_.store().FlushMemtable().ok());
  EXPECT_EQ(db_.Get(""), "empty");
  EXPECT_EQ(db_.Get(longest), "long");
  EXPECT_EQ(db_.Scan().size(), 2u);
  EXPECT_EQ(db_.Scan({}, {}, true).back().first, "");
  auto refused = db_.TryWrite({Put(longest + "x", "v")});
  EXPECT_EQ(refused.status().code(), Code::kInvalidArgument);
}

TEST_F(EngineTest, LaterMutationsOfABatchWin) {
  db_.Write({Put("a", "1"), Put("c", "1")});
  db_.Write({Put("b", "x"), DeleteRange("a", "d"), Put("b", "y"), Put("d", "z"), Put("d", "w")});
  EXPECT_EQ(db_.Scan(), (Rows{{"b", "y"}, {"d", "w"}}));
}

TEST_F(EngineTest, SnapshotIgnoresLaterWrites) {
  Fill(0, 300, "old");
  auto snapshot = db_.Snap();
  Fill(0, 300, "new");
  db_.Write({DeleteRange(Key(100), Key(200))});
  ASSERT_TRUE(db_.store().Compact({}, {}).ok());
  const Rows rows = ScanFrom(*snapshot);
  ASSERT_EQ(rows.size(), 300u);
  for (const auto& [key, value] : rows) EXPECT_EQ(value, "old") << key;
  EXPECT_EQ(GetFrom(*snapshot, Key(150)), "old");
  EXPECT_EQ(db_.Get(Key(150)), std::nullopt);
  EXPECT_EQ(db_.Scan().size(), 200u);
}

TEST_F(EngineTest, ScanGoesBothWaysWithinItsRange) {
  Fill(0, 400, std::string(40, 'v'));
  const Rows forward = db_.Scan(Key(10), Key(390));
  ASSERT_EQ(forward.size(), 380u);
  EXPECT_EQ(forward.front().first, Key(10));
  Rows backward = db_.Scan(Key(10), Key(390), true);
  std::reverse(backward.begin(), backward.end());
  EXPECT_EQ(forward, backward);
  EXPECT_TRUE(db_.Scan(Key(20), Key(20)).empty());
}

TEST_F(EngineTest, SeekMovesAnOpenCursorEitherWay) {
  Fill(0, 200, "v");
  auto snapshot = db_.Snap();
  for (bool reverse : {false, true}) {
    ScanOptions options;
    options.reverse = reverse ? 1 : 0;
    const std::string begin = Key(50);
    const std::string end = Key(150);
    options.begin = AsBytes(begin);
    options.end = AsBytes(end);
    auto cursor = snapshot->Scan(options);
    ASSERT_TRUE(cursor.ok());
    Row row[1];
    auto at = [&](int i) {
      EXPECT_TRUE((*cursor)->Seek(AsBytes(Key(i) + (reverse ? "x" : ""))).ok());
      auto count = (*cursor)->Next({row, 1});
      return count.ok() && *count == 1 ? std::string(AsText(row[0].key)) : std::string("none");
    };
    EXPECT_EQ(at(120), Key(120));
    EXPECT_EQ(at(60), Key(60));
    EXPECT_EQ(at(10), reverse ? "none" : Key(50));
    EXPECT_EQ(at(180), reverse ? Key(149) : "none");
    EXPECT_EQ(at(70), Key(70));
  }
}

TEST_F(EngineTest, EverythingAcknowledgedIsThereAfterReopening) {
  Fill(0, 500, "v1");
  db_.Write({DeleteRange(Key(100), Key(400)), Put(Key(200), "again")});
  const Rows before = db_.Scan();
  ASSERT_EQ(before.size(), 201u);
  for (int i = 0; i < 3; ++i) {
    db_.Reopen();
    EXPECT_EQ(db_.Scan(), before);
  }
  EXPECT_TRUE(db_.store().Verify().ok());
}

TEST_F(EngineTest, VersionstampsAreTheCommitsSequence) {
  const std::string hole(kVersionstampBytes, 'x');
  const std::string key = "log/" + hole;
  Mutation a{Mutation::Op::kPutStampedKey, 4, AsBytes(key), AsBytes(std::string_view("a"))};
  Mutation b{Mutation::Op::kPutStampedKey, 4, AsBytes(key), AsBytes(std::string_view("b"))};
  Mutation c{Mutation::Op::kPutStampedValue, 0, AsBytes(std::string_view("v")), AsBytes(hole)};
  const uint64_t sequence = db_.Write({a, b, c});
  const Rows rows = db_.Scan("log/", "log0");
  ASSERT_EQ(rows.size(), 2u);
  const auto* stamp = reinterpret_cast<const uint8_t*>(rows[1].first.data()) + 4;
  EXPECT_EQ(base::LoadBig<uint64_t>(stamp), sequence);
  EXPECT_EQ(base::LoadBig<uint16_t>(stamp + 8), 1);
  EXPECT_EQ(rows[0].second, "a");
  const std::string value = *db_.Get("v");
  EXPECT_EQ(base::LoadBig<uint64_t>(AsBytes(value).data()), sequence);
  Mutation outside = c;
  outside.stamp_offset = 1;
  EXPECT_EQ(db_.TryWrite({outside}).status().code(), Code::kInvalidArgument);
}

TEST_F(EngineTest, AddsAddUpAcrossBatchesTablesAndRestarts) {
  db_.Write({Add("n", Number(5)), Add("n", Number(-2))});
  ASSERT_TRUE(db_.store().FlushMemtable().ok());
  db_.Write({Add("n", Number(10))});
  EXPECT_EQ(db_.Get("n"), Number(13));
  db_.Reopen();
  db_.Write({Add("n", Number(1)), DeleteRange("m", "o"), Add("n", Number(7))});
  EXPECT_EQ(db_.Get("n"), Number(7));
  db_.Write({Put("text", "three")});
  auto refused = db_.TryWrite({Put("other", "x"), Add("text", Number(1))});
  EXPECT_EQ(refused.status().code(), Code::kInvalidArgument);
  EXPECT_EQ(db_.Get("other"), std::nullopt) << "nothing of a failed batch is stored";
}

TEST_F(EngineTest, GetManyAnswersInOrder) {
  Fill(0, 100, "v");
  auto snapshot = db_.Snap();
  const std::string present = Key(7);
  std::vector<BytesView> keys = {AsBytes(std::string_view("no")), AsBytes(present)};
  std::vector<Lookup> out(2);
  ASSERT_TRUE(snapshot->GetMany({keys.data(), 2}, ReadOptions{}, {out.data(), 2}).ok());
  EXPECT_EQ(out[0].found, 0u);
  EXPECT_EQ(out[1].found, 1u);
  EXPECT_EQ(out[1].value.text(), "v");
}

TEST_F(EngineTest, NonblockingReadsAnswerOrSayThatTheyWouldBlock) {
  Fill(0, 300, std::string(50, 'v'));
  db_.Write({Put("z", "fresh")});
  db_.Reopen();  // everything is in tables now, and the cache is empty
  auto snapshot = db_.Snap();
  ReadOptions options;
  options.nonblocking = 1;
  const std::string key = Key(5);
  EXPECT_EQ(snapshot->Get(AsBytes(key), options).status().code(), Code::kWouldBlock);
  EXPECT_TRUE(GetFrom(*snapshot, key).has_value());
  EXPECT_TRUE(snapshot->Get(AsBytes(key), options).ok()) << "now its block is in memory";
  ScanOptions scan;
  scan.nonblocking = 1;
  auto cursor = snapshot->Scan(scan);
  ASSERT_TRUE(cursor.ok());
  Row rows[4];
  EXPECT_EQ((*cursor)->Next({rows, 4}).status().code(), Code::kWouldBlock);
}

TEST_F(EngineTest, BuffersOutliveTheirSnapshot) {
  db_.Write({Put("memory", "in a memtable")});
  auto from_memtable = db_.Snap()->Get(AsBytes(std::string_view("memory")), ReadOptions{});
  ASSERT_TRUE(db_.store().FlushMemtable().ok());
  auto from_table = db_.Snap()->Get(AsBytes(std::string_view("memory")), ReadOptions{});
  Fill(0, 300, "push everything out");
  EXPECT_EQ(from_memtable->text(), "in a memtable");
  EXPECT_EQ(from_table->text(), "in a memtable");
}

TEST_F(EngineTest, ADroppedRangeTakesItsTablesWithIt) {
  Fill(0, 500, std::string(40, 'v'));
  ASSERT_TRUE(db_.store().Compact({}, {}).ok());
  db_.Write({DeleteRange({}, {})});
  ASSERT_TRUE(db_.store().Compact({}, {}).ok());
  EXPECT_TRUE(db_.Scan().empty());
  auto left = db_.engine().EstimateRange({}, {});
  ASSERT_TRUE(left.ok());
  EXPECT_EQ(left->rows, 0u);
  EXPECT_EQ(left->bytes, 0u);
}

TEST_F(EngineTest, EstimatesAreNearTheTruth) {
  Fill(0, 1000, std::string(20, 'v'));
  auto all = db_.engine().EstimateRange({}, {});
  ASSERT_TRUE(all.ok());
  EXPECT_GT(all->rows, 900u);
  EXPECT_LT(all->rows, 1300u);
  auto tenth = db_.engine().EstimateRange(AsBytes(Key(300)), AsBytes(Key(400)));
  EXPECT_GT(tenth->rows, 50u);
  EXPECT_LT(tenth->rows, 250u);
  EXPECT_EQ(db_.engine().EstimateRange(AsBytes(Key(5)), AsBytes(Key(5)))->rows, 0u);
}

TEST_F(EngineTest, StatisticsCountWhatIsThere) {
  Fill(0, 300, "v");
  ASSERT_TRUE(db_.store().FlushMemtable().ok());
  auto* facet = static_cast<StorageStatistics*>(db_.engine().Facet(StorageStatistics::kInterface));
  ASSERT_NE(facet, nullptr);
  auto bytes = facet->Statistics();
  ASSERT_TRUE(bytes.ok());
  ASSERT_EQ(bson::Validate(bytes->bytes()), nullptr);
  const bson::Document doc(bytes->bytes());
  EXPECT_EQ(doc["total_keys"].value().Int64(), 300);
  EXPECT_EQ(doc["memtable_keys"].value().Int64(), 0);
  EXPECT_GT(doc["num_sstables"].value().Int64(), 0);
  EXPECT_EQ(doc["data_dir"].value().Text(), "data/lsm");
  auto explained = facet->ExplainGet(AsBytes(Key(3)));
  ASSERT_TRUE(explained.ok());
  EXPECT_EQ(bson::Validate(explained->bytes()), nullptr);
}

TEST_F(EngineTest, StatisticsTellOfWorkDebtStallsCacheAndSyncs) {
  Fill(0, 300, std::string(40, 'v'));
  ASSERT_TRUE(db_.store().FlushMemtable().ok());
  ASSERT_TRUE(db_.store().Compact({}, {}).ok());
  EXPECT_EQ(db_.Scan().size(), 300u);
  auto* facet = static_cast<StorageStatistics*>(db_.engine().Facet(StorageStatistics::kInterface));
  auto bytes = facet->Statistics();
  ASSERT_TRUE(bytes.ok());
  const bson::Document doc(bytes->bytes());
  for (const char* name :
       {"write_amplification", "space_amplification", "read_amplification", "compaction_debt_bytes",
        "stalls", "stall_us", "delays", "cache_bytes", "cache_hits", "cache_misses", "wal_syncs"}) {
    EXPECT_TRUE(doc[name].value().IsNumber()) << name;
  }
  EXPECT_GT(doc["flushes"].value().Int64(), 0);
  int jobs = 0;
  for (const auto& job : doc["last_jobs"].value().Doc()) {
    EXPECT_FALSE(job.value().Doc()["kind"].value().Text().empty());
    ++jobs;
  }
  EXPECT_GT(jobs, 0) << "a flush at least";
  for (const auto& bucket : doc["wal_sync_latency"].value().Doc()) {
    EXPECT_TRUE(bucket.value().Doc()["count"].value().IsNumber());
  }
}

TEST_F(EngineTest, AnExplainedGetNamesThePlacesItLooksAt) {
  auto* facet = static_cast<StorageStatistics*>(db_.engine().Facet(StorageStatistics::kInterface));
  auto first_step = [&](const std::string& key) {
    auto bytes = facet->ExplainGet(AsBytes(key));
    EXPECT_TRUE(bytes.ok());
    const bson::Document doc(bytes->bytes());
    const bson::Document step = doc["steps"].value().Doc()["0"].value().Doc();
    return std::string(step["place"].value().Text()) + ": " +
           std::string(step["result"].value().Text());
  };
  db_.Write({Put("a", "1"), Put("b", "1"), Put("c", "1")});
  db_.Write({Delete("b"), DeleteRange("c", "d")});
  EXPECT_EQ(first_step("a"), "memtable: value");
  EXPECT_EQ(first_step("b"), "memtable: deleted");
  EXPECT_EQ(first_step("c"), "memtable: covered by a range delete");
  EXPECT_EQ(first_step("e"), "memtable: absent");
}

TEST_F(EngineTest, ASecondEngineFindsTheStoreLocked) {
  TestEngine other(env_, "data/lsm", TinyOptions());
  EXPECT_EQ(other.TryOpen().code(), Code::kConflict);
}

TEST_F(EngineTest, LargeValuesComeBackWhole) {
  const std::string big(3u << 20, 'x');
  db_.Write({Put("big", big), Put("small", "y")});
  db_.Reopen();
  EXPECT_EQ(db_.Get("big"), big);
  EXPECT_EQ(db_.Scan().size(), 2u);
}

}  // namespace
}  // namespace nexadb::lsm::testing
