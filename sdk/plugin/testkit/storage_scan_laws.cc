// Laws of cursors.
#include "storage_laws.h"

namespace nexadb::testkit {
namespace {

// b, d, f … so that targets fall between rows too.
Rows FillLetters(Bench& bench) {
  Rows rows;
  for (char c = 'b'; c <= 'z'; c = static_cast<char>(c + 2)) {
    rows.emplace_back(std::string(1, c), std::string(1, static_cast<char>(c - 32)));
    Write(bench, {Put(rows.back().first, rows.back().second)});
  }
  return rows;
}

Rows Between(const Rows& rows, std::string_view begin, std::string_view end) {
  Rows part;
  for (const auto& row : rows) {
    if (row.first >= begin && (end.empty() || row.first < end)) part.push_back(row);
  }
  return part;
}

void BoundsAreHalfOpenInBothDirections(Bench& bench) {
  Rows rows = FillLetters(bench);
  auto snapshot = OpenSnapshot(bench);
  const std::vector<std::string> bounds{"", "a", "b", "c", "h", "h0", "z", "zz"};
  for (const std::string& begin : bounds) {
    for (const std::string& end : bounds) {
      for (uint64_t batch : {1, 3, 100}) {
        Rows expected = Between(rows, begin, end);
        ASSERT_EQ(Scan(*snapshot, begin, end, batch), expected) << begin << " " << end;
        Rows backwards(expected.rbegin(), expected.rend());
        ASSERT_EQ(ScanReverse(*snapshot, begin, end, batch), backwards) << begin << " " << end;
      }
    }
  }
}

void AnEndedCursorStaysEnded(Bench& bench) {
  FillLetters(bench);
  auto snapshot = OpenSnapshot(bench);
  for (uint32_t reverse : {0u, 1u}) {
    auto cursor = OpenCursor(*snapshot, "c", "g", reverse);
    EXPECT_EQ(Take(*cursor, 100).size(), 2u);
    EXPECT_EQ(Take(*cursor, 100).size(), 0u);
    EXPECT_EQ(Take(*cursor, 1).size(), 0u);
  }
}

void SeekMovesBothWays(Bench& bench) {
  Rows rows = FillLetters(bench);
  auto snapshot = OpenSnapshot(bench);
  auto cursor = OpenCursor(*snapshot, "d", "t");
  for (const char* target : {"k", "e", "a", "s", "d", "zz", "f", "", "m0", "t"}) {
    ASSERT_TRUE(cursor->Seek(AsBytes(target)).ok());
    std::string from = std::max(std::string("d"), std::string(target));
    Rows expected = Between(rows, from, "t");
    if (expected.size() > 3) expected.resize(3);
    ASSERT_EQ(Take(*cursor, 3), expected) << target;
  }
}

void ReverseSeekFindsTheRowAtOrBefore(Bench& bench) {
  Rows rows = FillLetters(bench);
  auto snapshot = OpenSnapshot(bench);
  auto cursor = OpenCursor(*snapshot, "d", "t", 1);
  for (const char* target : {"k", "e", "a", "s", "d", "zz", "f", "", "m0", "t"}) {
    ASSERT_TRUE(cursor->Seek(AsBytes(target)).ok());
    Rows expected;
    for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
      if (row->first <= target && row->first >= "d" && row->first < "t") expected.push_back(*row);
    }
    if (expected.size() > 3) expected.resize(3);
    ASSERT_EQ(Take(*cursor, 3), expected) << target;
  }
}

void SeekRevivesAnEndedCursor(Bench& bench) {
  FillLetters(bench);
  auto snapshot = OpenSnapshot(bench);
  for (uint32_t reverse : {0u, 1u}) {
    auto cursor = OpenCursor(*snapshot, "", "", reverse);
    EXPECT_EQ(Take(*cursor, 1000).size(), 13u);
    EXPECT_EQ(Take(*cursor, 1).size(), 0u);
    ASSERT_TRUE(cursor->Seek(AsBytes("h")).ok());
    EXPECT_EQ(Take(*cursor, 1), (Rows{{"h", "H"}}));
  }
}

void RowsOfOneCallStayTogether(Bench& bench) {
  std::string large(70'000, 'x');
  Model model;
  for (int i = 0; i < 300; ++i) {
    std::string key = "k" + std::to_string(1000 + i);
    std::string value = i % 50 == 0 ? large : std::to_string(i);
    model[key] = value;
    Write(bench, {Put(key, value)});
  }
  auto snapshot = OpenSnapshot(bench);
  auto cursor = OpenCursor(*snapshot, "", "");
  Rows seen;
  std::vector<Row> buffer(128);
  while (true) {
    auto n = cursor->Next({buffer.data(), buffer.size()});
    ASSERT_TRUE(n.ok());
    if (*n == 0) break;
    // All rows of the call are read only now: they must still be pinned.
    for (uint64_t i = 0; i < *n; ++i) {
      seen.emplace_back(AsText(buffer[i].key), AsText(buffer[i].value));
    }
  }
  EXPECT_EQ(seen, RowsOf(model));
}

void KeysOnlyScansGiveEveryKey(Bench& bench) {
  Rows rows = FillLetters(bench);
  auto snapshot = OpenSnapshot(bench);
  ScanOptions options;
  options.keys_only = 1;
  auto cursor = snapshot->Scan(options);
  ASSERT_TRUE(cursor.ok());
  Rows found = Take(**cursor, 1000);
  ASSERT_EQ(found.size(), rows.size());
  for (size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(found[i].first, rows[i].first);
}

}  // namespace

std::vector<StorageLaw> StorageScanLaws() {
  return {{"BoundsAreHalfOpenInBothDirections", BoundsAreHalfOpenInBothDirections},
          {"AnEndedCursorStaysEnded", AnEndedCursorStaysEnded},
          {"SeekMovesBothWays", SeekMovesBothWays},
          {"ReverseSeekFindsTheRowAtOrBefore", ReverseSeekFindsTheRowAtOrBefore},
          {"SeekRevivesAnEndedCursor", SeekRevivesAnEndedCursor},
          {"RowsOfOneCallStayTogether", RowsOfOneCallStayTogether},
          {"KeysOnlyScansGiveEveryKey", KeysOnlyScansGiveEveryKey}};
}

}  // namespace nexadb::testkit
