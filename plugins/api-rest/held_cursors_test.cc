#include "plugins/api-rest/held_cursors.h"

#include <gtest/gtest.h>

#include "core/document/limits.h"

namespace nexadb::rest {
namespace {

TEST(HeldCursors, GiveEachPageOnce) {
  HeldCursors held;
  held.Keep(7, 20, 1);
  EXPECT_FALSE(held.Claim(7, 0));
  EXPECT_TRUE(held.Claim(7, 20));
  EXPECT_FALSE(held.Claim(7, 20));
  held.Keep(7, 40, 2);
  EXPECT_FALSE(held.Claim(7, 20));
  EXPECT_FALSE(held.Claim(8, 40));
  EXPECT_TRUE(held.Claim(7, 40));
}

TEST(HeldCursors, ForgetWhatTheDatabaseHasDropped) {
  HeldCursors held;
  const uint64_t idle_ns = static_cast<uint64_t>(kCursorIdleMs) * 1'000'000;
  held.Keep(1, 10, 5 * idle_ns);
  held.Keep(2, 10, 8 * idle_ns);
  EXPECT_FALSE(held.Claim(1, 10));
  EXPECT_TRUE(held.Claim(2, 10));
}

}  // namespace
}  // namespace nexadb::rest
