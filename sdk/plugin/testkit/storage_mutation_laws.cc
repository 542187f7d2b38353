// Laws of delete-range, adds and versionstamps.
#include <limits>
#include <set>

#include "storage_laws.h"

namespace nexadb::testkit {
namespace {

void DeleteRangeTakesItsRangeAndNoMore(Bench& bench) {
  Write(bench, {Put("a", "1"), Put("b", "1"), Put("b0", "1"), Put("c", "1"), Put("d", "1")});
  Write(bench, {DeleteRange("b", "c")});
  EXPECT_EQ(ScanAll(bench), (Rows{{"a", "1"}, {"c", "1"}, {"d", "1"}}));
  Write(bench, {DeleteRange("c", "c"), DeleteRange("d", "a")});
  EXPECT_EQ(ScanAll(bench).size(), 3u) << "an empty range deletes nothing";
  Write(bench, {DeleteRange("b", "")});
  EXPECT_EQ(ScanAll(bench), (Rows{{"a", "1"}})) << "an empty end reaches past the last key";
  Write(bench, {DeleteRange("", "")});
  EXPECT_TRUE(ScanAll(bench).empty());
}

void DeleteRangeKeepsItsPlaceInTheBatch(Bench& bench) {
  Write(bench, {Put("a", "old"), Put("c", "old")});
  Write(bench, {Put("b", "before"), DeleteRange("a", "z"), Put("c", "after")});
  EXPECT_EQ(ScanAll(bench), (Rows{{"c", "after"}}));
  EXPECT_EQ(Get(bench, "a"), std::nullopt);
  Write(bench, {Put("a", "again")});
  EXPECT_EQ(Get(bench, "a"), "again") << "a deleted range can be written again";
}

void AddsSumUpFromZero(Bench& bench) {
  std::string one = Counter(1), minus = Counter(-10), max = Counter(INT64_MAX);
  Write(bench, {Add("n", one), Add("n", one)});
  EXPECT_EQ(Get(bench, "n"), Counter(2));
  Write(bench, {Add("n", minus)});
  EXPECT_EQ(Get(bench, "n"), Counter(-8));
  Write(bench, {Delete("n"), Add("n", max), Add("n", one)});
  EXPECT_EQ(Get(bench, "n"), Counter(std::numeric_limits<int64_t>::min())) << "sums wrap";
  Write(bench, {DeleteRange("a", "z"), Add("n", one)});
  EXPECT_EQ(Get(bench, "n"), one);
  std::string five = Counter(5);
  Write(bench, {Put("n", five), Add("n", one)});
  EXPECT_EQ(ScanAll(bench), (Rows{{"n", Counter(6)}}));
}

void SnapshotsSeeTheSumOfTheirTime(Bench& bench) {
  std::string one = Counter(1);
  std::vector<Handle<Snapshot>> snapshots;
  for (int i = 0; i < 10; ++i) {
    Write(bench, {Add("n", one)});
    snapshots.push_back(OpenSnapshot(bench));
  }
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(Get(*snapshots[static_cast<size_t>(i)], "n"), Counter(i + 1));
  }
}

void AnAddToSomethingElseIsRefusedWhole(Bench& bench) {
  std::string one = Counter(1);
  Write(bench, {Put("text", "no counter")});
  std::vector<Mutation> batch{Put("a", "1"), Add("text", one)};
  EXPECT_EQ(bench.engine().Write(batch, {}).status().code(), Code::kInvalidArgument);
  std::vector<Mutation> short_add{Put("a", "1"), Add("n", "1234567")};
  EXPECT_EQ(bench.engine().Write(short_add, {}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(ScanAll(bench), (Rows{{"text", "no counter"}}));
}

void AnAddOfTheSameBatchMeetsItsOwnPut(Bench& bench) {
  std::string one = Counter(1);
  std::vector<Mutation> batch{Put("n", "text"), Add("n", one)};
  EXPECT_EQ(bench.engine().Write(batch, {}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(Get(bench, "n"), std::nullopt);
}

void StampsEqualTheSequenceAndCountTheBatch(Bench& bench) {
  std::string key = "log/" + std::string(10, '.') + "/x";
  std::string value = "v" + std::string(10, '.');
  uint64_t sequence = Write(bench, {StampedKey(key, 4, "1"), Put("other", "o"),
                                    StampedKey(key, 4, "2"), StampedValue("row", value, 1)});
  Rows expected{{"log/" + Stamp(sequence, 0) + "/x", "1"},
                {"log/" + Stamp(sequence, 1) + "/x", "2"},
                {"other", "o"},
                {"row", "v" + Stamp(sequence, 2)}};
  EXPECT_EQ(ScanAll(bench), expected);
}

void StampsSortInCommitOrder(Bench& bench) {
  std::string hole(10, '\0');
  std::vector<std::string> keys;
  for (int i = 0; i < 30; ++i) {
    std::string value = std::to_string(i);
    if (i % 3 == 0) {
      auto transaction = Begin(bench);
      WriteIn(*transaction, {StampedKey(hole, 0, value)});
      MustCommit(*transaction);
    } else {
      Write(bench, {StampedKey(hole, 0, value)});
    }
  }
  Rows rows = ScanAll(bench);
  ASSERT_EQ(rows.size(), 30u) << "stamps are unique";
  for (int i = 0; i < 30; ++i) EXPECT_EQ(rows[static_cast<size_t>(i)].second, std::to_string(i));
}

void AStampMustFit(Bench& bench) {
  std::string nine(9, '.'), ten(10, '.');
  std::vector<std::vector<Mutation>> bad{{StampedKey(nine, 0, "v")},
                                         {StampedKey(ten, 1, "v")},
                                         {StampedValue("k", ten, 4'000'000'000u)}};
  for (const auto& batch : bad) {
    EXPECT_EQ(bench.engine().Write(batch, {}).status().code(), Code::kInvalidArgument);
  }
  EXPECT_TRUE(ScanAll(bench).empty());
}

void ATransactionsStampIsItsCommit(Bench& bench) {
  std::string key = "log/" + std::string(10, '.');
  auto transaction = Begin(bench);
  WriteIn(*transaction, {StampedKey(key, 4, "v")});
  EXPECT_EQ(Scan(*transaction), (Rows{{"log/" + std::string(10, '\0'), "v"}})) << "holes are zeros";
  WriteIn(*transaction, {StampedValue("row", key, 4)});
  EXPECT_EQ(Get(*transaction, "row"), "log/" + std::string(10, '\0'));
  auto sequence = transaction->Commit({});
  ASSERT_TRUE(sequence.ok()) << sequence.status().message();
  Rows expected{{"log/" + Stamp(*sequence, 0), "v"}, {"row", "log/" + Stamp(*sequence, 1)}};
  EXPECT_EQ(ScanAll(bench), expected);
}

}  // namespace

std::vector<StorageLaw> StorageMutationLaws() {
  return {{"DeleteRangeTakesItsRangeAndNoMore", DeleteRangeTakesItsRangeAndNoMore},
          {"DeleteRangeKeepsItsPlaceInTheBatch", DeleteRangeKeepsItsPlaceInTheBatch},
          {"AddsSumUpFromZero", AddsSumUpFromZero},
          {"SnapshotsSeeTheSumOfTheirTime", SnapshotsSeeTheSumOfTheirTime},
          {"AnAddToSomethingElseIsRefusedWhole", AnAddToSomethingElseIsRefusedWhole},
          {"AnAddOfTheSameBatchMeetsItsOwnPut", AnAddOfTheSameBatchMeetsItsOwnPut},
          {"StampsEqualTheSequenceAndCountTheBatch", StampsEqualTheSequenceAndCountTheBatch},
          {"StampsSortInCommitOrder", StampsSortInCommitOrder},
          {"AStampMustFit", AStampMustFit},
          {"ATransactionsStampIsItsCommit", ATransactionsStampIsItsCommit}};
}

}  // namespace nexadb::testkit
