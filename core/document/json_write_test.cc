#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>

#include "core/document/json.h"

namespace nexadb {
namespace {

std::string Written(const std::string& bson, JsonMode mode) {
  return BsonToJson(bson::Document(AsBytes(bson)), mode);
}

TEST(BsonToJson, IntegersOutsideOfJavaScriptsAreWrappedForRest) {
  constexpr int64_t kSafe = (int64_t{1} << 53) - 1;
  const std::string doc = bson::Builder()
                              .Int64("a", kSafe)
                              .Int64("b", kSafe + 1)
                              .Int64("c", -kSafe)
                              .Int64("d", -kSafe - 1)
                              .Int32("e", -7)
                              .Finish();
  EXPECT_EQ(Written(doc, JsonMode::kRest),
            R"({"a":9007199254740991,"b":{"$numberLong":"9007199254740992"},)"
            R"("c":-9007199254740991,"d":{"$numberLong":"-9007199254740992"},"e":-7})");
  EXPECT_EQ(Written(doc, JsonMode::kRelaxed),
            R"({"a":9007199254740991,"b":9007199254740992,)"
            R"("c":-9007199254740991,"d":-9007199254740992,"e":-7})");
}

TEST(BsonToJson, TimesOfTheDatabaseArePlainForRestAtTheTopOnly) {
  bson::Builder b;
  b.DateMs("_created_at", 1'700'000'000'000).DateMs("at", 1'700'000'000'000);
  b.OpenObject("o").DateMs("_updated_at", 5).Close();
  EXPECT_EQ(Written(b.Finish(), JsonMode::kRest),
            R"({"_created_at":"2023-11-14T22:13:20.000Z","at":{"$date":"2023-11-14T22:13:20Z"},)"
            R"("o":{"_updated_at":{"$date":"1970-01-01T00:00:00.005Z"}}})");
  const std::string far =
      bson::Builder().DateMs("_created_at", std::numeric_limits<int64_t>::max()).Finish();
  EXPECT_EQ(Written(far, JsonMode::kRest),
            R"({"_created_at":{"$date":{"$numberLong":"9223372036854775807"}}})");
}

TEST(BsonToJson, DatesOutsideOfFourDigitYearsAreNumbers) {
  const std::string doc = bson::Builder().DateMs("a", -1).DateMs("b", 253'402'300'800'000).Finish();
  EXPECT_EQ(Written(doc, JsonMode::kRelaxed),
            R"({"a":{"$date":{"$numberLong":"-1"}},)"
            R"("b":{"$date":{"$numberLong":"253402300800000"}}})");
}

TEST(BsonToJson, ControlCharactersAreEscapedAndBadBytesReplaced) {
  std::string out;
  AppendJsonString(out, std::string_view("\"\\\b\f\n\r\t\x01\x1f\0é/", 13));
  EXPECT_EQ(out, "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\\u0000é/\"");
  out.clear();
  AppendJsonString(out, "a\xFFz\xE2\x82");
  EXPECT_EQ(out, "\"a\xEF\xBF\xBDz\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

TEST(BsonToJson, WhatNeedsAnEscapeIsFoundAtEveryPlaceOfEveryLength) {
  const std::pair<char, std::string_view> cases[] = {
      {'\x00', "\\u0000"}, {'\x1F', "\\u001f"}, {'\n', "\\n"},   {'"', "\\\""},
      {'\\', "\\\\"},      {' ', " "},          {'!', "!"},      {'#', "#"},
      {'[', "["},          {']', "]"},          {'\x7F', "\x7F"}};
  for (size_t size = 1; size <= 70; ++size) {
    for (size_t at = 0; at < size; ++at) {
      for (const auto& [c, written] : cases) {
        std::string text(size, 'x');
        text[at] = c;
        std::string out;
        AppendJsonString(out, text);
        const std::string before(at, 'x');
        ASSERT_EQ(out, "\"" + before + std::string(written) + text.substr(at + 1) + "\"")
            << size << " bytes, at " << at;
      }
    }
  }
}

// The room ahead of what is written runs out before, within and behind each kind of value.
TEST(BsonToJson, AValueIsWholeWhereverTheRoomEnds) {
  for (size_t size = 0; size <= 300; ++size) {
    const std::string plain(size, 'x');
    bson::Builder builder;
    builder.Text(plain + "k", plain + '"').Int64("l", INT64_MIN).Bool("b", false).Null("z");
    const std::string nested = bson::Builder().Text("n\n", plain).Int32("i", INT32_MIN).Finish();
    builder.Object("o", bson::Document(AsBytes(nested)))
        .Array("a", bson::Document(AsBytes(nested)));
    builder.Double("d", 0.5).Text("t", plain);
    const std::string document = builder.Finish();
    std::string out = "before";
    AppendJson(out, bson::Document(AsBytes(document)), JsonMode::kRelaxed);
    const std::string text = "\"" + plain + "\"";
    ASSERT_EQ(out, "before{\"" + plain + "k\":\"" + plain +
                       "\\\"\",\"l\":-9223372036854775808,\"b\":false,\"z\":null," +
                       "\"o\":{\"n\\n\":" + text + ",\"i\":-2147483648},\"a\":[" + text +
                       ",-2147483648],\"d\":0.5,\"t\":" + text + "}");
  }
}

TEST(JsonDouble, IsShortAndAlwaysADouble) {
  const std::pair<double, const char*> kCases[] = {
      {0, "0.0"},      {-0.0, "-0.0"},
      {1, "1.0"},      {100000, "100000.0"},
      {0.1, "0.1"},    {1e-5, "0.00001"},
      {1e-7, "1e-07"}, {1e22, "1e+22"},
      {-2.5, "-2.5"},  {9007199254740993.0, "9007199254740992.0"}};
  for (const auto& [value, text] : kCases) {
    std::string out;
    AppendJsonDouble(out, value);
    EXPECT_EQ(out, text);
  }
}

TEST(JsonDouble, EveryDoubleReadsBackTheSame) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 50'000; ++i) {
    const auto value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    std::string out;
    AppendJsonDouble(out, value);
    Result<JsonValue> back = ParseJsonValue(out);
    ASSERT_TRUE(back.ok()) << out;
    ASSERT_EQ(back->value().type(), bson::Type::kDouble) << out;
    EXPECT_EQ(std::bit_cast<uint64_t>(back->value().Double()), std::bit_cast<uint64_t>(value));
  }
}

TEST(Rfc3339, EveryMillisecondReadsBackTheSame) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  constexpr int64_t kFirst = -62'167'219'200'000;
  constexpr int64_t kLast = 253'402'300'799'999;
  std::uniform_int_distribution<int64_t> any(kFirst, kLast);
  for (int i = 0; i < 20'000; ++i) {
    const int64_t ms = i == 0 ? kFirst : i == 1 ? kLast : any(random);
    std::string text;
    ASSERT_TRUE(AppendRfc3339(text, ms));
    int64_t back = 0;
    ASSERT_TRUE(ParseRfc3339(text, back)) << text;
    ASSERT_EQ(back, ms) << text;
  }
  std::string none;
  EXPECT_FALSE(AppendRfc3339(none, kFirst - 1));
  EXPECT_FALSE(AppendRfc3339(none, kLast + 1));
  EXPECT_EQ(none, "");
}

TEST(Rfc3339, FormsThatPeopleWriteAreRead) {
  const std::pair<const char*, int64_t> kCases[] = {
      {"1970-01-01T00:00:00Z", 0},       {"1970-01-01t00:00z", 0},
      {"1970-01-01 01:00:00+01:00", 0},  {"1970-01-01T00:00:00.123456789Z", 123},
      {"1969-12-31T23:00:00.5-01", 500}, {"2000-02-29T00:00:00Z", 951'782'400'000},
  };
  for (const auto& [text, ms] : kCases) {
    int64_t read = -1;
    EXPECT_TRUE(ParseRfc3339(text, read)) << text;
    EXPECT_EQ(read, ms) << text;
  }
  for (const char* text :
       {"", "1970-01-01", "1970-01-01T00:00:00", "1970-13-01T00:00:00Z", "1970-00-01T00:00:00Z",
        "1970-01-32T00:00:00Z", "1900-02-29T00:00:00Z", "1970-01-01T24:00:00Z",
        "1970-01-01T00:60:00Z", "1970-01-01T00:00:60Z", "1970-01-01T00:00:00.Z",
        "1970-01-01T00:00:00.1234567890Z", "1970-01-01T00:00:00+24:00", "1970-01-01T00:00:00ZZ",
        "70-01-01T00:00:00Z", "1970-01-01T00:00:00+1"}) {
    int64_t read = 0;
    EXPECT_FALSE(ParseRfc3339(text, read)) << text;
  }
}

}  // namespace
}  // namespace nexadb
