#include "core/base/escape.h"

#include <gtest/gtest.h>

namespace nexadb::base {
namespace {

TEST(Escape, OneLineStaysOneLine) {
  EXPECT_EQ(Escaped("a\nb\tc\x1b[0m\x7f\"\\"), "a\\nb\\tc\\u001b[0m\\u007f\"\\");
  EXPECT_EQ(Escaped("grün"), "grün");
}

TEST(Escape, QuotedTextHidesNoQuote) {
  EXPECT_EQ(Quoted("say \"x\"\\"), "\"say \\\"x\\\"\\\\\"");
  EXPECT_EQ(Quoted(std::string_view("\0", 1)), "\"\\u0000\"");
  EXPECT_EQ(Quoted(""), "\"\"");
}

}  // namespace
}  // namespace nexadb::base
