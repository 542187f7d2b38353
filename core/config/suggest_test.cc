#include "core/config/suggest.h"

#include <gtest/gtest.h>

namespace nexadb::config {
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

}  // namespace
}  // namespace nexadb::config
