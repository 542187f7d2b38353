#include "core/config/schema.h"

#include <gtest/gtest.h>

#include "core/config/config_view.h"
#include "core/config/parse.h"
#include "core/config/render.h"

namespace nexadb::config {
namespace {

constexpr std::string_view kSchema = R"({
  "type": "object", "additionalProperties": false, "required": ["name"], "properties": {
    "name": {"type": "string"},
    "budget": {"type": "string", "format": "size", "default": "1MiB", "minimum": "64KiB"},
    "pause": {"type": "string", "format": "duration", "default": "1s", "maximum": 5000},
    "mode": {"enum": ["calm", "lively"], "default": "calm"},
    "threads": {"type": "integer", "minimum": 1, "maximum": 8, "default": 2},
    "ratio": {"type": "number", "default": 0.5},
    "hosts": {"type": "array", "items": {"type": "string"}, "maxItems": 2, "default": ["a"]},
    "tls": {"type": "object", "additionalProperties": false, "properties": {
      "key": {"type": "string", "secret": true, "default": "k"}}},
    "labels": {"type": "object", "additionalProperties": {"type": "integer"}}
  }})";

Schema TheSchema() {
  auto json = ParseJson(kSchema, "schema");
  EXPECT_TRUE(json.ok());
  auto schema = ParseSchema(*json);
  EXPECT_TRUE(schema.ok()) << schema.status().message();
  return std::move(*schema);
}

Value Table(const char* toml) {
  auto table = ParseToml(toml, "f");
  EXPECT_TRUE(table.ok()) << table.status().message();
  return std::move(*table);
}

std::vector<std::string> Mistakes(const char* toml) {
  Value table = Table(toml);
  Problems problems;
  Validate(TheSchema(), table, "c", problems);
  return problems.lines();
}

TEST(Schema, FillsDefaultsAndReadsQuantities) {
  Value table = Table("name = \"x\"\nratio = 2\n");
  Problems problems;
  Validate(TheSchema(), table, "c", problems);
  ASSERT_TRUE(problems.empty()) << problems.lines()[0];
  const TableView view(table);
  EXPECT_EQ(*view.Bytes("budget"), uint64_t{1} << 20);
  EXPECT_EQ(*view.Milliseconds("pause"), 1000u);
  EXPECT_EQ(*view.Integer("threads"), 2);
  EXPECT_EQ(*view.Number("ratio"), 2.0);
  EXPECT_EQ(*view.TextCount("hosts"), 1u);
  EXPECT_EQ(std::string_view(*view.TextAt("hosts", 0)), "a");
  auto tls = view.Table("tls");
  ASSERT_TRUE(tls.ok());
  EXPECT_EQ(std::string_view(*(*tls)->Text("key")), "k");
  EXPECT_EQ(std::string_view(view.Where("name")), "f:1:8");
  EXPECT_EQ(std::string_view(view.Where("budget")), "default");
  EXPECT_EQ(view.Bool("threads").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(view.Bool("nothing").status().code(), Code::kNotFound);
  EXPECT_EQ(view.TextAt("hosts", 1).status().code(), Code::kNotFound);
}

TEST(Schema, ReportsEveryMistakeAtOnce) {
  const auto lines = Mistakes(
      "budgit = \"1MiB\"\nbudget = \"1KiB\"\npause = \"10s\"\nmode = \"livly\"\nthreads = 9\n"
      "hosts = [\"a\", 1, \"c\"]\nratio = \"x\"\n[labels]\na = \"b\"\n");
  const std::vector<std::string> expected = {
      "f:1:1: c.budgit: unknown key (did you mean \"budget\"?)",
      "f:2:10: c.budget: must be at least 65536 bytes",
      "f:3:9: c.pause: must be at most 5000 ms",
      "f:4:8: c.mode: expected \"calm\" or \"lively\", got \"livly\" (did you mean \"lively\"?)",
      "f:5:11: c.threads: must be at most 8",
      "f:6:9: c.hosts: must be at most 2 items",
      "f:6:15: c.hosts[1]: expected text, got an integer",
      "f:7:9: c.ratio: expected a number, got text",
      "f:9:5: c.labels.a: expected an integer, got text",
      "f:1:1: c.name: is required; expected text",
  };
  EXPECT_EQ(lines, expected);
}

TEST(Schema, SecretsAreNotRendered) {
  Value table = Table("name = \"x\"\n[tls]\nkey = \"hunter2\"\n");
  const Schema schema = TheSchema();
  Problems problems;
  Validate(schema, table, "c", problems);
  ASSERT_TRUE(problems.empty());
  EXPECT_EQ(RenderToml(table, &schema).find("hunter2"), std::string::npos);
  bson::Builder builder;
  RenderBson(table, &schema, builder);
  const std::string bytes = builder.Finish();
  EXPECT_EQ(bson::Validate(AsBytes(bytes)), nullptr);
  EXPECT_EQ(bytes.find("hunter2"), std::string::npos);
  EXPECT_NE(bytes.find(std::string(kRedacted)), std::string::npos);
}

TEST(Schema, RefusesKeywordsOutsideTheSubset) {
  for (const char* text :
       {R"({"type": "object", "patternProperties": {}})", R"({"type": "strin"})",
        R"({"type": "integer", "format": "size"})", R"({"type": "integer", "default": "x"})",
        R"({"type": "object", "required": ["x"]})", R"({"enum": [1]})", R"([])",
        R"({"type": "string", "format": "size", "minimum": "few"})"}) {
    auto json = ParseJson(text, "schema");
    ASSERT_TRUE(json.ok());
    EXPECT_FALSE(ParseSchema(*json).ok()) << text;
  }
}

}  // namespace
}  // namespace nexadb::config
