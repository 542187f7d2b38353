#include "plugins/api-rest/api.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <thread>

#include "core/document/error.h"
#include "core/document/json.h"
#include "plugins/api-rest/members.h"
#include "plugins/api-rest/routes.h"
#include "plugins/api-rest/testing/fakes.h"

namespace nexadb::rest {
namespace {

using testing::Answer;
using testing::Bench;

// Reads a JSON answer; the document lives in the string.
class Json {
 public:
  explicit Json(const Answer& answer) {
    Result<std::string> read = JsonToBson(answer.body, kEnvelopeJson);
    EXPECT_TRUE(read.ok()) << answer.body.substr(0, 500);
    if (read.ok()) bson_ = std::move(*read);
  }
  bson::Value operator[](std::string_view name) const { return AsDocument(bson_)[name].value(); }
  std::string Text(std::string_view name) const {
    const bson::Value value = (*this)[name];
    return value.type() == bson::Type::kString ? std::string(value.Text()) : "";
  }
  int64_t Int(std::string_view name) const { return IntegerOf(AsDocument(bson_), name); }

 private:
  std::string bson_;
};

constexpr std::string_view kDocument = "/collections/{name}/{id}";
constexpr std::string_view kCollection = "/collections/{name}";

TEST(ApiTest, EveryRowIsMountedUnderItsPrefixes) {
  Bench bench;
  size_t expected = 0;
  for (const RouteSpec& route : Routes()) expected += route.scope == Scope::kDatabase ? 4 : 2;
  EXPECT_EQ(bench.router.routes.size(), expected);
}

TEST(ApiTest, AGetFromMemoryStaysOnItsThread) {
  Bench bench;
  bench.database.documents = 3;
  const Answer answer = bench.Send("GET", kDocument, {"users", "1"});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.headers.at("ETag"), "\"00000000000000000001\"");
  EXPECT_EQ(Json(answer).Text("status"), "success");
  EXPECT_EQ(bench.router.moved, 0);
}

TEST(ApiTest, AGetThatWouldBlockMovesToThePool) {
  Bench bench;
  bench.database.documents = 3;
  bench.database.would_block = true;
  EXPECT_EQ(bench.Send("GET", kDocument, {"users", "1"}).status, 200);
  EXPECT_EQ(bench.router.moved, 1);
}

TEST(ApiTest, AnInsertThatNeedsNoWaitStaysOnItsThread) {
  Bench bench;
  EXPECT_EQ(bench.Send("POST", kCollection, {"users"}, "", R"({"_id": "a"})").status, 201);
  EXPECT_EQ(bench.router.moved, 0);
  EXPECT_EQ(bench.database.tries, 1);
}

TEST(ApiTest, AnInsertThatWouldWaitMovesToThePoolAndIsDoneOnce) {
  Bench bench;
  bench.database.would_block = true;
  EXPECT_EQ(bench.Send("POST", kCollection, {"users"}, "", R"({"_id": "a"})").status, 201);
  EXPECT_EQ(bench.router.moved, 1);
  EXPECT_EQ(bench.database.documents, 1);
}

TEST(ApiTest, AChangeThatNeedsNoWaitStaysOnItsThread) {
  Bench bench;
  bench.database.documents = 3;
  EXPECT_EQ(bench.Send("PUT", kDocument, {"users", "1"}, "", R"({"a": 1})").status, 200);
  EXPECT_EQ(bench.Send("PATCH", kDocument, {"users", "1"}, "", R"({"a": 1})").status, 200);
  EXPECT_EQ(bench.router.moved, 0);
  EXPECT_EQ(bench.database.tries, 2);
}

TEST(ApiTest, AChangeThatWouldWaitMovesToThePool) {
  Bench bench;
  bench.database.documents = 3;
  bench.database.would_block = true;
  EXPECT_EQ(bench.Send("PUT", kDocument, {"users", "1"}, "", R"({"a": 1})").status, 200);
  EXPECT_EQ(bench.Send("PATCH", kDocument, {"users", "1"}, "", R"({"a": 1})").status, 200);
  EXPECT_EQ(bench.router.moved, 2);
}

TEST(ApiTest, ALargeBodyIsReadOnThePool) {
  Bench bench;
  const std::string body = R"({"a": ")" + std::string(17 * 1024, 'x') + R"("})";
  EXPECT_EQ(bench.Send("POST", kCollection, {"users"}, "", body).status, 201);
  EXPECT_EQ(bench.router.moved, 1);
  EXPECT_EQ(bench.database.tries, 0);
}

TEST(ApiTest, WhatAlwaysWaitsIsSeldomTriedAndNoticedWhenItNoLongerDoes) {
  Bench bench;
  bench.database.would_block = true;
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(bench.Send("POST", kCollection, {"users"}, "", R"({"a": 1})").status, 201);
  }
  EXPECT_EQ(bench.router.moved, 200);
  EXPECT_EQ(bench.database.tries, 8 + (200 - 8) / 64);
  bench.database.would_block = false;
  for (int i = 0; i < 64; ++i) bench.Send("POST", kCollection, {"users"}, "", R"({"a": 1})");
  bench.router.moved = 0;
  EXPECT_EQ(bench.Send("POST", kCollection, {"users"}, "", R"({"a": 1})").status, 201);
  EXPECT_EQ(bench.router.moved, 0);
}

TEST(ApiTest, AMissingDocumentReadsAsTheOriginalSaidIt) {
  Bench bench;
  const Answer answer = bench.Send("GET", kDocument, {"users", "nope"});
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.headers.at("Content-Type"), "application/problem+json");
  EXPECT_EQ(Json(answer).Text("error"), "Document not found");
  EXPECT_EQ(Json(answer).Text("code"), "document_not_found");
}

TEST(ApiTest, AKnownVersionIsNotSentAgain) {
  Bench bench;
  bench.database.documents = 3;
  const Answer answer =
      bench.Send("GET", kDocument, {"users", "1"}, "", "",
                 {{"X-API-Key", "ada"}, {"If-None-Match", "\"00000000000000000001\""}});
  EXPECT_EQ(answer.status, 304);
  EXPECT_TRUE(answer.body.empty());
}

TEST(ApiTest, WithoutAKeyNothingIsRead) {
  Bench bench;
  EXPECT_EQ(bench.Send("GET", kDocument, {"users", "1"}, "", "", {}).status, 401);
  const Answer wrong =
      bench.Send("GET", kDocument, {"users", "1"}, "", "", {{"X-API-Key", "wrong"}});
  EXPECT_EQ(wrong.status, 401);
  EXPECT_EQ(Json(wrong).Text("code"), "invalid_key");
  EXPECT_EQ(wrong.headers.count("WWW-Authenticate"), 1u);
}

TEST(ApiTest, ABearerTokenIsAKeyAndAnEmptyKeyIsNone) {
  Bench bench;
  bench.database.documents = 2;
  const Answer answer = bench.Send("GET", kDocument, {"users", "1"}, "", "",
                                   {{"X-API-Key", ""}, {"Authorization", "bearer  ada"}});
  EXPECT_EQ(answer.status, 200);
}

TEST(ApiTest, OfTwoKeysNeitherIsTaken) {
  Bench bench;
  bench.database.documents = 2;
  const Answer answer = bench.Send("GET", kDocument, {"users", "1"}, "", "",
                                   {{"X-API-Key", "ada"}, {"Authorization", "Bearer root"}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(Json(answer).Text("code"), "ambiguous_credentials");
  EXPECT_EQ(bench.auth.calls, 0);
}

TEST(ApiTest, KeylessRoutesDoNotLookAtKeys) {
  Bench bench;
  EXPECT_EQ(bench.Send("GET", "/healthz", {}, "", "", {{"X-API-Key", "wrong"}}).status, 200);
  EXPECT_EQ(bench.auth.calls, 0);
  EXPECT_EQ(bench.Send("GET", "/status", {}, "", "", {{"X-API-Key", "wrong"}}).status, 200);
}

TEST(ApiTest, AdministrationNeedsAnAdministrator) {
  Bench bench;
  EXPECT_EQ(bench.Send("GET", "/plugins", {}).status, 403);
  EXPECT_EQ(bench.Send("GET", "/plugins", {}, "", "", {{"X-API-Key", "root"}}).status, 200);
  EXPECT_EQ(bench.Send("GET", "/metrics", {}, "", "", {}).status, 401);
  EXPECT_EQ(bench.Send("GET", "/metrics", {}).status, 403);
  EXPECT_EQ(bench.Send("GET", "/metrics", {}, "", "", {{"X-API-Key", "root"}}).status, 200);
}

TEST(ApiTest, StatusShowsMoreToAKey) {
  Bench bench;
  const Answer without = bench.Send("GET", "/status", {}, "", "", {});
  EXPECT_EQ(Json(without).Text("status"), "ok");
  EXPECT_EQ(Json(without).Text("database"), "NexaDB");
  EXPECT_FALSE(Json(without)["limits"]);
  EXPECT_TRUE(Json(bench.Send("GET", "/status", {}))["limits"]);
}

TEST(ApiTest, ReadinessFollowsTheKernel) {
  Bench bench;
  EXPECT_EQ(bench.Send("GET", "/readyz", {}).status, 200);
  bench.kernel.state = "draining";
  const Answer draining = bench.Send("GET", "/readyz", {});
  EXPECT_EQ(draining.status, 503);
  EXPECT_EQ(draining.headers.count("Retry-After"), 1u);
}

TEST(ApiTest, AnUnknownParameterIsNamedWithASuggestion) {
  Bench bench;
  const Answer answer = bench.Send("GET", kCollection, {"users"}, "limt=3");
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(Json(answer).Text("code"), "unknown_parameter");
  EXPECT_NE(Json(answer).Text("detail").find("'limit'"), std::string::npos);
}

TEST(ApiTest, PagesFollowOneAnotherToTheLast) {
  for (const bool keyset : {true, false}) {
    Bench bench;
    bench.database.documents = 25;
    bench.database.keyset = keyset;
    int64_t seen = 0;
    std::string cursor;
    for (int page = 0; page < 3; ++page) {
      const Answer answer = bench.Send("GET", kCollection, {"users"}, "limit=10" + cursor);
      ASSERT_EQ(answer.status, 200) << answer.body;
      const Json json(answer);
      for (const bson::Element& document : json["documents"].Doc()) {
        EXPECT_EQ(IntegerOf(document.value().Doc(), "n"), seen++);
      }
      EXPECT_EQ(json.Int("count"), page < 2 ? 10 : 5);
      EXPECT_EQ(json["next_cursor"].type() == bson::Type::kNull, page == 2);
      cursor = "&cursor=" + json.Text("next_cursor");
    }
    EXPECT_EQ(seen, 25);
  }
}

TEST(ApiTest, APageThatEndsWithTheCollectionIsTheLast) {
  Bench bench;
  bench.database.documents = 10;
  const Json json(bench.Send("GET", kCollection, {"users"}, "limit=10"));
  EXPECT_EQ(json.Int("count"), 10);
  EXPECT_EQ(json["next_cursor"].type(), bson::Type::kNull);
}

TEST(ApiTest, AnotherQuerysCursorIsRefused) {
  Bench bench;
  bench.database.documents = 10;
  const Json first(bench.Send("GET", kCollection, {"users"}, "limit=5"));
  const Answer other = bench.Send("GET", kCollection, {"users"},
                                  "limit=5&sort=-n&cursor=" + first.Text("next_cursor"));
  EXPECT_EQ(other.status, 400);
  EXPECT_EQ(Json(other).Text("code"), "cursor_mismatch");
}

TEST(ApiTest, AHugeAnswerLeavesInSmallChunks) {
  Bench bench;
  bench.database.documents = 50'000;
  const Answer answer = bench.Send("GET", kCollection, {"users"}, "limit=999999");
  EXPECT_TRUE(answer.begun);
  EXPECT_TRUE(answer.finished);
  EXPECT_GT(answer.chunks, 10);
  EXPECT_LT(answer.chunk_max, 300u * 1024);
  EXPECT_EQ(Json(answer).Int("count"), 50'000);
}

TEST(ApiTest, AnEarlyFailureIsAProblemAndALateOneCutsTheAnswerOff) {
  Bench bench;
  bench.database.documents = 50'000;
  bench.database.fail_after = 10;
  EXPECT_EQ(bench.Send("GET", kCollection, {"users"}, "limit=999999").status, 503);
  bench.database.fail_after = 40'000;
  const Answer late = bench.Send("GET", kCollection, {"users"}, "limit=999999");
  EXPECT_EQ(late.status, 200);
  EXPECT_TRUE(late.begun);
  EXPECT_FALSE(late.finished);
}

TEST(ApiTest, WhatIsTheServersOwnFaultIsLoggedUnderTheRequestsId) {
  Bench bench;
  bench.database.documents = 50'000;
  bench.database.fail_after = 10;
  EXPECT_EQ(bench.Send("GET", kCollection, {"users"}).status, 503);
  EXPECT_EQ(bench.Send("POST", kCollection, {"users"}, "", "{").status, 400);
  EXPECT_TRUE(bench.log.lines.empty());
  bench.database.failure = ErrorId::kCorruption;
  for (const auto& [fail_after, limit] : {std::pair{10, "20"}, std::pair{40'000, "999999"}}) {
    bench.database.fail_after = fail_after;
    bench.log.lines.clear();
    const Answer answer = bench.Send("GET", kCollection, {"users"}, std::string("limit=") + limit);
    EXPECT_EQ(answer.status, answer.begun ? 200 : 500);
    ASSERT_EQ(bench.log.lines.size(), 1u);
    EXPECT_EQ(bench.log.lines[0],
              "a request failed code=corruption detail=the disk is gone request_id=r1 method=GET "
              "path=/collections/{name}");
  }
}

TEST(ApiTest, LinesEndWithWhatBecameOfThem) {
  Bench bench;
  bench.database.documents = 3;
  const std::map<std::string, std::string> headers = {{"X-API-Key", "ada"},
                                                      {"Accept", "application/x-ndjson"}};
  const Answer answer = bench.Send("POST", "/collections/{name}/query", {"users"}, "", "", headers);
  EXPECT_EQ(answer.headers.at("Content-Type"), "application/x-ndjson");
  EXPECT_EQ(std::count(answer.body.begin(), answer.body.end(), '\n'), 4);
  const size_t end = answer.body.find("{\"$end\"");
  ASSERT_NE(end, std::string::npos);
  EXPECT_NE(answer.body.find("\"count\":3", end), std::string::npos) << answer.body.substr(end);
  bench.database.documents = 50'000;
  bench.database.fail_after = 40'000;
  const Answer cut = bench.Send("POST", "/collections/{name}/query", {"users"}, "",
                                R"({"limit": 999999})", headers);
  EXPECT_FALSE(cut.finished);
  EXPECT_NE(cut.body.find("\"ok\":false"), std::string::npos);
}

TEST(ApiTest, AnInsertSaysWhereTheDocumentIs) {
  Bench bench;
  const Answer answer = bench.Send("POST", kCollection, {"users"}, "", R"({"_id": "a b"})");
  EXPECT_EQ(answer.status, 201);
  EXPECT_EQ(Json(answer).Text("document_id"), "a b");
  EXPECT_EQ(Json(answer).Text("message"), "Document inserted");
  EXPECT_TRUE(answer.headers.at("Location").ends_with("/a%20b"));
}

TEST(ApiTest, ATakenIdIsAConflict) {
  Bench bench;
  const Answer answer = bench.Send("POST", kCollection, {"users"}, "", R"({"_id": "taken"})");
  EXPECT_EQ(answer.status, 409);
  EXPECT_EQ(Json(answer).Text("code"), "duplicate_key");
}

TEST(ApiTest, IdsOfTheServersKindAreRefused) {
  Bench bench;
  EXPECT_EQ(bench.Send("POST", kCollection, {"users"}, "", R"({"_id": "_x"})").status, 400);
  EXPECT_EQ(bench.Send("GET", kDocument, {"users", "_x"}).status, 400);
  EXPECT_EQ(bench.Send("GET", kDocument, {"users", std::string(513, 'x')}).status, 400);
}

TEST(ApiTest, PutReplacesOrCreatesOnlyWhenAsked) {
  Bench bench;
  bench.database.documents = 1;
  EXPECT_EQ(bench.Send("PUT", kDocument, {"users", "0"}, "", "{}").status, 200);
  EXPECT_EQ(bench.Send("PUT", kDocument, {"users", "9"}, "", "{}").status, 404);
  EXPECT_EQ(bench.Send("PUT", kDocument, {"users", "9"}, "mode=replace&upsert=true", "{}").status,
            201);
  EXPECT_EQ(bench.Send("PUT", kDocument, {"users", "0"}, "mode=replace&upsert=true", "{}").status,
            200);
  EXPECT_EQ(bench.Send("PUT", kDocument, {"users", "0"}, "upsert=true", "{}").status, 400);
  EXPECT_EQ(bench.Send("PUT", kDocument, {"users", "0"}, "", R"({"$set":{"a":1}})").status, 400);
  EXPECT_EQ(bench
                .Send("PUT", kDocument, {"users", "0"}, "", "{}",
                      {{"X-API-Key", "ada"}, {"If-None-Match", "*"}})
                .status,
            412);
  EXPECT_EQ(bench
                .Send("PUT", kDocument, {"users", "0"}, "", "{}",
                      {{"X-API-Key", "ada"}, {"If-Match", "\"00000000000000000002\""}})
                .status,
            412);
}

TEST(ApiTest, APatchIsEitherOperatorsOrFields) {
  Bench bench;
  bench.database.documents = 1;
  EXPECT_EQ(bench.Send("PATCH", kDocument, {"users", "0"}, "", R"({"$set":{"a":1}})").status, 200);
  const Answer mixed =
      bench.Send("PATCH", kDocument, {"users", "0"}, "", R"({"$set":{"a":1},"b":2})");
  EXPECT_EQ(mixed.status, 400);
  EXPECT_EQ(Json(mixed).Text("code"), "mixed_update");
}

TEST(ApiTest, ABulkReportsEachFailureByItsIndex) {
  Bench bench;
  const std::string body =
      R"({"documents":[{"_id":"a"},{"_id":"taken"},{"_id":"_x"},3,{"_id":"b"}]})";
  const Answer unordered =
      bench.Send("POST", "/collections/{name}/bulk", {"users"}, "ordered=false", body);
  EXPECT_EQ(unordered.status, 207);
  const Json json(unordered);
  EXPECT_EQ(json.Int("count"), 2);
  std::vector<int64_t> failed;
  for (const bson::Element& error : json["errors"].Doc()) {
    failed.push_back(IntegerOf(error.value().Doc(), "index"));
  }
  std::sort(failed.begin(), failed.end());
  EXPECT_EQ(failed, (std::vector<int64_t>{1, 2, 3}));
  const Json ordered(bench.Send("POST", "/collections/{name}/bulk", {"users"}, "", body));
  EXPECT_EQ(ordered.Int("count"), 1);
  EXPECT_EQ(ordered["errors"].Doc().CountElements(), 1u);
}

TEST(ApiTest, ABulkTakesLinesAndArrays) {
  Bench bench;
  const Answer array =
      bench.Send("POST", "/collections/{name}/bulk", {"users"}, "", R"([{"_id":"a"},{"_id":"b"}])");
  EXPECT_EQ(array.status, 201);
  EXPECT_EQ(Json(array).Text("message"), "Inserted 2 documents");
  const Answer lines = bench.Send(
      "POST", "/collections/{name}/bulk", {"users"}, "", "{\"_id\":\"c\"}\n{\"_id\":\"d\"}\n",
      {{"X-API-Key", "ada"}, {"Content-Type", "application/x-ndjson; charset=utf-8"}});
  EXPECT_EQ(Json(lines).Int("count"), 2);
}

TEST(ApiTest, AnAtomicBulkFailsAsAWhole) {
  Bench bench;
  const Answer answer = bench.Send("POST", "/collections/{name}/bulk", {"users"}, "atomic=true",
                                   R"({"documents":[{"_id":"a"},{"_id":"taken"}]})");
  EXPECT_EQ(answer.status, 409);
  EXPECT_EQ(Json(answer).Int("index"), 1);
}

TEST(ApiTest, ImportsReadTheBodyAsItComes) {
  Bench bench;
  const auto import = [&](std::string type, std::string body) {
    return bench.Send("POST", "/collections/{name}/_import", {"users"}, "", std::move(body),
                      {{"X-API-Key", "ada"}, {"Content-Type", std::move(type)}});
  };
  EXPECT_EQ(
      Json(import("application/x-ndjson", "{\"_id\":\"a\"}\n{\"_id\":\"b\"}")).Int("inserted"), 2);
  EXPECT_EQ(Json(import("application/json", "[{\"_id\":\"a\"}, {\"_id\":\"b\"}]")).Int("inserted"),
            2);
  EXPECT_EQ(Json(import("text/csv", "_id,n\na,1\nb,\"x,y\"\n")).Int("inserted"), 2);
  const Answer partial = import("text/csv", "_id\na\ntaken\nb\n");
  EXPECT_EQ(partial.status, 207);
  EXPECT_EQ(Json(partial).Int("inserted"), 2);
  const Answer bad = import("application/x-ndjson", "{\"_id\":\"a\"}\n{\"_id\":");
  EXPECT_EQ(bad.status, 400);
  EXPECT_EQ(Json(bad).Int("inserted"), 1);
}

TEST(ApiTest, AFailedCommandIsAReply) {
  Bench bench;
  const Answer answer =
      bench.Send("POST", "/db/{db}/command", {"shop"}, "ejson=canonical", R"({"fail": 1})");
  EXPECT_EQ(answer.status, 200);
  EXPECT_NE(answer.body.find("\"$numberDouble\""), std::string::npos) << answer.body;
  const Json json(answer);
  EXPECT_EQ(json["ok"].type(), bson::Type::kDouble);
  EXPECT_EQ(json.Int("code"), 14);
  EXPECT_EQ(json.Text("codeName"), "TypeMismatch");
  EXPECT_EQ(bench.Send("POST", "/db/{db}/command", {"shop"}, "", "{\"ping\":").status, 400);
}

TEST(ApiTest, AnEmptyFilterDeletesOnlyOnRequest) {
  Bench bench;
  const Answer refused = bench.Send("POST", "/collections/{name}/_delete", {"users"}, "", "{}");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(Json(refused).Text("code"), "empty_filter");
  EXPECT_EQ(
      bench.Send("POST", "/collections/{name}/_delete", {"users"}, "", R"({"all":true})").status,
      200);
}

TEST(ApiTest, ATransactionIsOneCallersAndOneRequestsAtATime) {
  Bench bench;
  bench.database.documents = 2;
  const Answer begun = bench.Send("POST", "/transactions/begin", {});
  ASSERT_EQ(begun.status, 201);
  const std::string id = Json(begun).Text("id");
  EXPECT_EQ(bench.database.sessions, 1);
  const auto get = [&](std::string key) {
    return bench.Send("GET", kDocument, {"users", "1"}, "", "",
                      {{"X-API-Key", std::move(key)}, {"X-Transaction-Id", id}});
  };
  EXPECT_EQ(get("ada").status, 200);
  EXPECT_EQ(get("eve").status, 404);
  testing::FakePrincipal ada("ada");
  {
    Result<TransactionLease> held = bench.api->transactions.Acquire(id, ada);
    ASSERT_TRUE(held.ok());
    EXPECT_EQ(get("ada").status, 409);
  }
  EXPECT_EQ(get("ada").status, 200);
  EXPECT_EQ(bench.Send("POST", "/transactions/{id}/commit", {id}).status, 200);
  EXPECT_EQ(get("ada").status, 410);
  EXPECT_EQ(bench.database.sessions, 0);
}

TEST(ApiTest, ARequestThatComesAMomentEarlyWaitsForTheOneBefore) {
  Bench bench;
  const std::string id = Json(bench.Send("POST", "/transactions/begin", {})).Text("id");
  testing::FakePrincipal ada("ada");
  std::thread first;
  {
    auto held =
        std::make_shared<Result<TransactionLease>>(bench.api->transactions.Acquire(id, ada));
    ASSERT_TRUE(held->ok());
    first = std::thread([held = std::move(held)]() mutable { held.reset(); });
  }
  EXPECT_TRUE(bench.api->transactions.Acquire(id, ada).ok());
  first.join();
}

TEST(ApiTest, AnIdleTransactionIsRolledBackByTheTimer) {
  Bench bench;
  const Json begun(bench.Send("POST", "/transactions/begin", {}));
  ASSERT_EQ(bench.executor.tasks.size(), 1u);
  bench.clock.now_ns += 59'000'000'000;
  bench.executor.Fire();
  EXPECT_EQ(bench.database.sessions, 1);
  bench.clock.now_ns += 1'000'000'000;
  bench.executor.Fire();
  EXPECT_EQ(bench.database.sessions, 0);
  EXPECT_TRUE(bench.executor.tasks.empty()) << "nothing is open: no timer";
  const Answer late = bench.Send("POST", "/transactions/{id}/commit", {begun.Text("id")});
  EXPECT_EQ(late.status, 410);
  EXPECT_EQ(Json(late).Text("code"), "transaction_expired");
}

TEST(ApiTest, ATransactionInOneRequestAnswersEachOperation) {
  Bench bench;
  bench.database.documents = 2;
  const Answer answer = bench.Send(
      "POST", "/transactions", {}, "",
      R"({"operations":[{"method":"POST","path":"/collections/users","body":{"_id":"x"}},)"
      R"({"method":"GET","path":"/v1/collections/users/1"},)"
      R"({"method":"POST","path":"/db/shop/collections/o/_count"}]})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  std::vector<int64_t> statuses;
  const Json json(answer);
  for (const bson::Element& result : json["results"].Doc()) {
    statuses.push_back(IntegerOf(result.value().Doc(), "status"));
  }
  EXPECT_EQ(statuses, (std::vector<int64_t>{201, 200, 200}));
}

TEST(ApiTest, ATransactionInOneRequestNamesWhatFailed) {
  Bench bench;
  bench.database.documents = 2;
  const Answer answer = bench.Send("POST", "/transactions", {}, "",
                                   R"({"operations":[{"method":"GET","path":"/collections/u/1"},)"
                                   R"({"method":"GET","path":"/collections/u/nope"}]})");
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(Json(answer).Int("failed_operation"), 1);
  const Answer refused =
      bench.Send("POST", "/transactions", {}, "",
                 R"({"operations":[{"method":"DELETE","path":"/collections/users"}]})");
  EXPECT_EQ(refused.status, 422);
}

TEST(ApiTest, TheDocumentationNamesEveryRoute) {
  Bench bench;
  const Json json(bench.Send("GET", "/openapi.json", {}, "", "", {}));
  EXPECT_EQ(json.Text("openapi"), "3.1.0");
  for (const RouteSpec& route : Routes()) {
    std::string method;
    for (const char c : route.method) method.push_back(static_cast<char>(c - 'A' + 'a'));
    const bson::Document path = json["paths"].Doc()[route.pattern].value().Doc();
    EXPECT_TRUE(path[method]) << route.method << " " << route.pattern;
  }
}

TEST(ApiTest, EveryErrorHasAPage) {
  Bench bench;
  for (const ErrorInfo& info : kErrors) {
    const Answer answer = bench.Send("GET", "/errors/{code}", {std::string(info.name)});
    EXPECT_EQ(answer.status, 200) << info.name;
  }
  EXPECT_EQ(bench.Send("GET", "/errors/{code}", {"duplicate_kye"}).status, 404);
}

}  // namespace
}  // namespace nexadb::rest
