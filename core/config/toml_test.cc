#include "core/config/parse.h"

#include <gtest/gtest.h>

namespace nexadb::config {
namespace {

TEST(Toml, ValuesKnowTheirPositionAndOrder) {
  auto root = ParseToml("[z]\nb = 1\n  a = [\"x\", 2.5, true]\n", "f.toml");
  ASSERT_TRUE(root.ok());
  const Value* table = root->Find("z");
  ASSERT_NE(table, nullptr);
  ASSERT_EQ(table->members.size(), 2u);
  EXPECT_EQ(table->members[0].name, "b");
  EXPECT_EQ(table->members[0].value.integer, 1);
  EXPECT_EQ(table->members[1].where, "f.toml:3:3");
  EXPECT_EQ(table->members[1].value.where, "f.toml:3:7");
  EXPECT_EQ(table->members[1].value.items[0].text, "x");
  EXPECT_EQ(table->members[1].value.items[1].number, 2.5);
  EXPECT_TRUE(table->members[1].value.items[2].boolean);
}

TEST(Toml, ErrorsNameThePosition) {
  auto broken = ParseToml("a = 1\nb = [1,\n", "f.toml");
  ASSERT_FALSE(broken.ok());
  EXPECT_TRUE(broken.status().message().starts_with("f.toml:")) << broken.status().message();
  auto date = ParseToml("a = 1979-05-27\n", "f.toml");
  ASSERT_FALSE(date.ok());
  EXPECT_TRUE(date.status().message().starts_with("f.toml:1:5: ")) << date.status().message();
}

// toml++ asserts on these.
TEST(Toml, MalformedTableNamesAreErrorsToo) {
  for (const char* text : {"a = 1\n[#", "a = 1\n[#\nb = 2\n", "a = 1\n[plugins.#]\n"}) {
    auto broken = ParseToml(text, "f.toml");
    ASSERT_FALSE(broken.ok()) << text;
    EXPECT_TRUE(broken.status().message().starts_with("f.toml:2:")) << broken.status().message();
  }
}

TEST(Toml, NestingIsBounded) {
  EXPECT_TRUE(ParseToml("a = " + std::string(20, '[') + std::string(20, ']'), "f").ok());
  EXPECT_FALSE(ParseToml("a = " + std::string(60, '[') + std::string(60, ']'), "f").ok());
  EXPECT_FALSE(ParseToml("a = " + std::string(100000, '['), "f").ok());
}

TEST(Toml, AValueOnItsOwnMayBePlainText) {
  EXPECT_EQ(ParseTomlValue("12", "w").integer, 12);
  EXPECT_EQ(ParseTomlValue("[\"a\"]", "w").items.size(), 1u);
  EXPECT_EQ(ParseTomlValue("1GiB", "w").text, "1GiB");
  EXPECT_EQ(ParseTomlValue("1\nb = 2", "w").text, "1\nb = 2");
  EXPECT_EQ(ParseTomlValue("", "w").text, "");
  EXPECT_EQ(ParseTomlValue("os", "w").where, "w");
}

TEST(Toml, CharactersThatTheParsersTablesLackAreRefusedOrKept) {
  EXPECT_EQ(ParseToml("L\xEF\xBB\xBD", "f").status().code(), Code::kInvalidArgument);     // U+FEFD
  EXPECT_EQ(ParseToml("a = \xEF\xAC\xA6", "f").status().code(), Code::kInvalidArgument);  // U+FB26
  EXPECT_EQ(ParseToml("a = \"\xEF\xBB\xBD\"", "f")->Find("a")->text, "\xEF\xBB\xBD");
}

}  // namespace
}  // namespace nexadb::config
