// Laws of writes that could go wrong without a word: options that change what matches, versions
// that an insert reports, names, and what validate sees.
#include <cstring>

#include "plugins/database-document/collection/layout.h"
#include "plugins/database-document/session/write_set.h"
#include "plugins/database-document/testing/fixture.h"

namespace nexadb::database {
namespace {

class WriteLaws : public DatabaseFixture {};

constexpr int32_t kBadValue = 2;
constexpr int32_t kFailedToParse = 9;
constexpr int32_t kUnknownStage = 40324;

TEST_F(WriteLaws, ABadCollationInsideAStatementIsRefusedAndNothingIsWritten) {
  Run(R"({"insert": "c", "documents": [{"_id": 1, "a": "x"}]})");
  const std::string collation = R"("collation": {"locale": "klingon"})";
  EXPECT_EQ(CodeOf(R"({"update": "c", "updates": [{"q": {"a": "x"}, "u": {"$set": {"b": 1}}, )" +
                   collation + "}]}"),
            kBadValue);
  EXPECT_EQ(
      CodeOf(R"({"delete": "c", "deletes": [{"q": {"a": "x"}, "limit": 0, )" + collation + "}]}"),
      kBadValue);
  EXPECT_EQ(
      CodeOf(R"({"findAndModify": "c", "query": {"a": "x"}, "remove": true, )" + collation + "}"),
      kBadValue);
  EXPECT_EQ(CodeOf(R"({"bulkWrite": 1, "ops": [{"delete": 0, "filter": {"a": "x"}, )" + collation +
                   R"(}], "nsInfo": [{"ns": "test.c"}]})"),
            kBadValue);
  EXPECT_EQ(Batch(R"({"find": "c"})"), R"([{"_id":1,"a":"x"}])");
}

TEST_F(WriteLaws, AHintThatNamesNoIndexIsRefusedAndNothingIsWritten) {
  Run(R"({"insert": "c", "documents": [{"_id": 1, "a": 1}]})");
  Run(R"({"createIndexes": "c", "indexes": [{"key": {"a": 1}, "name": "by_a"}]})");
  for (const std::string hint : {R"("hint": "nope")", R"("hint": {"b": 1})"}) {
    const std::string update = Run(
        R"({"update": "c", "updates": [{"q": {"a": 1}, "u": {"$set": {"b": 1}}, )" + hint + "}]}");
    EXPECT_NE(update.find(R"("code":2,)"), std::string::npos) << update;
    const std::string removed =
        Run(R"({"delete": "c", "deletes": [{"q": {"a": 1}, "limit": 1, )" + hint + "}]}");
    EXPECT_NE(removed.find(R"("code":2,)"), std::string::npos) << removed;
    EXPECT_EQ(CodeOf(R"({"findAndModify": "c", "query": {"a": 1}, "update": {"$set": {"b": 1}}, )" +
                     hint + "}"),
              kBadValue);
    EXPECT_EQ(CodeOf(R"({"findAndModify": "c", "query": {"a": 1}, "remove": true, )" + hint + "}"),
              kBadValue);
    const std::string bulk = Run(R"({"bulkWrite": 1, "ops": [{"delete": 0, "filter": {"a": 1}, )" +
                                 hint + R"(}], "nsInfo": [{"ns": "test.c"}]})");
    EXPECT_NE(bulk.find(R"("nErrors":1)"), std::string::npos) << bulk;
  }
  EXPECT_EQ(Batch(R"({"find": "c"})"), R"([{"_id":1,"a":1}])");
  EXPECT_EQ(CodeOf(R"({"findAndModify": "c", "query": {"a": 1}, "remove": true, "hint": "by_a"})"),
            0);
  EXPECT_EQ(Count("c"), 0);
}

TEST_F(WriteLaws, AMistypedNameIsAnsweredWithTheOneMeant) {
  auto stage =
      TryRun(*session_, R"({"aggregate": "c", "pipeline": [{"$grup": {}}], "cursor": {}})");
  ASSERT_FALSE(stage.ok());
  EXPECT_EQ(MongoCode(stage.status()), kUnknownStage);
  EXPECT_EQ(ErrorOf(stage.status()).name, "unknown_stage");
  EXPECT_NE(stage.status().message().find("'$group'"), std::string_view::npos);

  auto change = TryRun(*session_, R"({"findAndModify": "c", "update": {"$sett": {"a": 1}}})");
  ASSERT_FALSE(change.ok());
  EXPECT_EQ(MongoCode(change.status()), kFailedToParse) << "as MongoDB has it";
  EXPECT_EQ(ErrorOf(change.status()).name, "unknown_operator") << "as REST has it";
  EXPECT_NE(change.status().message().find("'$set'"), std::string_view::npos);
  const std::string problem = ProblemJson(change.status(), "/", "1");
  EXPECT_EQ(problem.find("mongodb_code"), std::string::npos) << problem;
}

TEST_F(WriteLaws, RoutesMakeNoCollectionOutsideTheirRuleForNames) {
  auto routes = NewSession(/*timestamps=*/1);
  const std::string document = Bson(R"({"_id": 1})");
  const BytesView view = AsBytes(document);
  for (const std::string& name : {std::string(121, 'a'), std::string("_a"), std::string("a/b")}) {
    auto inserted = database_->Insert(*routes, "test", name, Span<const BytesView>(&view, 1), {});
    ASSERT_FALSE(inserted.ok()) << name;
    EXPECT_TRUE(Is(inserted.status(), ErrorId::kInvalidName)) << inserted.status().message();
    EXPECT_EQ(Run(*routes, R"({"create": ")" + name + R"("})").substr(0, 9), "error 73:");
    EXPECT_EQ(Run(R"({"listCollections": 1, "filter": {"name": ")" + name + R"("}})").find(name),
              std::string::npos);
    // MongoDB's commands have MongoDB's rule, and what they made is reached.
    EXPECT_EQ(CodeOf(R"({"create": ")" + name + R"("})"), 0);
    EXPECT_TRUE(database_->Insert(*routes, "test", name, Span<const BytesView>(&view, 1), {}).ok());
  }
  EXPECT_TRUE(
      database_->Insert(*routes, "test", std::string(120, 'a'), Span<const BytesView>(&view, 1), {})
          .ok());
}

std::vector<std::string> VersionsOf(const Buffer& reply) {
  std::vector<std::string> out;
  for (const bson::Element& e : bson::Document(reply.bytes())["versions"].value().Doc()) {
    out.emplace_back(AsText(e.value().Binary()));
  }
  return out;
}

class Inserts : public WriteLaws {
 protected:
  // {_id: 0} to {_id: count - 1}.
  Result<Buffer> Insert(int32_t count, const InsertOptions& options) {
    documents_.clear();
    for (int32_t i = 0; i < count; ++i) {
      documents_.push_back(bson::Builder().Int32("_id", i).Finish());
    }
    std::vector<BytesView> views;
    for (const std::string& d : documents_) views.push_back(AsBytes(d));
    return database_->Insert(*session_, "test", "c", views, options);
  }
  std::string StoredVersion(int32_t id) {
    const std::string key = bson::Builder().Int32("_id", id).Finish();
    auto stored = database_->GetById(*session_, "test", "c", AsBytes(key), false);
    EXPECT_TRUE(stored.ok());
    if (!stored.ok()) return {};
    return std::string(reinterpret_cast<const char*>(stored->version), sizeof(stored->version));
  }
  std::vector<std::string> documents_;
};

TEST_F(Inserts, ReportTheVersionsThatAreStored) {
  Run(R"({"insert": "c", "documents": [{"_id": 3}, {"_id": 1500}]})");
  InsertOptions options;
  options.ordered = 0;
  auto reply = Insert(2500, options);  // three chunks, two duplicates
  ASSERT_TRUE(reply.ok());
  const std::vector<std::string> versions = VersionsOf(*reply);
  ASSERT_EQ(versions.size(), 2498u);
  size_t at = 0;
  for (const bson::Element& id : bson::Document(reply->bytes())["ids"].value().Doc()) {
    EXPECT_EQ(versions[at++], StoredVersion(id.value().Int32())) << id.value().Int32();
  }
  ASSERT_TRUE(session_->Begin(TransactionIsolation::kSnapshot).ok());
  const std::string one = bson::Builder().Int32("_id", 9000).Finish();
  const BytesView view = AsBytes(one);
  auto within = database_->Insert(*session_, "test", "c", Span<const BytesView>(&view, 1), {});
  ASSERT_TRUE(within.ok());
  EXPECT_FALSE(bson::Document(within->bytes())["versions"]) << "made by the commit";
}

TEST_F(Inserts, BeyondTheStampsOfABatchStillHaveVersionsThatGuard) {
  InsertOptions options;
  options.atomic = 1;
  constexpr int32_t kCount = static_cast<int32_t>(kStampsMax) + 10;
  auto reply = Insert(kCount, options);
  ASSERT_TRUE(reply.ok()) << reply.status().message();
  const std::vector<std::string> versions = VersionsOf(*reply);
  ASSERT_EQ(versions.size(), static_cast<size_t>(kCount));
  EXPECT_EQ(Count("c"), kCount);
  const auto last_stamped = static_cast<int32_t>(kStampsMax) - 1;
  for (const int32_t id : {0, last_stamped, last_stamped + 1, kCount - 1}) {
    EXPECT_EQ(versions[static_cast<size_t>(id)], StoredVersion(id)) << id;
  }
  const std::string key = bson::Builder().Int32("_id", kCount - 1).Finish();
  const std::string change = bson::Builder().Int32("a", 1).Finish();
  UpdateByIdOptions guarded;
  guarded.has_if_version = 1;
  std::memcpy(guarded.if_version, versions.back().data(), kVersionstampBytes);
  const auto update = [&] {
    return database_->UpdateById(*session_, "test", "c", AsBytes(key), AsBytes(change), guarded);
  };
  EXPECT_TRUE(update().ok());
  auto again = update();
  ASSERT_FALSE(again.ok()) << "the first update gave it another version";
  EXPECT_TRUE(Is(again.status(), ErrorId::kVersionMismatch));
}

// Damages storage below the database and asks what validate says of it.
TEST_F(WriteLaws, ValidateComparesIndexesWithDocuments) {
  Run(R"({"insert": "c", "documents": [{"_id": 1, "a": [1, 2]}, {"_id": 2, "a": 3}]})");
  Run(R"({"createIndexes": "c", "indexes": [{"key": {"a": 1}, "name": "by_a"}]})");
  const std::string whole = Run(R"({"validate": "c"})");
  EXPECT_NE(whole.find(R"("valid":true)"), std::string::npos) << whole;

  StorageEngine& engine = *storage_->Service<StorageEngine>();
  auto snapshot = engine.OpenSnapshot();
  ASSERT_TRUE(snapshot.ok());
  auto cursor = (*snapshot)->Scan({});
  ASSERT_TRUE(cursor.ok());
  std::vector<std::string> entries;
  Row row;
  for (;;) {
    auto count = (*cursor)->Next(Span<Row>(&row, 1));
    ASSERT_TRUE(count.ok());
    if (*count == 0) break;
    const std::string_view key = AsText(row.key);
    const bool own = __builtin_bswap32(bson::Load<uint32_t>(row.key.data())) >= kFirstCollectionId;
    if (own && static_cast<uint8_t>(key[4]) == static_cast<uint8_t>(Space::kIndex)) {
      entries.emplace_back(key);
    }
  }
  ASSERT_EQ(entries.size(), 3u);
  const std::string stray = entries[0] + "x";
  const Mutation damage[] = {{Mutation::Op::kDelete, 0, AsBytes(entries[1]), {}},
                             {Mutation::Op::kPut, 0, AsBytes(stray), AsBytes(stray)}};
  ASSERT_TRUE(engine.Write(Span<const Mutation>(damage, std::size(damage)), {}).ok());
  const std::string damaged = Run(R"({"validate": "c"})");
  EXPECT_NE(damaged.find(R"("valid":false)"), std::string::npos) << damaged;
  EXPECT_NE(damaged.find("1 entries are missing"), std::string::npos) << damaged;
  EXPECT_NE(damaged.find("1 entries belong to no document"), std::string::npos) << damaged;
}

TEST_F(WriteLaws, NowIsOneTimeForAllStatementsOfACommand) {
  env_.step_ms = 5;
  Run(R"({"insert": "c", "documents": [{"_id": 1}, {"_id": 2}]})");
  Run(R"({"update": "c", "updates": [{"q": {"_id": 1}, "u": [{"$set": {"t": "$$NOW"}}]},
                                     {"q": {"_id": 2}, "u": [{"$set": {"t": "$$NOW"}}]}]})");
  EXPECT_EQ(Batch(R"({"aggregate": "c", "cursor": {}, "pipeline": [{"$group": {"_id": "$t"}},
                      {"$count": "n"}]})"),
            R"([{"n":1}])");
}

}  // namespace
}  // namespace nexadb::database
