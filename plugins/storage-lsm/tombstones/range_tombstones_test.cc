// Laws of range tombstones and key ranges, against the naive form.
#include "plugins/storage-lsm/tombstones/range_tombstones.h"

#include <gtest/gtest.h>

#include <set>

#include "core/base/prng.h"
#include "plugins/storage-lsm/util/key_ranges.h"

namespace nexadb::lsm {
namespace {

std::string Key(uint64_t i) { return std::string(1, static_cast<char>('a' + i)); }

TEST(RangeTombstonesTest, FragmentsCoverWhatTheTombstonesDo) {
  base::Prng prng(5);
  for (int round = 0; round < 300; ++round) {
    std::vector<Tombstone> tombstones;
    for (uint64_t n = prng.Below(8); n > 0; --n) {
      tombstones.push_back(
          {Key(prng.Below(20)), prng.OneIn(6) ? "" : Key(prng.Below(22)), 1 + prng.Below(30)});
    }
    const RangeTombstones built = RangeTombstones::Build(tombstones);
    RangeTombstones decoded;
    const std::string bytes = built.Encode();
    ASSERT_TRUE(RangeTombstones::Decode(AsBytes(bytes), &decoded));
    for (uint64_t k = 0; k < 24; ++k) {
      for (Sequence snapshot : {5u, 15u, 40u}) {
        Sequence expected = 0;
        for (const Tombstone& t : tombstones) {
          if (t.begin <= Key(k) && BeforeEnd(Key(k), t.end) && t.sequence <= snapshot) {
            expected = std::max(expected, t.sequence);
          }
        }
        EXPECT_EQ(built.Cover(Key(k), snapshot), expected);
        EXPECT_EQ(decoded.Cover(Key(k), snapshot), expected);
      }
      EXPECT_EQ(built.AnyNewer(Key(k), Successor(Key(k)), 15), built.Cover(Key(k), 99) > 15);
    }
  }
}

TEST(RangeTombstonesTest, OneMoreIsAsBuiltAnewAndLeavesTheFormerListAlone) {
  base::Prng prng(7);
  for (int round = 0; round < 300; ++round) {
    std::vector<Tombstone> tombstones;
    RangeTombstones list;
    for (Sequence sequence = 1; sequence <= 12; ++sequence) {
      const std::string before = list.Encode();
      tombstones.push_back({prng.OneIn(8) ? "" : Key(prng.Below(20)),
                            prng.OneIn(6) ? "" : Key(prng.Below(22)), sequence});
      RangeTombstones next = list.With(tombstones.back());
      EXPECT_EQ(next.Encode(), RangeTombstones::Build(tombstones).Encode());
      EXPECT_EQ(list.Encode(), before);
      list = std::move(next);
    }
  }
}

TEST(RangeTombstonesTest, ClippedPartsAddUpToTheWhole) {
  base::Prng prng(6);
  for (int round = 0; round < 100; ++round) {
    std::vector<Tombstone> tombstones;
    for (int n = 0; n < 6; ++n) {
      tombstones.push_back(
          {Key(prng.Below(20)), prng.OneIn(4) ? "" : Key(prng.Below(22)), 1 + prng.Below(30)});
    }
    const RangeTombstones whole = RangeTombstones::Build(tombstones);
    const std::string cut = Key(prng.Below(20));
    std::vector<Tombstone> parts;
    whole.AppendTo({}, cut, parts);
    for (const Tombstone& t : parts) EXPECT_FALSE(EndLess(cut, t.end));
    whole.AppendTo(cut, {}, parts);
    EXPECT_EQ(RangeTombstones::Build(parts).Encode(), RangeTombstones::Build(tombstones).Encode());
  }
}

TEST(RangeTombstonesTest, MalformedBytesAreRefused) {
  const RangeTombstones built = RangeTombstones::Build({{"a", "c", 3}, {"b", "", 9}});
  const std::string bytes = built.Encode();
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    RangeTombstones decoded;
    EXPECT_FALSE(
        RangeTombstones::Decode(AsBytes(std::string_view(bytes).substr(0, cut)), &decoded));
  }
}

TEST(KeyRangesTest, ContainsWhatWasAdded) {
  base::Prng prng(9);
  for (int round = 0; round < 200; ++round) {
    KeyRanges ranges;
    std::set<std::string> model;
    for (int i = 0; i < 6; ++i) {
      const std::string begin = Key(prng.Below(20));
      const std::string end = prng.OneIn(10) ? "" : Key(prng.Below(22));
      ranges.Add(begin, end);
      for (uint64_t k = 0; k < 24; ++k) {
        if (begin <= Key(k) && BeforeEnd(Key(k), end)) model.insert(Key(k));
      }
    }
    std::string last;
    for (const auto& [begin, end] : ranges) {
      EXPECT_TRUE(last.empty() || last < begin) << "ranges neither touch nor overlap";
      last = end;
    }
    for (uint64_t k = 0; k < 24; ++k) EXPECT_EQ(ranges.Contains(Key(k)), model.contains(Key(k)));
  }
}

}  // namespace
}  // namespace nexadb::lsm
