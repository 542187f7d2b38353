// Laws of intervals: a set of values holds exactly the encodings that it says, after any operation
// and when inverted for a descending index; and its text names its bounds.
#include "plugins/database-document/index/key_intervals.h"

#include <gtest/gtest.h>

#include <random>

#include "core/document/json.h"
#include "plugins/database-document/index/bounds_text.h"
#include "plugins/database-document/value/compare.h"
#include "plugins/database-document/value/key_encoding.h"

namespace nexadb::database {
namespace {

// In the order of values.
constexpr std::string_view kValues = R"({"v": [
    {"$minKey": 1}, null, {"$numberDouble": "NaN"}, {"$numberDouble": "-Infinity"},
    -70000, -2.5, -1, 0, {"$numberDecimal": "0.1"}, 0.25, 1, {"$numberLong": "9007199254740993"},
    {"$numberDouble": "Infinity"}, "", "\u0000", "\u0000\u0001", "a", "a\u0000", "ab", "b", {},
    {"a": 1}, {"a": 1, "b": 2}, {"b": 0}, [], [1], [1, 2],
    {"$binary": {"base64": "", "subType": "00"}}, {"$binary": {"base64": "AA==", "subType": "00"}},
    {"$oid": "000000000000000000000000"}, {"$oid": "ffffffffffffffffffffffff"}, false, true,
    {"$date": {"$numberLong": "-1"}}, {"$date": {"$numberLong": "255"}},
    {"$timestamp": {"t": 1, "i": 4294967295}},
    {"$regularExpression": {"pattern": "a", "options": ""}}, {"$maxKey": 1}]})";

class KeyIntervalsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto bytes = JsonToBson(kValues, kEnvelopeJson);
    ASSERT_TRUE(bytes.ok()) << bytes.status().message();
    bytes_ = *bytes;
    for (const bson::Element& e : bson::Document(AsBytes(bytes_))["v"].value().Doc()) {
      values_.push_back(e.value());
      std::string key;
      query::AppendKey(e.value(), &key);
      keys_.push_back(key);
    }
  }
  static std::string Invert(std::string key) {
    for (char& c : key) c = static_cast<char>(~c);
    return key;
  }
  void Expect(const KeyIntervals& set, const std::vector<bool>& members) {
    const KeyIntervals inverted = set.Inverted();
    for (size_t i = 0; i < keys_.size(); ++i) {
      ASSERT_EQ(set.Contains(keys_[i]), members[i]) << i;
      ASSERT_EQ(inverted.Contains(Invert(keys_[i])), members[i]) << "inverted " << i;
    }
  }

  std::string bytes_;
  std::vector<bson::Value> values_;
  std::vector<std::string> keys_;
};

TEST_F(KeyIntervalsTest, CutsLieBesideTheirValue) {
  for (size_t at = 0; at < values_.size(); ++at) {
    SCOPED_TRACE(at);
    std::vector<bool> point(values_.size()), above(values_.size()), below(values_.size());
    std::vector<bool> same(values_.size());
    for (size_t i = 0; i < values_.size(); ++i) {
      point[i] = i == at;
      above[i] = i > at;
      below[i] = i < at;
      same[i] = query::TypeRank(values_[i].type()) == query::TypeRank(values_[at].type());
    }
    Expect(KeyIntervals::Point(values_[at]), point);
    Expect(KeyIntervals::Above(values_[at]), above);
    Expect(KeyIntervals::Below(values_[at]), below);
    Expect(KeyIntervals::SameType(values_[at]), same);
  }
}

TEST_F(KeyIntervalsTest, OperationsAreThoseOfSets) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto pick = [&](size_t n) { return random() % n; };
  for (int round = 0; round < 2000; ++round) {
    KeyIntervals set = KeyIntervals::All();
    std::vector<bool> members(values_.size(), true);
    for (int step = 0; step < 6; ++step) {
      const size_t at = pick(values_.size());
      KeyIntervals other = KeyIntervals::Point(values_[at]);
      std::vector<bool> has(values_.size());
      const size_t kind = pick(3);
      if (kind == 1) other = KeyIntervals::Above(values_[at]);
      if (kind == 2) other = KeyIntervals::Below(values_[at]);
      for (size_t i = 0; i < has.size(); ++i) {
        has[i] = kind == 0 ? i == at : (kind == 1 ? i > at : i < at);
      }
      const size_t operation = pick(3);
      if (operation == 0) set.Intersect(other);
      if (operation == 1) set.Unite(other);
      if (operation == 2) set = set.Complement();
      for (size_t i = 0; i < has.size(); ++i) {
        if (operation == 0) members[i] = members[i] && has[i];
        if (operation == 1) members[i] = members[i] || has[i];
        if (operation == 2) members[i] = !members[i];
      }
      Expect(set, members);
      if (HasFatalFailure()) return;
      for (const KeyInterval& interval : set.intervals()) {
        ASSERT_FALSE(IntervalText(interval).empty());
      }
    }
  }
}

TEST_F(KeyIntervalsTest, TextNamesTheBounds) {
  const auto text = [&](const KeyIntervals& set) {
    std::string out;
    for (const KeyInterval& interval : set.intervals()) out += IntervalText(interval);
    return out;
  };
  EXPECT_EQ(text(KeyIntervals::All()), "[MinKey, MaxKey]");
  EXPECT_EQ(text(KeyIntervals::Point(values_[5])), "[-2.5, -2.5]");
  EXPECT_EQ(text(KeyIntervals::Above(values_[10])), "(1, MaxKey]");
  EXPECT_EQ(text(KeyIntervals::Below(values_[6])), "[MinKey, -1)");
  EXPECT_EQ(text(KeyIntervals::TextPrefix("ab")), "[\"ab\", \"ac\")");
  EXPECT_EQ(text(KeyIntervals::SameType(values_[0 + 10])), "[nan, inf]");
  EXPECT_EQ(text(KeyIntervals::Point(values_[22])), R"([{ "a": 1, "b": 2 }, { "a": 1, "b": 2 }])");
}

}  // namespace
}  // namespace nexadb::database
