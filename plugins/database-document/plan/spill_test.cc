// Laws of queries that outgrow their memory, on the plugin as a whole.
#include <fstream>

#include "plugins/database-document/testing/fixture.h"

namespace nexadb::database {
namespace {

constexpr int32_t kDocuments = 4000;
constexpr int32_t kMemoryLimitCode = 146;

class SpillTest : public DatabaseFixture {
 protected:
  void SetUp() override {
    config_ = R"({"ttl_sweep": "1h", "query_memory": "64KiB"})";
    DatabaseFixture::SetUp();
    std::vector<std::string> documents;
    for (int32_t i = 0; i < kDocuments; ++i) {
      documents.push_back(bson::Builder().Int32("_id", i).Int32("k", i % 2000).Finish());
    }
    const std::vector<BytesView> views = [&] {
      std::vector<BytesView> out;
      for (const std::string& document : documents) out.push_back(AsBytes(document));
      return out;
    }();
    ASSERT_TRUE(database_->Insert(*session_, "test", "c", views, {}).ok());
  }
  std::filesystem::path SpillDirectory() const {
    return directory_ / "database-document" / "spill";
  }
  size_t SpillFiles() const {
    if (!std::filesystem::exists(SpillDirectory())) return 0;
    const std::filesystem::directory_iterator files(SpillDirectory());
    return static_cast<size_t>(std::distance(begin(files), end(files)));
  }
  static std::string Aggregate(const std::string& stages, const std::string& options = "") {
    return R"({"aggregate": "c", "cursor": {}, "pipeline": [)" + stages + "]" + options + "}";
  }
};

constexpr std::string_view kGroups = R"({"$group": {"_id": "$k", "ids": {"$push": "$_id"}}},
    {"$group": {"_id": {"$size": "$ids"}, "n": {"$sum": 1}}})";

TEST_F(SpillTest, GroupsOfAnyNumberAreCounted) {
  EXPECT_EQ(Batch(Aggregate(std::string(kGroups))), R"([{"_id":2,"n":2000}])");
  EXPECT_TRUE(std::filesystem::exists(SpillDirectory()));
  EXPECT_EQ(SpillFiles(), 0u);
}

TEST_F(SpillTest, SortsFacetsAndWindowsGoOn) {
  EXPECT_EQ(Batch(Aggregate(R"({"$sort": {"k": -1, "_id": 1}}, {"$skip": 3999})")),
            R"([{"_id":2000,"k":0}])");
  EXPECT_EQ(Batch(Aggregate(R"({"$facet": {"n": [{"$count": "n"}], "m": [{"$limit": 1}]}})")),
            R"([{"n":[{"n":4000}],"m":[{"_id":0,"k":0}]}])");
  EXPECT_EQ(Batch(Aggregate(R"({"$setWindowFields": {"partitionBy": "$k", "output":
                {"n": {"$count": {}}}}}, {"$match": {"n": 2}}, {"$count": "documents"})")),
            R"([{"documents":4000}])");
  EXPECT_EQ(SpillFiles(), 0u);
}

// What a batch of documents is joined with is many times the query's memory; what each is joined
// with fits.
TEST_F(SpillTest, LookupsOfMoreThanMemoryGoOn) {
  constexpr int32_t kWide = 400;
  std::string documents;
  for (int32_t i = 0; i < kWide; ++i) {
    documents += (i == 0 ? "" : ", ") + std::string(R"({"_id": )") + std::to_string(i) +
                 R"(, "of": )" + std::to_string(i % 100) + R"(, "pad": ")" +
                 std::string(2000, 'x') + "\"}";
  }
  ASSERT_EQ(CodeOf(R"({"insert": "wide", "documents": [)" + documents + "]}"), 0);
  const std::string join = R"({"$match": {"_id": {"$lt": 200}}}, {"$lookup": {"from": "wide",
      "localField": "_id", "foreignField": "of", "as": "w"}},)";
  const std::string sizes = R"({"$group": {"_id": {"$size": "$w"}, "n": {"$sum": 1}}},
                               {"$sort": {"_id": 1}})";
  EXPECT_EQ(Batch(Aggregate(join + sizes)), R"([{"_id":0,"n":100},{"_id":4,"n":100}])");
  EXPECT_EQ(Batch(Aggregate(R"({"$match": {"_id": {"$lt": 200}}}, {"$lookup": {"from": "wide",
                "let": {"id": "$_id"}, "as": "w",
                "pipeline": [{"$match": {"$expr": {"$eq": ["$of", "$$id"]}}}]}},)" +
                            sizes)),
            R"([{"_id":0,"n":100},{"_id":4,"n":100}])");
  EXPECT_EQ(Batch(Aggregate(join + R"({"$unwind": "$w"}, {"$sort": {"w.pad": 1, "w._id": -1}},
                {"$limit": 1}, {"$project": {"w._id": 1}})")),
            R"([{"_id":99,"w":{"_id":399}}])");
  // All of it in one document does not fit, and says so.
  EXPECT_EQ(CodeOf(Aggregate(R"({"$limit": 1}, {"$lookup": {"from": "wide", "pipeline": [],
                "as": "w"}})")),
            kMemoryLimitCode);
}

TEST_F(SpillTest, WithoutDiskUseTheMemoryIsTheLimit) {
  EXPECT_EQ(CodeOf(Aggregate(std::string(kGroups), R"(, "allowDiskUse": false)")),
            kMemoryLimitCode);
  EXPECT_EQ(CodeOf(R"({"find": "c", "sort": {"k": 1}, "allowDiskUse": false})"), kMemoryLimitCode);
  EXPECT_EQ(CodeOf(R"({"find": "c", "sort": {"k": 1}, "allowDiskUse": true})"), 0);
}

TEST_F(SpillTest, TheNextStartRemovesWhatAKilledProcessLeft) {
  std::filesystem::create_directories(SpillDirectory());
  std::ofstream(SpillDirectory() / "0123456789abcdef") << "left behind";
  ASSERT_EQ(SpillFiles(), 1u);
  Reopen();
  EXPECT_EQ(SpillFiles(), 0u);
}

TEST_F(SpillTest, AbandonedCursorsLeaveNoFiles) {
  const std::string command = Bson(Aggregate(R"({"$sort": {"k": 1}})"));
  auto cursor = database_->Query(*session_, "test", AsBytes(command), {});
  ASSERT_TRUE(cursor.ok());
  std::vector<BytesView> batch(10);
  ASSERT_TRUE((*cursor)->Next(batch).ok());
  EXPECT_GT(SpillFiles(), 0u);
  cursor->Reset();
  EXPECT_EQ(SpillFiles(), 0u);
}

}  // namespace
}  // namespace nexadb::database
