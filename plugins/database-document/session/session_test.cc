// Laws of sessions: transactions, access, deadlines, and what a restart keeps.
#include "plugins/database-document/testing/fixture.h"

namespace nexadb::database {
namespace {

class Sessions : public DatabaseFixture {};

TEST_F(Sessions, ATransactionSeesItsOwnWritesAndOthersDoNot) {
  Run(R"({"insert": "c", "documents": [{"_id": 1}]})");
  auto other = NewSession();
  ASSERT_TRUE(session_->Begin(TransactionIsolation::kSnapshot).ok());
  Run(R"({"insert": "c", "documents": [{"_id": 2}]})");
  Run(R"({"delete": "c", "deletes": [{"q": {"_id": 1}, "limit": 1}]})");
  EXPECT_EQ(Batch(R"({"find": "c"})"), R"([{"_id":2}])");
  EXPECT_EQ(Count("c"), 1);
  EXPECT_EQ(Batch(*other, R"({"find": "c"})"), R"([{"_id":1}])");
  ASSERT_TRUE(session_->Commit().ok());
  EXPECT_EQ(Batch(*other, R"({"find": "c"})"), R"([{"_id":2}])");
}

TEST_F(Sessions, ARollbackLeavesNothing) {
  ASSERT_TRUE(session_->Begin(TransactionIsolation::kSnapshot).ok());
  Run(R"({"insert": "made", "documents": [{"_id": 1}]})");
  EXPECT_EQ(Batch(R"({"find": "made"})"), R"([{"_id":1}])");
  ASSERT_TRUE(session_->Rollback().ok());
  EXPECT_EQ(Batch(R"({"find": "made"})"), "[]");
  EXPECT_EQ(Run(R"({"listCollections": 1, "nameOnly": true})").find("made"), std::string::npos);
}

TEST_F(Sessions, OfTwoTransactionsOnOneDocumentTheSecondConflicts) {
  Run(R"({"insert": "c", "documents": [{"_id": 1, "n": 0}]})");
  auto other = NewSession();
  ASSERT_TRUE(session_->Begin(TransactionIsolation::kSnapshot).ok());
  ASSERT_TRUE(other->Begin(TransactionIsolation::kSnapshot).ok());
  const std::string add =
      R"({"update": "c", "updates": [{"q": {"_id": 1}, "u": {"$inc": {"n": 1}}}]})";
  EXPECT_EQ(Run(*session_, add), R"({"n":1,"nModified":1,"ok":1.0})");
  EXPECT_EQ(Run(*other, add), R"({"n":1,"nModified":1,"ok":1.0})");
  ASSERT_TRUE(session_->Commit().ok());
  const Status second = other->Commit();
  ASSERT_FALSE(second.ok());
  EXPECT_TRUE(Is(second, ErrorId::kTransactionConflict));
  EXPECT_EQ(Batch(R"({"find": "c"})"), R"([{"_id":1,"n":1}])");
}

TEST_F(Sessions, SerializableTransactionsConflictOnWhatTheyRead) {
  Run(R"({"insert": "c", "documents": [{"_id": 1, "on": true}, {"_id": 2, "on": true}]})");
  auto other = NewSession();
  ASSERT_TRUE(session_->Begin(TransactionIsolation::kSerializable).ok());
  ASSERT_TRUE(other->Begin(TransactionIsolation::kSerializable).ok());
  // Each looks at both and turns one off: the classic write skew.
  EXPECT_EQ(Batch(*session_, R"({"find": "c", "filter": {"on": true}, "projection": {"on": 0}})"),
            R"([{"_id":1},{"_id":2}])");
  EXPECT_EQ(Batch(*other, R"({"find": "c", "filter": {"on": true}, "projection": {"on": 0}})"),
            R"([{"_id":1},{"_id":2}])");
  Run(*session_,
      R"({"update": "c", "updates": [{"q": {"_id": 1}, "u": {"$set": {"on": false}}}]})");
  Run(*other, R"({"update": "c", "updates": [{"q": {"_id": 2}, "u": {"$set": {"on": false}}}]})");
  EXPECT_TRUE(session_->Commit().ok());
  EXPECT_FALSE(other->Commit().ok());
}

TEST_F(Sessions, AFailedStatementOfATransactionLeavesTheOthers) {
  ASSERT_TRUE(session_->Begin(TransactionIsolation::kSnapshot).ok());
  EXPECT_EQ(CodeOf(R"({"insert": "c", "documents": [{"_id": 1}]})"), 0);
  EXPECT_EQ(CodeOf(R"({"insert": "c", "documents": [{"_id": 2}, {"_id": 1}]})"), 11000);
  EXPECT_EQ(Batch(R"({"find": "c"})"), R"([{"_id":1}])");
  ASSERT_TRUE(session_->Commit().ok());
  EXPECT_EQ(Count("c"), 1);
}

TEST_F(Sessions, WritersOfACollectionThatIsDroppedDoNotReviveIt) {
  Run(R"({"insert": "c", "documents": [{"_id": 1}]})");
  auto other = NewSession();
  ASSERT_TRUE(session_->Begin(TransactionIsolation::kSnapshot).ok());
  Run(R"({"insert": "c", "documents": [{"_id": 2}]})");
  EXPECT_NE(Run(*other, R"({"drop": "c"})").find(R"("nIndexesWas":1)"), std::string::npos);
  EXPECT_FALSE(session_->Commit().ok());
  EXPECT_EQ(Batch(R"({"find": "c"})"), "[]");
}

TEST_F(Sessions, AccessIsCheckedForEveryNamespaceThatACommandTouches) {
  Run(R"({"insert": "open", "documents": [{"_id": 1}]})");
  Run(R"({"insert": "secret", "documents": [{"_id": 1, "s": 1}]})");
  Run(R"({"create": "peek", "viewOn": "secret", "pipeline": []})");
  FakePrincipal limited;
  limited.allows = [](Action action, const Resource& resource) {
    const std::string_view name = resource.name;
    return (name == "open" || name == "peek") && action <= Action::kWrite;
  };
  auto session = NewSession(limited, 0);
  const auto code = [&](std::string_view command) {
    auto reply = TryRun(*session, command);
    return reply.ok() ? 0 : MongoCode(reply.status());
  };
  EXPECT_EQ(code(R"({"find": "open"})"), 0);
  for (const char* command :
       {R"({"find": "secret"})",
        R"({"count": "secret"})",
        R"({"drop": "open"})",
        R"({"distinct": "secret", "key": "s"})",
        R"({"find": "peek"})",
        R"({"insert": "secret", "documents": [{}]})",
        R"({"update": "secret", "updates": [{"q": {}, "u": {"$set": {"a": 1}}}]})",
        R"({"delete": "secret", "deletes": [{"q": {}, "limit": 0}]})",
        R"({"findAndModify": "secret", "query": {}, "remove": true})",
        R"({"aggregate": "secret", "pipeline": [], "cursor": {}})",
        R"({"aggregate": "open", "pipeline": [{"$lookup": {"from": "secret", "localField": "_id",
            "foreignField": "_id", "as": "x"}}], "cursor": {}})",
        R"({"aggregate": "open", "pipeline": [{"$lookup": {"from": "secret", "localField": "_id",
            "foreignField": "_id", "as": "x"}}, {"$count": "n"}], "cursor": {}})",
        R"({"aggregate": "open", "pipeline": [{"$lookup": {"from": "secret", "localField": "_id",
            "foreignField": "_id", "as": "x"}}, {"$match": {"x.s": 1}}, {"$count": "n"}],
            "cursor": {}})",
        R"({"aggregate": "open", "pipeline": [{"$unionWith": "secret"}], "cursor": {}})",
        R"({"aggregate": "open", "pipeline": [{"$out": "secret"}], "cursor": {}})",
        R"({"aggregate": "open", "pipeline": [{"$merge": {"into": "secret"}}], "cursor": {}})",
        R"({"createIndexes": "open", "indexes": [{"key": {"a": 1}, "name": "a"}]})",
        R"({"dropDatabase": 1})",
        R"({"listIndexes": "secret"})",
        R"({"validate": "secret"})",
        R"({"renameCollection": "test.open", "to": "test.secret2"})"}) {
    EXPECT_EQ(code(command), 13) << command;
  }
  const std::string id = Bson(R"({"_id": 1})");
  EXPECT_TRUE(Is(database_->GetById(*session, "test", "secret", AsBytes(id), false).status(),
                 ErrorId::kForbidden));
  EXPECT_EQ(Run(*session, R"({"listCollections": 1})").find("secret\",\"type\":\"collection"),
            std::string::npos);
}

TEST_F(Sessions, OneThatMustNotWaitDoesWhatIsQuickAndLeavesTheRestUndone) {
  auto* facet =
      static_cast<NonblockingSessions*>(database_->Facet(NonblockingSessions::kInterface));
  ASSERT_NE(facet, nullptr);
  SessionOptions options;
  options.principal = &principal_;
  auto opened = facet->OpenNonblocking(options);
  ASSERT_TRUE(opened.ok());
  Session& quick = **opened;
  const auto insert = [&](std::string_view collection, std::string_view json) {
    const std::string bytes = Bson(json);
    const BytesView documents[] = {AsBytes(bytes)};
    InsertOptions all_or_nothing;
    all_or_nothing.atomic = 1;
    return database_
        ->Insert(quick, "test", collection, Span<const BytesView>(documents, 1), all_or_nothing)
        .status()
        .code();
  };
  EXPECT_EQ(insert("c", R"({"_id": 1})"), Code::kWouldBlock) << "it would make the collection";
  EXPECT_EQ(Batch(R"({"find": "c"})"), "[]");
  Run(R"({"create": "c"})");
  EXPECT_EQ(insert("c", R"({"_id": 1})"), Code::kOk);
  EXPECT_EQ(insert("c", R"({"_id": 1})"), Code::kConflict);
  EXPECT_EQ(Count("c"), 1);
  const std::string id = Bson(R"({"_id": 1})");
  EXPECT_TRUE(database_->GetById(quick, "test", "c", AsBytes(id), false).ok());
  EXPECT_EQ(TryRun(quick, R"({"find": "c"})").status().code(), Code::kWouldBlock);
  const auto update = [&](std::string_view json, UpdateMode mode = UpdateMode::kSetFields) {
    const std::string change = Bson(json);
    UpdateByIdOptions how;
    how.mode = mode;
    return database_->UpdateById(quick, "test", "c", AsBytes(id), AsBytes(change), how)
        .status()
        .code();
  };
  EXPECT_EQ(update(R"({"a": 1})", UpdateMode::kReplace), Code::kOk);
  EXPECT_EQ(update(R"({"$inc": {"a": 1}})", UpdateMode::kOperators), Code::kOk);
  EXPECT_EQ(Batch(R"({"find": "c", "projection": {"_id": 0, "a": 1}})"), R"([{"a":2}])");
  EXPECT_TRUE(database_->DeleteById(quick, "test", "c", AsBytes(id), {}).ok());
  EXPECT_EQ(update(R"({"a": 3})"), Code::kNotFound);
  EXPECT_EQ(Count("c"), 0);
  Run(R"({"insert": "c", "documents": [{"_id": 1, "pad": ")" + std::string(70'000, 'x') +
      R"("}]})");
  EXPECT_EQ(update(R"({"a": 4})"), Code::kWouldBlock) << "it is large";
  EXPECT_TRUE(Batch(R"({"find": "c", "filter": {"a": 4}})") == "[]");
  Run(R"({"create": "checked", "validator": {"a": {"$gt": 1}}})");
  EXPECT_EQ(insert("checked", R"({"a": 2})"), Code::kWouldBlock);
  EXPECT_EQ(Count("checked"), 0);
}

TEST_F(Sessions, ADeadlineAndACancelEndACall) {
  Run(R"({"insert": "c", "documents": [{"_id": 1}]})");
  session_->SetDeadline(1);
  EXPECT_EQ(CodeOf(R"({"find": "c"})"), 50);
  session_->SetDeadline(0);
  EXPECT_EQ(CodeOf(R"({"find": "c"})"), 0);
  session_->Cancel();
  EXPECT_EQ(CodeOf(R"({"find": "c"})"), 11601);
}

TEST_F(Sessions, ASessionNeedsAPrincipal) {
  EXPECT_EQ(database_->OpenSession({}).status().code(), Code::kPermissionDenied);
}

TEST_F(Sessions, ARestartKeepsCatalogAndDocuments) {
  Run(R"({"create": "v", "viewOn": "c", "pipeline": [{"$match": {"a": 1}}]})");
  Run(R"({"insert": "c", "documents": [{"_id": 1, "a": 1}, {"_id": 2, "a": 2}]})");
  Run(R"({"createIndexes": "c", "indexes": [{"key": {"a": 1}, "name": "a_1", "unique": true}]})");
  const std::string before = Run(R"({"listCollections": 1})");
  Reopen();
  EXPECT_EQ(Run(R"({"listCollections": 1})"), before);
  EXPECT_EQ(Batch(R"({"find": "v"})"), R"([{"_id":1,"a":1}])");
  EXPECT_EQ(Count("c"), 2);
  EXPECT_NE(Run(R"({"insert": "c", "documents": [{"_id": 3, "a": 2}]})").find("11000"),
            std::string::npos);
  // Ids of collections are not handed out again.
  Run(R"({"insert": "d", "documents": [{"_id": 1}]})");
  EXPECT_EQ(Count("c"), 2);
}

}  // namespace
}  // namespace nexadb::database
