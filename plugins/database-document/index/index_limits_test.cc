// Laws of what an index takes: keys as long as storage has them and no longer, so many entries of a
// document, and of equal keys in a unique index the first one, also within one bulk.
#include <map>
#include <random>

#include "nexadb/storage_engine.h"
#include "plugins/database-document/testing/fixture.h"

namespace nexadb::database {
namespace {

constexpr uint64_t kSeed = 31'337;
constexpr int kKeyTooLong = 17280;
constexpr int kTooManyEntries = 201;

class IndexLimits : public DatabaseFixture {
 protected:
  std::string Create(std::string_view key, std::string_view more = "") {
    return Run(R"({"createIndexes": "c", "indexes": [{"name": "i", "key": )" + std::string(key) +
               std::string(more) + "}]}");
  }
  static std::string Text(size_t bytes) { return "\"" + std::string(bytes, 'x') + "\""; }
  std::string Insert(std::string_view documents, std::string_view more = "") {
    return Run(R"({"insert": "c", "documents": [)" + std::string(documents) + "]" +
               std::string(more) + "}");
  }
  void ExpectValid() {
    const std::string valid = Run(R"({"validate": "c"})");
    EXPECT_NE(valid.find(R"("valid":true)"), std::string::npos) << valid;
  }
  static bool Says(const std::string& reply, int code) {
    return reply.find(R"("code":)" + std::to_string(code)) != std::string::npos;
  }
};

TEST_F(IndexLimits, AKeyTooLongForStorageIsRefusedAndNothingOfItIsStored) {
  Create(R"({"a": 1})");
  const std::string reply =
      Insert(R"({"_id": 1, "a": 1}, {"_id": 2, "a": )" + Text(70'000) +
                 R"(}, {"_id": 3, "a": [2, )" + Text(66'000) + R"(]}, {"_id": 4, "a": 4})",
             R"(, "ordered": false)");
  EXPECT_TRUE(Says(reply, kKeyTooLong)) << reply;
  EXPECT_NE(reply.find(R"("n":2)"), std::string::npos) << reply;
  const std::string update =
      Run(R"({"update": "c", "updates": [{"q": {"_id": 1}, "u": {"$set": {"a": )" + Text(70'000) +
          "}}}]}");
  EXPECT_TRUE(Says(update, kKeyTooLong)) << update;
  EXPECT_EQ(Batch(R"({"find": "c"})"), R"([{"_id":1,"a":1},{"_id":4,"a":4}])");
  EXPECT_EQ(Batch(R"({"find": "c", "hint": "i"})"), R"([{"_id":1,"a":1},{"_id":4,"a":4}])");
  ExpectValid();
}

// The longest text that fits and the next longer one, whatever the index is.
TEST_F(IndexLimits, TheLongestKeyIsFoundAgain) {
  for (const char* more : {"", R"(, "unique": true)"}) {
    for (const char* key : {R"({"a": 1})", R"({"a": -1})", R"({"b": 1, "a": -1})"}) {
      Run(R"({"drop": "c"})");
      EXPECT_EQ(Create(key, more).find("error"), std::string::npos);
      size_t fits = 60'000;
      size_t beyond = kStorageKeyBytesMax;
      while (beyond - fits > 1) {
        const size_t middle = (fits + beyond) / 2;
        const bool stored = Insert(R"({"_id": 1, "a": )" + Text(middle) + "}").find(R"("n":1)") !=
                            std::string::npos;
        Run(R"({"delete": "c", "deletes": [{"q": {}, "limit": 0}]})");
        (stored ? fits : beyond) = middle;
      }
      EXPECT_GT(fits, size_t{65'000});
      EXPECT_EQ(Insert(R"({"_id": 1, "a": )" + Text(fits) + "}"), R"({"n":1,"ok":1.0})");
      const auto found = [&](const std::string& filter) {
        return Batch(R"({"find": "c", "hint": "i", "projection": {"a": 0}, "filter": {"a": )" +
                     filter + "}}");
      };
      EXPECT_EQ(found(Text(fits)), R"([{"_id":1}])");
      EXPECT_EQ(found(R"({"$gt": )" + Text(fits - 1) + "}"), R"([{"_id":1}])");
      EXPECT_EQ(found(R"({"$lt": )" + Text(fits + 100'000) + "}"), R"([{"_id":1}])");
      EXPECT_EQ(found(Text(beyond)), "[]");
      EXPECT_EQ(found(Text(beyond + 200'000)), "[]");
      ExpectValid();
    }
  }
}

TEST_F(IndexLimits, ABuildOverAKeyTooLongLeavesNothing) {
  Insert(R"({"_id": 1, "a": 1}, {"_id": 2, "a": )" + Text(70'000) + "}");
  EXPECT_EQ(CodeOf(R"({"createIndexes": "c", "indexes": [{"name": "i", "key": {"a": 1}}]})"),
            kKeyTooLong);
  EXPECT_EQ(Batch(R"({"listIndexes": "c"})").find("\"i\""), std::string::npos);
  EXPECT_EQ(Run(R"({"delete": "c", "deletes": [{"q": {"_id": 2}, "limit": 1}]})"),
            R"({"n":1,"ok":1.0})");
  EXPECT_EQ(Create(R"({"a": 1})").find("error"), std::string::npos);
  ExpectValid();
}

TEST_F(IndexLimits, ADocumentHasSoManyEntriesAndSoManyBytesOfThemAtMost) {
  Create(R"({"b": 1, "a": 1})");
  const auto array = [](int size) {
    std::string out = "[";
    for (int i = 0; i < size; ++i) out += (i ? "," : "") + std::to_string(i);
    return out + "]";
  };
  EXPECT_EQ(Insert(R"({"_id": 1, "a": )" + array(100'000) + "}"), R"({"n":1,"ok":1.0})");
  EXPECT_TRUE(Says(Insert(R"({"_id": 2, "a": )" + array(100'001) + "}"), kTooManyEntries));
  // Few entries, each with the same long text in front.
  const std::string long_ones = R"("b": )" + Text(60'000) + R"(, "a": )" + array(2'000) + "}";
  EXPECT_TRUE(Says(Insert(R"({"_id": 3, )" + long_ones), kTooManyEntries));
  EXPECT_EQ(Count("c"), 1);
  ExpectValid();
  // The same where a build meets it.
  Run(R"({"dropIndexes": "c", "index": "i"})");
  EXPECT_EQ(Insert(R"({"_id": 3, )" + long_ones), R"({"n":1,"ok":1.0})");
  EXPECT_EQ(
      CodeOf(R"({"createIndexes": "c", "indexes": [{"name": "i", "key": {"b": 1, "a": 1}}]})"),
      kTooManyEntries);
}

// Of documents with one key the first is stored, in one bulk as one by one.
TEST_F(IndexLimits, OfEqualKeysInABulkTheFirstIsStored) {
  std::mt19937_64 random(kSeed);
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  Create(R"({"a": 1})", R"(, "unique": true)");
  std::map<uint64_t, int> owner;
  for (int bulk = 0, id = 0; bulk < 20; ++bulk) {
    std::string documents;
    size_t before = owner.size();
    for (int i = 0; i < 50; ++i, ++id) {
      const uint64_t value = random() % 400;
      owner.emplace(value, id);
      documents += (i ? "," : "") + std::string(R"({"_id": )") + std::to_string(id) + R"(, "a": )" +
                   std::to_string(value) + "}";
    }
    const std::string reply = Insert(documents, R"(, "ordered": false)");
    ASSERT_NE(reply.find(R"({"n":)" + std::to_string(owner.size() - before)), std::string::npos)
        << reply;
  }
  for (const auto& [value, id] : owner) {
    ASSERT_EQ(Batch(R"({"find": "c", "filter": {"a": )" + std::to_string(value) + "}}"),
              R"([{"_id":)" + std::to_string(id) + R"(,"a":)" + std::to_string(value) + "}]");
  }
  ExpectValid();
}

// One statement frees a key and takes it again; one that cannot changes nothing.
TEST_F(IndexLimits, AKeyThatAStatementFreesIsFreeForTheStatement) {
  Create(R"({"a": 1})", R"(, "unique": true)");
  Insert(R"({"_id": 1, "a": 1}, {"_id": 2, "a": 2}, {"_id": 3, "a": 3})");
  const auto shift = [&](const char* by) {
    return Run(R"({"update": "c", "updates": [{"q": {}, "u": {"$inc": {"a": )" + std::string(by) +
               R"(}}, "multi": true}]})");
  };
  EXPECT_NE(shift("-1").find(R"("nModified":3)"), std::string::npos);
  EXPECT_TRUE(Says(shift("1"), 11000));
  EXPECT_EQ(Batch(R"({"find": "c"})"), R"([{"_id":1,"a":0},{"_id":2,"a":1},{"_id":3,"a":2}])");
  ExpectValid();
}

}  // namespace
}  // namespace nexadb::database
