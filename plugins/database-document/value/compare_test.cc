// Laws of the value order, equality, hashing and key encoding, over random values of all types.
#include "plugins/database-document/value/compare.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "core/document/decimal.h"
#include "core/document/json.h"
#include "plugins/database-document/value/key_encoding.h"
#include "plugins/database-document/value/number.h"
#include "plugins/database-document/value/owned.h"

namespace nexadb::query {
namespace {

// Numbers that lie close together, across types, around the edges of exactness.
std::vector<OwnedValue> Numbers() {
  std::vector<OwnedValue> out;
  for (const int32_t v : {0, 1, -1, 2, INT32_MAX, INT32_MIN}) out.push_back(OwnedValue::Int32(v));
  for (const int64_t base : {int64_t{1} << 53, -(int64_t{1} << 53), INT64_MAX, INT64_MIN}) {
    for (int64_t d = -2; d <= 2; ++d) {
      int64_t v = 0;
      if (!__builtin_add_overflow(base, d, &v)) out.push_back(OwnedValue::Int64(v));
    }
  }
  using Limits = std::numeric_limits<double>;
  for (const double v : {0.0, -0.0, 0.1, -0.1, 0.5, 1.0, 0x1p53, -0x1p53, 0x1p63, -0x1p63,
                         Limits::infinity(), -Limits::infinity(), Limits::quiet_NaN(),
                         Limits::max(), Limits::lowest(), Limits::denorm_min()}) {
    out.push_back(OwnedValue::Double(v));
  }
  for (const char* text :
       {"0", "-0", "0.1", "-0.1", "0.10", "1", "1.0", "1E-6176", "-1E-6176", "9E+6144", "-9E+6144",
        "9007199254740993", "9007199254740993.5", "9223372036854775807", "9223372036854775808",
        "Infinity", "-Infinity", "NaN", "0.1000000000000000055511151231257827"}) {
    Decimal d;
    EXPECT_TRUE(Decimal::Parse(text, d)) << text;
    out.push_back(OwnedValue::Decimal128(d.ToBytes().data()));
  }
  return out;
}

class RandomValues {
 public:
  explicit RandomValues(uint64_t seed) : random_(seed), numbers_(Numbers()) {}
  OwnedValue Next(int depth = 3) {
    switch (Pick(depth > 0 ? 12 : 9)) {
      case 0: return OwnedValue::Null();
      case 1: return OwnedValue::MinKey();
      case 2: return OwnedValue::MaxKey();
      case 3: return OwnedValue::Bool(Pick(2) == 0);
      case 4: return OwnedValue::Date(static_cast<int64_t>(Pick(5)) - 2);
      case 5: return OwnedValue::Text(Text());
      case 6: return OwnedValue::Binary(static_cast<uint8_t>(Pick(2)), Text());
      case 7: return OwnedValue::Regex(Pick(2) == 0 ? "a" : "b", Pick(2) == 0 ? "" : "i");
      case 8: return numbers_[Pick(numbers_.size())];
      case 9: return numbers_[Pick(numbers_.size())];
      default: return Container(depth);
    }
  }

 private:
  size_t Pick(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }
  std::string Text() {
    static constexpr char kLetters[] = {'\0', '\1', 'a', '\x7f'};
    std::string text;
    for (size_t n = Pick(4); n > 0; --n) text.push_back(kLetters[Pick(4)]);
    return text;
  }
  OwnedValue Container(int depth) {
    bson::Builder b;
    const bool array = Pick(2) == 0;
    const size_t count = Pick(4);
    for (size_t i = 0; i < count; ++i) {
      const std::string name = array ? std::to_string(i) : std::string(1, "ab"[Pick(2)]);
      b.Value(name, Next(depth - 1).view());
    }
    return array ? OwnedValue::Array(b.Finish()) : OwnedValue::Object(b.Finish());
  }
  std::mt19937_64 random_;
  std::vector<OwnedValue> numbers_;
};

int Sign(int v) { return v < 0 ? -1 : (v > 0 ? 1 : 0); }

void ExpectEncodingAgrees(const OwnedValue& a, const OwnedValue& b) {
  std::string x;
  std::string y;
  AppendKey(a.view(), &x);
  AppendKey(b.view(), &y);
  const int order = Sign(CompareValues(a.view(), b.view()));
  ASSERT_EQ(Sign(x.compare(y)), order);
  std::string down_x;
  std::string down_y;
  AppendKey(a.view(), KeyOrder::kDescending, nullptr, &down_x);
  AppendKey(b.view(), KeyOrder::kDescending, nullptr, &down_y);
  ASSERT_EQ(Sign(down_x.compare(down_y)), -order);
  if (order == 0) {
    ASSERT_EQ(HashValue(a.view()), HashValue(b.view()));
  }
}

TEST(CompareTest, KeyEncodingOrdersNumbersOfAllTypesAsTheirValues) {
  const std::vector<OwnedValue> numbers = Numbers();
  for (const OwnedValue& a : numbers) {
    for (const OwnedValue& b : numbers) ExpectEncodingAgrees(a, b);
  }
}

TEST(CompareTest, KeyEncodingOrdersRandomValuesAsCompareDoes) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomValues values(seed);
  for (int i = 0; i < 20000; ++i) {
    const OwnedValue a = values.Next();
    const OwnedValue b = values.Next();
    ExpectEncodingAgrees(a, b);
    if (HasFatalFailure()) return;
  }
}

TEST(CompareTest, OrderIsTotal) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomValues values(seed);
  for (int i = 0; i < 20000; ++i) {
    const OwnedValue a = values.Next();
    const OwnedValue b = values.Next();
    const OwnedValue c = values.Next();
    const int ab = Sign(CompareValues(a.view(), b.view()));
    ASSERT_EQ(ab, -Sign(CompareValues(b.view(), a.view())));
    if (ab <= 0 && CompareValues(b.view(), c.view()) <= 0) {
      ASSERT_LE(CompareValues(a.view(), c.view()), 0);
    }
  }
}

TEST(CompareTest, TypesAreOrderedAsDocumented) {
  const Result<std::string> doc = JsonToBson(
      R"({"v": [{"$minKey": 1}, null, {"$numberDouble": "NaN"}, -1, 0.5, "", "a", {}, {"a": 1},
          [], [1], {"$binary": {"base64": "", "subType": "00"}},
          {"$oid": "000000000000000000000000"}, false, true, {"$date": {"$numberLong": "0"}},
          {"$timestamp": {"t": 0, "i": 0}},
          {"$regularExpression": {"pattern": "a", "options": ""}}, {"$maxKey": 1}]})");
  ASSERT_TRUE(doc.ok());
  const bson::Document list = bson::Document(AsBytes(*doc))["v"].value().Doc();
  bson::Value previous = list.begin()->value();
  for (const bson::Element& e : list) {
    if (e.name() != "0") {
      EXPECT_LT(CompareValues(previous, e.value()), 0) << e.name();
    }
    previous = e.value();
  }
}

}  // namespace
}  // namespace nexadb::query
