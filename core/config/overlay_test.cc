#include "core/config/overlay.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "core/config/parse.h"

namespace nexadb::config {
namespace {

Schema TheSchema() {
  auto json = ParseJson(R"({"type": "object", "properties": {
      "threads": {"type": "integer"}, "name": {"type": "string"},
      "hosts": {"type": "array", "items": {"type": "string"}},
      "tls": {"type": "object", "properties": {"key": {"type": "string"}}}}})",
                        "schema");
  return std::move(*ParseSchema(*json));
}

TEST(Overlay, EnvironmentIsReadAsTheSchemaSays) {
  ::setenv("NEXADB_MY_DB_THREADS", "3", 1);
  ::setenv("NEXADB_MY_DB_NAME", "7", 1);
  ::setenv("NEXADB_MY_DB_HOSTS", "a:1,b:2", 1);
  ::setenv("NEXADB_MY_DB_TLS_KEY", "k", 1);
  Value table = Value::Table("f");
  ApplyEnvironment("my-db", TheSchema(), table);
  EXPECT_EQ(table.Find("threads")->integer, 3);
  EXPECT_EQ(table.Find("threads")->where, "environment NEXADB_MY_DB_THREADS");
  EXPECT_EQ(table.Find("name")->text, "7");
  ASSERT_EQ(table.Find("hosts")->items.size(), 2u);
  EXPECT_EQ(table.Find("hosts")->items[1].text, "b:2");
  EXPECT_EQ(table.Find("tls")->Find("key")->text, "k");
}

TEST(Overlay, FlagsWinOverEnvironment) {
  ::setenv("NEXADB_FLAGGED_THREADS", "3", 1);
  Value table = Value::Table("f");
  Problems problems;
  ApplySet("threads=5", table, problems);
  ApplyEnvironment("flagged", TheSchema(), table);
  EXPECT_TRUE(problems.empty());
  EXPECT_EQ(table.Find("threads")->integer, 5);
}

TEST(Overlay, SetMakesTheTablesOnItsPath) {
  Value root = Value::Table("f");
  Problems problems;
  ApplySet("plugins.lsm.config.durability=os", root, problems);
  ASSERT_TRUE(problems.empty());
  const Value* lsm = root.Find("plugins")->Find("lsm");
  EXPECT_EQ(lsm->Find("config")->Find("durability")->text, "os");
}

TEST(Overlay, AMalformedSetIsAProblem) {
  for (const char* text : {"x", "=1", "a..b=1", "n.x=1"}) {
    Value root = Value::Table("f");
    root.At("n", "f") = Value::Text("text", "f");
    Problems problems;
    ApplySet(text, root, problems);
    EXPECT_EQ(problems.lines().size(), 1u) << text;
  }
}

}  // namespace
}  // namespace nexadb::config
