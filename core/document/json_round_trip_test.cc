// BSON of any shape, written as canonical Extended JSON and read again, is the same bytes.
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <random>

#include "core/document/decimal.h"
#include "core/document/json.h"

namespace nexadb {
namespace {

class RandomBson {
 public:
  explicit RandomBson(uint64_t seed) : random_(seed) {}

  std::string Document() {
    bson::Builder b;
    Fill(b, 0);
    return b.Finish();
  }

 private:
  uint64_t Below(uint64_t n) { return random_() % n; }

  std::string Text() {
    constexpr std::string_view kPieces[] = {
        "a", "Z", "\"",   "\\", "\n", "é", "\xF0\x9F\x98\x80", "\x7F",
        "/", " ", "\x01", "$",  ".",  "0", "\xEF\xBF\xBF"};
    std::string text;
    for (uint64_t i = Below(9); i > 0; --i) text += kPieces[Below(std::size(kPieces))];
    return text;
  }

  void Fill(bson::Builder& b, int level) {
    for (uint64_t i = Below(level == 0 ? 12 : 5), n = 0; n < i; ++n) {
      Member(b, std::to_string(n).append("_").append(Text()), level);
    }
  }

  void FillArray(bson::Builder& b, int level) {
    for (uint64_t i = Below(5), n = 0; n < i; ++n) Member(b, std::to_string(n), level);
  }

  std::array<uint8_t, 16> Bytes() {
    std::array<uint8_t, 16> bytes{};
    for (uint8_t& v : bytes) v = static_cast<uint8_t>(random_());
    return bytes;
  }

  std::array<uint8_t, 16> CanonicalDecimal() {
    Decimal d;
    Decimal::Parse(std::to_string(static_cast<int64_t>(random_())) + "E" +
                       std::to_string(static_cast<int>(Below(80)) - 40),
                   d);
    return d.ToBytes();
  }

  void Scalar(bson::Builder& b, const std::string& name) {
    const auto bytes = Bytes();
    auto real = std::bit_cast<double>(random_());
    switch (Below(15)) {
      case 0: b.Double(name, std::isnan(real) ? std::nan("") : real); break;
      case 1: b.Text(name, Text() + std::string(Below(2), '\0')); break;
      case 2: b.Binary(name, static_cast<uint8_t>(Below(256)), {bytes.data(), Below(17)}); break;
      case 3: b.ObjectId(name, {bytes.data(), 12}); break;
      case 4: b.Bool(name, Below(2) == 0); break;
      case 5: b.DateMs(name, static_cast<int64_t>(random_())); break;
      case 6: b.Null(name); break;
      case 7: b.Regex(name, Text() + "$", "imx"); break;
      case 8: b.Int32(name, static_cast<int32_t>(random_())); break;
      case 9: b.Timestamp(name, random_()); break;
      case 10: b.Int64(name, static_cast<int64_t>(random_())); break;
      case 11: b.Decimal128(name, CanonicalDecimal()); break;
      case 12: b.MinKey(name); break;
      case 13: b.MaxKey(name); break;
      default: b.Value(name, Rare()); break;
    }
  }

  // Types that the builder has no word for.
  bson::Value Rare() {
    using bson::Type;
    const std::string text = Text();
    const auto size = static_cast<uint32_t>(text.size() + 1);
    std::string string(reinterpret_cast<const char*>(&size), sizeof(size));
    string.append(text).push_back('\0');
    switch (Below(5)) {
      case 0: return {Type::kUndefined, nullptr, 0};
      case 1: return Keep(Type::kCode, string);
      case 2: return Keep(Type::kSymbol, string);
      case 3: return Keep(Type::kDbPointer, string + "0123456789ab");
      default: break;
    }
    const std::string scope = bson::Builder().Text("x", text).Finish();
    const auto total = static_cast<uint32_t>(4 + string.size() + scope.size());
    return Keep(Type::kCodeWithScope,
                std::string(reinterpret_cast<const char*>(&total), sizeof(total)) + string + scope);
  }

  bson::Value Keep(bson::Type type, std::string bytes) {
    kept_ = std::move(bytes);
    return {type, reinterpret_cast<const uint8_t*>(kept_.data()), kept_.size()};
  }

  void Member(bson::Builder& b, const std::string& name, int level) {
    const uint64_t kind = level < 6 ? Below(6) : 5;
    if (kind == 0) {
      b.OpenObject(name);
      Fill(b, level + 1);
      b.Close();
    } else if (kind == 1) {
      b.OpenArray(name);
      FillArray(b, level + 1);
      b.Close();
    } else {
      Scalar(b, name);
    }
  }

  std::mt19937_64 random_;
  std::string kept_;
};

TEST(JsonRoundTrip, CanonicalJsonGivesTheSameBytes) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomBson random(seed);
  for (int i = 0; i < 5000; ++i) {
    const std::string bson = random.Document();
    ASSERT_EQ(bson::Validate(AsBytes(bson)), nullptr);
    const std::string json = BsonToJson(bson::Document(AsBytes(bson)), JsonMode::kCanonical);
    Result<std::string> back = JsonToBson(json);
    ASSERT_TRUE(back.ok()) << back.status().message() << "\n" << json;
    ASSERT_EQ(*back, bson) << json;
  }
}

TEST(JsonRoundTrip, RelaxedAndRestFormsAreJsonOfTheSameMembers) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomBson random(seed);
  for (int i = 0; i < 2000; ++i) {
    const std::string bson = random.Document();
    const bson::Document document(AsBytes(bson));
    for (JsonMode mode : {JsonMode::kRelaxed, JsonMode::kRest}) {
      Result<std::string> back = JsonToBson(BsonToJson(document, mode));
      ASSERT_TRUE(back.ok()) << back.status().message();
      EXPECT_EQ(bson::Document(AsBytes(*back)).CountElements(), document.CountElements());
      // Reading has settled the integers' widths, so a second turn changes nothing.
      const std::string again = BsonToJson(bson::Document(AsBytes(*back)), mode);
      EXPECT_EQ(again, BsonToJson(document, mode));
    }
  }
}

}  // namespace
}  // namespace nexadb
