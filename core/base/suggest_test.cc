#include "core/base/suggest.h"

#include <gtest/gtest.h>

namespace nexadb::base {
namespace {

TEST(Suggest, FindsTheNearestName) {
  EXPECT_EQ(Suggest("memory_bugdet", {"memory_budget", "durability"}),
            " (did you mean \"memory_budget\"?)");
  EXPECT_EQ(Suggest("livly", {"calm", "lively"}), " (did you mean \"lively\"?)");
  EXPECT_EQ(Suggest("on", {"os", "disk"}), " (did you mean \"os\"?)");
}

TEST(Suggest, KeepsSilentWhenNothingIsNear) {
  EXPECT_EQ(Suggest("zebra", {"memory_budget", "durability"}), "");
  EXPECT_EQ(Suggest("", {"a"}), "");
  EXPECT_EQ(Suggest(std::string(100, 'a'), {"a"}), "");
  EXPECT_EQ(Suggest("x", {}), "");
}

TEST(Suggest, EditsAreLimitedByTheCaller) {
  EXPECT_EQ(Nearest("limt", {"fields", "limit"}, 1), "limit");
  EXPECT_EQ(Nearest("fileds", {"fields", "limit"}, 1), "fields");
  EXPECT_EQ(Nearest("lmt", {"limit"}, 1), "");
  EXPECT_EQ(Nearest("a", {"bc"}, 2), "");
}

}  // namespace
}  // namespace nexadb::base
