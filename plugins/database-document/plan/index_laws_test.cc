// Laws of indexes: whatever indexes a collection has, a query gives what it gives without any.
// The expected answer comes from an interpreter of its own (testing/plain_filter.h), which knows
// nothing of plans, keys or encodings.
#include <algorithm>
#include <random>
#include <set>

#include "plugins/database-document/testing/fixture.h"
#include "plugins/database-document/testing/plain_filter.h"

namespace nexadb::database {
namespace {

// Which random commands are tried; a failure prints it.
constexpr uint64_t kSeed = 20260;
constexpr int kRounds = 60;
constexpr int kQueriesEach = 12;
constexpr int kDocuments = 40;

class IndexLaws : public DatabaseFixture {
 protected:
  size_t Pick(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }

  std::string Scalar() {
    static constexpr const char* kScalars[] = {"0",
                                               "1",
                                               "2",
                                               "3",
                                               "2.5",
                                               "-1",
                                               "null",
                                               "true",
                                               "false",
                                               R"("")",
                                               R"("a")",
                                               R"("ab")",
                                               R"("b")",
                                               R"({"$numberLong": "2"})",
                                               R"({"$numberDouble": "NaN"})",
                                               R"({"$numberDecimal": "2.5"})",
                                               R"({"$date": "2020-01-01T00:00:00Z"})"};
    return kScalars[Pick(std::size(kScalars))];
  }
  std::string Value(int depth = 2) {
    const size_t kind = Pick(10);
    if (depth == 0 || kind < 6) return Scalar();
    if (kind < 8) {
      std::string out = "[";
      for (size_t n = Pick(4), i = 0; i < n; ++i) out += (i ? "," : "") + Value(depth - 1);
      return out + "]";
    }
    std::string out = "{";
    bool first = true;
    for (const char* name : {"x", "y"}) {
      if (Pick(3) == 0) continue;
      out += (first ? "\"" : ",\"") + std::string(name) + "\": " + Value(depth - 1);
      first = false;
    }
    return out + "}";
  }
  // At most one member holds arrays, so that no index meets parallel ones.
  std::string Document(int id) {
    std::string out = R"({"_id": )" + std::to_string(id);
    const size_t rich = arrays_ ? Pick(3) : 3;
    size_t at = 0;
    for (const char* name : {"a", "b", "c"}) {
      if (Pick(5) != 0) {
        out += ",\"" + std::string(name) + "\": " + (at == rich ? Value() : Scalar());
      }
      ++at;
    }
    return out + "}";
  }
  std::string PathName() {
    static constexpr const char* kPaths[] = {"a",   "b",   "c",   "a",   "b",
                                             "a.x", "a.y", "b.x", "c.0", "_id"};
    return kPaths[Pick(std::size(kPaths))];
  }
  std::string Operators(bool nested = false) {
    static constexpr const char* kComparisons[] = {"$eq", "$gt", "$gte", "$lt", "$lte", "$ne"};
    const auto comparison = [&] {
      return "\"" + std::string(kComparisons[Pick(6)]) + "\": " + (Pick(5) ? Scalar() : Value(1));
    };
    switch (Pick(nested ? 6 : 11)) {
      case 0:
      case 1: return "{" + comparison() + "}";
      case 2: return "{\"$gte\": " + Scalar() + ", \"$lt\": " + Scalar() + "}";
      case 3: return R"({"$in": [)" + Scalar() + "," + Value(1) + "," + Scalar() + "]}";
      case 4: return R"({"$nin": [)" + Scalar() + "," + Scalar() + "]}";
      case 5: return R"({"$type": "number"})";
      case 6: return R"({"$exists": )" + std::string(Pick(2) ? "true" : "false") + "}";
      case 7: return R"({"$not": {)" + comparison() + "}}";
      case 8: return R"({"$regex": "^)" + std::string(Pick(2) ? "a" : "ab?") + R"("})";
      case 9: return R"({"$elemMatch": )" + Operators(true) + "}";
      default:
        return R"({"$elemMatch": {"x": )" + Operators(true) + R"(, "y": )" + Operators(true) + "}}";
    }
  }
  std::string Filter(int depth = 2) {
    std::string out = "{";
    for (size_t n = 1 + Pick(2), i = 0; i < n; ++i) {
      if (i) out += ",";
      const size_t kind = Pick(8);
      if (depth > 0 && kind == 0) {
        // One name only once in a document.
        out += (i ? R"("$nor": [)" : R"("$or": [)") + Filter(depth - 1) + "," + Filter(depth - 1) +
               "]";
      } else if (depth > 0 && kind == 1) {
        out += (i ? R"("$and": [)" : R"("$or": [)") + Filter(depth - 1) + "," + Filter(0) + "," +
               Filter(0) + "]";
      } else {
        // The second member is one of another letter: names do not repeat.
        static constexpr const char* kFirst[] = {"a", "a.x", "a", "b", "_id"};
        static constexpr const char* kSecond[] = {"c", "a.y", "c.0", "b.x", "c"};
        out += "\"" + std::string((i ? kSecond : kFirst)[Pick(5)]) + "\": ";
        out += Pick(3) == 0 ? Value(1) : Operators();
      }
    }
    return out + "}";
  }
  // Of everything, or of what lies below one member, alone or behind another one.
  std::string WildcardIndex() {
    static constexpr const char* kWildcards[] = {
        R"("key": {"$**": 1})",
        R"("key": {"$**": 1}, "wildcardProjection": {"a": 1, "b": 1, "_id": 1})",
        R"("key": {"$**": 1}, "wildcardProjection": {"b": 0, "a.y": 0})",
        R"("key": {"a.$**": 1})",
        R"("key": {"b": -1, "a.$**": 1})",
        R"("key": {"b": 1, "$**": 1, "c": -1}, "wildcardProjection": {"b": 0, "c": 0})"};
    return kWildcards[Pick(std::size(kWildcards))];
  }
  std::string Index(int number) {
    const std::string begin = R"({"name": "i)" + std::to_string(number) + "\", ";
    if (Pick(4) == 0) {
      const char* partial = R"(, "partialFilterExpression": {"a": {"$exists": true}})";
      return begin + WildcardIndex() + (Pick(5) ? "" : partial) + "}";
    }
    std::vector<std::string> paths;
    for (size_t n = 1 + Pick(3); n > 0; --n) {
      const std::string path = PathName();
      if (std::find(paths.begin(), paths.end(), path) == paths.end()) paths.push_back(path);
    }
    std::string key;
    for (const std::string& path : paths) {
      key += (key.empty() ? "\"" : ",\"") + path + "\": " + (Pick(2) ? "1" : "-1");
    }
    std::string out = begin + R"("key": {)" + key + "}";
    const size_t option = Pick(6);
    if (option == 0) out += R"(, "sparse": true)";
    if (option == 1) out += R"(, "partialFilterExpression": {"b": {"$gte": 1}})";
    if (option == 2) out += R"(, "partialFilterExpression": {"a": {"$exists": true}})";
    if (option == 3) out += R"(, "unique": true)";
    return out + "}";
  }
  void FillBoth() {
    for (const char* name : {"plain", "indexed"}) {
      Run(R"({"drop": ")" + std::string(name) + R"("})");
    }
    for (int i = 0; i < 4; ++i) {
      // Some are refused: a unique one, or arrays that are parallel. The others stand.
      Run(R"({"createIndexes": "indexed", "indexes": [)" + Index(i) + "]}");
    }
    for (int id = 0; id < kDocuments; ++id) {
      if (id == kDocuments / 2) {
        for (int i = 4; i < 6; ++i) {
          Run(R"({"createIndexes": "indexed", "indexes": [)" + Index(i) + "]}");
        }
      }
      const std::string document = Document(id);
      const std::string reply = Run(R"({"insert": "indexed", "documents": [)" + document + "]}");
      // What a unique index refuses is in neither.
      if (reply.find("writeErrors") != std::string::npos) continue;
      ASSERT_EQ(reply.find("error"), std::string::npos) << reply;
      ASSERT_EQ(Run(R"({"insert": "plain", "documents": [)" + document + "]}"),
                R"({"n":1,"ok":1.0})");
    }
  }
  // Changes and removals, the same in both.
  void ChangeBoth() {
    for (int i = 0; i < 10; ++i) {
      const std::string id = std::to_string(Pick(kDocuments));
      const std::string change =
          Pick(3) == 0 ? R"("deletes": [{"q": {"_id": )" + id + R"(}, "limit": 1}]})"
                       : R"("updates": [{"q": {"_id": )" + id + R"(}, "u": {"$set": {"a": )" +
                             Scalar() + R"(, "b": )" + Scalar() + R"(, "c": )" + Scalar() + "}}}]}";
      const std::string verb = change.starts_with("\"d") ? "delete" : "update";
      const std::string reply = Run("{\"" + verb + R"(": "indexed", )" + change);
      if (reply.find("writeErrors") != std::string::npos) continue;
      Run("{\"" + verb + R"(": "plain", )" + change);
    }
  }
  // The documents of the collection without indexes, in the order of _id.
  std::vector<std::string> Everything() {
    return FirstBatch(R"({"find": "plain", "batchSize": 1000})");
  }
  std::vector<std::string> FirstBatch(const std::string& command) {
    auto reply = TryRun(*session_, command);
    std::vector<std::string> out;
    if (!reply.ok()) return out;
    const bson::Document cursor = bson::Document(reply->bytes())["cursor"].value().Doc();
    for (const bson::Element& e : cursor["firstBatch"].value().Doc()) {
      out.emplace_back(AsText(e.value().bytes()));
    }
    return out;
  }
  // $match, $sort and a cut give what a find of the same gives, whatever index is named.
  ::testing::AssertionResult APipelineAgrees(const std::string& find, const std::string& hinted,
                                             const std::string& whole) {
    const std::string bytes = Bson(R"({"find": "x)" + find + "}");
    const bson::Document wanted(AsBytes(bytes));
    const std::string filter = Json(wanted["filter"].value().bytes());
    const std::string sort = Json(wanted["sort"].value().bytes());
    const size_t hint = hinted.find(R"(, "hint")");
    const auto run = [&](const std::string& cut) {
      return Batch(R"({"aggregate": "indexed", "cursor": {}, "pipeline": [{"$match": )" + filter +
                   R"(}, {"$sort": )" + sort + "}" + cut + "]" +
                   (hint == std::string::npos ? "" : hinted.substr(hint)) + "}");
    };
    if (const std::string all = run(""); all != whole) {
      return ::testing::AssertionFailure() << all << "\nand not\n" << whole;
    }
    const std::string skip = std::to_string(Pick(5));
    const std::string limit = std::to_string(1 + Pick(10));
    const std::string cut = run(R"(, {"$skip": )" + skip + R"(}, {"$limit": )" + limit + "}");
    const std::string expected = Batch(R"({"find": "plain)" + find + R"(, "skip": )" + skip +
                                       R"(, "limit": )" + limit + "}");
    if (cut == expected) return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << cut << "\nand not\n" << expected;
  }
  // All of a find, three documents at a time, each page from the position of the one before.
  std::string Paged(const std::string& command) {
    return ListOf(Pages(command, [] {}));
  }
  // Their bytes; `between` is called before each page.
  std::vector<std::string> Pages(const std::string& command, const std::function<void()>& between) {
    const std::string bytes = Bson(command);
    std::vector<std::string> documents;
    std::string after;
    do {
      between();
      QueryOptions options;
      options.after = AsBytes(after);
      auto cursor = database_->Query(*session_, "test", AsBytes(bytes), options);
      EXPECT_TRUE(cursor.ok()) << cursor.status().message();
      if (!cursor.ok()) break;
      BytesView page[3];
      auto count = (*cursor)->Next(Span<BytesView>(page, std::size(page)));
      EXPECT_TRUE(count.ok());
      for (size_t i = 0; count.ok() && i < *count; ++i) documents.emplace_back(AsText(page[i]));
      auto position = (*cursor)->Position();
      EXPECT_TRUE(position.ok());
      after = position.ok() && count.ok() && *count != 0 ? std::string(position->text()) : "";
    } while (!after.empty());
    return documents;
  }
  // Now and then one index is made, hidden, shown or dropped.
  void MayChangeAnIndex() {
    if (Pick(6) != 0) return;
    const std::string name = "i" + std::to_string(Pick(6));
    switch (Pick(3)) {
      case 0: Run(R"({"dropIndexes": "indexed", "index": ")" + name + "\"}"); return;
      case 1:
        Run(R"({"collMod": "indexed", "index": {"name": ")" + name + R"(", "hidden": )" +
            (Pick(2) ? "true" : "false") + "}}");
        return;
      default:
        Run(R"({"createIndexes": "indexed", "indexes": [)" + Index(static_cast<int>(Pick(6))) +
            "]}");
    }
  }
  static std::string ListOf(const std::vector<std::string>& documents) {
    std::string out = "[";
    for (const std::string& document : documents) {
      out += (out.size() > 1 ? "," : "") + Json(AsBytes(document));
    }
    return out + "]";
  }
  std::string Interpreted(const std::string& filter) { return ListOf(Matching(filter)); }
  std::vector<std::string> Matching(const std::string& filter) {
    const std::string bytes = Bson(filter);
    std::vector<std::string> matching;
    for (std::string& document : Everything()) {
      if (plain::Matches(bson::Document(AsBytes(document)), bson::Document(AsBytes(bytes)))) {
        matching.push_back(std::move(document));
      }
    }
    return matching;
  }
  // A hint half of the time: few documents are mostly cheaper to scan.
  std::string MaybeHint() {
    if (Pick(2) == 0) return "";
    const std::string hint = R"(, "hint": "i)" + std::to_string(Pick(6)) + "\"";
    // Not every index could be made.
    return CodeOf(R"({"find": "indexed")" + hint + "}") == 0 ? hint : "";
  }
  std::string Explained(const std::string& query) {
    return Run(R"({"explain": {"find": "indexed)" + query + R"(, "verbosity": "executionStats"})");
  }

  std::mt19937_64 random_{kSeed};
  bool arrays_ = true;  // whether documents have any
};

// A sort, and two indexes that have its order, one way or the other.
struct SortCase {
  const char* sort;
  const char* keys[2];
};
constexpr SortCase kSorts[] = {
    {R"({"a": 1})", {R"({"a": 1})", R"({"a": -1})"}},
    {R"({"a": -1})", {R"({"a": -1})", R"({"a": 1})"}},
    {R"({"b": 1, "c": -1})", {R"({"b": 1, "c": -1})", R"({"b": -1, "c": 1})"}},
    {R"({"c": -1, "b": 1})", {R"({"c": -1, "b": 1})", R"({"c": 1, "b": -1})"}},
    {R"({"b": -1, "_id": -1})", {R"({"b": -1})", R"({"b": 1})"}},
    {R"({"c": 1, "_id": 1})", {R"({"c": 1})", R"({"c": 1, "_id": 1})"}},
    {R"({"a": 1, "b": 1, "c": 1})",
     {R"({"a": 1, "b": 1, "c": 1})", R"({"a": -1, "b": -1, "c": -1})"}}};

TEST_F(IndexLaws, AQueryGivesTheSameUnderAnySetOfIndexes) {
  uint64_t by_index = 0, by_wildcard = 0;
  for (int round = 0; round < kRounds; ++round) {
    random_.seed(kSeed + static_cast<uint64_t>(round));
    SCOPED_TRACE("seed " + std::to_string(kSeed + static_cast<uint64_t>(round)));
    FillBoth();
    ChangeBoth();
    if (HasFatalFailure()) return;
    for (int i = 0; i < kQueriesEach; ++i) {
      const std::string filter = Filter();
      const std::string hint = MaybeHint();
      const std::string query = R"(", "batchSize": 1000, "filter": )" + filter;
      const std::string expected = Interpreted(filter);
      ASSERT_EQ(Batch(R"({"find": "plain)" + query + "}"), expected) << filter;
      ASSERT_EQ(Batch(R"({"find": "indexed)" + query + hint + "}"), expected)
          << filter << "\n"
          << Run(R"({"listIndexes": "indexed"})") << "\n"
          << Explained(query + hint + "}");
      const std::string count = R"(", "query": )" + filter;
      ASSERT_EQ(Run(R"({"count": "indexed)" + count + hint + "}"),
                Run(R"({"count": "plain)" + count + "}"))
          << filter << hint;
      const std::string plan = Explained(query + hint + "}");
      by_index += plan.find("IXSCAN\"") != std::string::npos;
      by_wildcard += plan.find(R"("$_path":[)") != std::string::npos;
    }
    const std::string valid = Run(R"({"validate": "indexed"})");
    ASSERT_NE(valid.find(R"("valid":true)"), std::string::npos) << valid;
  }
  // The law says nothing when no plan reads an index.
  EXPECT_GT(by_index, uint64_t{kRounds});
  EXPECT_GT(by_wildcard, uint64_t{kRounds} / 4);
}

// What a sort gives, cut anywhere, is what the whole sort cut there gives: also page by page.
TEST_F(IndexLaws, ASortGivesTheSameUnderAnySetOfIndexes) {
  uint64_t by_index = 0;
  for (int round = 0; round < kRounds; ++round) {
    const uint64_t seed = kSeed + 1000 + static_cast<uint64_t>(round);
    random_.seed(seed);
    arrays_ = round % 2 == 0;
    SCOPED_TRACE("seed " + std::to_string(seed));
    FillBoth();
    if (HasFatalFailure()) return;
    for (int i = 0; i < kQueriesEach; ++i) {
      const SortCase& wanted = kSorts[Pick(std::size(kSorts))];
      // Not every one can be made: its key may be there already.
      Run(R"({"dropIndexes": "indexed", "index": "s"})");
      Run(R"({"createIndexes": "indexed", "indexes": [{"name": "s", "key": )" +
          std::string(wanted.keys[Pick(2)]) + "}]}");
      const std::string rest = R"(", "filter": )" + (Pick(2) ? Filter() : std::string("{}")) +
                               R"(, "sort": )" + wanted.sort;
      const std::string whole = Batch(R"({"find": "plain)" + rest + R"(, "batchSize": 1000})");
      const bool usable = CodeOf(R"({"find": "indexed", "hint": "s"})") == 0;
      const std::string hinted = rest + (usable ? R"(, "hint": "s")" : MaybeHint());
      ASSERT_EQ(Batch(R"({"find": "indexed)" + hinted + R"(, "batchSize": 1000})"), whole)
          << hinted;
      const std::string cut = R"(, "skip": )" + std::to_string(Pick(5)) + R"(, "limit": )" +
                              std::to_string(1 + Pick(10)) + "}";
      ASSERT_EQ(Batch(R"({"find": "indexed)" + hinted + cut),
                Batch(R"({"find": "plain)" + rest + cut))
          << hinted << cut;
      ASSERT_EQ(Paged(R"({"find": "indexed)" + hinted + "}"), whole) << hinted;
      ASSERT_TRUE(APipelineAgrees(rest, hinted, whole)) << hinted;
      const std::string plan = Run(R"({"explain": {"find": "indexed)" + hinted + "}}");
      by_index += plan.find(R"("stage":"SORT")") == std::string::npos &&
                  plan.find(R"("stage":"IXSCAN")") != std::string::npos;
    }
  }
  EXPECT_GT(by_index, uint64_t{kRounds});
}

// Without a sort a limit gives so many of what matches, whichever, each once; and pages give all
// of it, each once, also when indexes come and go between them.
TEST_F(IndexLaws, ALimitAndPagesGiveEachDocumentOnce) {
  uint64_t in_order_of_an_index = 0;
  for (int round = 0; round < kRounds; ++round) {
    const uint64_t seed = kSeed + 3000 + static_cast<uint64_t>(round);
    random_.seed(seed);
    arrays_ = round % 3 == 0;
    SCOPED_TRACE("seed " + std::to_string(seed));
    FillBoth();
    if (HasFatalFailure()) return;
    for (int i = 0; i < kQueriesEach; ++i) {
      const std::string filter = Filter(1);
      const std::string hint = MaybeHint();
      const std::string find =
          R"({"find": "indexed", "filter": )" + filter + hint + R"(, "limit": )";
      const std::vector<std::string> matching = Matching(filter);
      const size_t limit = 1 + Pick(6);
      std::vector<std::string> sorted = Pages(find + std::to_string(limit) + "}", [] {});
      in_order_of_an_index += sorted != matching;
      std::sort(sorted.begin(), sorted.end());
      std::vector<std::string> expected = matching;
      std::sort(expected.begin(), expected.end());
      ASSERT_EQ(ListOf(sorted), ListOf(expected)) << find;
      std::set<std::string> once;
      for (const std::string& document : FirstBatch(find + std::to_string(limit) + "}")) {
        ASSERT_TRUE(once.insert(document).second) << find;
        ASSERT_TRUE(std::binary_search(expected.begin(), expected.end(), document)) << find;
      }
      ASSERT_EQ(once.size(), std::min(limit, expected.size())) << find;
      // A hint that names nothing any more is refused.
      if (!hint.empty()) continue;
      sorted = Pages(find + "4}", [&] { MayChangeAnIndex(); });
      std::sort(sorted.begin(), sorted.end());
      ASSERT_EQ(ListOf(sorted), ListOf(expected)) << find;
    }
  }
  EXPECT_GT(in_order_of_an_index, uint64_t{kRounds} / 12);
}

// A filter, its negation and nothing else: each document matches one of both.
TEST_F(IndexLaws, AFilterAndItsNegationPartitionTheCollection) {
  for (int round = 0; round < kRounds / 2; ++round) {
    const uint64_t seed = kSeed + 2000 + static_cast<uint64_t>(round);
    random_.seed(seed);
    SCOPED_TRACE("seed " + std::to_string(seed));
    FillBoth();
    if (HasFatalFailure()) return;
    const size_t all = Everything().size();
    for (int i = 0; i < kQueriesEach; ++i) {
      const std::string filter = Filter();
      const auto count = [&](const std::string& query) {
        auto reply = TryRun(*session_, R"({"count": "indexed", "query": )" + query + "}");
        return reply.ok() ? bson::Document(reply->bytes())["n"].value().Int32() : -1;
      };
      const int with = count(filter);
      const int without = count(R"({"$nor": [)" + filter + "]}");
      ASSERT_GE(with, 0) << filter;
      ASSERT_EQ(static_cast<size_t>(with + without), all) << filter;
    }
  }
}

TEST_F(IndexLaws, AnEqualityReadsOnlyWhatItNames) {
  std::string documents;
  for (int i = 0; i < 1000; ++i) {
    documents += (i ? "," : "") + std::string(R"({"_id": )") + std::to_string(i) + R"(, "a": )" +
                 std::to_string(i % 100) + "}";
  }
  Run(R"({"insert": "c", "documents": [)" + documents + "]}");
  Run(R"({"createIndexes": "c", "indexes": [{"key": {"a": 1}, "name": "a_1"}]})");
  const std::string explained =
      Run(R"({"explain": {"find": "c", "filter": {"a": 7}}, "verbosity": "executionStats"})");
  EXPECT_NE(explained.find(R"("stage":"IXSCAN")"), std::string::npos) << explained;
  EXPECT_NE(explained.find(R"("indexName":"a_1")"), std::string::npos) << explained;
  EXPECT_NE(explained.find(R"("totalKeysExamined":10,"totalDocsExamined":10)"), std::string::npos)
      << explained;
  const std::string range = Run(
      R"({"explain": {"find": "c", "filter": {"a": {"$gte": 98}}}, "verbosity": "executionStats"})");
  EXPECT_NE(range.find(R"("nReturned":20,)"), std::string::npos) << range;
  EXPECT_NE(range.find(R"("totalKeysExamined":20,)"), std::string::npos) << range;
}

// The planner looks at the first 128 entries of a range, and the query goes on behind them; not
// where the query sees what the planner must not note: its own transaction's writes.
TEST_F(IndexLaws, ARangeGoesOnBehindWhatThePlannerLookedAt) {
  std::set<int> values;
  const auto insert = [&](int from, int to) {
    std::string documents;
    for (int i = from; i < to; ++i) {
      const int a = i * 7 % 1009;
      values.insert(a);
      documents += (i == from ? "" : ",") + std::string(R"({"_id": )") + std::to_string(i) +
                   R"(, "a": )" + std::to_string(a) + "}";
    }
    Run(R"({"insert": "c", "documents": [)" + documents + "]}");
  };
  const auto expected = [&](int low, size_t limit, bool descending) {
    std::vector<int> found(values.lower_bound(low), values.end());
    if (descending) std::reverse(found.begin(), found.end());
    found.resize(std::min(found.size(), limit));
    std::string out;
    for (const int a : found)
      out += (out.empty() ? "" : ",") + ("{\"a\":" + std::to_string(a)) + "}";
    return "[" + out + "]";
  };
  const auto check = [&] {
    for (const int low : {0, 300, 882, 990, 2000}) {
      for (const size_t limit : {size_t{1}, size_t{127}, size_t{128}, size_t{129}, size_t{700}}) {
        for (const bool descending : {false, true}) {
          const std::string find =
              R"({"find": "c", "batchSize": 1000, "projection": {"_id": 0}, "filter": {"a": )"
              R"({"$gte": )" +
              std::to_string(low) + R"(}}, "hint": "a_1", "sort": {"a": )" +
              (descending ? "-1" : "1") + R"(}, "limit": )" + std::to_string(limit) + "}";
          ASSERT_EQ(Batch(find), expected(low, limit, descending)) << find;
        }
      }
      const std::string count =
          R"({"count": "c", "query": {"a": {"$gte": )" + std::to_string(low) + "}}}";
      const std::string want =
          "\"n\":" + std::to_string(std::distance(values.lower_bound(low), values.end())) + ",";
      EXPECT_NE(Run(count).find(want), std::string::npos) << count << Run(count);
    }
  };
  insert(0, 700);
  Run(R"({"createIndexes": "c", "indexes": [{"key": {"a": 1}, "name": "a_1"}]})");
  check();
  ASSERT_TRUE(session_->Begin(TransactionIsolation::kSnapshot).ok());
  insert(700, 1000);
  check();
  ASSERT_TRUE(session_->Commit().ok());
  check();
}

TEST_F(IndexLaws, TheCollectionIsScannedWhereThatIsCheaper) {
  std::string documents;
  for (int i = 0; i < 1000; ++i) {
    documents += (i ? "," : "") + std::string(R"({"_id": )") + std::to_string(i) + R"(, "a": 1})";
  }
  Run(R"({"insert": "c", "documents": [)" + documents + "]}");
  Run(R"({"createIndexes": "c", "indexes": [{"key": {"a": 1}, "name": "a_1"}]})");
  const std::string explained = Run(R"({"explain": {"find": "c", "filter": {"a": 1}}})");
  EXPECT_NE(explained.find(R"("stage":"COLLSCAN")"), std::string::npos) << explained;
  EXPECT_NE(explained.find(R"("reason":"costs more")"), std::string::npos) << explained;
  const std::string hinted =
      Run(R"({"explain": {"find": "c", "filter": {"a": 1}, "hint": "a_1"}})");
  EXPECT_NE(hinted.find(R"("stage":"IXSCAN")"), std::string::npos) << hinted;
}

}  // namespace
}  // namespace nexadb::database
