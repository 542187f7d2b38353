// Laws of one transaction: own writes, savepoints, its end.
#include "storage_laws.h"

namespace nexadb::testkit {
namespace {

void ATransactionReadsItsOwnWrites(Bench& bench) {
  Write(bench, {Put("a", "1"), Put("b", "1"), Put("c", "1")});
  auto transaction = Begin(bench);
  std::string one = Counter(1);
  WriteIn(*transaction, {Put("b", "2"), Delete("c"), Put("d", "2"), Add("n", one)});
  EXPECT_EQ(Get(*transaction, "a"), "1");
  EXPECT_EQ(Get(*transaction, "b"), "2");
  EXPECT_EQ(Get(*transaction, "c"), std::nullopt);
  Rows expected{{"a", "1"}, {"b", "2"}, {"d", "2"}, {"n", one}};
  EXPECT_EQ(Scan(*transaction, "", "", 1), expected);
  EXPECT_EQ(ScanReverse(*transaction, "", "", 3), Rows(expected.rbegin(), expected.rend()));
  EXPECT_EQ(ScanAll(bench).size(), 3u) << "nobody else does";
  MustCommit(*transaction);
  EXPECT_EQ(ScanAll(bench), expected);
}

void ATransactionReadsItsOwnDeleteRange(Bench& bench) {
  Write(bench, {Put("a", "1"), Put("b", "1"), Put("c", "1"), Put("d", "1")});
  auto transaction = Begin(bench);
  WriteIn(*transaction, {Put("bb", "2"), DeleteRange("b", "d"), Put("c", "3")});
  Rows expected{{"a", "1"}, {"c", "3"}, {"d", "1"}};
  EXPECT_EQ(Get(*transaction, "b"), std::nullopt);
  EXPECT_EQ(Get(*transaction, "bb"), std::nullopt);
  EXPECT_EQ(Scan(*transaction), expected);
  EXPECT_EQ(ScanReverse(*transaction), Rows(expected.rbegin(), expected.rend()));
  std::string one = Counter(1);
  WriteIn(*transaction, {DeleteRange("", ""), Add("a", one)});
  EXPECT_EQ(Scan(*transaction), (Rows{{"a", one}})) << "an add over a deleted row starts at zero";
  MustCommit(*transaction);
  EXPECT_EQ(ScanAll(bench), (Rows{{"a", one}}));
}

void OpenCursorsDoNotSeeLaterOwnWrites(Bench& bench) {
  Write(bench, {Put("a", "1"), Put("b", "1"), Put("c", "1")});
  auto transaction = Begin(bench);
  WriteIn(*transaction, {Put("a", "2")});
  auto cursor = OpenCursor(*transaction, "", "");
  EXPECT_EQ(Take(*cursor, 1), (Rows{{"a", "2"}}));
  WriteIn(*transaction, {Put("b", "3"), Delete("c"), Put("bb", "3")});
  EXPECT_EQ(Take(*cursor, 10), (Rows{{"b", "1"}, {"c", "1"}}));
  ASSERT_TRUE(cursor->Seek({}).ok());
  EXPECT_EQ(Take(*cursor, 10), (Rows{{"a", "2"}, {"b", "1"}, {"c", "1"}}));
}

void ATransactionReadsItsSnapshot(Bench& bench) {
  uint64_t sequence = Write(bench, {Put("a", "1")});
  auto transaction = Begin(bench);
  EXPECT_GE(transaction->Sequence(), sequence);
  Write(bench, {Put("a", "2"), Put("b", "2")});
  EXPECT_EQ(Scan(*transaction), (Rows{{"a", "1"}}));
  EXPECT_EQ(Get(*transaction, "b"), std::nullopt);
}

void SavepointsTakeBackWrites(Bench& bench) {
  std::string one = Counter(1);
  Write(bench, {Put("c", "old"), Put("n", Counter(5))});
  auto transaction = Begin(bench);
  auto start = transaction->Savepoint();
  WriteIn(*transaction, {Put("a", "1"), Add("n", one)});
  auto middle = transaction->Savepoint();
  ASSERT_TRUE(start.ok() && middle.ok());
  WriteIn(*transaction, {Put("a", "2"), DeleteRange("b", "z"), Put("b", "2")});
  EXPECT_EQ(Scan(*transaction), (Rows{{"a", "2"}, {"b", "2"}}));
  ASSERT_TRUE(transaction->RollbackTo(*middle).ok());
  EXPECT_EQ(Scan(*transaction), (Rows{{"a", "1"}, {"c", "old"}, {"n", Counter(6)}}));
  WriteIn(*transaction, {Put("d", "3")});
  ASSERT_TRUE(transaction->RollbackTo(*middle).ok()) << "a savepoint can be used again";
  MustCommit(*transaction);
  EXPECT_EQ(ScanAll(bench), (Rows{{"a", "1"}, {"c", "old"}, {"n", Counter(6)}}));
  auto undone = Begin(bench);
  auto nothing = undone->Savepoint();
  ASSERT_TRUE(nothing.ok());
  WriteIn(*undone, {Put("x", "1")});
  ASSERT_TRUE(undone->RollbackTo(*nothing).ok());
  EXPECT_FALSE(undone->RollbackTo(*nothing + 1'000'000).ok());
  MustCommit(*undone);
  EXPECT_EQ(Get(bench, "x"), std::nullopt);
}

void AFailedWriteAddsNothing(Bench& bench) {
  Write(bench, {Put("text", "no counter")});
  auto transaction = Begin(bench);
  std::string one = Counter(1);
  std::vector<Mutation> bad{Put("a", "1"), Add("text", one)};
  EXPECT_EQ(transaction->Write(bad).code(), Code::kInvalidArgument);
  EXPECT_EQ(Scan(*transaction), (Rows{{"text", "no counter"}}));
  WriteIn(*transaction, {Put("b", "1")});
  MustCommit(*transaction);
  EXPECT_EQ(ScanAll(bench), (Rows{{"b", "1"}, {"text", "no counter"}}));
}

void ACommittedTransactionIsOver(Bench& bench) {
  auto transaction = Begin(bench);
  std::vector<Mutation> write{Put("a", "1")};
  WriteIn(*transaction, write);
  MustCommit(*transaction);
  // Only Release is legal; an engine may refuse all else, and must not store it.
  std::vector<Mutation> late{Put("late", "1")};
  if (transaction->Write(late).ok()) (void)transaction->Commit({}).ok();
  EXPECT_EQ(ScanAll(bench), (Rows{{"a", "1"}}));
}

void AReleasedTransactionLeavesNothing(Bench& bench) {
  {
    auto transaction = Begin(bench);
    WriteIn(*transaction, {Put("a", "1")});
  }
  EXPECT_TRUE(ScanAll(bench).empty());
}

void ReadersCommitAtTheirSnapshot(Bench& bench) {
  Write(bench, {Put("a", "1")});
  for (Isolation isolation : {Isolation::kSnapshot, Isolation::kSerializable}) {
    auto transaction = Begin(bench, isolation);
    EXPECT_EQ(Get(*transaction, "a"), "1");
    ASSERT_TRUE(transaction->Guard(AsBytes("a")).ok());
    Write(bench, {Put("a", "1")});
    auto sequence = transaction->Commit({});
    ASSERT_TRUE(sequence.ok()) << "with nothing to write, nothing is validated";
    EXPECT_EQ(*sequence, transaction->Sequence());
  }
}

void CommitReturnsASequenceThatSnapshotsSee(Bench& bench) {
  auto transaction = Begin(bench);
  WriteIn(*transaction, {Put("a", "1")});
  auto sequence = transaction->Commit({});
  ASSERT_TRUE(sequence.ok());
  EXPECT_GT(*sequence, transaction->Sequence());
  auto snapshot = OpenSnapshot(bench);
  EXPECT_GE(snapshot->Sequence(), *sequence);
  EXPECT_EQ(Get(*snapshot, "a"), "1");
}

}  // namespace

std::vector<StorageLaw> StorageTransactionLaws() {
  return {{"ATransactionReadsItsOwnWrites", ATransactionReadsItsOwnWrites},
          {"ATransactionReadsItsOwnDeleteRange", ATransactionReadsItsOwnDeleteRange},
          {"OpenCursorsDoNotSeeLaterOwnWrites", OpenCursorsDoNotSeeLaterOwnWrites},
          {"ATransactionReadsItsSnapshot", ATransactionReadsItsSnapshot},
          {"SavepointsTakeBackWrites", SavepointsTakeBackWrites},
          {"AFailedWriteAddsNothing", AFailedWriteAddsNothing},
          {"ACommittedTransactionIsOver", ACommittedTransactionIsOver},
          {"AReleasedTransactionLeavesNothing", AReleasedTransactionLeavesNothing},
          {"ReadersCommitAtTheirSnapshot", ReadersCommitAtTheirSnapshot},
          {"CommitReturnsASequenceThatSnapshotsSee", CommitReturnsASequenceThatSnapshotsSee}};
}

}  // namespace nexadb::testkit
