#include "core/loader/manifest.h"

#include <gtest/gtest.h>

namespace nexadb::loader {
namespace {

TEST(Manifest, IsReadWhole) {
  auto manifest = ParseManifest(R"({"manifest": 1, "id": "com.acme.x", "version": "1.2.3",
    "license": "MIT", "description": "d", "provides": ["com.acme.y/2.5"],
    "requires": [{"slot": "s", "interface": "nexadb.database/0.1", "cardinality": "many"}],
    "config_schema": {"type": "object", "properties": {"a": {"type": "integer"}}}})");
  ASSERT_TRUE(manifest.ok()) << manifest.status().message();
  EXPECT_EQ(manifest->id, "com.acme.x");
  ASSERT_EQ(manifest->provides.size(), 1u);
  EXPECT_EQ(manifest->provides[0], (InterfaceName{"com.acme.y", 2, 5}));
  EXPECT_EQ(manifest->provides[0].Text(), "com.acme.y/2.5");
  ASSERT_EQ(manifest->requirements.size(), 1u);
  EXPECT_EQ(manifest->requirements[0].cardinality, Cardinality::kMany);
  EXPECT_NE(manifest->config_schema.Find("a"), nullptr);
}

TEST(Manifest, MistakesNameTheirMember) {
  const std::string head = R"({"manifest": 1, "id": "x", "version": "1", )";
  const std::pair<std::string, const char*> cases[] = {
      {R"([])", "expected a table"},
      {R"({"manifest": 2, "id": "x", "version": "1"})", "manifest: must be at most 1"},
      {R"({"manifest": 1, "id": "x"})", "version: is required"},
      {R"({"manifest": 1, "ide": "x"})", "did you mean \"id\"?"},
      {head + R"("provides": ["nexadb.database"]})", "\"nexadb.database\" is no interface"},
      {head + R"("provides": ["nexadb.database/0.99999"]})", "is no interface"},
      {head + R"("provides": ["a/0.1", "a/0.1"]})", "provides a twice"},
      {head + R"("requires": [{"slot": "a"}]})", "requires[0].interface: is required"},
      {head + R"("requires": [{"slot": "a", "interface": "b/0.1", "cardinality": "two"}]})",
       "requires[0].cardinality: expected \"one\""},
      {head + R"("config_schema": {"type": "array"}})", "config_schema"},
      {head + R"("config_schema": {"type": "object", "properties": {"a": {"typo": 1}}}})",
       "config_schema.properties.a.typo"},
  };
  for (const auto& [json, expected] : cases) {
    auto manifest = ParseManifest(json);
    ASSERT_FALSE(manifest.ok()) << json;
    EXPECT_NE(manifest.status().message().find(expected), std::string_view::npos)
        << manifest.status().message();
  }
}

TEST(Manifest, ContractVersionsMustMatchExactly) {
  EXPECT_TRUE(CheckContract({"nexadb.storage_engine", 0, 1}).ok());
  EXPECT_TRUE(CheckContract({"com.acme.anything", 7, 7}).ok());
  const Status other = CheckContract({"nexadb.storage_engine", 0, 2});
  EXPECT_EQ(other.message(),
            "built for nexadb.storage_engine/0.2, this kernel speaks nexadb.storage_engine/0.1");
  EXPECT_NE(CheckContract({"nexadb.storage_engin", 0, 1}).message().find("did you mean"),
            std::string_view::npos);
}

}  // namespace
}  // namespace nexadb::loader
