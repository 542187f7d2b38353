// Laws of cursors that stay open while the store moves on: they answer as of their snapshot, and
// hold neither memtables nor files that are gone for everybody else once they are read again.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "core/base/sim_env.h"
#include "plugins/storage-lsm/testing/test_engine.h"

namespace nexadb::lsm::testing {
namespace {

constexpr const char* kDirectory = "lsm";
constexpr int kRows = 400;

std::string KeyOf(int i) { return "key" + std::to_string(1000 + i); }

uint64_t TableFiles(Env& env) {
  uint64_t count = 0;
  DirectorySink sink{[](void* state, StringView name) noexcept {
                       const std::string text(static_cast<std::string_view>(name));
                       if (text.ends_with(".sst")) ++*static_cast<uint64_t*>(state);
                     },
                     &count};
  EXPECT_TRUE(env.Files().List(kDirectory, sink).ok());
  return count;
}

class OpenCursor : public ::testing::TestWithParam<bool> {
 protected:
  OpenCursor() : env_(1), db_(env_, kDirectory, TinyOptions()) {
    db_.Open();
    for (int i = 0; i < kRows; ++i) db_.Write({Put(KeyOf(i), std::string(50, 'o'))});
    expected_ = db_.Scan({}, {}, reverse());
    snapshot_ = db_.Snap();
  }
  static bool reverse() { return GetParam(); }
  Handle<Cursor> Scan(uint32_t nonblocking = 0) {
    ScanOptions options;
    options.reverse = reverse() ? 1 : 0;
    options.nonblocking = nonblocking;
    auto cursor = snapshot_->Scan(options);
    EXPECT_TRUE(cursor.ok());
    return std::move(*cursor);
  }
  // Up to `wanted` rows onto `rows_`.
  void Read(Cursor& cursor, uint64_t wanted) {
    Row rows[16];
    while (wanted > 0) {
      auto count = cursor.Next({rows, std::min<uint64_t>(wanted, 16)});
      ASSERT_TRUE(count.ok()) << count.status().message();
      if (*count == 0) return;
      for (uint64_t i = 0; i < *count; ++i) {
        rows_.emplace_back(AsText(rows[i].key), AsText(rows[i].value));
      }
      wanted -= *count;
    }
  }
  // Every row gets another value, is deleted, or stays; then all of it is merged.
  void ChangeEverything() {
    for (int i = 0; i < kRows; i += 3) {
      db_.Write(
          {Put(KeyOf(i), std::string(60, 'n')), Delete(KeyOf(i + 1)), Put(KeyOf(i) + "+", "")});
    }
    db_.Write({DeleteRange(KeyOf(100), KeyOf(150))});
    ASSERT_TRUE(db_.store().Compact({}, {}).ok());
    ASSERT_TRUE(db_.store().WaitIdle().ok());
  }

  base::SimEnv env_;
  TestEngine db_;
  Rows expected_;
  Handle<Snapshot> snapshot_;
  Rows rows_;
};

TEST_P(OpenCursor, ReadOnLetsGoOfMemtablesAndFiles) {
  Handle<Cursor> cursor = Scan();
  Read(*cursor, 20);
  const std::weak_ptr<const ReadView> held = db_.store().View();
  ChangeEverything();
  EXPECT_FALSE(held.expired());
  EXPECT_GT(TableFiles(env_), db_.store().View()->version->TableCount());
  Read(*cursor, 1);
  EXPECT_TRUE(held.expired()) << "the cursor still holds the view that it was opened on";
  ASSERT_TRUE(db_.store().WaitIdle().ok());
  EXPECT_EQ(TableFiles(env_), db_.store().View()->version->TableCount());
  Read(*cursor, ~uint64_t{0});
  EXPECT_EQ(rows_, expected_);
}

TEST_P(OpenCursor, AnswersAsOfItsSnapshotHoweverOftenTheStoreMoves) {
  Handle<Cursor> cursor = Scan();
  for (int step = 0; step < 30; ++step) {
    Read(*cursor, static_cast<uint64_t>(1 + step % 7));
    if (step % 3 == 0) ChangeEverything();
    if (step % 3 == 1) {
      ASSERT_TRUE(db_.store().FlushMemtable().ok());
    }
  }
  Read(*cursor, ~uint64_t{0});
  EXPECT_EQ(rows_, expected_);
  const std::string target = KeyOf(200);
  ASSERT_TRUE(cursor->Seek(AsBytes(target)).ok());
  rows_.clear();
  ChangeEverything();
  Read(*cursor, 1);
  ASSERT_EQ(rows_.size(), 1u);
  EXPECT_EQ(rows_[0].first, target) << "a seek is not undone by another view";
}

// A transaction's own writes are no part of any view, and stay.
TEST_P(OpenCursor, ThatGaveTheEmptyKeyGoesOnBehindIt) {
  db_.Write({Put("", "first")});
  snapshot_ = db_.Snap();
  expected_ = db_.Scan({}, {}, reverse());
  const Handle<Cursor> cursor = Scan();
  Read(*cursor, reverse() ? expected_.size() : 1);
  ChangeEverything();
  Read(*cursor, expected_.size() + 1);
  EXPECT_EQ(rows_, expected_);
}

TEST_P(OpenCursor, OfATransactionKeepsItsOwnWrites) {
  auto transaction = db_.Begin(Isolation::kSerializable);
  const std::string kept = KeyOf(30) + "own";
  const std::string begin = KeyOf(300);
  const std::string end = KeyOf(310);
  const Mutation own[] = {Put(kept, "mine"), DeleteRange(begin, end)};
  ASSERT_TRUE(transaction->Write({own, 2}).ok());
  const Rows expected = ScanFrom(*transaction, {}, {}, reverse());
  ScanOptions options;
  options.reverse = reverse() ? 1 : 0;
  auto cursor = transaction->Scan(options);
  ASSERT_TRUE(cursor.ok());
  Read(**cursor, 10);
  ChangeEverything();
  Read(**cursor, 200);
  ASSERT_TRUE(db_.store().FlushMemtable().ok());
  ChangeEverything();
  Read(**cursor, ~uint64_t{0});
  EXPECT_EQ(rows_, expected);
}

// What was in memory when it was opened can be read to the end without the disk.
TEST_P(OpenCursor, ThatMustNotWaitStaysWithItsView) {
  db_.options().memtable_bytes = 1u << 20;
  snapshot_ = {};
  db_.Reopen();
  db_.Write({DeleteRange({}, {})});
  ASSERT_TRUE(db_.store().Compact({}, {}).ok());
  for (int i = 0; i < kRows; ++i) db_.Write({Put(KeyOf(i), std::string(50, 'o'))});
  snapshot_ = db_.Snap();
  Handle<Cursor> cursor = Scan(1);
  Read(*cursor, 20);
  ASSERT_TRUE(db_.store().FlushMemtable().ok());
  Read(*cursor, ~uint64_t{0});
  EXPECT_EQ(rows_, expected_);
}

INSTANTIATE_TEST_SUITE_P(Directions, OpenCursor, ::testing::Values(false, true),
                         [](const auto& direction) {
                           return std::string(direction.param ? "Backwards" : "Forwards");
                         });

}  // namespace
}  // namespace nexadb::lsm::testing
