// Laws of memory: at the smallest budget, with a store many times as large, what the engine holds
// stays within the budget and what each open iterator may pin; measured in the heap itself.
#include <gtest/gtest.h>
#include <malloc.h>
#include <unistd.h>

#include <filesystem>

#include "core/base/system_env.h"
#include "nexadb/bson.h"
#include "plugins/storage-lsm/testing/test_engine.h"

namespace nexadb::lsm::testing {
namespace {

constexpr uint64_t kRowBytes = 1000;
constexpr int kRows = 40'000;  // ten times the budget
constexpr int kIterators = 6;
// What README.md allows an iterator beside the budget.
constexpr uint64_t kIteratorBytesMax = 4u << 20;
// Threads, tables' handles, versions, the log's buffer, and what the allocator rounds up.
constexpr uint64_t kSlackBytes = 4u << 20;

uint64_t HeapBytes() {
  const struct mallinfo2 heap = ::mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

int64_t Figure(TestEngine& db, const char* name) {
  const std::string bytes = db.store().StatisticsBson();
  return bson::Document(AsBytes(bytes))[name].value().Int64();
}

std::string KeyOf(int i) {
  char text[16];
  std::snprintf(text, sizeof(text), "key%07d", i);
  return text;
}

class MemoryTest : public ::testing::Test {
 protected:
  MemoryTest()
      : directory_(std::filesystem::temp_directory_path() /
                   ("nexadb-lsm-memory-" + std::to_string(::getpid()))) {
    std::filesystem::remove_all(directory_);
  }
  ~MemoryTest() override { std::filesystem::remove_all(directory_); }

  const std::filesystem::path directory_;
};

TEST_F(MemoryTest, TheBudgetHoldsAtItsEdgeWithIteratorsOpen) {
  const uint64_t before = HeapBytes();
  StoreOptions options;
  options.memory_budget_bytes = kMemoryBudgetMin;
  options.durability = Durability::kProcess;
  options.compression = Compression::kNone;
  options.table_bytes = 1u << 20;
  options.level1_bytes = 4u << 20;
  options.disk_reserve_bytes = 0;
  TestEngine db(base::SystemEnv(), directory_.string(), options);
  db.Open();
  uint64_t highest = 0;
  auto look = [&] {
    const uint64_t now = HeapBytes();
    highest = std::max(highest, now - std::min(now, before));
  };
  const std::string value(kRowBytes, 'v');
  for (int i = 0; i < kRows; ++i) {
    db.Write({Put(KeyOf(i * 7919 % kRows), value)});
    if (i % 1000 == 0) look();
  }
  EXPECT_LT(highest, options.memory_budget_bytes + kSlackBytes) << "while writing";
  ASSERT_TRUE(db.store().WaitIdle().ok());

  auto snapshot = db.Snap();
  std::vector<Handle<Cursor>> cursors;
  std::vector<Row> rows(500);
  for (int i = 0; i < kIterators; ++i) {
    auto cursor = snapshot->Scan(ScanOptions{});
    ASSERT_TRUE(cursor.ok());
    cursors.push_back(std::move(*cursor));
  }
  uint64_t read = 0;
  for (int round = 0; round < 40; ++round) {
    for (int i = 0; i < kIterators; ++i) {
      auto count = cursors[static_cast<size_t>(i)]->Next({rows.data(), rows.size()});
      ASSERT_TRUE(count.ok()) << count.status().message();
      read += *count;
      look();
    }
    // Reads all over the store fill what the iterators leave of the cache.
    for (int i = 0; i < 200; ++i) {
      EXPECT_TRUE(GetFrom(*snapshot, KeyOf((round * 200 + i) * 31 % kRows)).has_value());
    }
    look();
    EXPECT_LE(Figure(db, "cache_bytes"), Figure(db, "cache_capacity_bytes"));
  }
  EXPECT_GT(read, 1000u);
  const uint64_t allowed =
      options.memory_budget_bytes + kIterators * kIteratorBytesMax + kSlackBytes;
  std::printf("highest=%llu allowed=%llu\n", static_cast<unsigned long long>(highest),
              static_cast<unsigned long long>(allowed));
  EXPECT_LT(highest, allowed);
  cursors.clear();
}

}  // namespace
}  // namespace nexadb::lsm::testing
