#include "plugins/database-document/plan/split_span.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace nexadb::database {
namespace {

class Split : public ::testing::Test {
 protected:
  std::vector<KeySpan> Into(size_t parts) {
    std::sort(keys_.begin(), keys_.end());
    auto spans = SplitSpan({"", "\xFF"}, keys_.front(), keys_.back(), parts,
                           [&](std::string_view begin, std::string_view end) -> Result<uint64_t> {
                             ++asked_;
                             return Rows(begin, end);
                           });
    EXPECT_TRUE(spans.ok());
    return spans.ok() ? *spans : std::vector<KeySpan>();
  }
  uint64_t Rows(std::string_view begin, std::string_view end) const {
    const auto low = std::lower_bound(keys_.begin(), keys_.end(), begin);
    const auto high = std::lower_bound(keys_.begin(), keys_.end(), end);
    return high > low ? static_cast<uint64_t>(high - low) : 0;
  }
  // The ranges are the whole one, without gaps.
  void ExpectWhole(const std::vector<KeySpan>& spans) const {
    ASSERT_FALSE(spans.empty());
    EXPECT_EQ(spans.front().begin, "");
    EXPECT_EQ(spans.back().end, "\xFF");
    for (size_t i = 1; i < spans.size(); ++i) {
      EXPECT_EQ(spans[i].begin, spans[i - 1].end);
      EXPECT_LT(spans[i].begin, spans[i].end);
    }
  }
  void ExpectEven(const std::vector<KeySpan>& spans, size_t parts) const {
    ExpectWhole(spans);
    ASSERT_EQ(spans.size(), parts);
    for (const KeySpan& span : spans) {
      EXPECT_NEAR(static_cast<double>(Rows(span.begin, span.end)),
                  static_cast<double>(keys_.size() / parts),
                  static_cast<double>(keys_.size() / parts) / 4);
    }
  }

  std::vector<std::string> keys_;
  size_t asked_ = 0;
};

TEST_F(Split, OfEvenlySpreadKeysIsEven) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 10'000; ++i) {
    std::string key = "c1";
    AppendBigEndian64(random(), &key);
    keys_.push_back(key);
  }
  ExpectEven(Into(2), 2);
  ExpectEven(Into(7), 7);
  ExpectEven(Into(16), 16);
}

TEST_F(Split, OfCountedNamesIsEven) {
  for (int i = 0; i < 10'000; ++i) {
    char text[32];
    std::snprintf(text, sizeof(text), "customer:%08d:order", i);
    keys_.push_back(text);
  }
  ExpectEven(Into(8), 8);
}

TEST_F(Split, OfCrowdsFarApartIsEven) {
  for (int i = 0; i < 5'000; ++i) {
    std::string low("a");
    std::string high("zzz");
    AppendBigEndian32(static_cast<uint32_t>(i), &low);
    AppendBigEndian32(static_cast<uint32_t>(i), &high);
    keys_.push_back(low);
    keys_.push_back(high);
  }
  ExpectEven(Into(4), 4);
}

TEST_F(Split, OfKeysThatCrowdTooCloselyHasFewerParts) {
  keys_.push_back("a");
  for (int i = 0; i < 1'000; ++i) {
    std::string key = "b a prefix of more than eight bytes ";
    AppendBigEndian32(static_cast<uint32_t>(i), &key);
    keys_.push_back(key);
  }
  const std::vector<KeySpan> spans = Into(8);
  ExpectWhole(spans);
  EXPECT_LE(spans.size(), 8u);
}

TEST_F(Split, OfOneKeyIsTheWhole) {
  keys_ = {"one"};
  const std::vector<KeySpan> spans = Into(4);
  ExpectWhole(spans);
  EXPECT_EQ(spans.size(), 1u);
}

TEST_F(Split, AsksNoMoreThanHalvingDoes) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 1'000; ++i) {
    std::string key;
    AppendBigEndian64(random() >> 40, &key);
    keys_.push_back(key);
  }
  Into(16);
  EXPECT_LE(asked_, 15 * 65u);
}

TEST_F(Split, TellsWhatAnEstimateFailedWith) {
  const auto spans = SplitSpan({"a", "b"}, "a", "az", 2, [](std::string_view, std::string_view) {
    return Result<uint64_t>(Status::Error(Code::kUnavailable, "closed"));
  });
  EXPECT_EQ(spans.status().code(), Code::kUnavailable);
}

}  // namespace
}  // namespace nexadb::database
