// The law of division: a $count or $group that several threads have made of parts of a collection
// is what one thread makes of the whole, to the byte and in the same order. {$skip: 0} keeps every
// document, and keeps the pipeline behind it on one thread.
#include <atomic>
#include <random>
#include <thread>

#include "plugins/database-document/testing/fixture.h"

namespace nexadb::database {
namespace {

constexpr int kDocuments = 24'000;
constexpr int kInsertedAtOnce = 4'000;
constexpr int kPipelines = 60;
constexpr uint32_t kThreads = 4;

class Divided : public DatabaseFixture {
 protected:
  void SetUp() override {
    compute_threads_ = kThreads;
    DatabaseFixture::SetUp();
    const int given = ::testing::UnitTest::GetInstance()->random_seed();
    seed_ = given != 0 ? static_cast<uint64_t>(given) : std::random_device{}();
    RecordProperty("seed", std::to_string(seed_));
    random_.seed(seed_);
    for (int i = 0; i < kDocuments; i += kInsertedAtOnce) Insert(i);
    Run(R"({"insert": "other", "documents": [
        {"_id": 0, "name": "none"}, {"_id": 1, "name": "one"}, {"_id": 2, "name": "one"}]})");
  }

  void Insert(int first) {
    std::string documents;
    for (int i = first; i < first + kInsertedAtOnce; ++i) {
      documents += (i == first ? "" : ", ") + Document(i);
    }
    Run(R"({"insert": "c", "documents": [)" + documents + "]}");
  }

  size_t Below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }
  std::string Number() { return std::to_string(static_cast<int>(Below(10)) - 2); }
  // Numbers that all sums of them hold exactly, whatever the order.
  std::string Value() {
    switch (Below(8)) {
      case 0: return "null";
      case 1: return "\"x" + std::to_string(Below(4)) + "\"";
      case 2: return Number() + ".5";
      case 3:
        return R"({"$numberLong": "9223372036854775)" + std::to_string(100 + Below(700)) + "\"}";
      case 4: return R"({"$numberDecimal": ")" + Number() + ".25\"}";
      default: return Number();
    }
  }
  std::string Document(int id) {
    std::string out = "{\"_id\": " + std::to_string(id);
    if (Below(5) != 0) out += R"(, "a": )" + Value();
    if (Below(5) != 0) out += R"(, "b": )" + Value();
    if (Below(4) != 0) out += R"(, "t": [)" + Value() + ", " + Value() + "]";
    return out + R"(, "k": )" + std::to_string(Below(3)) + "}";
  }
  std::string Field() { return std::string(1, "abtk"[Below(4)]); }

  std::string Stage() {
    const std::string field = Field();
    switch (Below(7)) {
      case 0: return R"({"$match": {")" + field + R"(": {"$gt": )" + Number() + "}}}";
      case 1: return R"({"$set": {"b": {"$ifNull": ["$)" + field + R"(", 7]}}})";
      case 2: return R"({"$unwind": "$t"})";
      case 3: return R"({"$project": {"a": 1, "b": 1, "t": 1, "k": 1}})";
      case 4:
        return R"({"$lookup": {"from": "other", "localField": "k", "foreignField": "_id",
                               "as": "o"}}, {"$match": {"o.name": "one"}})";
      case 5:
        return R"({"$lookup": {"from": "other", "let": {"k": "$k"}, "as": "o",
                   "pipeline": [{"$match": {"$expr": {"$lt": ["$_id", "$$k"]}}}]}},
                  {"$match": {"k": 1, "_id": {"$mod": [16, 3]}}})";
      default: return R"({"$redact": "$$KEEP"})";
    }
  }
  std::string Last() {
    const std::string field = Field();
    switch (Below(5)) {
      case 0: return R"({"$count": "n"})";
      case 1: return R"({"$sortByCount": "$)" + field + R"("}, {"$sort": {"count": -1, "_id": 1}})";
      case 2:
        return R"({"$group": {"_id": null, "n": {"$count": {}}, "s": {"$sum": "$)" + field +
               R"("}, "a": {"$avg": "$)" + field + R"("}}})";
      case 3:
        return R"({"$group": {"_id": {"f": "$)" + field + R"("}, "least": {"$min": "$a"},
                   "most": {"$max": "$b"}}}, {"$limit": 50})";
      default:
        return R"({"$group": {"_id": "$)" + field + R"(", "s": {"$sum": "$a"}, "m": {"$avg": "$b"},
                   "f": {"$first": "$_id"}, "l": {"$last": "$_id"}}}, {"$skip": 1})";
    }
  }

  std::string Aggregate(const std::string& stages) {
    return Batch(R"({"aggregate": "c", "pipeline": [)" + stages +
                 R"(], "cursor": {"batchSize": 100000}})");
  }
  std::string AggregateUndivided(const std::string& stages) {
    return Aggregate(R"({"$skip": 0}, )" + stages);
  }
  // How many threads beside the caller's a call of `use` has started.
  template <class Use>
  int64_t ThreadsOf(Use&& use) {
    const int64_t before = env_.compute_threads_started;
    use();
    return env_.compute_threads_started - before;
  }

  std::mt19937_64 random_;
  uint64_t seed_ = 0;
};

TEST_F(Divided, PipelinesGiveWhatOneThreadGives) {
  for (int i = 0; i < kPipelines; ++i) {
    std::string stages;
    for (size_t n = Below(4); n != 0; --n) stages += Stage() + ", ";
    stages += Last();
    std::string divided;
    EXPECT_EQ(ThreadsOf([&] { divided = Aggregate(stages); }), kThreads - 1) << stages;
    EXPECT_EQ(divided, AggregateUndivided(stages)) << "seed " << seed_ << ": " << stages;
    EXPECT_FALSE(divided.starts_with("error")) << divided << " for " << stages;
  }
}

TEST_F(Divided, CountsAreThoseOfOneThread) {
  for (const char* filter : {R"({"k": 1})", R"({"a": {"$gt": 3}})", R"({"t.0": null})", "{}"}) {
    const std::string plain = std::string(R"({"count": "c", "query": )") + filter + "}";
    const std::string limited =
        std::string(R"({"count": "c", "limit": 1000000, "query": )") + filter + "}";
    EXPECT_EQ(Run(plain), Run(limited)) << filter;
  }
  EXPECT_EQ(ThreadsOf([&] { Run(R"({"count": "c", "query": {"k": 1}})"); }), kThreads - 1);
  EXPECT_EQ(ThreadsOf([&] { Run(R"({"count": "c", "query": {"k": 1}, "limit": 5})"); }), 0);
}

TEST_F(Divided, ARangeOfIdsIsCountedWithinIt) {
  EXPECT_EQ(Run(R"({"count": "c", "query": {"_id": {"$gte": 1000, "$lt": 23001},
                    "k": {"$gte": 0}}})"),
            R"({"n":22001,"ok":1.0})");
}

TEST_F(Divided, NothingThatMatchesIsNothing) {
  EXPECT_EQ(Aggregate(R"({"$match": {"k": 9}}, {"$count": "n"})"), "[]");
  EXPECT_EQ(Aggregate(R"({"$match": {"k": 9}}, {"$group": {"_id": null}})"), "[]");
  EXPECT_EQ(Run(R"({"count": "c", "query": {"k": 9}})"), R"({"n":0,"ok":1.0})");
}

// Wherever a thread is when another one comes to a mistake.
TEST_F(Divided, AnErrorIsTheFirstInTheCollectionsOrder) {
  Run(R"({"update": "c", "updates": [
      {"q": {"_id": 23990}, "u": {"$set": {"bad": "text"}}},
      {"q": {"_id": 9000}, "u": {"$set": {"bad": 0}}}]})");
  const std::string stages =
      R"({"$set": {"x": {"$divide": [1, {"$ifNull": ["$bad", 1]}]}}},
         {"$match": {"x": {"$ne": 2}}}, {"$count": "n"})";
  const std::string expected = AggregateUndivided(stages);
  ASSERT_TRUE(expected.starts_with("error")) << expected;
  for (int i = 0; i < 20; ++i) ASSERT_EQ(Aggregate(stages), expected);
}

TEST_F(Divided, AGroupThatOutgrowsTheQuerysMemoryGoesToDiskAsEver) {
  const std::string stages =
      R"({"$group": {"_id": "$_id", "s": {"$sum": "$k"}, "l": {"$last": "$t"}}},
         {"$sort": {"_id": 1}}, {"$group": {"_id": null, "n": {"$sum": 1}, "f": {"$first": "$_id"},
          "k": {"$sum": "$s"}}})";
  const std::string expected = AggregateUndivided(stages);
  config_ = R"({"ttl_sweep": "1h", "query_memory": "1MiB"})";
  Reopen();
  EXPECT_EQ(Aggregate(stages), expected);
}

TEST_F(Divided, ItIsOverInTime) {
  const std::string slow =
      R"({"$set": {"x": {"$reduce": {"input": {"$range": [0, 2000]}, "initialValue": 0,
                                     "in": {"$add": ["$$value", "$k"]}}}}}, )"
      R"({"$match": {"x": {"$gte": 0}}}, {"$count": "n"})";
  const int32_t code =
      CodeOf(R"({"aggregate": "c", "cursor": {}, "maxTimeMS": 20, "pipeline": [)" + slow + "]}");
  EXPECT_EQ(code, 50);
}

TEST_F(Divided, ATransactionSeesItsOwnWrites) {
  ASSERT_TRUE(session_->Begin(TransactionIsolation::kSnapshot).ok());
  Run(R"({"delete": "c", "deletes": [{"q": {"_id": {"$lt": 1000}}, "limit": 0}]})");
  EXPECT_EQ(ThreadsOf([&] {
              EXPECT_EQ(Run(R"({"count": "c", "query": {"k": {"$gte": 0}}})"),
                        R"({"n":23000,"ok":1.0})");
            }),
            0);
  ASSERT_TRUE(session_->Rollback().ok());
}

// What is moved between documents is seen on one side alone.
TEST_F(Divided, ASumIsOfOneMomentWhileWritersMoveWhatItAddsUp) {
  Run(R"({"update": "c", "updates": [{"q": {}, "u": {"$set": {"v": 10}}, "multi": true}]})");
  std::atomic<bool> done{false};
  std::thread writer([&] {
    auto session = NewSession();
    std::mt19937_64 random(seed_);
    while (!done) {
      const std::string from = std::to_string(random() % kDocuments);
      const std::string to = std::to_string(random() % kDocuments);
      ASSERT_TRUE(session->Begin(TransactionIsolation::kSnapshot).ok());
      Run(*session, R"({"update": "c", "updates": [{"q": {"_id": )" + from +
                        R"(}, "u": {"$inc": {"v": -3}}}, {"q": {"_id": )" + to +
                        R"(}, "u": {"$inc": {"v": 3}}}]})");
      ASSERT_TRUE(session->Commit().ok());
    }
  });
  for (int i = 0; i < 30; ++i) {
    EXPECT_EQ(Aggregate(R"({"$group": {"_id": null, "v": {"$sum": "$v"}, "n": {"$sum": 1}}})"),
              R"([{"_id":null,"v":240000,"n":24000}])");
  }
  done = true;
  writer.join();
}

TEST_F(Divided, ASlowOneIsLoggedOnceWithAllThatWasRead) {
  config_ = R"({"ttl_sweep": "1h", "slow_query": "1ms"})";
  Reopen();
  host_->TakeLog();
  Run(R"({"count": "c", "query": {"a": {"$gt": 5}}})");
  int lines = 0;
  for (const testkit::LogLine& line : host_->TakeLog()) {
    if (line.text.find("slow query on test.c") == std::string::npos) continue;
    ++lines;
    EXPECT_NE(line.text.find("24000 documents examined"), std::string::npos) << line.text;
  }
  EXPECT_EQ(lines, 1);
}

TEST_F(Divided, OneThreadIsOneThread) {
  config_ = R"({"ttl_sweep": "1h", "query_threads": 1})";
  Reopen();
  EXPECT_EQ(ThreadsOf([&] { Run(R"({"count": "c", "query": {"k": 1}})"); }), 0);
}

TEST_F(Divided, ASmallCollectionIsReadByOneThread) {
  Run(R"({"delete": "c", "deletes": [{"q": {"_id": {"$gte": 19999}}, "limit": 0}]})");
  EXPECT_EQ(ThreadsOf([&] { Run(R"({"count": "c", "query": {"k": 1}})"); }), 0);
}

}  // namespace
}  // namespace nexadb::database
