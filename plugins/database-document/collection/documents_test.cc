// Laws of documents: what is written can be read, what fails leaves nothing, counts are exact.
#include <thread>

#include "plugins/database-document/testing/fixture.h"

namespace nexadb::database {
namespace {

class Documents : public DatabaseFixture {
 protected:
  Result<Buffer> Insert(Session& session, const std::vector<std::string>& documents,
                        const InsertOptions& options = {}, std::string_view collection = "c") {
    std::vector<std::string> bytes;
    for (const std::string& json : documents) bytes.push_back(Bson(json));
    std::vector<BytesView> views;
    for (const std::string& b : bytes) views.push_back(AsBytes(b));
    return database_->Insert(session, "test", collection, views, options);
  }
  Result<VersionedDocument> Get(std::string_view id_json) {
    const std::string id = Bson(id_json);
    return database_->GetById(*session_, "test", "c", AsBytes(id), false);
  }
  std::string GetJson(std::string_view id_json) {
    auto found = Get(id_json);
    return found.ok() ? Json(found->document.bytes()) : std::string(ErrorOf(found.status()).name);
  }
  Result<VersionedDocument> Update(std::string_view id_json, std::string_view update,
                                   const UpdateByIdOptions& options) {
    const std::string id = Bson(id_json);
    const std::string change = Bson(update);
    return database_->UpdateById(*session_, "test", "c", AsBytes(id), AsBytes(change), options);
  }
};

TEST_F(Documents, ReadBackAsWritten) {
  EXPECT_EQ(Run(R"({"insert": "c", "documents": [{"_id": 1, "a": {"b": [1, "x", null]}}]})"),
            R"({"n":1,"ok":1.0})");
  EXPECT_EQ(GetJson(R"({"_id": 1})"), R"({"_id":1,"a":{"b":[1,"x",null]}})");
  EXPECT_EQ(Batch(R"({"find": "c", "filter": {"a.b": "x"}})"),
            R"([{"_id":1,"a":{"b":[1,"x",null]}}])");
  EXPECT_EQ(GetJson(R"({"_id": 2})"), "document_not_found");
  EXPECT_EQ(Batch(R"({"find": "missing"})"), "[]");
}

TEST_F(Documents, AnIdIsMovedToTheFrontOrGenerated) {
  Run(R"({"insert": "c", "documents": [{"x": 1, "_id": "k"}]})");
  EXPECT_EQ(GetJson(R"({"_id": "k"})"), R"({"_id":"k","x":1})");
  auto reply = Insert(*session_, {R"({"x": 2})"});
  ASSERT_TRUE(reply.ok());
  const bson::Document ids = bson::Document(reply->bytes())["ids"].value().Doc();
  EXPECT_EQ((*ids.begin()).type(), bson::Type::kObjectId);
  auto rest = NewSession(1);
  reply = Insert(*rest, {R"({"x": 3})"});
  ASSERT_TRUE(reply.ok());
  const bson::Element id = *bson::Document(reply->bytes())["ids"].value().Doc().begin();
  ASSERT_EQ(id.type(), bson::Type::kString);
  EXPECT_EQ(id.value().Text().size(), 16u);
  const std::string find = R"({"find": "c", "filter": {"x": 3}, "projection": {"_id": 0}})";
  const std::string now = "2023-11-14T22:13:20Z";
  EXPECT_EQ(Batch(find), R"([{"x":3,"_created_at":{"$date":")" + now +
                             R"("},"_updated_at":{"$date":")" + now + R"("}}])");
}

TEST_F(Documents, BadIdsAreRefusedAndNothingIsStored) {
  for (const char* id : {"[1]", R"({"$regularExpression": {"pattern": "a", "options": ""}})",
                         R"({"$undefined": true})"}) {
    const std::string command =
        R"({"insert": "c", "documents": [{"_id": )" + std::string(id) + "}]}";
    auto reply = TryRun(*session_, command);
    ASSERT_TRUE(reply.ok());
    const bson::Document errors = bson::Document(reply->bytes())["writeErrors"].value().Doc();
    EXPECT_EQ((*errors.begin()).value().Doc()["code"].value().Int32(), 53) << id;
  }
  EXPECT_EQ(Count("c"), 0);
}

TEST_F(Documents, AnOrderedBulkStopsAtTheFirstFailureAndKeepsWhatCameBefore) {
  auto reply = Insert(*session_, {R"({"_id": 1})", R"({"_id": 1})", R"({"_id": 2})"});
  ASSERT_TRUE(reply.ok());
  const bson::Document r(reply->bytes());
  EXPECT_EQ(r["n"].value().Int32(), 1);
  const bson::Document error = (*r["writeErrors"].value().Doc().begin()).value().Doc();
  EXPECT_EQ(error["index"].value().Int32(), 1);
  EXPECT_EQ(error["code"].value().Int32(), 11000);
  EXPECT_EQ(Json(error["keyValue"].value().bytes()), R"({"_id":1})");
  EXPECT_EQ(Count("c"), 1);
}

TEST_F(Documents, AnUnorderedBulkGoesOn) {
  InsertOptions options;
  options.ordered = 0;
  auto reply = Insert(*session_, {R"({"_id": 1})", R"({"_id": 1})", R"({"_id": 2})"}, options);
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(bson::Document(reply->bytes())["n"].value().Int32(), 2);
  EXPECT_EQ(Count("c"), 2);
}

TEST_F(Documents, AnAtomicBulkIsAllOrNothing) {
  InsertOptions options;
  options.atomic = 1;
  auto reply = Insert(*session_, {R"({"_id": 1})", R"({"_id": 2})", R"({"_id": 1})"}, options);
  ASSERT_FALSE(reply.ok());
  EXPECT_TRUE(Is(reply.status(), ErrorId::kDuplicateKey));
  EXPECT_EQ(Count("c"), 0);
  EXPECT_EQ(Batch(R"({"find": "c"})"), "[]");
}

TEST_F(Documents, LargeBulksKeepTheirOrderAcrossChunks) {
  std::vector<std::string> documents;
  for (int i = 0; i < 2500; ++i) documents.push_back("{\"_id\": " + std::to_string(i) + "}");
  documents[2200] = R"({"_id": 7})";
  auto reply = Insert(*session_, documents);
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(bson::Document(reply->bytes())["n"].value().Int32(), 2200);
  EXPECT_EQ(Count("c"), 2200);
}

TEST_F(Documents, UpdatesByIdFollowTheirMode) {
  auto rest = NewSession(1);
  Run(R"({"insert": "c", "documents": [{"_id": 1, "a": 1, "b": {"x": 1, "y": 2}}]})");
  UpdateByIdOptions options;
  auto after = Update(R"({"_id": 1})", R"({"b": {"x": 9}, "c": 3})", options);
  ASSERT_TRUE(after.ok()) << after.status().message();
  EXPECT_EQ(Json(after->document.bytes()), R"({"_id":1,"a":1,"b":{"x":9},"c":3})");
  options.mode = UpdateMode::kMergePatch;
  after = Update(R"({"_id": 1})", R"({"b": {"x": null, "z": 1}, "a": null})", options);
  ASSERT_TRUE(after.ok());
  EXPECT_EQ(Json(after->document.bytes()), R"({"_id":1,"b":{"z":1},"c":3})");
  options.mode = UpdateMode::kOperators;
  after = Update(R"({"_id": 1})", R"({"$inc": {"c": 4}})", options);
  ASSERT_TRUE(after.ok()) << after.status().message();
  EXPECT_EQ(Json(after->document.bytes()), R"({"_id":1,"b":{"z":1},"c":7})");
  options.mode = UpdateMode::kReplace;
  after = Update(R"({"_id": 1})", R"({"new": true})", options);
  ASSERT_TRUE(after.ok());
  EXPECT_EQ(GetJson(R"({"_id": 1})"), R"({"_id":1,"new":true})");
  EXPECT_EQ(MongoCode(Update(R"({"_id": 1})", R"({"_id": 2})", options).status()), 66);
  EXPECT_TRUE(
      Is(Update(R"({"_id": 5})", R"({"a": 1})", options).status(), ErrorId::kDocumentNotFound));
  options.upsert = 1;
  EXPECT_TRUE(Update(R"({"_id": 5})", R"({"a": 1})", options).ok());
  EXPECT_EQ(GetJson(R"({"_id": 5})"), R"({"_id":5,"a":1})");
}

TEST_F(Documents, VersionsGuardUpdatesAndDeletes) {
  Run(R"({"insert": "c", "documents": [{"_id": 1, "a": 1}]})");
  auto read = Get(R"({"_id": 1})");
  ASSERT_TRUE(read.ok());
  UpdateByIdOptions options;
  options.has_if_version = 1;
  std::memcpy(options.if_version, read->version, sizeof(options.if_version));
  auto after = Update(R"({"_id": 1})", R"({"a": 2})", options);
  ASSERT_TRUE(after.ok());
  // The version that the update returns is the one that a read finds.
  auto again = Get(R"({"_id": 1})");
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(std::memcmp(after->version, again->version, sizeof(after->version)), 0);
  EXPECT_TRUE(
      Is(Update(R"({"_id": 1})", R"({"a": 3})", options).status(), ErrorId::kVersionMismatch));
  DeleteByIdOptions remove;
  remove.has_if_version = 1;
  std::memcpy(remove.if_version, read->version, sizeof(remove.if_version));
  const std::string id = Bson(R"({"_id": 1})");
  EXPECT_TRUE(Is(database_->DeleteById(*session_, "test", "c", AsBytes(id), remove),
                 ErrorId::kVersionMismatch));
  std::memcpy(remove.if_version, again->version, sizeof(remove.if_version));
  EXPECT_TRUE(database_->DeleteById(*session_, "test", "c", AsBytes(id), remove).ok());
  EXPECT_EQ(Count("c"), 0);
}

TEST_F(Documents, UpdateAndDeleteCommandsCountWhatTheyDid) {
  Run(R"({"insert": "c", "documents": [{"_id": 1, "g": 1}, {"_id": 2, "g": 1}, {"_id": 3}]})");
  EXPECT_EQ(Run(R"({"update": "c", "updates": [{"q": {"g": 1}, "u": {"$set": {"h": 1}},
                    "multi": true}]})"),
            R"({"n":2,"nModified":2,"ok":1.0})");
  EXPECT_EQ(Run(R"({"update": "c", "updates": [{"q": {"g": 1}, "u": {"$set": {"h": 1}}}]})"),
            R"({"n":1,"nModified":0,"ok":1.0})");
  EXPECT_EQ(Run(R"({"update": "c", "updates": [{"q": {"_id": 9, "z": 1}, "u": {"$set": {"h": 1}},
                    "upsert": true}]})"),
            R"({"n":1,"upserted":[{"index":0,"_id":9}],"nModified":0,"ok":1.0})");
  EXPECT_EQ(Run(R"({"delete": "c", "deletes": [{"q": {"g": 1}, "limit": 0}]})"),
            R"({"n":2,"ok":1.0})");
  EXPECT_EQ(Count("c"), 2);
}

TEST_F(Documents, AFailedStatementLeavesNothingOfIt) {
  Run(R"({"insert": "c", "documents": [{"_id": 1, "a": 1}, {"_id": 2, "a": "x"}]})");
  const std::string reply =
      Run(R"({"update": "c", "updates": [{"q": {}, "u": {"$inc": {"a": 1}}, "multi": true}]})");
  EXPECT_NE(reply.find("writeErrors"), std::string::npos) << reply;
  EXPECT_EQ(GetJson(R"({"_id": 1})"), R"({"_id":1,"a":1})");
}

TEST_F(Documents, FindAndModifyGivesBeforeOrAfter) {
  Run(R"({"insert": "c", "documents": [{"_id": 1, "n": 5}, {"_id": 2, "n": 3}]})");
  EXPECT_EQ(
      Run(R"({"findAndModify": "c", "query": {}, "sort": {"n": 1},
                    "update": {"$inc": {"n": 10}}, "new": true})"),
      R"({"lastErrorObject":{"n":1,"updatedExisting":true},"value":{"_id":2,"n":13},"ok":1.0})");
  EXPECT_EQ(Run(R"({"findAndModify": "c", "query": {"_id": 1}, "remove": true})"),
            R"({"lastErrorObject":{"n":1},"value":{"_id":1,"n":5},"ok":1.0})");
}

TEST_F(Documents, ExactlyOneOfManyWritersWinsAnId) {
  constexpr int kWriters = 8;
  constexpr int kIds = 40;
  std::atomic<int> won{0};
  std::vector<std::thread> threads;
  for (int w = 0; w < kWriters; ++w) {
    threads.emplace_back([&] {
      auto session = NewSession();
      for (int i = 0; i < kIds; ++i) {
        auto reply = Insert(*session, {"{\"_id\": " + std::to_string(i) + "}"});
        ASSERT_TRUE(reply.ok()) << reply.status().message();
        won += bson::Document(reply->bytes())["n"].value().Int32();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(won.load(), kIds);
  EXPECT_EQ(Count("c"), kIds);
}

TEST_F(Documents, CountsAreRightAfterConcurrentWork) {
  constexpr int kWriters = 4;
  constexpr int kSteps = 60;
  std::vector<std::thread> threads;
  for (int w = 0; w < kWriters; ++w) {
    threads.emplace_back([&, w] {
      auto session = NewSession();
      uint64_t state = static_cast<uint64_t>(w) + 1;
      for (int i = 0; i < kSteps; ++i) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        const std::string id = std::to_string((state >> 33) % 20);
        const std::string command =
            state >> 63 != 0
                ? R"({"delete": "c", "deletes": [{"q": {"_id": )" + id + R"(}, "limit": 1}]})"
                : R"({"update": "c", "updates": [{"q": {"_id": )" + id +
                      R"(}, "u": {"$inc": {"n": 1}}, "upsert": true}]})";
        EXPECT_EQ(Run(*session, command).find("error"), std::string::npos);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  auto all = TryRun(*session_, R"({"find": "c", "batchSize": 1000})");
  ASSERT_TRUE(all.ok());
  const auto batch = bson::Document(all->bytes())["cursor"].value().Doc()["firstBatch"].value();
  EXPECT_EQ(Count("c"), static_cast<int64_t>(batch.Doc().CountElements()));
  EXPECT_NE(Run(R"({"validate": "c"})").find(R"("valid":true)"), std::string::npos);
}

TEST_F(Documents, AUniqueIndexRefusesTheSecond) {
  Run(R"({"insert": "c", "documents": [{"_id": 1, "e": "a"}]})");
  EXPECT_EQ(CodeOf(R"({"createIndexes": "c", "indexes": [{"key": {"e": 1}, "name": "e_1",
                       "unique": true}]})"),
            0);
  EXPECT_NE(Run(R"({"insert": "c", "documents": [{"_id": 2, "e": "a"}]})").find("11000"),
            std::string::npos);
  EXPECT_EQ(Run(R"({"insert": "c", "documents": [{"_id": 2, "e": "b"}]})"), R"({"n":1,"ok":1.0})");
  EXPECT_NE(Run(R"({"update": "c", "updates": [{"q": {"_id": 2}, "u": {"$set": {"e": "a"}}}]})")
                .find("11000"),
            std::string::npos);
  Run(R"({"delete": "c", "deletes": [{"q": {"_id": 1}, "limit": 1}]})");
  EXPECT_EQ(Run(R"({"update": "c", "updates": [{"q": {"_id": 2}, "u": {"$set": {"e": "a"}}}]})"),
            R"({"n":1,"nModified":1,"ok":1.0})");
}

TEST_F(Documents, AValidatorRefusesWhatDoesNotMatch) {
  EXPECT_EQ(CodeOf(R"({"create": "c", "validator": {"age": {"$gte": 0}}})"), 0);
  EXPECT_NE(Run(R"({"insert": "c", "documents": [{"_id": 1, "age": -1}]})").find("121"),
            std::string::npos);
  EXPECT_EQ(Run(R"({"insert": "c", "documents": [{"_id": 1, "age": 1}]})"), R"({"n":1,"ok":1.0})");
}

}  // namespace
}  // namespace nexadb::database
