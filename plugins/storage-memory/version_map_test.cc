#include "plugins/storage-memory/version_map.h"

#include <gtest/gtest.h>

#include <string>

#include "core/base/prng.h"

namespace nexadb::memory {
namespace {

using Op = Mutation::Op;

Mutation Put(std::string_view key, std::string_view value) {
  return {Op::kPut, 0, AsBytes(key), AsBytes(value)};
}
Mutation Delete(std::string_view key) { return {Op::kDelete, 0, AsBytes(key), {}}; }

uint64_t Commit(VersionMap& map, const Mutation& mutation) {
  auto sequence = map.Commit({&mutation, 1});
  EXPECT_TRUE(sequence.ok()) << sequence.status().message();
  return *sequence;
}
std::string Read(const VersionMap& map, std::string_view key, uint64_t sequence) {
  const Version* version = map.Find(key, sequence);
  return version != nullptr ? std::string(version->value.text()) : "-";
}

TEST(VersionMap, APinKeepsWhatItSees) {
  VersionMap map(1 << 20);
  uint64_t first = Commit(map, Put("a", "1"));
  map.Pin(first);
  Commit(map, Put("a", "2"));
  uint64_t gone = Commit(map, Delete("a"));
  EXPECT_EQ(Read(map, "a", first), "1");
  EXPECT_EQ(Read(map, "a", first + 1), "2");
  EXPECT_EQ(Read(map, "a", gone), "-");
  map.Unpin(first);
  EXPECT_TRUE(map.map().empty()) << "a deleted key that nobody sees takes no room";
  EXPECT_EQ(map.used_bytes(), 0u);
}

TEST(VersionMap, OverwritingTakesNoMoreRoomWithoutPins) {
  VersionMap map(1 << 20);
  Commit(map, Put("key", "value"));
  uint64_t used = map.used_bytes();
  for (int i = 0; i < 1000; ++i) Commit(map, Put("key", "other"));
  EXPECT_EQ(map.used_bytes(), used);
}

TEST(VersionMap, RoomIsGivenBackInTheEnd) {
  const uint64_t seed = 11;
  base::Prng prng(seed);
  VersionMap map(1 << 24);
  std::vector<uint64_t> pins;
  for (int i = 0; i < 5000; ++i) {
    std::string key = std::to_string(prng.Below(50));
    Commit(map, prng.OneIn(3) ? Delete(key) : Put(key, std::string(prng.Below(30), 'x')));
    if (prng.OneIn(4)) {
      pins.push_back(map.last_sequence());
      map.Pin(pins.back());
    }
    if (!pins.empty() && prng.OneIn(4)) {
      size_t at = prng.Below(pins.size());
      map.Unpin(pins[at]);
      pins.erase(pins.begin() + static_cast<ptrdiff_t>(at));
    }
  }
  for (uint64_t pin : pins) map.Unpin(pin);
  Mutation all{Op::kDeleteRange, 0, {}, {}};
  Commit(map, all);
  EXPECT_TRUE(map.map().empty()) << "seed " << seed;
  EXPECT_EQ(map.used_bytes(), 0u) << "seed " << seed;
  EXPECT_EQ(map.Estimate({}, {}).rows, 0u);
  EXPECT_EQ(map.Estimate({}, {}).bytes, 0u);
}

TEST(VersionMap, ChangesAreKnownSinceAPin) {
  VersionMap map(1 << 20);
  uint64_t start = Commit(map, Put("a", "1"));
  map.Pin(start);
  EXPECT_FALSE(map.ChangedSince("a", start, VersionMap::Changes::kAll));
  uint8_t one[8] = {1};
  Commit(map, {Op::kAdd, 0, AsBytes("n"), {one, 8}});
  EXPECT_TRUE(map.ChangedSince("n", start, VersionMap::Changes::kAll));
  EXPECT_FALSE(map.ChangedSince("n", start, VersionMap::Changes::kAllButAdds));
  Commit(map, Delete("a"));
  EXPECT_TRUE(map.RangeChangedSince("a", "b", start)) << "a deleted key is a change";
  EXPECT_FALSE(map.RangeChangedSince("b", "n", start));
  Commit(map, {Op::kDeleteRange, 0, AsBytes("x"), AsBytes("z")});
  EXPECT_TRUE(map.RangeDeletedSince("y", "yy", start));
  EXPECT_FALSE(map.RangeDeletedSince("z", "", start));
  map.Unpin(start);
}

}  // namespace
}  // namespace nexadb::memory
