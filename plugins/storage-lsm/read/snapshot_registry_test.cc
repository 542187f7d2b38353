#include "plugins/storage-lsm/read/snapshot_registry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "core/base/system_env.h"

namespace nexadb::lsm {
namespace {

TEST(SnapshotRegistry, ListsWhatIsHeldAndTheNewest) {
  SnapshotRegistry registry(base::SystemEnv());
  std::atomic<Sequence> visible{7};
  const auto old = registry.Acquire(visible);
  visible = 9;
  const auto twin_a = registry.Acquire(visible);
  const auto twin_b = registry.Acquire(visible);
  visible = 12;
  EXPECT_EQ(registry.List(visible), (std::vector<Sequence>{7, 9, 12}));
  registry.Release(twin_a);
  EXPECT_EQ(registry.List(visible), (std::vector<Sequence>{7, 9, 12}));
  registry.Release(twin_b);
  registry.Release(old);
  EXPECT_EQ(registry.List(visible), (std::vector<Sequence>{12}));
}

TEST(SnapshotRegistry, HoldsMoreThanItHasSlots) {
  SnapshotRegistry registry(base::SystemEnv());
  std::atomic<Sequence> visible{0};
  std::vector<SnapshotRegistry::Held> held;
  std::vector<Sequence> expected;
  for (Sequence s = 1; s <= 1000; ++s) {
    visible = s;
    held.push_back(registry.Acquire(visible));
    expected.push_back(s);
  }
  EXPECT_EQ(registry.List(visible), expected);
  for (const auto& h : held) registry.Release(h);
  EXPECT_EQ(registry.List(visible), (std::vector<Sequence>{1000}));
}

// The law that compaction rests on: whatever a reader holds is in every list made meanwhile, or not
// below that list's newest.
TEST(SnapshotRegistry, NoListMissesASnapshotBelowItsNewest) {
  SnapshotRegistry registry(base::SystemEnv());
  std::atomic<Sequence> visible{1};
  // What readers hold for certain: set once Acquire has returned, cleared before Release.
  std::atomic<Sequence> certain[2] = {};
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (auto& mine : certain) {
    readers.emplace_back([&] {
      while (!stop.load()) {
        const auto held = registry.Acquire(visible);
        mine.store(held.sequence);
        mine.store(0);
        registry.Release(held);
      }
    });
  }
  for (int i = 0; i < 20000; ++i) {
    visible.fetch_add(1);
    Sequence before[2];
    for (int r = 0; r < 2; ++r) before[r] = certain[r].load();
    const auto list = registry.List(visible);
    for (int r = 0; r < 2; ++r) {
      // Still the same afterwards: held all the while, for after the rise of `visible` nobody
      // takes so old a sequence again.
      if (before[r] == 0 || certain[r].load() != before[r] || before[r] >= list.back()) continue;
      EXPECT_NE(std::find(list.begin(), list.end(), before[r]), list.end());
    }
  }
  stop = true;
  for (auto& reader : readers) reader.join();
}

}  // namespace
}  // namespace nexadb::lsm
