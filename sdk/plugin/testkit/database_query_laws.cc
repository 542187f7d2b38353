// Laws of queries: they give what a plain look at every document gives, with and without an index,
// page by page, and of one moment.
#include <algorithm>

#include "database_laws.h"

namespace nexadb::testkit {
namespace {

constexpr int64_t kDocuments = 300;
constexpr int kQueries = 60;
constexpr uint64_t kValues = 12;  // few, so that equal ones are common

struct Point {
  int64_t id, a, b;
};

std::string Stored(const Point& p) {
  return bson::Builder().Int64("_id", p.id).Int64("a", p.a).Int64("b", p.b).Finish();
}

std::vector<Point> RandomPoints(base::Prng& random) {
  std::vector<Point> points;
  for (int64_t id = 0; id < kDocuments; ++id) {
    points.push_back({id, static_cast<int64_t>(random.Below(kValues)),
                      static_cast<int64_t>(random.Below(kValues))});
  }
  return points;
}

// A condition on a and one on b, and what they say of a point.
struct Condition {
  const char* operator_a;
  const char* operator_b;
  int64_t a, b;
};

bool Holds(const std::string& comparison, int64_t left, int64_t right) {
  if (comparison == "$eq") return left == right;
  if (comparison == "$ne") return left != right;
  if (comparison == "$lt") return left < right;
  if (comparison == "$lte") return left <= right;
  return comparison == "$gt" ? left > right : left >= right;
}

Condition RandomCondition(base::Prng& random) {
  constexpr const char* kOperators[] = {"$eq", "$ne", "$lt", "$lte", "$gt", "$gte"};
  return {kOperators[random.Below(std::size(kOperators))],
          kOperators[random.Below(std::size(kOperators))],
          static_cast<int64_t>(random.Below(kValues)), static_cast<int64_t>(random.Below(kValues))};
}

std::string FilterOf(const Condition& c) {
  bson::Builder out;
  out.OpenObject("a").Int64(c.operator_a, c.a).Close();
  out.OpenObject("b").Int64(c.operator_b, c.b).Close();
  return out.Finish();
}

std::vector<int64_t> Expected(const std::vector<Point>& points, const Condition& c) {
  std::vector<Point> found;
  std::copy_if(points.begin(), points.end(), std::back_inserter(found), [&](const Point& p) {
    return Holds(c.operator_a, p.a, c.a) && Holds(c.operator_b, p.b, c.b);
  });
  std::sort(found.begin(), found.end(),
            [](const Point& x, const Point& y) { return x.b != y.b ? x.b > y.b : x.id < y.id; });
  std::vector<int64_t> ids;
  for (const Point& p : found) ids.push_back(p.id);
  return ids;
}

void StoreAll(DatabaseBench& db, const std::vector<Point>& points) {
  std::vector<std::string> documents;
  for (const Point& p : points) documents.push_back(Stored(p));
  db.Store("c", documents);
}

void ExpectOracle(DatabaseBench& db, const std::vector<Point>& points, base::Prng random) {
  const std::string sort = bson::Builder().Int32("b", -1).Int32("_id", 1).Finish();
  for (int i = 0; i < kQueries; ++i) {
    const Condition c = RandomCondition(random);
    EXPECT_EQ(IdsOf(Must(db.Find(db.session(), "c", FilterOf(c), sort))), Expected(points, c))
        << "a " << c.operator_a << ' ' << c.a << ", b " << c.operator_b << ' ' << c.b;
  }
}

void AddIndex(DatabaseBench& db, const char* first, const char* second) {
  bson::Builder rest;
  rest.OpenArray("indexes").OpenObject("0").OpenObject("key").Int32(first, 1);
  if (*second != '\0') rest.Int32(second, -1);
  rest.Close().Text("name", std::string("by_") + first + second).Close().Close();
  Must(db.Run(db.session(), "createIndexes", "c", rest.Finish()).status());
}

void QueriesGiveWhatEveryDocumentSays(LawBench& bench) {
  DatabaseBench db(bench);
  base::Prng random(bench.seed());
  const auto points = RandomPoints(random);
  StoreAll(db, points);
  ExpectOracle(db, points, random);
}

void AnIndexChangesNoAnswer(LawBench& bench) {
  DatabaseBench db(bench);
  base::Prng random(bench.seed());
  auto points = RandomPoints(random);
  StoreAll(db, points);
  AddIndex(db, "a", "");
  ExpectOracle(db, points, random);
  AddIndex(db, "b", "a");
  ExpectOracle(db, points, random);
  // Indexes follow what is changed and removed after they were made.
  for (size_t i = 0; i < points.size(); i += 3) {
    points[i].a = static_cast<int64_t>(random.Below(kValues));
    const std::string change = bson::Builder().Int64("a", points[i].a).Finish();
    Must(db.Update(db.session(), "c", points[i].id, change).status());
  }
  for (int i = 0; i < 50; ++i) {
    const size_t gone = random.Below(points.size());
    Must(db.Delete(db.session(), "c", points[gone].id));
    points.erase(points.begin() + static_cast<std::ptrdiff_t>(gone));
  }
  ExpectOracle(db, points, random);
}

void AUniqueIndexTakesAValueOnce(LawBench& bench) {
  DatabaseBench db(bench);
  bson::Builder rest;
  rest.OpenArray("indexes").OpenObject("0").OpenObject("key").Int32("n", 1).Close();
  rest.Text("name", "by_n").Bool("unique", true).Close().Close();
  Must(db.Run(db.session(), "createIndexes", "c", rest.Finish()).status());
  db.Store("c", {Numbered(1, 7)});
  const Buffer reply = Must(db.Insert(db.session(), "c", {Numbered(2, 7)}));
  EXPECT_EQ(IntegerOf(reply.bytes(), "n"), 0);
  db.Store("c", {Numbered(3, 8)});
  const std::string seven = bson::Builder().Int64("n", 7).Finish();
  EXPECT_FALSE(db.Update(db.session(), "c", 3, seven).ok());
  Must(db.Delete(db.session(), "c", 1));
  Must(db.Update(db.session(), "c", 3, seven).status());
  EXPECT_EQ(IdsOf(db.All("c")), std::vector<int64_t>{3});
}

void PagesGiveEachDocumentOnce(LawBench& bench) {
  DatabaseBench db(bench);
  base::Prng random(bench.seed());
  StoreAll(db, RandomPoints(random));
  bson::Builder find;
  find.Text("find", "c").OpenObject("sort").Int32("a", 1).Int32("_id", -1).Close();
  const std::string command = find.Finish();
  std::vector<std::string> paged;
  std::string after;
  do {
    QueryOptions options;
    options.after = AsBytes(after);
    auto cursor = Must(db.database().Query(db.session(), "law", AsBytes(command), options));
    BytesView batch[11];
    const uint64_t given = Must(cursor->Next(Span<BytesView>(batch, std::size(batch))));
    for (uint64_t i = 0; i < given; ++i) paged.emplace_back(AsText(batch[i]));
    after = given == 0 ? "" : std::string(Must(cursor->Position()).text());
  } while (!after.empty());
  const std::string sort = bson::Builder().Int32("a", 1).Int32("_id", -1).Finish();
  EXPECT_EQ(paged, Must(db.Find(db.session(), "c", bson::Builder().Finish(), sort)));
}

void ACursorKeepsItsMoment(LawBench& bench) {
  DatabaseBench db(bench);
  base::Prng random(bench.seed());
  StoreAll(db, RandomPoints(random));
  const std::string command = bson::Builder().Text("find", "c").Finish();
  auto reader = db.NewSession();
  auto cursor = Must(db.database().Query(*reader, "law", AsBytes(command), {}));
  BytesView one;
  auto next = [&] { return Must(cursor->Next(Span<BytesView>(&one, 1))); };
  ASSERT_EQ(next(), 1u);
  for (int64_t id = 0; id < kDocuments; id += 2) Must(db.Delete(db.session(), "c", id));
  db.Store("c", {Stored({kDocuments, 1, 1})});
  int64_t given = 1;
  while (next() == 1) ++given;
  EXPECT_EQ(given, kDocuments);
  EXPECT_EQ(static_cast<int64_t>(db.All("c").size()), kDocuments / 2 + 1);
}

void CommandsNobodyKnowsAreRefused(LawBench& bench) {
  DatabaseBench db(bench);
  db.Store("c", {Numbered(1, 1)});
  EXPECT_FALSE(db.Run(db.session(), "fnid", "c").ok());
  EXPECT_FALSE(
      db.Find(db.session(), "c", Nested("n", bson::Builder().Int32("$gtt", 1).Finish())).ok())
      << "an operator that does not exist must not match anything";
  EXPECT_EQ(db.All("c").size(), 1u);
}

}  // namespace

std::vector<PluginLaw> DatabaseQueryLaws() {
  return {{"QueriesGiveWhatEveryDocumentSays", QueriesGiveWhatEveryDocumentSays},
          {"AnIndexChangesNoAnswer", AnIndexChangesNoAnswer},
          {"AUniqueIndexTakesAValueOnce", AUniqueIndexTakesAValueOnce},
          {"PagesGiveEachDocumentOnce", PagesGiveEachDocumentOnce},
          {"ACursorKeepsItsMoment", ACursorKeepsItsMoment},
          {"CommandsNobodyKnowsAreRefused", CommandsNobodyKnowsAreRefused}};
}

}  // namespace nexadb::testkit
