// Laws of conflicts: what must abort, and what must not.
#include "storage_laws.h"

namespace nexadb::testkit {
namespace {

constexpr Isolation kBoth[] = {Isolation::kSnapshot, Isolation::kSerializable};

void ALostUpdateConflicts(Bench& bench) {
  for (Isolation isolation : kBoth) {
    Write(bench, {Put("a", "0")});
    auto first = Begin(bench, isolation);
    auto second = Begin(bench, isolation);
    Get(*first, "a");
    Get(*second, "a");
    WriteIn(*first, {Put("a", "1")});
    WriteIn(*second, {Put("a", "2")});
    MustCommit(*first);
    MustConflict(*second);
    EXPECT_EQ(Get(bench, "a"), "1") << "nothing of the loser is stored";
  }
}

void WritesOutsideTransactionsCount(Bench& bench) {
  auto transaction = Begin(bench);
  WriteIn(*transaction, {Put("a", "1"), Put("b", "1")});
  Write(bench, {Put("b", "2")});
  MustConflict(*transaction);
  EXPECT_EQ(ScanAll(bench), (Rows{{"b", "2"}}));
}

void DeletesConflictLikePuts(Bench& bench) {
  Write(bench, {Put("a", "0")});
  auto deleter = Begin(bench);
  auto putter = Begin(bench);
  WriteIn(*deleter, {Delete("a")});
  WriteIn(*putter, {Put("a", "1")});
  Write(bench, {Delete("a")});
  MustConflict(*deleter);
  MustConflict(*putter);
}

// Two read a and b, each writes one of them.
struct Skew {
  explicit Skew(Bench& bench, Isolation isolation) {
    Write(bench, {Put("a", "on"), Put("b", "on")});
    first = Begin(bench, isolation);
    second = Begin(bench, isolation);
    for (Transaction* t : {first.get(), second.get()}) {
      Get(*t, "a");
      Get(*t, "b");
    }
    WriteIn(*first, {Put("a", "off")});
    WriteIn(*second, {Put("b", "off")});
  }
  Handle<Transaction> first, second;
};

void SnapshotIsolationAllowsWriteSkew(Bench& bench) {
  Skew skew(bench, Isolation::kSnapshot);
  MustCommit(*skew.first);
  MustCommit(*skew.second);
}

void SerializableRefusesWriteSkew(Bench& bench) {
  Skew skew(bench, Isolation::kSerializable);
  MustCommit(*skew.first);
  MustConflict(*skew.second);
}

void SerializableValidatesAbsence(Bench& bench) {
  auto transaction = Begin(bench, Isolation::kSerializable);
  EXPECT_EQ(Get(*transaction, "a"), std::nullopt);
  WriteIn(*transaction, {Put("b", "1")});
  Write(bench, {Put("a", "1")});
  MustConflict(*transaction);
  auto many = Begin(bench, Isolation::kSerializable);
  BytesView key = AsBytes("c");
  Lookup lookup;
  ASSERT_TRUE(many->GetMany({&key, 1}, {}, {&lookup, 1}).ok());
  WriteIn(*many, {Put("b", "1")});
  Write(bench, {Put("c", "1")});
  MustConflict(*many);
}

void SerializableRefusesPhantoms(Bench& bench) {
  for (uint32_t reverse : {0u, 1u}) {
    for (std::string_view phantom : {"b", "d", "n"}) {
      Write(bench, {DeleteRange("", ""), Put("c", "1"), Put("m", "1")});
      auto transaction = Begin(bench, Isolation::kSerializable);
      EXPECT_EQ(Take(*OpenCursor(*transaction, "b", "p", reverse), 100).size(), 2u);
      WriteIn(*transaction, {Put("sum", "2")});
      Write(bench, {Put(phantom, "1")});
      MustConflict(*transaction);
    }
  }
}

void SerializableSeesRowsVanish(Bench& bench) {
  for (bool by_range : {false, true}) {
    Write(bench, {Put("c", "1"), Put("m", "1")});
    auto transaction = Begin(bench, Isolation::kSerializable);
    EXPECT_EQ(Scan(*transaction, "b", "p").size(), 2u);
    WriteIn(*transaction, {Put("sum", "2")});
    Write(bench, {by_range ? DeleteRange("l", "n") : Delete("m")});
    MustConflict(*transaction);
  }
}

void SnapshotIsolationAllowsPhantoms(Bench& bench) {
  auto transaction = Begin(bench);
  EXPECT_EQ(Scan(*transaction, "b", "p").size(), 0u);
  WriteIn(*transaction, {Put("sum", "0")});
  Write(bench, {Put("c", "1")});
  MustCommit(*transaction);
}

void DisjointKeysNeverConflict(Bench& bench) {
  for (Isolation isolation : kBoth) {
    base::Prng prng(bench.seed);
    for (int round = 0; round < 20; ++round) {
      std::vector<Handle<Transaction>> open;
      std::vector<std::string> prefixes;
      for (int i = 0; i < 8; ++i) {
        open.push_back(Begin(bench, isolation));
        prefixes.push_back(std::string(1, static_cast<char>('a' + i)));
      }
      for (int step = 0; step < 40; ++step) {
        size_t who = prng.Below(open.size());
        std::string key = prefixes[who] + std::to_string(prng.Below(10));
        if (prng.OneIn(3)) Get(*open[who], key);
        if (prng.OneIn(5)) Scan(*open[who], prefixes[who], prefixes[who] + "~");
        if (prng.OneIn(9)) WriteIn(*open[who], {DeleteRange(prefixes[who], prefixes[who] + "3")});
        WriteIn(*open[who], {prng.OneIn(4) ? Delete(key) : Put(key, "v")});
      }
      for (auto& transaction : open) MustCommit(*transaction);
    }
  }
}

void AScanThatStopsEarlyReadsNoFurther(Bench& bench) {
  Write(bench, {Put("a", "1"), Put("b", "1"), Put("y", "1"), Put("z", "1")});
  auto forward = Begin(bench, Isolation::kSerializable);
  EXPECT_EQ(Take(*OpenCursor(*forward, "", ""), 2).size(), 2u);
  WriteIn(*forward, {Put("one", "1")});
  auto backward = Begin(bench, Isolation::kSerializable);
  EXPECT_EQ(Take(*OpenCursor(*backward, "m", "", 1), 1).size(), 1u);
  WriteIn(*backward, {Put("two", "1")});
  Write(bench, {Put("x", "1")});
  MustCommit(*forward);
  MustCommit(*backward);
}

void GuardsAreValidatedUnderBothIsolations(Bench& bench) {
  for (Isolation isolation : kBoth) {
    for (int change = 0; change < 3; ++change) {
      Write(bench, {Put("version", "1")});
      auto transaction = Begin(bench, isolation);
      ASSERT_TRUE(transaction->Guard(AsBytes("version")).ok());
      WriteIn(*transaction, {Put("a", "1")});
      Write(bench, {change == 0   ? Put("version", "2")
                    : change == 1 ? Delete("version")
                                  : DeleteRange("v", "w")});
      MustConflict(*transaction);
    }
    auto absent = Begin(bench, isolation);
    ASSERT_TRUE(absent->Guard(AsBytes("missing")).ok());
    WriteIn(*absent, {Put("a", "1")});
    Write(bench, {Put("missing", "1")});
    MustConflict(*absent);
    Write(bench, {Delete("missing")});
  }
}

void TwoGuardsDoNotConflict(Bench& bench) {
  Write(bench, {Put("version", "1")});
  auto first = Begin(bench);
  auto second = Begin(bench);
  ASSERT_TRUE(first->Guard(AsBytes("version")).ok());
  ASSERT_TRUE(second->Guard(AsBytes("version")).ok());
  WriteIn(*first, {Put("a", "1")});
  WriteIn(*second, {Put("b", "1")});
  MustCommit(*first);
  MustCommit(*second);
}

void AddsNeverConflictWithAdds(Bench& bench) {
  std::string one = Counter(1), two = Counter(2);
  for (Isolation isolation : kBoth) {
    Write(bench, {Put("n", Counter(10))});
    auto first = Begin(bench, isolation);
    auto second = Begin(bench, isolation);
    WriteIn(*first, {Add("n", one)});
    WriteIn(*second, {Add("n", two)});
    Write(bench, {Add("n", one)});
    MustCommit(*first);
    MustCommit(*second);
    EXPECT_EQ(Get(bench, "n"), Counter(14));
  }
}

void AddsConflictWithOtherWrites(Bench& bench) {
  std::string one = Counter(1);
  Write(bench, {Put("n", one)});
  auto adder = Begin(bench);
  WriteIn(*adder, {Add("n", one)});
  auto putter = Begin(bench);
  WriteIn(*putter, {Put("n", one)});
  Write(bench, {Add("n", one)});
  MustConflict(*putter);
  Write(bench, {Put("n", one)});
  MustConflict(*adder);
  auto guard = Begin(bench);
  ASSERT_TRUE(guard->Guard(AsBytes("n")).ok());
  WriteIn(*guard, {Put("a", "1")});
  Write(bench, {Add("n", one)});
  MustConflict(*guard);
}

void DeleteRangeConflictsWithWritesInIt(Bench& bench) {
  Write(bench, {Put("b", "1")});
  auto deleter = Begin(bench);
  WriteIn(*deleter, {DeleteRange("a", "z")});
  auto outside = Begin(bench);
  WriteIn(*outside, {DeleteRange("x", "z")});
  auto writer = Begin(bench);
  WriteIn(*writer, {Put("b", "2")});
  Write(bench, {Put("c", "1")});
  MustConflict(*deleter);
  MustCommit(*outside);
  Write(bench, {DeleteRange("a", "z")});
  MustConflict(*writer);
}

void WhatSavepointsTookBackDoesNotConflict(Bench& bench) {
  auto transaction = Begin(bench);
  auto savepoint = transaction->Savepoint();
  ASSERT_TRUE(savepoint.ok());
  WriteIn(*transaction, {Put("a", "1")});
  ASSERT_TRUE(transaction->RollbackTo(*savepoint).ok());
  WriteIn(*transaction, {Put("b", "1")});
  Write(bench, {Put("a", "2")});
  MustCommit(*transaction);
  EXPECT_EQ(ScanAll(bench), (Rows{{"a", "2"}, {"b", "1"}}));
}

void WritesBeforeTheSnapshotDoNotConflict(Bench& bench) {
  for (Isolation isolation : kBoth) {
    for (int i = 0; i < 50; ++i) {
      Write(bench, {Put("a", std::to_string(i))});
      auto transaction = Begin(bench, isolation);
      Get(*transaction, "a");
      Scan(*transaction);
      ASSERT_TRUE(transaction->Guard(AsBytes("a")).ok());
      WriteIn(*transaction, {Put("a", "t")});
      MustCommit(*transaction);
    }
  }
}

}  // namespace

std::vector<StorageLaw> StorageConflictLaws() {
  return {{"ALostUpdateConflicts", ALostUpdateConflicts},
          {"WritesOutsideTransactionsCount", WritesOutsideTransactionsCount},
          {"DeletesConflictLikePuts", DeletesConflictLikePuts},
          {"SnapshotIsolationAllowsWriteSkew", SnapshotIsolationAllowsWriteSkew},
          {"SerializableRefusesWriteSkew", SerializableRefusesWriteSkew},
          {"SerializableValidatesAbsence", SerializableValidatesAbsence},
          {"SerializableRefusesPhantoms", SerializableRefusesPhantoms},
          {"SerializableSeesRowsVanish", SerializableSeesRowsVanish},
          {"SnapshotIsolationAllowsPhantoms", SnapshotIsolationAllowsPhantoms},
          {"DisjointKeysNeverConflict", DisjointKeysNeverConflict},
          {"AScanThatStopsEarlyReadsNoFurther", AScanThatStopsEarlyReadsNoFurther},
          {"GuardsAreValidatedUnderBothIsolations", GuardsAreValidatedUnderBothIsolations},
          {"TwoGuardsDoNotConflict", TwoGuardsDoNotConflict},
          {"AddsNeverConflictWithAdds", AddsNeverConflictWithAdds},
          {"AddsConflictWithOtherWrites", AddsConflictWithOtherWrites},
          {"DeleteRangeConflictsWithWritesInIt", DeleteRangeConflictsWithWritesInIt},
          {"WhatSavepointsTookBackDoesNotConflict", WhatSavepointsTookBackDoesNotConflict},
          {"WritesBeforeTheSnapshotDoNotConflict", WritesBeforeTheSnapshotDoNotConflict}};
}

}  // namespace nexadb::testkit
