// What is this engine's own. The contract's laws run in tests/conformance.
#include "plugins/storage-memory/engine.h"

#include <gtest/gtest.h>

#include <string>

#include "core/base/system_env.h"

namespace nexadb::memory {
namespace {

using Op = Mutation::Op;

Result<uint64_t> Put(MemoryEngine& engine, std::string_view key, std::string_view value) {
  Mutation put{Op::kPut, 0, AsBytes(key), AsBytes(value)};
  return engine.Write({&put, 1}, {});
}

TEST(MemoryEngine, PastItsBudgetItStoresNothingYetDeletes) {
  MemoryEngine engine(base::SystemEnv(), 10'000);
  std::string value(1000, 'x');
  int stored = 0;
  while (Put(engine, "key" + std::to_string(stored), value).ok()) ++stored;
  EXPECT_EQ(stored, 9);
  uint64_t used = engine.UsedBytes();
  EXPECT_LE(used, 10'000u);
  EXPECT_EQ(Put(engine, "more", value).status().code(), Code::kResourceExhausted);
  EXPECT_EQ(engine.UsedBytes(), used);
  EXPECT_EQ((*engine.OpenSnapshot())->Get(AsBytes("more"), {}).status().code(), Code::kNotFound);
  Mutation all{Op::kDeleteRange, 0, {}, {}};
  EXPECT_TRUE(engine.Write({&all, 1}, {}).ok());
  EXPECT_TRUE(Put(engine, "more", value).ok());
  engine.SetBudget(0);
  EXPECT_EQ(Put(engine, "k", "v").status().code(), Code::kResourceExhausted);
}

TEST(MemoryEngine, ABufferOutlivesItsSnapshotAndItsKey) {
  MemoryEngine engine(base::SystemEnv(), 1 << 20);
  ASSERT_TRUE(Put(engine, "a", "value").ok());
  Buffer value = *(*engine.OpenSnapshot())->Get(AsBytes("a"), {});
  ASSERT_TRUE(Put(engine, "a", "other").ok());
  EXPECT_EQ(value.text(), "value");
}

TEST(MemoryEngine, EstimatesOfSmallRangesAreExact) {
  MemoryEngine engine(base::SystemEnv(), 1 << 24);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(Put(engine, "k" + std::to_string(i), "12345").ok());
  EXPECT_EQ(engine.EstimateRange(AsBytes("k5"), AsBytes("k6"))->rows, 11u);
  EXPECT_EQ(engine.EstimateRange({}, {})->rows, 100u);
  EXPECT_EQ(engine.EstimateRange(AsBytes("k5"), AsBytes("k6"))->bytes, 11u * 5 + 2 + 10 * 3);
}

}  // namespace
}  // namespace nexadb::memory
