// Random histories against std::map.
#include <deque>

#include "core/base/coding.h"
#include "storage_laws.h"

namespace nexadb::testkit {
namespace {

// Few short keys over bytes that order differently when signed, so that histories meet.
std::string RandomKey(base::Prng& prng) {
  static constexpr char kBytes[] = {'\0', 'a', 'b', '\x7f', '\x80', '\xff'};
  std::string key;
  for (uint64_t n = prng.Below(4); n > 0; --n) key.push_back(kBytes[prng.Below(sizeof(kBytes))]);
  return key;
}

std::string RandomValue(base::Prng& prng) {
  if (prng.OneIn(40)) return std::string(prng.Below(20'000), static_cast<char>(prng.Next()));
  return "v" + std::to_string(prng.Below(1000));
}

// A batch with the text it points to, and its effect on a map.
class RandomBatch {
 public:
  RandomBatch(base::Prng& prng, const Model& before) : after_(before) {
    for (uint64_t n = 1 + prng.Below(6); n > 0; --n) AddOne(prng);
  }
  const std::vector<Mutation>& mutations() const { return mutations_; }
  const Model& after() const { return after_; }

 private:
  std::string_view Keep(std::string text) {
    texts_.push_back(std::move(text));
    return texts_.back();
  }
  void AddOne(base::Prng& prng) {
    std::string_view key = Keep(RandomKey(prng));
    switch (prng.Below(8)) {
      case 0: {
        mutations_.push_back(Delete(key));
        after_.erase(std::string(key));
        return;
      }
      case 1: {
        std::string_view end = Keep(RandomKey(prng));
        mutations_.push_back(DeleteRange(key, end));
        auto from = after_.lower_bound(std::string(key));
        auto to = end.empty() ? after_.end() : after_.lower_bound(std::string(end));
        if (end.empty() || key < end) after_.erase(from, to);
        return;
      }
      case 2: return AddTo(std::string(key) + "#", prng);
      default: {
        std::string_view value = Keep(RandomValue(prng));
        mutations_.push_back(Put(key, value));
        after_[std::string(key)] = value;
      }
    }
  }
  // Counters live under keys of their own, for only they can be added to.
  void AddTo(const std::string& key, base::Prng& prng) {
    auto delta = static_cast<int64_t>(prng.Below(100)) - 50;
    mutations_.push_back(Add(Keep(key), Keep(Counter(delta))));
    int64_t old = 0;
    auto found = after_.find(key);
    if (found != after_.end()) {
      old = static_cast<int64_t>(base::LoadLittle<uint64_t>(AsBytes(found->second).data()));
    }
    after_[key] = Counter(old + delta);
  }

  std::deque<std::string> texts_;
  std::vector<Mutation> mutations_;
  Model after_;
};

void ExpectEqual(Reader& reader, const Model& model, base::Prng& prng) {
  Rows rows = RowsOf(model);
  ASSERT_EQ(Scan(reader, "", "", 1 + prng.Below(20)), rows);
  ASSERT_EQ(ScanReverse(reader, "", "", 1 + prng.Below(20)), Rows(rows.rbegin(), rows.rend()));
  std::string begin = RandomKey(prng), end = RandomKey(prng);
  Rows part;
  for (const auto& row : rows) {
    if (row.first >= begin && (end.empty() || row.first < end)) part.push_back(row);
  }
  ASSERT_EQ(Scan(reader, begin, end), part);
  ASSERT_EQ(ScanReverse(reader, begin, end), Rows(part.rbegin(), part.rend()));
  for (int i = 0; i < 5; ++i) {
    std::string key = RandomKey(prng);
    auto found = model.find(key);
    ASSERT_EQ(Get(reader, key), found == model.end() ? std::nullopt : std::optional(found->second));
  }
}

void RandomBatchesEqualAMap(Bench& bench) {
  base::Prng prng(bench.seed);
  Model model;
  struct Kept {
    Handle<Snapshot> snapshot;
    Model model;
  };
  std::vector<Kept> kept;
  for (int i = 0; i < 600; ++i) {
    RandomBatch batch(prng, model);
    auto sequence = bench.engine().Write(batch.mutations(), {});
    ASSERT_TRUE(sequence.ok()) << sequence.status().message();
    model = batch.after();
    if (prng.OneIn(10)) kept.push_back({OpenSnapshot(bench), model});
    if (kept.size() > 4) kept.erase(kept.begin() + static_cast<long>(prng.Below(kept.size())));
    if (prng.OneIn(5)) {
      ASSERT_NO_FATAL_FAILURE(ExpectEqual(*OpenSnapshot(bench), model, prng));
    }
    if (!kept.empty() && prng.OneIn(5)) {
      Kept& old = kept[prng.Below(kept.size())];
      ASSERT_NO_FATAL_FAILURE(ExpectEqual(*old.snapshot, old.model, prng)) << "batch " << i;
    }
    if (prng.OneIn(100)) {
      ASSERT_TRUE(bench.engine().Flush().ok());
    }
    if (bench.durable && prng.OneIn(100)) {
      kept.clear();
      bench.fixture.Reopen();
      ASSERT_NO_FATAL_FAILURE(ExpectEqual(*OpenSnapshot(bench), model, prng)) << "reopened";
    }
  }
  ASSERT_NO_FATAL_FAILURE(ExpectEqual(*OpenSnapshot(bench), model, prng));
}

void RandomTransactionsEqualAMap(Bench& bench) {
  base::Prng prng(bench.seed + 1);
  Model committed;
  for (int i = 0; i < 120; ++i) {
    auto transaction =
        Begin(bench, prng.OneIn(2) ? Isolation::kSnapshot : Isolation::kSerializable);
    Model own = committed;
    struct Mark {
      uint64_t savepoint;
      Model model;
    };
    std::vector<Mark> marks;
    for (uint64_t step = prng.Below(12); step > 0; --step) {
      RandomBatch batch(prng, own);
      WriteIn(*transaction, batch.mutations());
      own = batch.after();
      if (prng.OneIn(3)) {
        ASSERT_NO_FATAL_FAILURE(ExpectEqual(*transaction, own, prng));
      }
      if (prng.OneIn(4)) {
        auto savepoint = transaction->Savepoint();
        ASSERT_TRUE(savepoint.ok());
        marks.push_back({*savepoint, own});
      }
      if (!marks.empty() && prng.OneIn(5)) {
        ASSERT_TRUE(transaction->RollbackTo(marks.back().savepoint).ok());
        own = marks.back().model;
        if (prng.OneIn(2)) marks.pop_back();
        ASSERT_NO_FATAL_FAILURE(ExpectEqual(*transaction, own, prng)) << "rolled back";
      }
    }
    if (!prng.OneIn(4)) {
      MustCommit(*transaction);
      committed = own;
    }
    transaction.Reset();
    ASSERT_NO_FATAL_FAILURE(ExpectEqual(*OpenSnapshot(bench), committed, prng));
  }
}

}  // namespace

std::vector<StorageLaw> StorageRandomLaws() {
  return {{"RandomBatchesEqualAMap", RandomBatchesEqualAMap},
          {"RandomTransactionsEqualAMap", RandomTransactionsEqualAMap}};
}

}  // namespace nexadb::testkit
