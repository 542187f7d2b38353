// Laws of views that read views: a definition that would make a circle, a way too long or one that
// leads to another collation is refused, whichever of the views is there first.
#include "plugins/database-document/testing/fixture.h"

namespace nexadb::database {
namespace {

class ViewGraphs : public DatabaseFixture {
 protected:
  int View(const std::string& name, const std::string& on, const std::string& pipeline = "[]",
           const std::string& more = "") {
    return CodeOf(R"({"create": ")" + name + R"(", "viewOn": ")" + on + R"(", "pipeline": )" +
                  pipeline + more + "}");
  }
  int Change(const std::string& name, const std::string& on, const std::string& pipeline = "[]") {
    return CodeOf(R"({"collMod": ")" + name + R"(", "viewOn": ")" + on + R"(", "pipeline": )" +
                  pipeline + "}");
  }
  // Puts other bytes of the same length into the stored entry of a view.
  void Rewrite(const std::string& name, const std::string& from, const std::string& to) {
    StorageEngine& engine = *storage_->Service<StorageEngine>();
    const std::string key = std::string(4, '\0') + "c" + "test" + std::string(1, '\0') + name;
    auto snapshot = engine.OpenSnapshot();
    ASSERT_TRUE(snapshot.ok());
    auto found = (*snapshot)->Get(AsBytes(key), {});
    ASSERT_TRUE(found.ok());
    std::string value(found->text());
    const size_t at = value.find(from);
    ASSERT_NE(at, std::string::npos);
    value.replace(at, to.size(), to);
    const Mutation put{Mutation::Op::kPut, 0, AsBytes(key), AsBytes(value)};
    ASSERT_TRUE(engine.Write(Span<const Mutation>(&put, 1), {}).ok());
  }
  static std::string Number(const std::string& name, int n) { return name + std::to_string(n); }
};

TEST_F(ViewGraphs, NoDefinitionClosesACircle) {
  EXPECT_EQ(View("a", "a"), 5);
  EXPECT_EQ(View("a", "c"), 0);
  EXPECT_EQ(View("b", "a"), 0);
  EXPECT_EQ(Change("a", "b"), 5);
  EXPECT_EQ(Change("a", "c", R"([{"$unionWith": "b"}])"), 5);
  EXPECT_EQ(Change("a", "c", R"([{"$unionWith": {"coll": "a", "pipeline": []}}])"), 5);
  EXPECT_EQ(Change("a", "c", R"([{"$lookup": {"from": "x", "as": "y", "pipeline": [
                {"$facet": {"f": [{"$lookup": {"from": "b", "as": "z", "pipeline": []}}]}}]}}])"),
            5);
  // What is not said stays as it was, and counts.
  EXPECT_EQ(CodeOf(R"({"collMod": "a", "pipeline": [{"$unionWith": "b"}]})"), 5);
  EXPECT_EQ(CodeOf(R"({"collMod": "a", "pipeline": [{"$unionWith": "d"}]})"), 0);
  EXPECT_EQ(CodeOf(R"({"collMod": "a", "viewOn": "b"})"), 5);
  EXPECT_EQ(Change("a", "c"), 0);
  // Refused is not done.
  EXPECT_EQ(Batch(R"({"find": "b"})"), "[]");
  EXPECT_EQ(Change("a", "d"), 0);
}

TEST_F(ViewGraphs, ACircleIsSeenWhereItsEndWasNamedBeforeItWasThere) {
  EXPECT_EQ(View("a", "later"), 0);
  EXPECT_EQ(View("b", "c", R"([{"$unionWith": "a"}])"), 0);
  EXPECT_EQ(View("later", "c", R"([{"$unionWith": "b"}])"), 5);
  EXPECT_EQ(View("later", "b"), 5);
  EXPECT_EQ(View("later", "c"), 0);
}

TEST_F(ViewGraphs, TheLongestWayHasTwentyViewsAboveAndBelowTogether) {
  EXPECT_EQ(View("v1", "c"), 0);
  for (int i = 2; i <= 20; ++i) {
    EXPECT_EQ(View(Number("v", i), i % 2 == 0 ? "c" : Number("v", i - 1),
                   i % 2 == 0 ? R"([{"$unionWith": ")" + Number("v", i - 1) + R"("}])" : "[]"),
              0)
        << i;
  }
  EXPECT_EQ(View("v21", "v20"), 165);
  EXPECT_EQ(View("v21", "c", R"([{"$unionWith": "v20"}])"), 165);
  // From below: what the others read becomes a view, and the way one longer.
  EXPECT_EQ(View("w", "v19"), 0);
  EXPECT_EQ(View("c", "d"), 165);
}

TEST_F(ViewGraphs, ViewsThatReadEachOtherHaveOneCollation) {
  const std::string any_case = R"(, "collation": {"locale": "en", "strength": 2})";
  EXPECT_EQ(View("v", "c", "[]", any_case), 0);
  EXPECT_EQ(View("w", "v"), 167);
  EXPECT_EQ(View("w", "c", R"([{"$unionWith": "v"}])"), 167);
  EXPECT_EQ(View("w", "v", "[]", any_case), 0);
  EXPECT_EQ(View("above", "later"), 0);
  EXPECT_EQ(View("later", "c", "[]", any_case), 167);
  EXPECT_EQ(View("plain", "c"), 0);
  EXPECT_EQ(Change("w", "plain"), 167);
}

TEST_F(ViewGraphs, OfTwoThatCloseACircleTogetherTheLastConflicts) {
  EXPECT_EQ(View("b", "c"), 0);
  Handle<Session> other = NewSession();
  ASSERT_TRUE(session_->Begin(TransactionIsolation::kSnapshot).ok());
  ASSERT_TRUE(other->Begin(TransactionIsolation::kSnapshot).ok());
  // a reads b, b reads d, d reads a: no transaction has seen more than two of them.
  Run(*session_, R"({"create": "a", "viewOn": "b", "pipeline": []})");
  Run(*other, R"({"create": "d", "viewOn": "c", "pipeline": [{"$unionWith": "a"}]})");
  ASSERT_TRUE(session_->Commit().ok());
  const Status late = other->Commit();
  EXPECT_EQ(MongoCode(late), 112) << late.message();
  EXPECT_EQ(View("d", "c", R"([{"$unionWith": "a"}])"), 0);
  EXPECT_EQ(Change("b", "d"), 5);
  EXPECT_EQ(Batch(R"({"find": "d"})"), "[]");
}

TEST_F(ViewGraphs, ACircleOfAnOlderStoreIsRefusedWhereItIsReadAndCanBeMended) {
  Run(R"({"insert": "c", "documents": [{"_id": 1}]})");
  EXPECT_EQ(View("a", "c", R"([{"$unionWith": "w"}])"), 0);
  EXPECT_EQ(View("b", "c", R"([{"$unionWith": "a"}])"), 0);
  EXPECT_EQ(View("k", "c", R"([{"$lookup": {"from": "x", "pipeline": [], "as": "y"}}])"), 0);
  EXPECT_EQ(View("m", "k"), 0);
  // As older versions took them: what a and k read that is not there becomes b and m.
  Rewrite("a", std::string("w\0", 2), std::string("b\0", 2));
  Rewrite("k", std::string("x\0", 2), std::string("m\0", 2));
  Reopen();
  for (const std::string name : {"a", "b", "k", "m"}) {
    EXPECT_EQ(CodeOf(R"({"find": ")" + name + R"("})"), 165) << name;
    EXPECT_EQ(CodeOf(R"({"aggregate": "c", "cursor": {}, "pipeline": [{"$unionWith": ")" + name +
                     R"("}]})"),
              165)
        << name;
    EXPECT_EQ(View("above", name), 5) << name;
  }
  EXPECT_EQ(Change("a", "c"), 0);
  EXPECT_EQ(Batch(R"({"find": "b"})"), R"([{"_id":1},{"_id":1}])");
}

}  // namespace
}  // namespace nexadb::database
