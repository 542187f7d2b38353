#include "core/config/parse.h"

#include <gtest/gtest.h>

namespace nexadb::config {
namespace {

TEST(Json, KeepsOrderAndTypes) {
  auto root = ParseJson(R"({"b": [1, -2, 0.5, true, null, "é"], "a": {}})", "m");
  ASSERT_TRUE(root.ok());
  EXPECT_EQ(root->members[0].name, "b");
  const Value& b = root->members[0].value;
  ASSERT_EQ(b.items.size(), 6u);
  EXPECT_EQ(b.items[1].integer, -2);
  EXPECT_EQ(b.items[2].number, 0.5);
  EXPECT_TRUE(b.items[3].boolean);
  EXPECT_EQ(b.items[4].kind, Value::Kind::kNull);
  EXPECT_EQ(b.items[5].text, "é");
  EXPECT_TRUE(root->members[1].value.IsTable());
}

TEST(Json, RefusesWhatIsNotStrict) {
  const std::string nul("{}\0x", 4);
  for (std::string text :
       {std::string(""), std::string("{"), std::string("{} x"), std::string("{\"a\":1,\"a\":2}"),
        std::string("[18446744073709551615]"), std::string("\"\xff\""), std::string("[1,]"),
        std::string(1000, '['), nul}) {
    auto parsed = ParseJson(text, "m");
    EXPECT_FALSE(parsed.ok()) << text;
    EXPECT_TRUE(parsed.status().message().starts_with("m: ")) << parsed.status().message();
  }
}

}  // namespace
}  // namespace nexadb::config
