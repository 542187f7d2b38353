// validate finds what is wrong between data and indexes: faults are planted into storage beside the
// database, one of each kind, and the report names each.
#include <functional>

#include "nexadb/storage_engine.h"
#include "plugins/database-document/testing/fixture.h"

namespace nexadb::database {
namespace {

constexpr size_t kIndexPrefixBytes = 9;  // collection, space, index: FORMAT.md
constexpr uint8_t kDocumentSpace = 0x10;
constexpr uint8_t kIndexSpace = 0x30;
constexpr uint8_t kCountSpace = 0x01;

class Validate : public DatabaseFixture {
 protected:
  void SetUp() override {
    DatabaseFixture::SetUp();
    std::string documents;
    for (int i = 0; i < 20; ++i) {
      documents += (i ? "," : "") + std::string(R"({"_id": )") + std::to_string(i) + R"(, "a": )" +
                   std::to_string(i) + "}";
    }
    Run(R"({"insert": "c", "documents": [)" + documents + "]}");
    Run(R"({"createIndexes": "c", "indexes": [{"name": "plain", "key": {"a": 1}},
           {"name": "only", "key": {"a": -1}, "unique": true}]})");
    EXPECT_EQ(Errors(), "[]");
  }

  StorageEngine& store() { return *storage_->Service<StorageEngine>(); }
  struct Record {
    std::string key, value;
  };
  // All that storage has of the collection in one of its spaces.
  std::vector<Record> RecordsIn(uint8_t space) {
    std::vector<Record> out;
    auto snapshot = store().OpenSnapshot();
    EXPECT_TRUE(snapshot.ok());
    // The first collection of a new store.
    const std::string begin{0, 0, 0, 16, static_cast<char>(space)};
    const std::string end{0, 0, 0, 16, static_cast<char>(space + 1)};
    ScanOptions options;
    options.begin = AsBytes(begin);
    options.end = AsBytes(end);
    auto cursor = (*snapshot)->Scan(options);
    EXPECT_TRUE(cursor.ok());
    Row row;
    while (*(*cursor)->Next(Span<Row>(&row, 1)) != 0) {
      out.push_back({std::string(AsText(row.key)), std::string(AsText(row.value))});
    }
    return out;
  }
  // The entries of the first index, or of the second.
  std::vector<Record> Entries(uint32_t index) {
    std::vector<Record> all = RecordsIn(kIndexSpace);
    std::erase_if(all, [&](const Record& r) {
      return static_cast<uint8_t>(r.key[kIndexPrefixBytes - 1]) != index;
    });
    EXPECT_EQ(all.size(), 20u);
    return all;
  }
  void Plant(Mutation::Op op, const std::string& key, const std::string& value = {}) {
    auto transaction = store().Begin({});
    ASSERT_TRUE(transaction.ok());
    const Mutation mutation{op, 0, AsBytes(key), AsBytes(value)};
    ASSERT_TRUE((*transaction)->Write(Span<const Mutation>(&mutation, 1)).ok());
    ASSERT_TRUE((*transaction)->Commit({}).ok());
  }
  std::string Errors() {
    auto reply = TryRun(*session_, R"({"validate": "c", "full": true})");
    EXPECT_TRUE(reply.ok());
    if (!reply.ok()) return {};
    const bson::Document report(reply->bytes());
    std::string out;
    AppendJsonArray(out, report["errors"].value().Doc(), JsonMode::kRelaxed);
    EXPECT_EQ(report["valid"].value().Bool(), out == "[]") << out;
    return out;
  }
};

TEST_F(Validate, NamesAnEntryThatIsMissing) {
  Plant(Mutation::Op::kDelete, Entries(1)[7].key);
  EXPECT_EQ(Errors(), R"(["index 'plain': 1 entries are missing"])");
}

TEST_F(Validate, NamesAnEntryThatSaysAnotherType) {
  const std::vector<Record> entries = Entries(1);
  // The number in the document is an int32, and the entry says that it is a double.
  Plant(Mutation::Op::kPut, entries[7].key, "\x01\x08" + entries[7].value);
  EXPECT_EQ(Errors(), R"(["index 'plain': 1 entries say other types than their documents have"])");
}

TEST_F(Validate, NamesAnEntryOfNoDocument) {
  std::string key = Entries(1)[7].key;
  key.back() = static_cast<char>(key.back() ^ 1);
  Plant(Mutation::Op::kPut, key, Entries(1)[7].value);
  EXPECT_EQ(Errors(), R"(["index 'plain': 1 entries belong to no document"])");
}

TEST_F(Validate, NamesAnEntryThatLeadsToAnotherDocument) {
  const std::vector<Record> entries = Entries(2);
  Plant(Mutation::Op::kPut, entries[3].key, entries[4].value);
  EXPECT_EQ(Errors(), R"(["index 'only': 1 entries are missing",)"
                      R"("index 'only': 1 entries belong to no document"])");
}

TEST_F(Validate, NamesBothSidesOfADocumentThatIsGone) {
  Plant(Mutation::Op::kDelete, RecordsIn(kDocumentSpace)[5].key);
  EXPECT_EQ(Errors(), R"(["index 'plain': 1 entries belong to no document",)"
                      R"("index 'only': 1 entries belong to no document",)"
                      R"("the counter says 20, there are 19"])");
}

TEST_F(Validate, NamesADocumentUnderAnothersKey) {
  const std::vector<Record> documents = RecordsIn(kDocumentSpace);
  Plant(Mutation::Op::kPut, documents[5].key, documents[6].value);
  EXPECT_NE(Errors().find("a document lies under another key than its _id's"), std::string::npos);
}

TEST_F(Validate, NamesAWrongCounter) {
  const std::vector<Record> counters = RecordsIn(kCountSpace);
  ASSERT_EQ(counters.size(), 1u);
  std::string value = counters[0].value;
  value[0] = 33;
  Plant(Mutation::Op::kPut, counters[0].key, value);
  EXPECT_EQ(Errors(), R"(["the counter says 33, there are 20"])");
}

}  // namespace
}  // namespace nexadb::database
