// Laws of the memtable: order, versions, readers beside the writer.
#include "plugins/storage-lsm/memtable/memtable.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>

#include "core/base/prng.h"

namespace nexadb::lsm {
namespace {

TEST(SkipListTest, EntriesAreInOrderNewestFirst) {
  base::Prng prng(11);
  SkipList list;
  std::map<std::pair<std::string, uint64_t>, std::string> model;  // key, ~sequence
  for (Sequence sequence = 1; sequence <= 3000; ++sequence) {
    const std::string key = std::to_string(prng.Below(500)) + std::string(prng.Below(12), 'k');
    const std::string value = std::to_string(sequence);
    list.Insert(key, sequence, Kind::kPut, value);
    model[{key, ~sequence}] = value;
  }
  const SkipList::Node* node = list.First();
  for (const auto& [place, value] : model) {
    ASSERT_NE(node, nullptr);
    EXPECT_EQ(node->key(), place.first);
    EXPECT_EQ(node->value(), value);
    node = node->Next(0);
  }
  EXPECT_EQ(node, nullptr);
  node = list.SeekBack({});
  for (auto at = model.rbegin(); at != model.rend(); ++at, node = list.Before(node)) {
    ASSERT_NE(node, nullptr);
    EXPECT_EQ(node->value(), at->second);
  }
  for (int i = 0; i < 500; ++i) {
    const std::string key = std::to_string(prng.Below(500));
    const Sequence sequence = prng.Below(3001);
    auto at = model.lower_bound({key, ~sequence});
    const SkipList::Node* found = list.Seek(key, sequence);
    ASSERT_EQ(found == nullptr, at == model.end());
    EXPECT_EQ(found == nullptr ? "" : found->value(), at == model.end() ? "" : at->second);
    auto below = model.lower_bound({key, 0});
    found = list.SeekBack(key);
    ASSERT_EQ(found == nullptr, below == model.begin());
    EXPECT_EQ(found == nullptr ? "" : found->value(),
              below == model.begin() ? "" : std::prev(below)->second);
  }
}

// Neighbours, versions of one key and keys behind the last one may all be among those linked
// together; the list is the same as if they had come one by one.
TEST(SkipListTest, EntriesLinkedTogetherAreInOrderAsThoseThatCameAlone) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    base::Prng prng(seed);
    SkipList together("1");
    SkipList alone("1");
    const uint64_t keys = 1 + prng.Below(seed % 2 == 0 ? 10 : 3000);
    std::vector<SkipList::Node*> nodes;
    for (Sequence sequence = 1; sequence <= 700; ++sequence) {
      const std::string key = std::to_string(prng.OneIn(3) ? sequence : prng.Below(keys));
      alone.Insert(key, sequence, Kind::kPut, key);
      nodes.push_back(together.Prepare(key, sequence, Kind::kPut, key));
      if (nodes.size() < SkipList::kLinkedMax && !prng.OneIn(9)) continue;
      together.Link({nodes.data(), nodes.size()});
      nodes.clear();
    }
    together.Link({nodes.data(), nodes.size()});
    const SkipList::Node* other = together.First();
    for (const SkipList::Node* node = alone.First(); node != nullptr; node = node->Next(0)) {
      ASSERT_NE(other, nullptr);
      ASSERT_EQ(other->key(), node->key());
      ASSERT_EQ(other->sequence, node->sequence);
      ASSERT_EQ(together.Seek(node->key(), node->sequence), other) << "the upper levels";
      other = other->Next(0);
    }
    EXPECT_EQ(other, nullptr);
    EXPECT_EQ(together.SharedPrefix(), alone.SharedPrefix());
  }
}

TEST(SkipListTest, KeysInOrderAreAppended) {
  SkipList list;
  for (uint32_t i = 0; i < 5000; ++i) {
    std::string key(4, '\0');
    base::StoreBig(reinterpret_cast<uint8_t*>(key.data()), i);
    list.Insert(key, i + 1, Kind::kPut, {});
  }
  uint32_t count = 0;
  for (const SkipList::Node* n = list.First(); n != nullptr; n = n->Next(0)) ++count;
  EXPECT_EQ(count, 5000u);
  const uint64_t estimate = list.Estimate({}, {});
  EXPECT_GT(estimate, 3000u);
  EXPECT_LT(estimate, 8000u);
}

// Whatever the prefix, and whether keys have it, a list is in the order of its keys.
TEST(SkipListTest, APrefixChangesNothingButTheSpeed) {
  base::Prng prng(17);
  for (const std::string prefix : {"b", "bb", "bbbbbbbbbbbb", "\xff\xff", "c"}) {
    SkipList plain;
    SkipList expecting(prefix);
    for (Sequence sequence = 1; sequence <= 2000; ++sequence) {
      std::string key;
      for (uint64_t i = prng.Below(20); i > 0; --i) {
        key.push_back(prng.OneIn(3) ? static_cast<char>('a' + prng.Below(3)) : 'b');
      }
      if (prng.OneIn(4)) key.insert(0, prefix);
      plain.Insert(key, sequence, Kind::kPut, {});
      expecting.Insert(key, sequence, Kind::kPut, {});
      const std::string sought = key.substr(0, prng.Below(key.size() + 1));
      const SkipList::Node* a = plain.Seek(sought, kSequenceMax);
      const SkipList::Node* b = expecting.Seek(sought, kSequenceMax);
      ASSERT_EQ(a == nullptr, b == nullptr);
      if (a != nullptr) {
        ASSERT_EQ(a->sequence, b->sequence);
      }
      a = plain.SeekBack(sought);
      b = expecting.SeekBack(sought);
      ASSERT_EQ(a == nullptr, b == nullptr);
      if (a != nullptr) {
        ASSERT_EQ(a->sequence, b->sequence);
      }
    }
    const SkipList::Node* a = plain.First();
    for (const SkipList::Node* b = expecting.First(); b != nullptr; b = b->Next(0)) {
      ASSERT_NE(a, nullptr);
      ASSERT_EQ(a->sequence, b->sequence);
      a = a->Next(0);
    }
    EXPECT_EQ(a, nullptr);
  }
}

TEST(SkipListTest, WhatAllKeysShareIsKnown) {
  SkipList list;
  EXPECT_EQ(list.SharedPrefix(), "");
  for (int i = 100; i < 300; ++i) {
    list.Insert("collection/" + std::to_string(i), 1, Kind::kPut, {});
  }
  EXPECT_EQ(list.SharedPrefix(), "collectio");
}

TEST(SkipListTest, ReadersBesideTheWriterSeeWholeEntries) {
  SkipList list;
  constexpr uint64_t kEntries = 20000;
  std::atomic<uint64_t> written{0};
  std::thread reader([&] {
    base::Prng prng(3);
    while (written.load(std::memory_order_acquire) < kEntries) {
      const uint64_t limit = written.load(std::memory_order_acquire);
      if (limit == 0) continue;
      const std::string key = std::to_string(prng.Below(limit));
      const SkipList::Node* node = list.Seek(key, kSequenceMax);
      ASSERT_NE(node, nullptr);
      ASSERT_EQ(node->key(), key);
      ASSERT_EQ(node->value(), key + key);
    }
  });
  for (uint64_t i = 0; i < kEntries; ++i) {
    const std::string key = std::to_string(i);
    list.Insert(key, i + 1, Kind::kPut, key + key);
    written.store(i + 1, std::memory_order_release);
  }
  reader.join();
}

TEST(MemtableTest, RangeDeletesCoverWhatIsOlder) {
  Memtable memtable(1);
  memtable.Add({Kind::kPut, "b", "1"}, 1);
  memtable.Add({Kind::kDeleteRange, "a", "c"}, 2);
  memtable.Add({Kind::kDeleteRange, "b", ""}, 5);
  EXPECT_EQ(memtable.tombstones().Cover("a", 10), 2u);
  EXPECT_EQ(memtable.tombstones().Cover("b", 10), 5u);
  EXPECT_EQ(memtable.tombstones().Cover("b", 4), 2u);
  EXPECT_EQ(memtable.tombstones().Cover("b", 1), 0u);
  EXPECT_EQ(memtable.tombstones().Cover("zzz", 10), 5u);
  EXPECT_EQ(memtable.tombstones().Cover("A", 10), 0u);
  EXPECT_EQ(memtable.sequence_max(), 5u);
  EXPECT_EQ(memtable.entries(), 1u);
}

}  // namespace
}  // namespace nexadb::lsm
