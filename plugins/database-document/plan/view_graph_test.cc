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

}  // namespace
}  // namespace nexadb::database
