// Laws of isolation.
#include <gtest/gtest.h>

#include "core/base/sim_env.h"
#include "plugins/storage-lsm/testing/test_engine.h"

namespace nexadb::lsm::testing {
namespace {

class TransactionTest : public ::testing::Test {
 protected:
  TransactionTest() { db_.Open(); }
  static Status Write(Transaction& t, std::vector<Mutation> m) {
    return t.Write({m.data(), m.size()});
  }
  static Code Commit(Transaction& t) { return t.Commit(WriteOptions{}).status().code(); }

  base::SimEnv env_{7};
  TestEngine db_{env_, "data/lsm", TinyOptions()};
};

TEST_F(TransactionTest, ReadsItsOwnWritesAndNobodyElseDoes) {
  db_.Write({Put("a", "1"), Put("b", "1"), Put("c", "1"), Put("n", Number(4))});
  auto t = db_.Begin();
  ASSERT_TRUE(Write(*t, {Put("b", "2"), Delete("c"), Put("d", "2"), Add("n", Number(3))}).ok());
  EXPECT_EQ(ScanFrom(*t), (Rows{{"a", "1"}, {"b", "2"}, {"d", "2"}, {"n", Number(7)}}));
  EXPECT_EQ(ScanFrom(*t, {}, {}, true).front().first, "n");
  EXPECT_EQ(GetFrom(*t, "c"), std::nullopt);
  EXPECT_EQ(db_.Get("b"), "1");
  ASSERT_TRUE(Write(*t, {DeleteRange("a", "c"), Put("aa", "3")}).ok());
  EXPECT_EQ(ScanFrom(*t), (Rows{{"aa", "3"}, {"d", "2"}, {"n", Number(7)}}));
  EXPECT_EQ(Commit(*t), Code::kOk);
  EXPECT_EQ(db_.Scan(), (Rows{{"aa", "3"}, {"d", "2"}, {"n", Number(7)}}));
}

TEST_F(TransactionTest, OpenCursorsIgnoreLaterWritesOfTheirTransaction) {
  db_.Write({Put("a", "1"), Put("b", "1")});
  auto t = db_.Begin();
  ASSERT_TRUE(Write(*t, {Put("c", "own")}).ok());
  auto cursor = t->Scan(ScanOptions{});
  ASSERT_TRUE(cursor.ok());
  ASSERT_TRUE(Write(*t, {Delete("a"), Put("d", "late"), DeleteRange("b", "d")}).ok());
  Row rows[8];
  auto count = (*cursor)->Next({rows, 8});
  ASSERT_TRUE(count.ok());
  ASSERT_EQ(*count, 3u);
  EXPECT_EQ(AsText(rows[2].value), "own");
}

TEST_F(TransactionTest, TheFirstCommitterWins) {
  auto a = db_.Begin();
  auto b = db_.Begin();
  ASSERT_TRUE(Write(*a, {Put("k", "a")}).ok());
  ASSERT_TRUE(Write(*b, {Put("k", "b"), Put("other", "b")}).ok());
  EXPECT_EQ(Commit(*a), Code::kOk);
  EXPECT_EQ(Commit(*b), Code::kConflict);
  EXPECT_EQ(db_.Scan(), (Rows{{"k", "a"}}));
}

TEST_F(TransactionTest, ConflictsAreFoundInTablesToo) {
  auto a = db_.Begin();
  db_.Write({Put("k", "meanwhile")});
  ASSERT_TRUE(db_.store().FlushMemtable().ok());
  ASSERT_TRUE(db_.store().Compact({}, {}).ok());
  ASSERT_TRUE(Write(*a, {Delete("k")}).ok());
  EXPECT_EQ(Commit(*a), Code::kConflict);
  auto b = db_.Begin();
  db_.Write({DeleteRange("j", "l")});
  ASSERT_TRUE(db_.store().FlushMemtable().ok());
  ASSERT_TRUE(Write(*b, {Put("k", "v")}).ok());
  EXPECT_EQ(Commit(*b), Code::kConflict) << "a range delete writes every key of its range";
}

TEST_F(TransactionTest, ARangeDeleteConflictsWithWritesInItsRange) {
  auto a = db_.Begin();
  db_.Write({Put("m", "meanwhile")});
  ASSERT_TRUE(Write(*a, {DeleteRange("l", "n")}).ok());
  EXPECT_EQ(Commit(*a), Code::kConflict);
  auto b = db_.Begin();
  db_.Write({Put("x", "elsewhere")});
  ASSERT_TRUE(Write(*b, {DeleteRange("l", "n")}).ok());
  EXPECT_EQ(Commit(*b), Code::kOk);
}

TEST_F(TransactionTest, AddsDoNotConflictWithAdds) {
  db_.Write({Put("n", Number(10))});
  auto a = db_.Begin();
  auto b = db_.Begin();
  ASSERT_TRUE(Write(*a, {Add("n", Number(1))}).ok());
  ASSERT_TRUE(Write(*b, {Add("n", Number(2))}).ok());
  EXPECT_EQ(Commit(*a), Code::kOk);
  EXPECT_EQ(Commit(*b), Code::kOk);
  EXPECT_EQ(db_.Get("n"), Number(13));
  auto c = db_.Begin();
  ASSERT_TRUE(Write(*c, {Put("n", Number(0))}).ok());
  db_.Write({Add("n", Number(1))});
  EXPECT_EQ(Commit(*c), Code::kConflict) << "the put would swallow the add";
}

TEST_F(TransactionTest, SnapshotIsolationAllowsWriteSkewAndSerializableDoesNot) {
  for (Isolation isolation : {Isolation::kSnapshot, Isolation::kSerializable}) {
    db_.Write({Put("x", "1"), Put("y", "1")});
    auto a = db_.Begin(isolation);
    auto b = db_.Begin(isolation);
    EXPECT_EQ(GetFrom(*a, "y"), "1");
    EXPECT_EQ(GetFrom(*b, "x"), "1");
    ASSERT_TRUE(Write(*a, {Put("x", "0")}).ok());
    ASSERT_TRUE(Write(*b, {Put("y", "0")}).ok());
    EXPECT_EQ(Commit(*a), Code::kOk);
    EXPECT_EQ(Commit(*b), isolation == Isolation::kSnapshot ? Code::kOk : Code::kConflict);
  }
}

TEST_F(TransactionTest, SerializableScansSeeNoPhantoms) {
  db_.Write({Put("a", "1"), Put("c", "1"), Put("e", "1")});
  auto a = db_.Begin(Isolation::kSerializable);
  EXPECT_EQ(ScanFrom(*a, "a", "d").size(), 2u);
  db_.Write({Put("b", "phantom")});
  ASSERT_TRUE(Write(*a, {Put("z", "1")}).ok());
  EXPECT_EQ(Commit(*a), Code::kConflict);
}

TEST_F(TransactionTest, OnlyThePartOfAScanThatWasReadIsValidated) {
  for (int i = 0; i < 9; ++i) db_.Write({Put("k" + std::to_string(i), "v")});
  for (bool reverse : {false, true}) {
    auto a = db_.Begin(Isolation::kSerializable);
    ScanOptions options;
    options.reverse = reverse ? 1 : 0;
    {
      auto cursor = a->Scan(options);
      Row rows[3];
      ASSERT_EQ(*(*cursor)->Next({rows, 3}), 3u);
    }
    db_.Write({Put(reverse ? "k1x" : "k7x", "v")});
    ASSERT_TRUE(Write(*a, {Put("z", "1")}).ok());
    EXPECT_EQ(Commit(*a), Code::kOk) << "nobody has read there";
  }
}

TEST_F(TransactionTest, GuardsConflictWithWritesButNotWithGuards) {
  db_.Write({Put("catalog", "1")});
  auto a = db_.Begin();
  auto b = db_.Begin();
  auto c = db_.Begin();
  for (Transaction* t : {a.get(), b.get(), c.get()}) {
    ASSERT_TRUE(t->Guard(AsBytes(std::string_view("catalog"))).ok());
  }
  ASSERT_TRUE(Write(*a, {Put("a", "1")}).ok());
  ASSERT_TRUE(Write(*b, {Put("b", "1")}).ok());
  ASSERT_TRUE(Write(*c, {Put("c", "1")}).ok());
  EXPECT_EQ(Commit(*a), Code::kOk);
  EXPECT_EQ(Commit(*b), Code::kOk);
  db_.Write({Put("catalog", "2")});
  EXPECT_EQ(Commit(*c), Code::kConflict);
}

TEST_F(TransactionTest, SavepointsTakeWritesBack) {
  db_.Write({Put("a", "0"), Put("b", "0")});
  auto t = db_.Begin();
  ASSERT_TRUE(Write(*t, {Put("a", "1")}).ok());
  auto savepoint = t->Savepoint();
  ASSERT_TRUE(savepoint.ok());
  ASSERT_TRUE(Write(*t, {DeleteRange({}, {}), Put("c", "2")}).ok());
  EXPECT_EQ(ScanFrom(*t), (Rows{{"c", "2"}}));
  ASSERT_TRUE(t->RollbackTo(*savepoint).ok());
  EXPECT_EQ(ScanFrom(*t), (Rows{{"a", "1"}, {"b", "0"}}));
  EXPECT_EQ(t->RollbackTo(99).code(), Code::kInvalidArgument);
  EXPECT_EQ(Commit(*t), Code::kOk);
  EXPECT_EQ(db_.Scan(), (Rows{{"a", "1"}, {"b", "0"}}));
}

TEST_F(TransactionTest, NothingOfAFailedWriteIsAdded) {
  db_.Write({Put("text", "abc")});
  auto t = db_.Begin();
  EXPECT_EQ(Write(*t, {Put("a", "1"), Add("text", Number(1))}).code(), Code::kInvalidArgument);
  EXPECT_EQ(GetFrom(*t, "a"), std::nullopt);
  auto sequence = t->Commit(WriteOptions{});
  ASSERT_TRUE(sequence.ok());
  EXPECT_EQ(*sequence, t->Sequence()) << "nothing to write";
  EXPECT_EQ(Write(*t, {Put("a", "1")}).code(), Code::kInvalidArgument) << "it is over";
}

TEST_F(TransactionTest, DisjointTransactionsNeverAbort) {
  for (int i = 0; i < 300; ++i) {
    auto a = db_.Begin(Isolation::kSerializable);
    auto b = db_.Begin(Isolation::kSerializable);
    const std::string key = std::to_string(i);
    EXPECT_EQ(GetFrom(*a, "a" + key), std::nullopt);
    EXPECT_EQ(GetFrom(*b, "b" + key), std::nullopt);
    ASSERT_TRUE(Write(*a, {Put("a" + key, "v")}).ok());
    ASSERT_TRUE(Write(*b, {Put("b" + key, "v")}).ok());
    EXPECT_EQ(Commit(*a), Code::kOk);
    EXPECT_EQ(Commit(*b), Code::kOk);
  }
}

}  // namespace
}  // namespace nexadb::lsm::testing
