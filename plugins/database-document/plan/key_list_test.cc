// The law of a key list: it is the sorted set of what was added.
#include "plugins/database-document/plan/key_list.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace nexadb::database {
namespace {

constexpr uint64_t kSeed = 41;

TEST(KeyList, IsTheSortedSetOfWhatWasAdded) {
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  std::mt19937_64 random(kSeed);
  for (int round = 0; round < 200; ++round) {
    KeyList list("pre");
    std::set<std::string> model;
    for (size_t n = random() % 300; n > 0; --n) {
      // Few letters, zeros and high bytes among them, and lengths around the eight of a head.
      std::string rest;
      for (size_t size = random() % 12; size > 0; --size) rest.push_back("\0a\xff"[random() % 3]);
      list.Add(rest);
      model.insert("pre" + rest);
    }
    list.Sort();
    ASSERT_EQ(list.size(), model.size());
    size_t at = 0;
    for (const std::string& key : model) {
      ASSERT_EQ(list.At(at), key);
      ASSERT_EQ(list.CountBelow(key), at++);
      ASSERT_EQ(list.CountBelow(key + '\0'), at);
    }
    EXPECT_EQ(list.CountBelow("a"), 0u);
    EXPECT_EQ(list.CountBelow("z"), list.size());
  }
}

}  // namespace
}  // namespace nexadb::database
