// Laws of the ingest of sorted rows, for engines that offer it. The facet is optional: an engine
// without it answers null and the laws hold, each telling so by its name.
#include <algorithm>
#include <cstdio>

#include "storage_laws.h"

namespace nexadb::testkit {
namespace {

StorageIngest* Ingests(Bench& bench) {
  return static_cast<StorageIngest*>(bench.engine().Facet(StorageIngest::kInterface));
}

bool Offered(Bench& bench) {
  if (Ingests(bench) != nullptr) return true;
  const ::testing::TestInfo* law = ::testing::UnitTest::GetInstance()->current_test_info();
  std::printf("%s: left out, for this engine offers no ingest\n", law->name());
  return false;
}

// Rows in memory, read once. With `failure`, the call behind the last row answers it.
class RowSource final : public nexadb::Cursor {
 public:
  explicit RowSource(Rows rows, Status failure = Status::Ok())
      : rows_(std::move(rows)), failure_(std::move(failure)) {}

  Result<uint64_t> Next(Span<Row> rows) noexcept override {
    if (at_ == rows_.size() && !failure_.ok()) return failure_;
    uint64_t count = 0;
    for (; at_ < rows_.size() && count < rows.size(); ++at_) {
      rows[count++] = {AsBytes(rows_[at_].first), AsBytes(rows_[at_].second)};
    }
    return count;
  }
  Status Seek(BytesView) noexcept override {
    return Status::Error(Code::kUnsupported, "these rows are read once, in order");
  }
  void Release() noexcept override {}

 private:
  const Rows rows_;
  size_t at_ = 0;
  const Status failure_;
};

std::string KeyOf(int i) {
  const std::string digits = std::to_string(i);
  return "row" + std::string(5 - digits.size(), '0') + digits;
}

Rows SortedRows(int first, int count, const std::string& value) {
  Rows rows;
  for (int i = first; i < first + count; ++i) rows.emplace_back(KeyOf(i), value + KeyOf(i));
  return rows;
}

Result<uint64_t> TryIngest(Bench& bench, Rows rows) {
  RowSource source(std::move(rows));
  return Ingests(bench)->Ingest(source);
}

void IngestedRowsAreOneWriteThatSurvivesReopen(Bench& bench) {
  if (!Offered(bench)) return;
  const uint64_t before = Write(bench, {Put("before", "1")});
  const Rows rows = SortedRows(0, 1500, "i");
  {
    auto old = OpenSnapshot(bench);
    auto sequence = TryIngest(bench, rows);
    ASSERT_TRUE(sequence.ok()) << sequence.status().message();
    EXPECT_GT(*sequence, before);
    EXPECT_TRUE(Scan(*old, "row", "rox").empty()) << "an older snapshot sees none of it";
    EXPECT_EQ(Get(*old, KeyOf(7)), std::nullopt);
    EXPECT_EQ(OpenSnapshot(bench)->Sequence(), *sequence);
    EXPECT_TRUE(Scan(*OpenSnapshot(bench), "row", "rox") == rows);
    EXPECT_GT(Write(bench, {Put("after", "1")}), *sequence);
  }
  if (!bench.durable) return;
  bench.fixture.Reopen();
  EXPECT_TRUE(Scan(*OpenSnapshot(bench), "row", "rox") == rows);
  EXPECT_EQ(Get(bench, "before"), "1");
  EXPECT_EQ(Get(bench, "after"), "1");
}

void ReadersBesideAnIngestSeeAllOrNothing(Bench& bench) {
  if (!Offered(bench)) return;
  constexpr int kRows = 400, kLooks = 60;
  RunThreads(bench.fixture.Environment(), 2, [&](int thread) {
    if (thread == 0) {
      auto sequence = TryIngest(bench, SortedRows(0, kRows, "i"));
      EXPECT_TRUE(sequence.ok()) << sequence.status().message();
      return;
    }
    for (int look = 0; look < kLooks; ++look) {
      auto snapshot = OpenSnapshot(bench);
      const bool last = Get(*snapshot, KeyOf(kRows - 1)).has_value();
      const size_t seen = Scan(*snapshot, "row", "rox", 64).size();
      EXPECT_EQ(seen, last ? size_t{kRows} : size_t{0});
    }
  });
  EXPECT_EQ(Scan(*OpenSnapshot(bench), "row", "rox", 64).size(), size_t{kRows});
}

void IngestedRowsAreNewerThanWhatWasThere(Bench& bench) {
  if (!Offered(bench)) return;
  Model model;
  for (int i = 0; i < 60; ++i) {
    Write(bench, {Put(KeyOf(i), "old")});
    model[KeyOf(i)] = "old";
  }
  Write(bench, {DeleteRange(KeyOf(10), KeyOf(30)), Delete(KeyOf(5))});
  model.erase(model.lower_bound(KeyOf(10)), model.lower_bound(KeyOf(30)));
  model.erase(KeyOf(5));
  const Rows rows = SortedRows(4, 40, "new");
  auto sequence = TryIngest(bench, rows);
  ASSERT_TRUE(sequence.ok()) << sequence.status().message();
  for (const auto& [key, value] : rows) model[key] = value;
  EXPECT_TRUE(ScanAll(bench) == RowsOf(model));
  // And older than what comes after it.
  Write(bench, {Put(KeyOf(20), "newest"), Delete(KeyOf(21))});
  model[KeyOf(20)] = "newest";
  model.erase(KeyOf(21));
  EXPECT_TRUE(ScanAll(bench) == RowsOf(model));
  if (!bench.durable) return;
  bench.fixture.Reopen();
  EXPECT_TRUE(ScanAll(bench) == RowsOf(model));
}

void AnIngestThatIsRefusedStoresNothing(Bench& bench) {
  if (!Offered(bench)) return;
  Write(bench, {Put("before", "1"), Put(KeyOf(3), "old")});
  const Rows expected = ScanAll(bench);
  Rows unsorted = SortedRows(0, 300, "i");
  std::swap(unsorted[200], unsorted[201]);
  EXPECT_EQ(TryIngest(bench, unsorted).status().code(), Code::kInvalidArgument);
  EXPECT_TRUE(ScanAll(bench) == expected) << "rows out of order";
  Rows twice = SortedRows(0, 300, "i");
  twice[299].first = twice[298].first;
  EXPECT_EQ(TryIngest(bench, twice).status().code(), Code::kInvalidArgument);
  EXPECT_TRUE(ScanAll(bench) == expected) << "one key twice";
  RowSource failing(SortedRows(0, 300, "i"), Status::Error(Code::kUnavailable, "enough"));
  EXPECT_EQ(Ingests(bench)->Ingest(failing).status().code(), Code::kUnavailable)
      << "the source's own failure";
  EXPECT_TRUE(ScanAll(bench) == expected) << "a source that failed";
  if (bench.durable) {
    bench.fixture.Reopen();
    EXPECT_TRUE(ScanAll(bench) == expected) << "after a restart";
  }
  EXPECT_TRUE(TryIngest(bench, SortedRows(0, 300, "i")).ok()) << "the next one goes through";
}

void ATransactionThatAnIngestOverwroteConflicts(Bench& bench) {
  if (!Offered(bench)) return;
  Write(bench, {Put(KeyOf(1), "old")});
  auto writer = Begin(bench);
  auto reader = Begin(bench, Isolation::kSerializable);
  auto elsewhere = Begin(bench, Isolation::kSerializable);
  WriteIn(*writer, {Put(KeyOf(1), "lost update")});
  EXPECT_TRUE(Scan(*reader, KeyOf(2), KeyOf(9)).empty());
  WriteIn(*reader, {Put("read", "1")});
  EXPECT_EQ(Get(*elsewhere, "other"), std::nullopt);
  WriteIn(*elsewhere, {Put("elsewhere", "1")});
  auto sequence = TryIngest(bench, SortedRows(0, 5, "i"));
  ASSERT_TRUE(sequence.ok()) << sequence.status().message();
  MustConflict(*writer);
  MustConflict(*reader);
  MustCommit(*elsewhere);
  EXPECT_EQ(Get(bench, KeyOf(1)), "i" + KeyOf(1));
}

}  // namespace

std::vector<StorageLaw> StorageIngestLaws() {
  return {
      {"IngestedRowsAreOneWriteThatSurvivesReopen", IngestedRowsAreOneWriteThatSurvivesReopen},
      {"ReadersBesideAnIngestSeeAllOrNothing", ReadersBesideAnIngestSeeAllOrNothing},
      {"IngestedRowsAreNewerThanWhatWasThere", IngestedRowsAreNewerThanWhatWasThere},
      {"AnIngestThatIsRefusedStoresNothing", AnIngestThatIsRefusedStoresNothing},
      {"ATransactionThatAnIngestOverwroteConflicts", ATransactionThatAnIngestOverwroteConflicts}};
}

}  // namespace nexadb::testkit
