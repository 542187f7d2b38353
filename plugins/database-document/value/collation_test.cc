#include "plugins/database-document/value/collation.h"

#include <gtest/gtest.h>

#include <random>

#include "core/document/error.h"
#include "core/document/json.h"
#include "plugins/database-document/value/compare.h"
#include "plugins/database-document/value/key_encoding.h"

namespace nexadb::query {
namespace {

std::string Bson(std::string_view json) {
  auto bytes = JsonToBson(json, kEnvelopeJson);
  EXPECT_TRUE(bytes.ok()) << json;
  return bytes.ok() ? *bytes : std::string();
}

Result<CollationPtr> Parse(std::string_view json) {
  const std::string bytes = Bson(json);
  return Collation::Parse(bson::Document(AsBytes(bytes)));
}

constexpr const char* kCollations[] = {
    R"({"locale": "en", "strength": 1})",
    R"({"locale": "en", "strength": 2})",
    R"({"locale": "en"})",
    R"({"locale": "en", "strength": 1, "caseLevel": true})",
    R"({"locale": "de", "strength": 5})",
    R"({"locale": "da", "caseFirst": "upper"})",
    R"({"locale": "en", "numericOrdering": true})",
    R"({"locale": "en", "alternate": "shifted", "maxVariable": "space"})",
    R"({"locale": "fr_CA", "backwards": true})",
    R"({"locale": "ja", "normalization": true, "strength": 4})",
};

class Texts {
 public:
  explicit Texts(uint64_t seed) : random_(seed) {}
  size_t Below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }
  std::string Text() {
    static constexpr const char* kParts[] = {"a",  "A", "á", "b", "B",  "ß",  "ss",      "z", "å",
                                             "10", "2", " ", "-", "あ", "ア", "e\u0301", "é", ""};
    std::string out;
    for (size_t n = Below(4); n > 0; --n) out += kParts[Below(std::size(kParts))];
    if (Below(12) == 0) out.push_back('\0');
    return out;
  }
  std::string Document() {
    bson::Builder out;
    switch (Below(5)) {
      case 0: out.Int32("v", static_cast<int32_t>(Below(3))); break;
      case 1: out.OpenArray("v").Text("0", Text()).Text("1", Text()).Close(); break;
      case 2: out.OpenObject("v").Text(Below(2) == 0 ? "x" : "X", Text()).Close(); break;
      default: out.Text("v", Text()); break;
    }
    return out.Finish();
  }

 private:
  std::mt19937_64 random_;
};

int Sign(int order) { return order < 0 ? -1 : order > 0 ? 1 : 0; }

TEST(CollationTest, SortKeysAndHashesSayWhatComparisonsSay) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Texts texts(seed);
  for (const char* spec : kCollations) {
    const auto collation = Parse(spec);
    ASSERT_TRUE(collation.ok()) << spec << collation.status().message();
    for (int i = 0; i < 400; ++i) {
      const std::string a = texts.Document();
      const std::string b = texts.Document();
      const bson::Value x = bson::Document(AsBytes(a))["v"].value();
      const bson::Value y = bson::Document(AsBytes(b))["v"].value();
      const int order = Sign(CompareValues(x, y, collation->get()));
      EXPECT_EQ(order, -Sign(CompareValues(y, x, collation->get())));
      std::string key, other;
      AppendKey(x, collation->get(), &key);
      AppendKey(y, collation->get(), &other);
      EXPECT_EQ(order, Sign(key.compare(other)))
          << spec << "\n"
          << BsonToJson(bson::Document(AsBytes(a)), JsonMode::kRelaxed)
          << BsonToJson(bson::Document(AsBytes(b)), JsonMode::kRelaxed);
      if (order != 0) continue;
      EXPECT_EQ(HashValue(x, collation->get()), HashValue(y, collation->get()));
    }
  }
}

TEST(CollationTest, StrengthSaysWhatIsTheSame) {
  const auto equal = [](const char* spec, std::string_view a, std::string_view b) {
    return (*Parse(spec))->Compare(a, b) == 0;
  };
  EXPECT_TRUE(equal(R"({"locale": "en", "strength": 1})", "cafe", "CAFÉ"));
  EXPECT_FALSE(equal(R"({"locale": "en", "strength": 2})", "cafe", "café"));
  EXPECT_TRUE(equal(R"({"locale": "en", "strength": 2})", "cafe", "CAFE"));
  EXPECT_FALSE(equal(R"({"locale": "en"})", "cafe", "CAFE"));
  EXPECT_FALSE(equal(R"({"locale": "en", "strength": 1, "caseLevel": true})", "a", "A"));
  EXPECT_TRUE(equal(R"({"locale": "en", "strength": 1, "alternate": "shifted"})", "a b", "ab"));
}

TEST(CollationTest, NumbersInStringsAreComparedAsNumbers) {
  EXPECT_LT((*Parse(R"({"locale": "en", "numericOrdering": true})"))->Compare("a2", "a10"), 0);
  EXPECT_GT((*Parse(R"({"locale": "en"})"))->Compare("a2", "a10"), 0);
}

TEST(CollationTest, ASpecIsShownInFullAndReadBackAsItself) {
  const auto collation = Parse(R"({"locale": "en", "strength": 2})");
  ASSERT_TRUE(collation.ok());
  const std::string shown = BsonToJson((*collation)->spec(), JsonMode::kRelaxed);
  EXPECT_EQ(shown.substr(0, shown.find(R"(,"version")")),
            R"({"locale":"en","caseLevel":false,"caseFirst":"off","strength":2,)"
            R"("numericOrdering":false,"alternate":"non-ignorable","maxVariable":"punct",)"
            R"("normalization":false,"backwards":false)");
  const auto again = Collation::Parse((*collation)->spec());
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(SameCollation(collation->get(), again->get()));
  EXPECT_FALSE(SameCollation(collation->get(), nullptr));
}

TEST(CollationTest, SimpleIsNoCollation) {
  EXPECT_EQ(*Parse(R"({"locale": "simple"})"), nullptr);
  EXPECT_EQ(*Parse("{}"), nullptr);
}

TEST(CollationTest, MistakesHaveMongoDbsCodes) {
  const std::pair<const char*, int32_t> kMistakes[] = {
      {R"({"strength": 1})", 40414},
      {R"({"locale": "en", "colour": 1})", 40415},
      {R"({"locale": 1})", 14},
      {R"({"locale": "en", "strength": "3"})", 14},
      {R"({"locale": "en", "backwards": 1})", 14},
      {R"({"locale": "en", "strength": 6})", 2},
      {R"({"locale": "en", "strength": {"$numberDouble": "NaN"}})", 2},
      {R"({"locale": "en", "caseFirst": "middle"})", 2},
      {R"({"locale": "en", "strength": 2, "caseFirst": "upper"})", 2},
      {R"({"locale": "en", "strength": 1, "backwards": true})", 2},
      {R"({"locale": "klingon"})", 2},
      {R"({"locale": ""})", 2},
      {R"({"locale": "simple", "strength": 1})", 9},
  };
  for (const auto& [spec, wanted] : kMistakes) {
    const auto parsed = Parse(spec);
    ASSERT_FALSE(parsed.ok()) << spec;
    EXPECT_EQ(MongoCode(parsed.status()), wanted) << spec << parsed.status().message();
  }
}

}  // namespace
}  // namespace nexadb::query
