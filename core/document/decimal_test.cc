#include "core/document/decimal.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace nexadb {
namespace {

Decimal Of(std::string_view text) {
  Decimal d;
  EXPECT_TRUE(Decimal::Parse(text, d)) << text;
  return d;
}

TEST(Decimal, PrintsAsMongoDbDoes) {
  const std::pair<const char*, const char*> kCases[] = {
      {"0", "0"},
      {"-0", "-0"},
      {"0.00", "0.00"},
      {"1.50", "1.50"},
      {"1E3", "1E+3"},
      {"12E3", "1.2E+4"},
      {"0.000001", "0.000001"},
      {"1E-7", "1E-7"},
      {"12E-8", "1.2E-7"},
      {"-1.5", "-1.5"},
      {"+5", "5"},
      {".5", "0.5"},
      {"5.", "5"},
      {"0005", "5"},
      {"inf", "Infinity"},
      {"-Infinity", "-Infinity"},
      {"NaN", "NaN"},
      {"-nan", "NaN"},
      {"0E+3", "0E+3"},
      {"9.999999999999999999999999999999999E+6144", "9.999999999999999999999999999999999E+6144"},
      {"1E-6176", "1E-6176"},
      {"1E7000", "Infinity"},
  };
  for (const auto& [text, printed] : kCases) EXPECT_EQ(Of(text).ToString(), printed) << text;
}

TEST(Decimal, RoundsHalfToEvenPastThirtyFourDigits) {
  EXPECT_EQ(Of("1234567890123456789012345678901234.5").ToString(),
            "1234567890123456789012345678901234");
  EXPECT_EQ(Of("1234567890123456789012345678901235.5").ToString(),
            "1234567890123456789012345678901236");
  const std::string just_above =
      "1234567890123456789012345678901234.5" + std::string(200, '0') + "1";
  EXPECT_EQ(Of(just_above).ToString(), "1234567890123456789012345678901235");
  EXPECT_EQ(Of(std::string(5000, '9')).ToString(), "1.000000000000000000000000000000000E+5000");
}

TEST(Decimal, RefusesWhatIsNotANumber) {
  for (const char* text : {"", "+", "-", ".", "1e", "1e+", "1.2.3", " 1", "1 ", "0x1", "1_0", "e5",
                           "infinit", "--1", "1e5x", "N", "1,5"}) {
    Decimal d;
    EXPECT_FALSE(Decimal::Parse(text, d)) << text;
  }
}

TEST(Decimal, ComparesByValueWithNaNBelowAll) {
  EXPECT_TRUE(Decimal::Compare(Of("1.0"), Of("1.00")) == 0);
  EXPECT_TRUE(Decimal::Compare(Of("0"), Of("-0")) == 0);
  EXPECT_TRUE(Decimal::Compare(Of("NaN"), Of("NaN")) == 0);
  EXPECT_TRUE(Decimal::Compare(Of("NaN"), Of("-Infinity")) < 0);
  EXPECT_TRUE(Decimal::Compare(Of("Infinity"), Of("NaN")) > 0);
  EXPECT_TRUE(Decimal::Compare(Of("-1"), Of("1E-6176")) < 0);
}

TEST(Decimal, ConvertsDoublesWithFifteenDigits) {
  EXPECT_EQ(Decimal::FromDouble(0.1).ToString(), "0.100000000000000");
  EXPECT_EQ((Decimal::FromDouble(10.5) + Of("2.5")).ToString(), "13.0000000000000");
  EXPECT_EQ(Decimal::FromDouble(0).ToString(), "0");
  EXPECT_EQ(Decimal::FromDouble(-0.0).ToString(), "-0");
  EXPECT_TRUE(Decimal::FromDouble(std::nan("")).IsNaN());
  EXPECT_EQ(Decimal::FromDouble(-INFINITY).ToString(), "-Infinity");
  EXPECT_EQ(Decimal::FromDoubleExact(0.1).ToString(), "0.1000000000000000055511151231257827");
}

TEST(Decimal, IntegersSurviveBothWays) {
  for (int64_t v : {int64_t{0}, int64_t{-1}, std::numeric_limits<int64_t>::max(),
                    std::numeric_limits<int64_t>::min()}) {
    int64_t back = 1;
    ASSERT_TRUE(Decimal::FromInt64(v).ToInt64(back));
    EXPECT_EQ(back, v);
    EXPECT_EQ(Decimal::FromInt64(v).ToString(), std::to_string(v));
  }
  int64_t out = 7;
  EXPECT_FALSE(Of("9223372036854775808").ToInt64(out));
  EXPECT_FALSE(Of("NaN").ToInt64(out));
  EXPECT_EQ(out, 7);
  EXPECT_TRUE(Of("-2.9").ToInt64(out));
  EXPECT_EQ(out, -2);
}

TEST(Decimal, Computes) {
  EXPECT_EQ((Of("0.1") + Of("0.2")).ToString(), "0.3");
  EXPECT_EQ((Of("1") / Of("3")).ToString(), "0.3333333333333333333333333333333333");
  EXPECT_EQ((Of("1.5") * Of("2")).ToString(), "3.0");
  EXPECT_EQ((Of("5") - Of("7.25")).ToString(), "-2.25");
  EXPECT_EQ(Decimal::Mod(Of("-7"), Of("3")).ToString(), "-1");
  EXPECT_EQ(Decimal::Floor(Of("-1.5")).ToString(), "-2");
  EXPECT_EQ(Decimal::Ceil(Of("1.2")).ToString(), "2");
  EXPECT_EQ(Decimal::Truncate(Of("-1.9")).ToString(), "-1");
  EXPECT_EQ(Decimal::RoundHalfEven(Of("2.5")).ToString(), "2");
  EXPECT_EQ(Decimal::Quantize(Of("1.25"), Of("0.1")).ToString(), "1.2");
  EXPECT_EQ(Decimal::Abs(Of("-3")).ToString(), "3");
  EXPECT_EQ(Decimal::Negate(Of("3")).ToString(), "-3");
  EXPECT_EQ(Decimal::Sqrt(Of("4")).ToString(), "2");
  EXPECT_EQ(Decimal::Pow(Of("2"), Of("10")).ToString(), "1024");
  EXPECT_EQ(Decimal::Log10(Of("1000")).ToString(), "3");
  EXPECT_NEAR(Decimal::Exp(Of("1")).ToDouble(), std::exp(1.0), 1e-15);
  EXPECT_NEAR(Decimal::Ln(Of("10")).ToDouble(), std::log(10.0), 1e-15);
}

TEST(Decimal, EveryBitPatternPrintsTextThatReadsAsTheSameValue) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 20'000; ++i) {
    const Decimal d(random(), random());
    const Decimal back = Of(d.ToString());
    EXPECT_TRUE(Decimal::Compare(d, back) == 0) << d.ToString();
    EXPECT_EQ(back.ToString(), d.ToString());
    const auto bytes = d.ToBytes();
    EXPECT_EQ(Decimal::FromBytes(bytes).high(), d.high());
    EXPECT_EQ(Decimal::FromBytes(bytes).low(), d.low());
  }
}

}  // namespace
}  // namespace nexadb
