// Laws of answers that come from an index alone: they are the plain scan's, byte for byte, so with
// the same types of numbers and the same order of fields; and entries follow their documents also
// where their keys stay.
#include <algorithm>
#include <atomic>
#include <random>
#include <thread>

#include "nexadb/storage_engine.h"
#include "plugins/database-document/testing/fixture.h"

namespace nexadb::database {
namespace {

// Which random commands are tried; a failure prints it.
constexpr uint64_t kSeed = 20460;
constexpr int kRounds = 30;
constexpr int kQueriesEach = 16;
constexpr int kDocuments = 50;
constexpr const char* kPaths[] = {"a", "b", "c", "d.x", "d.y"};

class CoveredLaws : public DatabaseFixture {
 protected:
  size_t Pick(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }

  std::string Scalar() {
    static constexpr const char* kUsual[] = {"0",
                                             "1",
                                             "2",
                                             "3",
                                             "-1",
                                             "2.5",
                                             "true",
                                             R"("a")",
                                             R"("ab")",
                                             R"("b")",
                                             "5000000000",
                                             R"({"$date": "2020-01-01T00:00:00Z"})",
                                             R"({"$oid": "0123456789abcdef01234567"})"};
    static constexpr const char* kOther[] = {
        R"({"$numberLong": "1"})",
        R"({"$numberLong": "2"})",
        R"({"$numberLong": "9007199254740993"})",
        R"({"$numberDouble": "1.0"})",
        R"({"$numberDouble": "2.0"})",
        R"({"$numberDouble": "-0.0"})",
        R"({"$numberDouble": "0.0"})",
        R"({"$numberDouble": "5000000000"})",
        R"({"$numberDouble": "NaN"})",
        R"({"$numberDouble": "Infinity"})",
        R"({"$numberDecimal": "1"})",
        R"({"$numberDecimal": "1.0"})",
        R"({"$numberDecimal": "2.5"})",
        "null",
        R"({"x": 1})",
        R"({"$regularExpression": {"pattern": "a", "options": ""}})"};
    return Pick(3) != 0 ? kUsual[Pick(std::size(kUsual))] : kOther[Pick(std::size(kOther))];
  }
  std::string Members(std::vector<std::string> names, size_t missing_one_in) {
    std::shuffle(names.begin(), names.end(), random_);
    std::string out;
    for (const std::string& name : names) {
      if (Pick(missing_one_in) == 0) continue;
      out += (out.empty() ? "\"" : ", \"") + name + "\": ";
      if (name == "d" && Pick(6) != 0) {
        out += "{" + Members({"x", "y", "z"}, 6) + "}";
      } else if (arrays_ && Pick(20) == 0) {
        out += "[" + Scalar() + ", " + Scalar() + "]";
      } else {
        out += Scalar();
      }
    }
    return out;
  }
  std::string Document(int id) {
    static constexpr const char* kIds[] = {R"({"$numberLong": "%"})", R"({"$numberDouble": "%.0"})",
                                           R"("%")", R"({"k": %})", R"({"$numberDecimal": "%"})"};
    std::string text = Pick(4) != 0 ? "%" : kIds[Pick(std::size(kIds))];
    text.replace(text.find('%'), 1, std::to_string(id));
    const std::string members = Members({"a", "b", "c", "d", "more"}, 8);
    return R"({"_id": )" + text + (members.empty() ? "}" : ", " + members + "}");
  }
  std::string Index(int number) {
    std::vector<std::string> paths(std::begin(kPaths), std::end(kPaths));
    paths.push_back("_id");
    std::shuffle(paths.begin(), paths.end(), random_);
    paths.resize(1 + Pick(4));
    std::string key;
    for (const std::string& path : paths) {
      key += (key.empty() ? "\"" : ", \"") + path + "\": " + (Pick(2) ? "1" : "-1");
    }
    std::string out = R"({"name": "i)" + std::to_string(number) + R"(", "key": {)" + key + "}";
    const size_t option = Pick(9);
    if (option == 0) out += R"(, "sparse": true)";
    if (option == 1) out += R"(, "partialFilterExpression": {"b": {"$gte": 1}})";
    if (option == 2) out += R"(, "unique": true)";
    if (option == 3) out += R"(, "collation": {"locale": "en", "strength": 2})";
    return out + "}";
  }
  void FillBoth() {
    for (const char* name : {"plain", "indexed"}) Run(R"({"drop": ")" + std::string(name) + "\"}");
    for (int id = 0; id < kDocuments; ++id) {
      if (id % (kDocuments / 4) == 0) {
        for (const int i : {0, 1}) {
          const std::string index = Index(id * 4 / kDocuments * 2 + i);
          Run(R"({"createIndexes": "indexed", "indexes": [)" + index + "]}");
        }
      }
      Both("insert", R"("documents": [)" + Document(id) + "]}");
    }
  }
  // What a unique index refuses is done in neither.
  void Both(const std::string& verb, const std::string& rest) {
    const std::string reply = Run("{\"" + verb + R"(": "indexed", )" + rest);
    if (reply.find("rror") != std::string::npos) return;
    Run("{\"" + verb + R"(": "plain", )" + rest);
  }
  // Also to equal values of another type, and to another order of fields.
  void ChangeBoth() {
    for (int i = 0; i < 20; ++i) {
      const std::string q = R"({"_id": )" + std::to_string(Pick(kDocuments)) + "}";
      const std::string path = kPaths[Pick(std::size(kPaths))];
      switch (Pick(4)) {
        case 0: Both("delete", R"("deletes": [{"q": )" + q + R"(, "limit": 1}]})"); break;
        case 1:
          Both("update", R"("updates": [{"q": )" + q + R"(, "u": {)" +
                             Members({"a", "b", "c", "d"}, 8) + "}}]}");
          break;
        case 2:
          Both("update", R"("updates": [{"q": )" + q + R"(, "u": [{"$set": {")" + path +
                             R"(": {"$toDouble": {"$ifNull": ["$)" + path + R"(", 1]}}}}]}]})");
          break;
        default:
          Both("update", R"("updates": [{"q": )" + q + R"(, "u": {"$set": {")" + path +
                             "\": " + Scalar() + "}}}]}");
      }
    }
  }
  // A regular expression is compared with nothing.
  std::string Operand() {
    for (;;) {
      std::string operand = Scalar();
      if (operand.find("regular") == std::string::npos) return operand;
    }
  }
  std::string Operators() {
    static constexpr const char* kComparisons[] = {"$eq", "$gt", "$gte", "$lt", "$lte", "$ne"};
    const std::string comparison = kComparisons[Pick(6)];
    switch (Pick(6)) {
      case 0: return R"({"$in": [)" + Operand() + ", " + Operand() + "]}";
      case 1: return R"({"$gte": 0, "$lt": )" + Operand() + "}";
      case 2: return R"({"$exists": true})";
      case 3: return R"({"$type": "number"})";
      default: return "{\"" + comparison + "\": " + Operand() + "}";
    }
  }
  std::string Filter() {
    std::vector<std::string> paths(std::begin(kPaths), std::end(kPaths));
    std::shuffle(paths.begin(), paths.end(), random_);
    std::string out = "{\"" + paths[0] + "\": " + Operators();
    if (Pick(2) == 0) out += ", \"" + paths[1] + "\": " + Operators();
    if (Pick(8) == 0) {
      out += R"(, "$or": [{")" + paths[2] + R"(": 1}, {")" + paths[0] + R"(": {"$gt": 1}}])";
    }
    return out + "}";
  }
  std::string Inclusion() {
    std::vector<std::string> paths(std::begin(kPaths), std::end(kPaths));
    std::shuffle(paths.begin(), paths.end(), random_);
    paths.resize(1 + Pick(2));
    std::string out = Pick(3) != 0 ? R"("_id": 0)" : "";
    if (Pick(6) == 0) return R"({"_id": 1})";
    for (const std::string& path : paths) {
      out += (out.empty() ? "\"" : ", \"") + path + "\": 1";
    }
    return "{" + out + "}";
  }
  std::string MaybeHint() {
    if (Pick(4) == 0) return "";
    const std::string hint = R"(, "hint": "i)" + std::to_string(Pick(8)) + "\"";
    // Not every index could be made.
    return CodeOf(R"({"find": "indexed")" + hint + "}") == 0 ? hint : "";
  }
  // With every number's type.
  std::string Exactly(Session& session, const std::string& command) {
    auto reply = TryRun(session, command);
    if (!reply.ok()) return "error " + std::string(reply.status().message());
    const bson::Document cursor = bson::Document(reply->bytes())["cursor"].value().Doc();
    std::string out;
    if (cursor.empty()) {
      AppendJsonArray(out, bson::Document(reply->bytes())["values"].value().Doc(),
                      JsonMode::kCanonical);
    } else {
      AppendJsonArray(out, cursor["firstBatch"].value().Doc(), JsonMode::kCanonical);
    }
    return out;
  }
  std::string Exactly(const std::string& command) { return Exactly(*session_, command); }
  // Three documents at a time, each page from the position of the one before.
  std::vector<std::string> Pages(const std::string& command) {
    const std::string bytes = Bson(command);
    std::vector<std::string> documents;
    std::string after;
    do {
      QueryOptions options;
      options.after = AsBytes(after);
      auto cursor = database_->Query(*session_, "test", AsBytes(bytes), options);
      EXPECT_TRUE(cursor.ok()) << cursor.status().message() << command;
      if (!cursor.ok()) break;
      BytesView page[3];
      auto count = (*cursor)->Next(Span<BytesView>(page, std::size(page)));
      EXPECT_TRUE(count.ok());
      for (size_t i = 0; count.ok() && i < *count; ++i) {
        documents.push_back(BsonToJson(bson::Document(page[i]), JsonMode::kCanonical));
      }
      auto position = (*cursor)->Position();
      after = position.ok() && count.ok() && *count != 0 ? std::string(position->text()) : "";
    } while (!after.empty());
    return documents;
  }
  static std::string ListOf(const std::vector<std::string>& documents) {
    std::string out;
    for (const std::string& document : documents) out += (out.empty() ? "" : ",") + document;
    return "[" + out + "]";
  }
  static std::string Of(const char* collection, const std::string& verb, const std::string& rest) {
    return "{\"" + verb + R"(": ")" + collection + "\"" + rest + "}";
  }
  // Makes the collection's indexes what an earlier version would have made.
  void ForgetTypes(const std::string& collection) {
    StorageEngine& store = *storage_->Service<StorageEngine>();
    const std::string key = std::string(4, '\0') + "ctest" + '\0' + collection;
    auto snapshot = store.OpenSnapshot();
    ASSERT_TRUE(snapshot.ok());
    auto stored = (*snapshot)->Get(AsBytes(key), {});
    ASSERT_TRUE(stored.ok());
    bson::Builder out;
    for (const bson::Element& e : bson::Document(stored->bytes())) {
      if (e.name() != "indexes") {
        out.Element(e);
        continue;
      }
      out.OpenArray(e.name());
      for (const bson::Element& index : e.value().Doc()) {
        out.OpenObject(index.name());
        for (const bson::Element& member : index.value().Doc()) {
          if (member.name() != "types") out.Element(member);
        }
        out.Close();
      }
      out.Close();
    }
    const std::string value = out.Finish();
    const Mutation put{Mutation::Op::kPut, 0, AsBytes(key), AsBytes(value)};
    ASSERT_TRUE(store.Write(Span<const Mutation>(&put, 1), {}).ok());
    Reopen();
  }
  std::string Explained(const std::string& inner) {
    return Run(R"({"explain": )" + inner + R"(, "verbosity": "executionStats"})");
  }
  ::testing::AssertionResult IsCovered(const std::string& inner) {
    const std::string plan = Explained(inner);
    if (plan.find(R"("stage":"PROJECTION_COVERED")") != std::string::npos &&
        plan.find(R"("totalDocsExamined":0)") != std::string::npos) {
      return ::testing::AssertionSuccess();
    }
    return ::testing::AssertionFailure() << plan;
  }

  std::mt19937_64 random_{kSeed};
  bool arrays_ = false;
};

TEST_F(CoveredLaws, AnAnswerOfAnIndexAloneIsThePlainScans) {
  uint64_t covered = 0, partly = 0;
  for (int round = 0; round < kRounds; ++round) {
    const uint64_t seed = kSeed + static_cast<uint64_t>(round);
    random_.seed(seed);
    arrays_ = round % 5 == 0;
    SCOPED_TRACE("seed " + std::to_string(seed));
    FillBoth();
    ChangeBoth();
    for (int i = 0; i < kQueriesEach; ++i) {
      static constexpr const char* kSorts[] = {
          "", R"(, "sort": {"a": 1})", R"(, "sort": {"b": -1, "a": 1})", R"(, "sort": {"_id": -1})",
          R"(, "sort": {"d.x": -1})"};
      const std::string hint = MaybeHint();
      const std::string filter = Pick(5) == 0 ? "{}" : Filter();
      const std::string inclusion = Inclusion();
      const std::string collation =
          Pick(6) == 0 ? R"(, "collation": {"locale": "en", "strength": 2})" : "";
      const std::string rest = R"(, "batchSize": 1000, "filter": )" + filter +
                               R"(, "projection": )" + inclusion + kSorts[Pick(5)] + collation;
      const std::string expected = Exactly(Of("plain", "find", rest));
      const std::string find = Of("indexed", "find", rest + hint);
      ASSERT_EQ(Exactly(find), expected) << find << Explained(find);
      ASSERT_EQ(ListOf(Pages(find)), expected) << find;
      const std::string plan = Explained(find);
      const bool is_covered = plan.find("PROJECTION_COVERED") != std::string::npos;
      covered += is_covered;
      partly += is_covered && plan.find(R"("totalDocsExamined":0)") == std::string::npos;
      const std::string field = kPaths[Pick(std::size(kPaths))];
      const std::string match = R"(, "cursor": {}, "pipeline": [{"$match": )" + filter + "}, ";
      for (const std::string& stages :
           {R"({"$project": )" + inclusion + "}]",
            R"({"$group": {"_id": "$)" + field + R"(", "n": {"$sum": 1}, "last": {"$last": "$)" +
                field + R"("}}}])",
            R"({"$sort": {")" + field + R"(": 1}}, {"$limit": 7}, {"$project": )" + inclusion +
                "}]",
            R"({"$sortByCount": "$)" + field + R"("}])"}) {
        ASSERT_EQ(Exactly(Of("indexed", "aggregate", match + stages + hint)),
                  Exactly(Of("plain", "aggregate", match + stages)))
            << match << stages << hint;
      }
      const std::string distinct = R"(, "key": ")" + field + R"(", "query": )" + filter;
      ASSERT_EQ(Exactly(Of("indexed", "distinct", distinct + hint)),
                Exactly(Of("plain", "distinct", distinct)))
          << distinct << hint;
    }
    const std::string valid = Run(R"({"validate": "indexed"})");
    ASSERT_NE(valid.find(R"("valid":true)"), std::string::npos) << valid;
  }
  // The law says nothing when no answer comes from entries, nor when all of them do.
  EXPECT_GT(covered, uint64_t{kRounds});
  EXPECT_GT(partly, uint64_t{kRounds} / 4);
}

// Without a sort a limit may be met in the order of an index.
TEST_F(CoveredLaws, PagesOfALimitGiveThePlainScansDocuments) {
  int in_another_order = 0;
  for (int round = 0; round < kRounds / 2; ++round) {
    const uint64_t seed = kSeed + 1000 + static_cast<uint64_t>(round);
    random_.seed(seed);
    SCOPED_TRACE("seed " + std::to_string(seed));
    FillBoth();
    for (int i = 0; i < kQueriesEach; ++i) {
      const std::string rest = R"(, "filter": )" + Filter() + R"(, "projection": {"_id": 1, ")" +
                               kPaths[Pick(std::size(kPaths))] + R"(": 1})";
      std::vector<std::string> expected = Pages(Of("plain", "find", rest));
      const std::string find = Of(
          "indexed", "find", rest + MaybeHint() + R"(, "limit": )" + std::to_string(1 + Pick(9)));
      std::vector<std::string> pages = Pages(find);
      in_another_order += pages != expected;
      std::sort(pages.begin(), pages.end());
      std::sort(expected.begin(), expected.end());
      ASSERT_EQ(ListOf(pages), ListOf(expected)) << find;
    }
  }
  EXPECT_GT(in_another_order, kRounds / 10);
}

// The key of 1 is that of 1.0: what changes is the entry's value alone.
TEST_F(CoveredLaws, EveryWriteThatChangesTheTypeAloneIsSeen) {
  Run(R"({"createIndexes": "c", "indexes": [{"name": "a", "key": {"a": 1}},
         {"name": "only", "key": {"a": -1, "b": 1}, "unique": true}]})");
  Run(R"({"insert": "c", "documents": [{"_id": 1, "a": 1, "b": 2}, {"_id": 2, "a": 7}]})");
  const auto check = [&](const std::string& a, const std::string& whole) {
    for (const char* hint : {R"(, "hint": "a"})", R"(, "hint": "only"})"}) {
      const std::string find =
          R"({"find": "c", "filter": {"a": 1}, "projection": {"_id": 0, "a": 1})" +
          std::string(hint);
      EXPECT_EQ(Exactly(find), R"([{"a":)" + a + "}]");
      EXPECT_TRUE(IsCovered(find));
    }
    const std::string both =
        R"({"find": "c", "filter": {"a": 1}, "projection": {"_id": 1, "a": 1, "b": 1},
            "hint": "only"})";
    EXPECT_EQ(Exactly(both), "[" + whole + "]");
    EXPECT_TRUE(IsCovered(both));
    const std::string valid = Run(R"({"validate": "c"})");
    EXPECT_NE(valid.find(R"("valid":true)"), std::string::npos) << valid;
  };
  const std::string i32 = R"({"$numberInt":"1"})", i64 = R"({"$numberLong":"1"})",
                    f64 = R"({"$numberDouble":"1.0"})";
  const std::string id = R"({"_id":{"$numberInt":"1"},)", b = R"("b":{"$numberInt":"2"})";
  check(i32, id + R"("a":)" + i32 + "," + b + "}");
  Run(R"({"update": "c", "updates": [{"q": {"_id": 1}, "u": {"$set":
         {"a": {"$numberDouble": "1"}}}}]})");
  check(f64, id + R"("a":)" + f64 + "," + b + "}");
  Run(R"({"update": "c", "updates": [{"q": {"_id": 1}, "u":
         {"b": 2, "a": {"$numberLong": "1"}}}]})");
  check(i64, id + b + R"(,"a":)" + i64 + "}");
  Run(R"({"findAndModify": "c", "query": {"_id": 1}, "update": {"$mul":
         {"a": {"$numberDouble": "1"}}}})");
  check(f64, id + b + R"(,"a":)" + f64 + "}");
  Run(R"({"bulkWrite": 1, "ops": [{"update": 0, "filter": {"_id": 1}, "updateMods":
         {"a": 1, "b": 2}}], "nsInfo": [{"ns": "test.c"}]})");
  check(i32, id + R"("a":)" + i32 + "," + b + "}");
  ASSERT_TRUE(session_->Begin(TransactionIsolation::kSnapshot).ok());
  Run(R"({"update": "c", "updates": [{"q": {"_id": 1}, "u": {"$set":
         {"a": {"$numberLong": "1"}}}}]})");
  const std::string find =
      R"({"find": "c", "filter": {"a": 1}, "projection": {"_id": 0, "a": 1}, "hint": "a"})";
  EXPECT_EQ(Exactly(find), R"([{"a":)" + i64 + "}]");
  Handle<Session> other = NewSession();
  EXPECT_EQ(Exactly(*other, find), R"([{"a":)" + i32 + "}]");
  ASSERT_TRUE(session_->Commit().ok());
  check(i64, id + R"("a":)" + i64 + "," + b + "}");
  Run(R"({"delete": "c", "deletes": [{"q": {"_id": 1}, "limit": 1}]})");
  Run(R"({"insert": "c", "documents": [{"_id": {"$numberDouble": "1"}, "a": 1, "b": 2}]})");
  check(i32, R"({"_id":{"$numberDouble":"1.0"},"a":)" + i32 + "," + b + "}");
}

TEST_F(CoveredLaws, OnlyWhatTheIndexHasIsCovered) {
  std::string documents;
  for (int i = 0; i < 200; ++i) {
    documents += (i ? "," : "") + std::string(R"({"_id": )") + std::to_string(i) + R"(, "a": )" +
                 std::to_string(i % 20) + R"(, "b": {"x": "t", "y": )" + std::to_string(i) +
                 R"(}, "long": "text"})";
  }
  Run(R"({"insert": "c", "documents": [)" + documents + "]}");
  Run(R"({"createIndexes": "c", "indexes": [{"name": "i", "key": {"a": 1, "b.y": -1}}]})");
  const auto find = [](const std::string& rest) {
    return R"({"find": "c", "filter": {"a": 3}, )" + rest + "}";
  };
  EXPECT_TRUE(IsCovered(find(R"("projection": {"_id": 0, "a": 1, "b.y": 1})")));
  EXPECT_TRUE(IsCovered(find(R"("projection": {"b.y": 1})")));
  EXPECT_TRUE(IsCovered(find(R"("projection": {"b": {"y": 1}}, "sort": {"b.y": 1})")));
  EXPECT_TRUE(IsCovered(find(R"("projection": {"_id": 1}, "limit": 3)")));
  EXPECT_TRUE(IsCovered(R"({"find": "c", "filter": {"a": {"$gte": 3, "$lt": 5}, "b.y":
      {"$mod": [2, 0]}}, "projection": {"a": 1}})"));
  EXPECT_TRUE(IsCovered(R"({"aggregate": "c", "cursor": {}, "pipeline": [{"$match": {"a": 3}},
      {"$project": {"a": 1, "_id": 0}}]})"));
  EXPECT_TRUE(IsCovered(R"({"aggregate": "c", "cursor": {}, "pipeline": [{"$match": {"a": 3}},
      {"$group": {"_id": "$b.y", "n": {"$sum": "$a"}}}]})"));
  EXPECT_TRUE(IsCovered(R"({"distinct": "c", "key": "b.y", "query": {"a": 3}})"));
  for (const char* rest :
       {R"("projection": {"long": 1})", R"("projection": {"b": 1})", R"("projection": {"b.x": 1})",
        R"("projection": {"a": 0})", R"("sort": {"a": 1})", R"("projection": {"a": "$$ROOT"})",
        R"("projection": {"a": 1}, "sort": {"long": 1})"}) {
    EXPECT_FALSE(IsCovered(find(rest))) << rest;
  }
  EXPECT_FALSE(IsCovered(R"({"find": "c", "filter": {"a": 3, "long": "text"},
                            "projection": {"a": 1}})"));
  Run(R"({"insert": "c", "documents": [{"_id": -1, "a": 3, "b": {"y": []}}]})");
  EXPECT_FALSE(IsCovered(find(R"("projection": {"_id": 0, "a": 1})")));
}

// Entries of an index of before tell no types: its catalog entry does not say that they do.
TEST_F(CoveredLaws, AnIndexOfAnEarlierFormatIsNeverCovered) {
  Run(R"({"createIndexes": "c", "indexes": [{"name": "a", "key": {"a": 1}}]})");
  const std::string find =
      R"({"find": "c", "filter": {"a": 1}, "projection": {"_id": 0, "a": 1}, "hint": "a"})";
  EXPECT_TRUE(IsCovered(find));
  ForgetTypes("c");
  Run(R"({"insert": "c", "documents": [{"_id": 1, "a": {"$numberDouble": "1"}}]})");
  EXPECT_FALSE(IsCovered(find));
  EXPECT_EQ(Exactly(find), R"([{"a":{"$numberDouble":"1.0"}}])");
  const std::string valid = Run(R"({"validate": "c"})");
  EXPECT_NE(valid.find(R"("valid":true)"), std::string::npos) << valid;
}

// An index is built while documents change between equal values of other types.
TEST_F(CoveredLaws, ABuildBesideWritersLeavesTheTypesOfTheLastWrite) {
  std::string documents;
  for (int i = 0; i < 2000; ++i) {
    documents += (i ? "," : "") + std::string(R"({"_id": )") + std::to_string(i) + R"(, "a": 1})";
  }
  Run(R"({"insert": "c", "documents": [)" + documents + "]}");
  std::atomic<bool> done = false;
  std::thread writer([&] {
    Handle<Session> session = NewSession();
    static constexpr const char* kOnes[] = {
        "1", R"({"$numberLong": "1"})", R"({"$numberDouble": "1"})", R"({"$numberDecimal": "1"})"};
    for (size_t i = 0; !done.load() || i < 500; ++i) {
      Run(*session, R"({"update": "c", "updates": [{"q": {"_id": )" +
                        std::to_string(i * 37 % 2000) + R"(}, "u": {"$set": {"a": )" +
                        kOnes[i % 4] + "}}}]}");
    }
  });
  for (int i = 0; i < 3; ++i) {
    const std::string name = "i" + std::to_string(i);
    const std::string made = Run(R"({"createIndexes": "c", "indexes": [{"name": ")" + name +
                                 R"(", "key": {"a": 1, "b)" + name + R"(": 1}}]})");
    EXPECT_NE(made.find(R"("ok":1.0)"), std::string::npos) << made;
  }
  done = true;
  writer.join();
  const std::string valid = Run(R"({"validate": "c"})");
  EXPECT_NE(valid.find(R"("valid":true)"), std::string::npos) << valid;
  const std::string find = R"({"find": "c", "filter": {"a": 1}, "batchSize": 3000,
                              "projection": {"a": 1})";
  EXPECT_EQ(Exactly(find + R"(, "hint": "i2"})"), Exactly(find + R"(, "hint": {"$natural": 1}})"));
}

}  // namespace
}  // namespace nexadb::database
