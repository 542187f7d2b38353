// Laws of engines that keep their data over a restart.
#include "storage_laws.h"

namespace nexadb::testkit {
namespace {

void ReopeningKeepsEverything(Bench& bench) {
  std::string one = Counter(1), hole(10, '.'), large(300'000, 'x');
  Write(bench, {Put("a", "1"), Put("b", "1"), Put("", "empty"), Put("large", large)});
  Write(bench, {Delete("a"), Add("n", one)});
  uint64_t stamped = Write(bench, {StampedKey(hole, 0, "s"), Add("n", one)});
  auto transaction = Begin(bench);
  WriteIn(*transaction, {Put("t", "1"), DeleteRange("b", "c")});
  MustCommit(*transaction);
  transaction.Reset();
  Rows expected{
      {"", "empty"}, {Stamp(stamped, 0), "s"}, {"large", large}, {"n", Counter(2)}, {"t", "1"}};
  ASSERT_EQ(ScanAll(bench), expected);
  for (int i = 0; i < 3; ++i) {
    bench.fixture.Reopen();
    ASSERT_EQ(ScanAll(bench), expected) << "reopened " << i;
  }
}

void SequencesGrowOverReopening(Bench& bench) {
  uint64_t last = 0;
  for (int i = 0; i < 5; ++i) {
    uint64_t sequence = Write(bench, {Put("a", std::to_string(i))});
    EXPECT_GT(sequence, last);
    last = sequence;
    bench.fixture.Reopen();
    EXPECT_GE(OpenSnapshot(bench)->Sequence(), last);
  }
}

void UncommittedWorkIsGoneAfterReopening(Bench& bench) {
  {
    auto transaction = Begin(bench);
    WriteIn(*transaction, {Put("a", "1")});
  }
  bench.fixture.Reopen();
  EXPECT_TRUE(ScanAll(bench).empty());
}

void ALargeStoreReopens(Bench& bench) {
  base::Prng prng(bench.seed);
  Model model;
  for (int i = 0; i < 200; ++i) {
    std::vector<std::pair<std::string, std::string>> texts;
    for (int j = 0; j < 20; ++j) {
      texts.emplace_back("key" + std::to_string(prng.Below(2000)),
                         std::string(500 + prng.Below(500), static_cast<char>('a' + i % 26)));
    }
    std::vector<Mutation> batch;
    for (const auto& [key, value] : texts) {
      batch.push_back(Put(key, value));
      model[key] = value;
    }
    WriteOptions options;
    options.durability = Durability::kOs;
    ASSERT_TRUE(bench.engine().Write(batch, options).ok());
  }
  ASSERT_TRUE(bench.engine().Flush().ok());
  bench.fixture.Reopen();
  EXPECT_TRUE(ScanAll(bench) == RowsOf(model));
}

}  // namespace

std::vector<StorageLaw> StorageDurabilityLaws() {
  return {{"ReopeningKeepsEverything", ReopeningKeepsEverything, true},
          {"SequencesGrowOverReopening", SequencesGrowOverReopening, true},
          {"UncommittedWorkIsGoneAfterReopening", UncommittedWorkIsGoneAfterReopening, true},
          {"ALargeStoreReopens", ALargeStoreReopens, true}};
}

}  // namespace nexadb::testkit
