#include "plugins/database-document/execute/row_filter.h"

#include <gtest/gtest.h>

#include "core/document/json.h"
#include "plugins/database-document/execute/random_documents.h"

namespace nexadb::query {
namespace {

constexpr uint64_t kSeed = 20'261'122;

std::shared_ptr<const Matcher> Parse(const std::string& filter) {
  auto parsed = Matcher::Parse(bson::Document(AsBytes(filter)), {});
  EXPECT_TRUE(parsed.ok()) << parsed.status().message();
  return parsed.ok() ? std::move(*parsed) : nullptr;
}

std::string Json(const std::string& document) {
  return BsonToJson(bson::Document(AsBytes(document)), JsonMode::kCanonical);
}

class RandomFilters : public RandomDocuments {
 public:
  using RandomDocuments::RandomDocuments;

  void AddCondition(bson::Builder& out) {
    static constexpr const char* kComparisons[] = {"$eq", "$ne", "$gt", "$gte", "$lt", "$lte"};
    const std::string path = Path();
    const size_t kind = Below(12);
    if (kind == 0) {
      AddValue(out, path, 0);
      return;
    }
    out.OpenObject(path);
    if (kind < 7) {
      for (size_t i = 1 + Below(2); i != 0; --i) AddOperand(out, kComparisons[Below(6)]);
    } else if (kind == 7) {
      out.OpenArray(Below(2) == 0 ? "$in" : "$nin");
      for (size_t i = 0; i < 3; ++i) AddOperand(out, std::to_string(i));
      out.Close();
    } else if (kind == 8) {
      out.Bool("$exists", Below(2) == 0);
    } else if (kind == 9) {
      out.Int32("$size", static_cast<int32_t>(Below(3)));
    } else if (kind == 10) {
      out.Text("$type", "number");
    } else {
      out.OpenObject("$not");
      AddOperand(out, kComparisons[2 + Below(4)]);
      out.Close();
    }
    out.Close();
  }
  std::string Filter() {
    bson::Builder out;
    for (size_t i = 1 + Below(3); i != 0; --i) AddCondition(out);
    if (Below(4) == 0) {
      out.OpenArray(Below(2) == 0 ? "$or" : "$nor");
      for (size_t i = 0; i < 2; ++i) {
        out.OpenObject(std::to_string(i));
        AddCondition(out);
        out.Close();
      }
      out.Close();
    }
    return out.Finish();
  }

 private:
  // $ne and its like refuse regular expressions.
  void AddOperand(bson::Builder& out, const std::string& name) {
    for (;;) {
      bson::Builder one;
      AddValue(one, name, 1);
      const std::string bytes = one.Finish();
      const bson::Element e = *bson::Document(AsBytes(bytes)).begin();
      if (e.type() == bson::Type::kRegex) continue;
      out.Element(e);
      return;
    }
  }
};

TEST(RowFilterTest, AgreesWithTheMatcherOnEveryDocument) {
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  RandomFilters random(kSeed);
  std::vector<std::string> documents;
  for (int i = 0; i < 400; ++i) documents.push_back(random.Document());
  int matched = 0;
  for (int i = 0; i < 1500; ++i) {
    const std::string filter = random.Filter();
    auto parsed = Matcher::Parse(bson::Document(AsBytes(filter)), {});
    if (!parsed.ok()) continue;  // two conditions that may not stand together
    const std::shared_ptr<const Matcher> matcher = std::move(*parsed);
    RowFilter rows(matcher);
    for (const std::string& document : documents) {
      auto expected = matcher->Matches(bson::Document(AsBytes(document)));
      ASSERT_TRUE(expected.ok());
      ASSERT_EQ(*expected, rows.Matches(bson::Document(AsBytes(document))))
          << Json(filter) << " on " << Json(document);
      matched += *expected ? 1 : 0;
    }
  }
  EXPECT_GT(matched, 10'000);
}

TEST(RowFilterTest, DamagedDocumentsAreReadNoFurtherThanTheirEnd) {
  RandomFilters random(kSeed + 1);
  const auto matcher = Parse(bson::Builder().Int32("quantity", 1).Null("b").Finish());
  RowFilter rows(matcher);
  for (int i = 0; i < 20'000; ++i) {
    std::string document = random.Document();
    for (size_t hits = 1 + random.Below(3); hits != 0 && document.size() > 5; --hits) {
      document[4 + random.Below(document.size() - 5)] = static_cast<char>(random.Below(256));
    }
    // On the heap and of this size, so that a sanitizer sees a read behind it.
    const std::vector<uint8_t> exact(document.begin(), document.end());
    auto expected = matcher->Matches(bson::Document({exact.data(), exact.size()}));
    ASSERT_TRUE(expected.ok());
    ASSERT_EQ(*expected, rows.Matches(bson::Document({exact.data(), exact.size()})));
  }
}

TEST(RowFilterTest, FieldsOfAnyOrderAreFound) {
  const auto matcher =
      Parse(bson::Builder().Int32("x", 1).Text("a name of twenty bytes", "y").Finish());
  RowFilter rows(matcher);
  const std::string forwards =
      bson::Builder().Int32("x", 1).Text("a name of twenty bytes", "y").Int32("z", 3).Finish();
  const std::string backwards =
      bson::Builder().Int32("z", 3).Text("a name of twenty bytes", "y").Int64("x", 1).Finish();
  const std::string other = bson::Builder().Text("a name of twenty bytes", "y").Finish();
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(rows.Matches(bson::Document(AsBytes(forwards))));
    EXPECT_TRUE(rows.Matches(bson::Document(AsBytes(backwards))));
    EXPECT_FALSE(rows.Matches(bson::Document(AsBytes(other))));
  }
}

}  // namespace
}  // namespace nexadb::query
