// Laws of the store's format mark: it says what a version has to know to keep the store whole, and
// a store of an unknown format is not opened.
#include "plugins/database-document/testing/fixture.h"

namespace nexadb::database {
namespace {

class FormatMark : public DatabaseFixture {
 protected:
  StorageEngine& engine() { return *storage_->Service<StorageEngine>(); }
  std::string Mark() {
    auto snapshot = engine().OpenSnapshot();
    EXPECT_TRUE(snapshot.ok());
    auto found = (*snapshot)->Get(AsBytes(key_), {});
    EXPECT_TRUE(found.ok());
    return found.ok() ? std::string(found->text()) : std::string();
  }
  const std::string key_ = std::string(4, '\0') + "f";
};

TEST_F(FormatMark, ItRisesWithTheFirstIndexThatNeedsItAndStays) {
  EXPECT_EQ(Mark(), "nexadb document 1");
  Run(R"({"createIndexes": "c", "indexes": [{"name": "a", "key": {"a": 1},
         "collation": {"locale": "en"}}]})");
  EXPECT_EQ(Mark(), "nexadb document 1");
  EXPECT_EQ(CodeOf(R"({"createIndexes": "c", "indexes": [
      {"name": "w", "key": {"$**": 1}, "unique": true}]})"),
            67);
  EXPECT_EQ(Mark(), "nexadb document 1");
  Run(R"({"createIndexes": "c", "indexes": [{"name": "w", "key": {"b.$**": 1}}]})");
  EXPECT_EQ(Mark(), "nexadb document 2");
  Run(R"({"dropIndexes": "c", "index": "w"})");
  Reopen();
  EXPECT_EQ(Mark(), "nexadb document 2");
  EXPECT_EQ(CodeOf(R"({"find": "c"})"), 0);
  Run(R"({"createIndexes": "c", "indexes": [{"name": "b", "key": {"b": 1}}]})");
  EXPECT_EQ(Mark(), "nexadb document 3");
  Run(R"({"createIndexes": "c", "indexes": [{"name": "w", "key": {"c.$**": 1}}]})");
  EXPECT_EQ(Mark(), "nexadb document 3");
  Reopen();
  EXPECT_EQ(CodeOf(R"({"find": "c"})"), 0);
}

TEST_F(FormatMark, AStoreOfAnUnknownFormatIsNotOpened) {
  const std::string value = "nexadb document 4";
  const Mutation put{Mutation::Op::kPut, 0, AsBytes(key_), AsBytes(value)};
  ASSERT_TRUE(engine().Write(Span<const Mutation>(&put, 1), {}).ok());
  session_.Reset();
  host_ = OpenHost("database-document", config_);
  host_->Bind<StorageEngine>("storage", engine());
  const Status started = host_->Start();
  EXPECT_EQ(started.code(), Code::kCorruption);
  EXPECT_NE(started.message().find("'nexadb document 4', this version reads"), std::string::npos)
      << started.message();
}

}  // namespace
}  // namespace nexadb::database
