#include "plugins/api-rest/moments.h"

#include <gtest/gtest.h>

#include "core/document/error.h"
#include "core/document/json.h"
#include "plugins/api-rest/members.h"

namespace nexadb::rest {
namespace {

std::string Bson(std::string_view json) {
  auto bytes = JsonToBson(json);
  EXPECT_TRUE(bytes.ok()) << json;
  return bytes.ok() ? *bytes : std::string();
}

// The filter as it is after its moments were read, or the pointer of the refusal.
std::string Read(std::string_view json, NotADate otherwise = NotADate::kRefused) {
  const std::string filter = Bson(json);
  auto read = ReadMoments(AsDocument(filter), otherwise);
  if (read.ok()) return BsonToJson(AsDocument(*read), JsonMode::kRelaxed);
  EXPECT_TRUE(Is(read.status(), ErrorId::kBadValue));
  return std::string(bson::Document(read.status().detail())["pointer"].value().Text());
}

std::string Same(std::string_view json) {
  return BsonToJson(AsDocument(Bson(json)), JsonMode::kRelaxed);
}

TEST(MomentsTest, TextComparedWithATimestampIsADate) {
  EXPECT_EQ(
      Read(R"({"$and":[{"_created_at":{"$gte":"2026-01-01T00:00:00Z",)"
           R"("$in":["2026-01-02T00:00:00Z"]}}],"_updated_at":"2026-01-03T00:00:00.5Z",)"
           R"("name":"2026-01-01T00:00:00Z","x":{"_created_at":"soon"}})"),
      Same(R"({"$and":[{"_created_at":{"$gte":{"$date":"2026-01-01T00:00:00Z"},)"
           R"("$in":[{"$date":"2026-01-02T00:00:00Z"}]}}],)"
           R"("_updated_at":{"$date":"2026-01-03T00:00:00.500Z"},)"
           R"("name":"2026-01-01T00:00:00Z","x":{"_created_at":"soon"}})"));
}

TEST(MomentsTest, ADateAloneIsItsMidnight) {
  EXPECT_EQ(Read(R"({"_created_at":{"$not":{"$lt":"2026-02-01"}}})"),
            Same(R"({"_created_at":{"$not":{"$lt":{"$date":"2026-02-01T00:00:00Z"}}}})"));
}

TEST(MomentsTest, TextThatIsNoDateIsRefusedWhereItStands) {
  EXPECT_EQ(Read(R"({"_created_at":"yesterday"})"), "/_created_at");
  EXPECT_EQ(Read(R"({"$or":[{"a":1},{"_updated_at":{"$in":["2026-13-01"]}}]})"),
            "/$or/1/_updated_at/$in/0");
  EXPECT_EQ(Read(R"({"_created_at":""})"), "/_created_at");
}

TEST(MomentsTest, OtherOperatorsKeepTheirText) {
  for (const std::string_view filter :
       {R"({"_created_at":{"$type":"date"}})", R"({"_created_at":{"$exists":true}})",
        R"({"_created_at":null})", R"({"_created_at":{"$regex":"^2026"}})"}) {
    EXPECT_EQ(Read(filter), Same(filter));
  }
}

TEST(MomentsTest, ExpressionsCompareDatesToo) {
  EXPECT_EQ(Read(R"({"$expr":{"$and":[{"$gte":["$_created_at","2026-01-01"]},)"
                 R"({"$eq":["$name","2026-01-01"]},{"$lt":["$_created_at","$_updated_at"]}]}})"),
            Same(R"({"$expr":{"$and":[{"$gte":["$_created_at",{"$date":"2026-01-01T00:00:00Z"}]},)"
                 R"({"$eq":["$name","2026-01-01"]},{"$lt":["$_created_at","$_updated_at"]}]}})"));
  EXPECT_EQ(Read(R"({"$expr":{"$gte":["$_created_at","soon"]}})"), "/$expr/$gte/1");
}

TEST(MomentsTest, APipelineKeepsWhatIsNoDate) {
  EXPECT_EQ(Read(R"({"$match":{"_created_at":"2026"}})", NotADate::kKept),
            Same(R"({"$match":{"_created_at":"2026"}})"));
  EXPECT_EQ(Read(R"({"$match":{"_created_at":"2026-01-01"}})", NotADate::kKept),
            Same(R"({"$match":{"_created_at":{"$date":"2026-01-01T00:00:00Z"}}})"));
}

}  // namespace
}  // namespace nexadb::rest
