// Laws of change logs, on the plugin as a whole.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "plugins/database-document/testing/fixture.h"

namespace nexadb::database {
namespace {

class ChangesTest : public DatabaseFixture {
 protected:
  void SetUp() override {
    DatabaseFixture::SetUp();
    feed_ = static_cast<ChangeFeed*>(database_->Facet(ChangeFeed::kInterface));
    ASSERT_NE(feed_, nullptr);
  }

  struct Page {
    std::vector<std::string> events;  // "insert 1 {…}"
    std::string token;
    bool more = false;
    int32_t error = 0;  // its number in the domain "nexadb"
  };

  Page Read(std::string_view since, uint32_t events_max = 1000, std::string_view name = "c") {
    ChangeReadOptions options;
    options.events_max = events_max;
    auto reply = feed_->Read(*session_, "test", name, since, options);
    Page page;
    if (!reply.ok()) {
      page.error = reply.status().number();
      return page;
    }
    const bson::Document document(reply->bytes());
    for (const bson::Element& e : document["events"].value().Doc()) {
      const bson::Document event = e.value().Doc();
      std::string text(event["operation"].value().Text());
      AppendJson(text.append(" "), event["document_id"].value(), JsonMode::kRelaxed);
      for (const std::string_view image : {"before", "document"}) {
        if (event[image]) text.append(" ").append(Json(event[image].value().Doc().bytes()));
      }
      page.events.push_back(text);
      last_token_ = event["token"].value().Text();
    }
    page.token = document["token"].value().Text();
    page.more = document["more"].value().Bool();
    return page;
  }

  void Create(std::string_view changes) {
    const std::string made = Run(R"({"create": "c", "changes": )" + std::string(changes) + "}");
    ASSERT_EQ(made, R"({"ok":1.0})");
  }

  using Events = std::vector<std::string>;
  ChangeFeed* feed_ = nullptr;
  std::string last_token_;
};

TEST_F(ChangesTest, EveryChangeIsToldOnceInOrder) {
  Create(R"({"images": "both"})");
  const std::string start = Read("").token;
  Run(R"({"insert": "c", "documents": [{"_id": 1, "n": 1}, {"_id": 2}]})");
  Run(R"({"update": "c", "updates": [{"q": {"_id": 1}, "u": {"$inc": {"n": 1}}}]})");
  Run(R"({"delete": "c", "deletes": [{"q": {"_id": 2}, "limit": 1}]})");
  const Page page = Read(start);
  EXPECT_EQ(page.events,
            (Events{R"(insert 1 {"_id":1,"n":1})", R"(insert 2 {"_id":2})",
                    R"(update 1 {"_id":1,"n":1} {"_id":1,"n":2})", R"(delete 2 {"_id":2})"}));
  EXPECT_FALSE(page.more);
  EXPECT_TRUE(Read(page.token).events.empty());
}

TEST_F(ChangesTest, APositionInTheMiddleOfACommitGoesOnThere) {
  Create("true");
  Run(R"({"insert": "c", "documents": [{"_id": 1}, {"_id": 2}, {"_id": 3}]})");
  Events all;
  std::string token(ChangeFeed::kOldest);
  for (Page page = Read(token, 1);; page = Read(page.token, 1)) {
    all.insert(all.end(), page.events.begin(), page.events.end());
    if (!page.more) break;
    ASSERT_EQ(page.events.size(), 1u);
    EXPECT_EQ(page.token, last_token_);
  }
  EXPECT_EQ(all,
            (Events{R"(insert 1 {"_id":1})", R"(insert 2 {"_id":2})", R"(insert 3 {"_id":3})"}));
}

TEST_F(ChangesTest, WhatWasRolledBackDidNotHappen) {
  Create("true");
  const std::string start = Read("").token;
  ASSERT_TRUE(session_->Begin(TransactionIsolation::kSnapshot).ok());
  Run(R"({"insert": "c", "documents": [{"_id": 1}]})");
  // A statement that fails leaves nothing, while the transaction goes on.
  Run(R"({"insert": "c", "documents": [{"_id": 2}, {"_id": 1}]})");
  ASSERT_TRUE(session_->Rollback().ok());
  ASSERT_TRUE(session_->Begin(TransactionIsolation::kSnapshot).ok());
  Run(R"({"insert": "c", "documents": [{"_id": 3}]})");
  ASSERT_TRUE(session_->Commit().ok());
  EXPECT_EQ(Read(start).events, (Events{R"(insert 3 {"_id":3})"}));
}

TEST_F(ChangesTest, PositionsOutliveARestart) {
  Create("true");
  const std::string start = Read("").token;
  Run(R"({"insert": "c", "documents": [{"_id": 1}]})");
  Reopen();
  feed_ = static_cast<ChangeFeed*>(database_->Facet(ChangeFeed::kInterface));
  EXPECT_EQ(Read(start).events.size(), 1u);
}

TEST_F(ChangesTest, ImagesAreAsManyAsAskedFor) {
  Create(R"({"images": "none"})");
  Run(R"({"insert": "c", "documents": [{"_id": 1, "n": 1}]})");
  EXPECT_EQ(Read("oldest").events, (Events{"insert 1"}));
  EXPECT_EQ(CodeOf(R"({"collMod": "c", "changes": {"images": "some"}})"), 72);
  EXPECT_EQ(CodeOf(R"({"collMod": "c", "changes": {"retention_s": 0}})"), 72);
  EXPECT_EQ(CodeOf(R"({"create": "v", "viewOn": "c", "changes": true})"), 72);
}

TEST_F(ChangesTest, LostHistoryIsAnErrorAndNeverAGap) {
  config_ = R"({"ttl_sweep": "10ms"})";
  Reopen();
  feed_ = static_cast<ChangeFeed*>(database_->Facet(ChangeFeed::kInterface));
  Create(R"({"retention_s": 60})");
  const std::string start = Read("").token;
  Run(R"({"insert": "c", "documents": [{"_id": 1}]})");
  const std::string after_one = Read(start).token;
  env_.now_ms += 61'000;
  const auto lost = static_cast<int32_t>(ErrorId::kChangeHistoryLost);
  // The sweeper cuts soon; until then the event is still there.
  Page page;
  do {
    page = Read(start);
    std::this_thread::yield();
  } while (page.error == 0);
  EXPECT_EQ(page.error, lost);
  // Who had read all that was cut has lost nothing.
  EXPECT_EQ(Read(after_one).error, 0);
  Run(R"({"insert": "c", "documents": [{"_id": 2}]})");
  EXPECT_EQ(Read(after_one).events, (Events{R"(insert 2 {"_id":2})"}));
  EXPECT_EQ(Read("oldest").events.size(), 1u);
}

TEST_F(ChangesTest, AFollowerOfARenamedCollectionIsToldItsNameAndMissesNothing) {
  Create("true");
  Run(R"({"insert": "c", "documents": [{"_id": 1}]})");
  const std::string place = Read("oldest").token;
  Run(R"({"insert": "c", "documents": [{"_id": 2}]})");
  ASSERT_TRUE(database_
                  ->Run(*session_, "admin",
                        AsBytes(Bson(R"({"renameCollection": "test.c", "to": "test.d"})")))
                  .ok());
  const auto told = feed_->Read(*session_, "test", "c", place, {});
  ASSERT_TRUE(told.ok());
  EXPECT_EQ(Json(told->bytes()), R"({"events":[{"token":")" + place +
                                     R"(","operation":"rename","database":"test","to":"d"}],)" +
                                     R"("token":")" + place + R"(","more":false})");
  EXPECT_EQ(Read(place, 1000, "d").events, (Events{R"(insert 2 {"_id":2})"}));
  EXPECT_EQ(Read("oldest").error, static_cast<int32_t>(ErrorId::kCollectionNotFound));
}

TEST_F(ChangesTest, ACollectionOfTheSameNameIsAnother) {
  Create("true");
  const std::string start = Read("").token;
  Run(R"({"drop": "c"})");
  EXPECT_EQ(Read(start).error, static_cast<int32_t>(ErrorId::kCollectionNotFound));
  Create("true");
  EXPECT_EQ(Read(start).error, static_cast<int32_t>(ErrorId::kChangeHistoryLost));
  EXPECT_EQ(Read("nonsense").error, static_cast<int32_t>(ErrorId::kInvalidCursor));
}

TEST_F(ChangesTest, WhatHappenedWhileNothingWasRecordedIsNotSkippedSilently) {
  Run(R"({"insert": "c", "documents": [{"_id": 1}]})");
  EXPECT_EQ(Read("").error, static_cast<int32_t>(ErrorId::kChangesNotRecorded));
  Run(R"({"collMod": "c", "changes": true})");
  const std::string start = Read("").token;
  Run(R"({"insert": "c", "documents": [{"_id": 2}]})");
  EXPECT_EQ(Read(start).events.size(), 1u);
  // A longer retention goes on with what there is.
  Run(R"({"collMod": "c", "changes": {"retention_s": 100000}})");
  EXPECT_EQ(Read(start).events.size(), 1u);
  Run(R"({"collMod": "c", "changes": false})");
  EXPECT_EQ(Read(start).error, static_cast<int32_t>(ErrorId::kChangesNotRecorded));
  Run(R"({"insert": "c", "documents": [{"_id": 3}]})");
  Run(R"({"collMod": "c", "changes": true})");
  EXPECT_EQ(Read(start).error, static_cast<int32_t>(ErrorId::kChangeHistoryLost));
}

TEST_F(ChangesTest, OnlyReadersMayRead) {
  Create("true");
  principal_.allows = [](Action action, const Resource&) { return action != Action::kRead; };
  EXPECT_EQ(Read("").error, static_cast<int32_t>(ErrorId::kForbidden));
}

TEST_F(ChangesTest, AWatcherIsToldOfEachCommitThatChangesItsCollection) {
  Create("true");
  Run(R"({"insert": "other", "documents": [{"_id": 1}]})");
  std::atomic<int> told{0};
  const Callback count{[](void* n) noexcept { ++*static_cast<std::atomic<int>*>(n); }, &told};
  auto watch = feed_->Watch(*session_, "test", "c", count);
  ASSERT_TRUE(watch.ok());
  Run(R"({"insert": "other", "documents": [{"_id": 2}]})");
  EXPECT_EQ(told, 0);
  Run(R"({"insert": "c", "documents": [{"_id": 1}]})");
  EXPECT_EQ(told, 1);
  Run(R"({"drop": "c"})");
  EXPECT_EQ(told, 2);
  watch->Reset();
}

TEST_F(ChangesTest, ConcurrentWritersLeaveNoGapForAFollower) {
  Create(R"({"images": "none"})");
  constexpr int kWriters = 4;
  constexpr int kEach = 100;
  std::string token = Read("").token;
  std::vector<std::thread> writers;
  for (int w = 0; w < kWriters; ++w) {
    writers.emplace_back([this, w] {
      auto session = NewSession();
      for (int i = 0; i < kEach; ++i) {
        const std::string id = std::to_string(w * kEach + i);
        EXPECT_TRUE(
            TryRun(*session, R"({"insert": "c", "documents": [{"_id": )" + id + "}]}").ok());
      }
    });
  }
  std::set<std::string> seen;
  while (seen.size() < kWriters * kEach) {
    const Page page = Read(token, 7);
    ASSERT_EQ(page.error, 0);
    for (const std::string& event : page.events) EXPECT_TRUE(seen.insert(event).second) << event;
    token = page.token;
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_TRUE(Read(token).events.empty());
}

TEST_F(ChangesTest, LargeWritesFitWhateverTheirNumberOfDocuments) {
  Create(R"({"images": "none"})");
  const std::string start = Read("").token;
  ASSERT_TRUE(session_->Begin(TransactionIsolation::kSnapshot).ok());
  constexpr int kDocuments = 70'000;  // more than a batch has versionstamps
  constexpr int kEach = 10'000;
  for (int at = 0; at < kDocuments; at += kEach) {
    std::string documents;
    for (int i = at; i < at + kEach; ++i) {
      documents += (i == at ? "{\"_id\":" : ",{\"_id\":") + std::to_string(i) + "}";
    }
    Run(R"({"insert": "c", "documents": [)" + documents + "]}");
  }
  ASSERT_TRUE(session_->Commit().ok());
  size_t seen = 0;
  for (Page page = Read(start, 10'000);; page = Read(page.token, 10'000)) {
    ASSERT_EQ(page.error, 0);
    seen += page.events.size();
    if (!page.more) break;
  }
  EXPECT_EQ(seen, size_t{kDocuments});
}

}  // namespace
}  // namespace nexadb::database
