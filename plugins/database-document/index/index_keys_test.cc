// Laws of an index's keys: the short way to a document's only entry leads to the same entry.
#include <gtest/gtest.h>

#include "plugins/database-document/execute/random_documents.h"
#include "plugins/database-document/index/index_keys.h"

namespace nexadb::database {
namespace {

constexpr uint64_t kSeed = 5190;
constexpr int kIndexes = 300;
constexpr int kDocumentsEach = 50;
constexpr std::string_view kDocumentKey = "\x20the document's";

IndexEntry RandomIndex(query::RandomDocuments& random) {
  IndexEntry index;
  index.id = 7;
  index.name = "i";
  index.sparse = random.Below(3) == 0;
  index.unique = random.Below(3) == 0;
  bson::Builder spec;
  spec.OpenObject("key");
  for (size_t parts = 1 + random.Below(3); parts != 0; --parts) {
    spec.Int32(random.Path(), random.Below(2) == 0 ? 1 : -1);
  }
  spec.Close();
  if (random.Below(3) == 0) {
    spec.OpenObject("partialFilterExpression").OpenObject(random.Name());
    spec.Bool("$exists", true).Close().Close();
  }
  index.spec = spec.Finish();
  return index;
}

TEST(IndexKeys, TheOnlyEntryIsTheOneAmongAll) {
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  query::RandomDocuments random(kSeed);
  int appended = 0, none = 0, several = 0;
  for (int i = 0; i < kIndexes; ++i) {
    auto keys = IndexKeys::Compile(16, RandomIndex(random));
    ASSERT_TRUE(keys.ok());
    for (int n = 0; n < kDocumentsEach; ++n) {
      const std::string bytes = random.Document();
      const bson::Document document(AsBytes(bytes));
      std::string out = "before", types;
      auto single = keys->AppendSingle(document, kDocumentKey, &out, &types);
      auto all = keys->Of(document, IndexKeys::Stored::kNo);
      ASSERT_TRUE(single.ok());
      if (*single == IndexKeys::Single::kSeveral) {
        ++several;
        ASSERT_EQ(out, "before");
        ASSERT_TRUE(!all.ok() || all->arrays.Any() || all->values.size() != 1);
        continue;
      }
      ASSERT_TRUE(all.ok());
      ASSERT_FALSE(all->arrays.Any());
      std::string expected = "before";
      for (const std::string& values : all->values)
        expected += keys->EntryKey(values, kDocumentKey);
      ASSERT_EQ(out, expected);
      ASSERT_EQ(all->values.size(), *single == IndexKeys::Single::kAppended ? 1u : 0u);
      ++(all->values.empty() ? none : appended);
    }
  }
  EXPECT_GT(appended, kIndexes);
  EXPECT_GT(none, kIndexes);
  EXPECT_GT(several, kIndexes / 2);
}

}  // namespace
}  // namespace nexadb::database
