#include "core/document/error.h"

#include <gtest/gtest.h>

#include <set>

#include "core/document/json.h"

namespace nexadb {
namespace {

bson::Document Parsed(const std::string& json, std::string& keep) {
  Result<std::string> bson = JsonToBson(json);
  EXPECT_TRUE(bson.ok()) << bson.status().message() << " in " << json;
  keep = *bson;
  return bson::Document(AsBytes(keep));
}

TEST(ErrorTable, NamesAreUniqueAndFound) {
  std::set<std::string_view> names;
  for (const ErrorInfo& row : kErrors) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_EQ(FindError(row.name), &row);
    EXPECT_EQ(&ErrorOf(row.id), &row);
    EXPECT_TRUE(row.status >= 400 && row.status < 600) << row.name;
    EXPECT_FALSE(row.title.empty() || row.help.empty()) << row.name;
    EXPECT_FALSE(MongoCodeName(row.mongodb_code).empty()) << row.name;
  }
  EXPECT_EQ(FindError("no_such_error"), nullptr);
}

TEST(ErrorTable, EveryStatusOfTheContractIsThere) {
  std::set<int> statuses;
  for (const ErrorInfo& row : kErrors) statuses.insert(row.status);
  for (int status : {400, 401, 403, 404, 405, 408, 409, 410, 412, 413, 414,
                     415, 421, 422, 429, 431, 500, 501, 503, 504, 505, 507}) {
    EXPECT_TRUE(statuses.contains(status)) << status;
  }
}

TEST(MakeError, CarriesNumberCodeAndDetail) {
  const Status s = MakeError(ErrorId::kDuplicateKey, "twice",
                             ErrorDetail().Text("collection", "users").Finish());
  EXPECT_EQ(s.code(), Code::kConflict);
  EXPECT_EQ(s.domain(), "nexadb");
  EXPECT_TRUE(Is(s, ErrorId::kDuplicateKey));
  EXPECT_FALSE(Is(s, ErrorId::kDocumentNotFound));
  EXPECT_EQ(ErrorOf(s).status, 409);
  EXPECT_EQ(MongoCode(s), 11000);
  EXPECT_EQ(bson::Document(s.detail())["collection"].value().Text(), "users");
}

TEST(MongoError, KnownAndUnknownCodesHaveNamesAndRows) {
  EXPECT_EQ(MongoCodeName(14), "TypeMismatch");
  EXPECT_EQ(MongoCodeName(16020), "Location16020");
  EXPECT_EQ(MongoCodeName(359), "CannotConvertIndexToUnique");
  EXPECT_EQ(MongoCode(MongoError(16020, "x")), 16020);
  EXPECT_EQ(ErrorOf(MongoError(16020, "x")).id, ErrorId::kInvalidQuery);
  EXPECT_EQ(MongoError(16020, "x").code(), Code::kInvalidArgument);
  EXPECT_EQ(ErrorOf(MongoError(26, "x")).id, ErrorId::kCollectionNotFound);
  EXPECT_EQ(MongoError(26, "x").code(), Code::kNotFound);
  EXPECT_EQ(MongoError(112, "x").code(), Code::kConflict);
  EXPECT_EQ(MongoCode(Status::Ok()), 0);
}

TEST(ErrorOf, ABareCodeHasARowOfTheSameCode) {
  for (uint32_t code = 1; code <= static_cast<uint32_t>(Code::kWouldBlock); ++code) {
    const Status s = Status::Error(static_cast<Code>(code), "bare");
    EXPECT_EQ(ErrorOf(s).code, s.code()) << code;
  }
}

TEST(ErrorOf, AForeignDomainIsShownByItsCode) {
  const Status s = Status::Make(Code::kNotFound, "org.example.plugin", 300, "gone", {});
  EXPECT_EQ(ErrorOf(s).id, ErrorId::kNotFound);
}

TEST(ProblemJson, IsTheContractsBody) {
  const std::string message = "'$gte2' is not an operator. Did you mean '$gte'?";
  const Status s = MakeError(ErrorId::kUnknownOperator, message,
                             ErrorDetail().Text("pointer", "/filter/age/$gte2").Finish());
  EXPECT_EQ(ProblemJson(s, "/collections/users/query", "r1"),
            R"({"error":"'$gte2' is not an operator. Did you mean '$gte'?",)"
            R"("type":"urn:nexadb:error:unknown_operator","title":"Unknown query operator",)"
            R"("status":400,"code":"unknown_operator",)"
            R"("detail":"'$gte2' is not an operator. Did you mean '$gte'?",)"
            R"("instance":"/collections/users/query","request_id":"r1","retryable":false,)"
            R"("errors":[{"pointer":"/filter/age/$gte2","code":"unknown_operator",)"
            R"("detail":"'$gte2' is not an operator. Did you mean '$gte'?"}]})");
}

TEST(ProblemJson, CarriesTheDetailAndSurvivesBytesThatAreNotText) {
  const Status s = MakeError(ErrorId::kVectorDimensionMismatch, "bad \xFF\" text",
                             ErrorDetail().Int32("expected", 3).Int32("got", 4).Finish());
  std::string keep;
  const bson::Document body = Parsed(ProblemJson(s, "/a\"b\x80", "r"), keep);
  EXPECT_EQ(body["expected"].value().Int32(), 3);
  EXPECT_EQ(body["got"].value().Int32(), 4);
  EXPECT_EQ(body["status"].value().Int32(), 422);
  EXPECT_EQ(body["error"].value().Text(), "bad \xEF\xBF\xBD\" text");
  EXPECT_EQ(body["error"].value().Text(), body["detail"].value().Text());
}

TEST(ProblemJson, IgnoresADetailThatIsNotBson) {
  const Status s = MakeError(ErrorId::kBusy, "busy", AsBytes("garbage"));
  std::string keep;
  EXPECT_EQ(Parsed(ProblemJson(s, "/", "r"), keep)["code"].value().Text(), "busy");
}

TEST(AppendErrorItem, HasItsIndex) {
  std::string out;
  AppendErrorItem(out, MakeError(ErrorId::kDuplicateKey, "twice"), 7);
  EXPECT_EQ(out, R"({"index":7,"code":"duplicate_key","status":409,"detail":"twice"})");
}

TEST(LimitError, NamesTheLimit) {
  const Status s = LimitError(ErrorId::kBulkTooLarge, "bulk_operations", 10, 11);
  const bson::Document detail(s.detail());
  EXPECT_EQ(detail["limit"].value().Text(), "bulk_operations");
  EXPECT_EQ(detail["max"].value().Int64(), 10);
  EXPECT_EQ(detail["got"].value().Int64(), 11);
}

}  // namespace
}  // namespace nexadb
