// Laws of the arena: places are aligned and apart, every byte taken from the system is counted, and
// a system that gives no huge page, or no memory, does no harm.
#include "plugins/storage-lsm/memtable/arena.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <map>
#include <new>

#include "core/base/prng.h"
#include "plugins/storage-lsm/util/huge_page.h"

namespace nexadb::lsm {
namespace {

constexpr size_t kGrownBytes = 24u << 20;  // well past the first huge page

// Fills an arena with entries of mixed sizes and checks that none touches another.
void FillAndCheck(Arena& arena, uint64_t seed) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  base::Prng prng(seed);
  std::map<char*, size_t> places;
  size_t asked = 0;
  for (uint8_t mark = 0; asked < kGrownBytes; ++mark) {
    const size_t size = prng.Below(50) == 0 ? 1 + prng.Below(400'000) : 1 + prng.Below(3000);
    char* place = arena.Allocate(size);
    ASSERT_EQ(reinterpret_cast<uintptr_t>(place) % 8, 0u);
    std::memset(place, mark, size);
    ASSERT_TRUE(places.emplace(place, size).second);
    asked += size;
    ASSERT_GE(arena.bytes(), asked) << "what was given has been counted";
  }
  const char* end = nullptr;
  for (const auto& [place, size] : places) {
    ASSERT_LE(end, place) << "entries overlap";
    ASSERT_EQ(place[0], place[size - 1]) << "an entry was overwritten";
    end = place + size;
  }
}

TEST(Arena, PlacesAreAlignedAndApartAlsoInHugePages) {
  Arena arena;
  FillAndCheck(arena, 21);
}

TEST(Arena, ASystemThatRefusesHugePagesGivesSmallOnes) {
  ASSERT_EQ(::prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0), 0);
  {
    Arena arena;
    FillAndCheck(arena, 22);
  }
  ASSERT_EQ(::prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0), 0);
}

TEST(Arena, AGrownOneCountsWholeHugePages) {
  Arena arena;
  constexpr size_t kEntry = 512;
  size_t before = 0;
  size_t pages = 0;
  for (size_t asked = 0; asked < kGrownBytes; asked += kEntry) {
    before = arena.bytes();
    char* place = arena.Allocate(kEntry);
    const size_t grown = arena.bytes() - before;
    if (grown != kHugePageBytes) continue;
    ++pages;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(place) % kHugePageBytes, 0u)
        << "only a block that begins with the page can be backed by it";
  }
  EXPECT_GE(pages, 6u) << "24 MiB, of which the first 8 come from the heap";
  EXPECT_LE(arena.bytes(), kGrownBytes + kHugePageBytes + (1u << 20)) << "little is left over";
}

TEST(Arena, AMappedPageIsZeroedAlignedAndWritableToItsEnd) {
  uint8_t* page = MapHugePage();
  ASSERT_NE(page, nullptr);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(page) % kHugePageBytes, 0u);
  EXPECT_EQ(page[0], 0);
  EXPECT_EQ(page[kHugePageBytes - 1], 0);
  std::memset(page, 0xab, kHugePageBytes);
  EXPECT_EQ(page[kHugePageBytes - 1], 0xab);
  UnmapHugePage(page);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// A limit on addresses leaves the sanitizers themselves none.

size_t AddressBytes() {
  unsigned long pages = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr || std::fscanf(file, "%lu", &pages) != 1) std::abort();
  std::fclose(file);
  return pages * static_cast<size_t>(::sysconf(_SC_PAGESIZE));
}

// 0: without memory it throws, counts nothing for it, and goes on once there is memory again.
int StarveAndFeed() {
  Arena arena;
  while (arena.bytes() < (8u << 20)) arena.Allocate(512);
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) != 0) return 1;
  const rlimit starved{AddressBytes() + kHugePageBytes, limit.rlim_max};
  if (::setrlimit(RLIMIT_AS, &starved) != 0) return 2;
  size_t before = 0;
  bool threw = false;
  for (int i = 0; i < 10'000 && !threw; ++i) {
    before = arena.bytes();
    try {
      arena.Allocate(512);
    } catch (const std::bad_alloc&) {
      threw = true;
    }
  }
  if (!threw) return 3;
  if (arena.bytes() != before) return 4;
  if (::setrlimit(RLIMIT_AS, &limit) != 0) return 5;
  std::memset(arena.Allocate(512), 1, 512);
  return arena.bytes() == before + kHugePageBytes ? 0 : 6;
}

TEST(ArenaDeathTest, WithoutMemoryItThrowsAndCountsNothing) {
  EXPECT_EXIT(std::_Exit(StarveAndFeed()), ::testing::ExitedWithCode(0), "");
}
#endif

}  // namespace
}  // namespace nexadb::lsm
