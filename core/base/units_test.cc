#include "core/base/units.h"

#include <gtest/gtest.h>

namespace nexadb::base {
namespace {

TEST(Units, SizesHaveBinaryAndDecimalUnits) {
  EXPECT_EQ(ParseSize("64MiB"), 64 << 20);
  EXPECT_EQ(ParseSize("1 GiB"), 1 << 30);
  EXPECT_EQ(ParseSize("1.5KiB"), 1536);
  EXPECT_EQ(ParseSize("2kB"), 2000);
  EXPECT_EQ(ParseSize("7B"), 7);
  EXPECT_EQ(ParseSize("0"), 0);
}

TEST(Units, DurationsRoundUpToMilliseconds) {
  EXPECT_EQ(ParseDuration("100ms"), 100);
  EXPECT_EQ(ParseDuration("1.5s"), 1500);
  EXPECT_EQ(ParseDuration("2h"), 7200000);
  EXPECT_EQ(ParseDuration("10min"), ParseDuration("10m"));
  EXPECT_EQ(ParseDuration("0.1ms"), 1);
  EXPECT_EQ(ParseDuration("1d"), 86400000);
}

TEST(Units, RefusesWhatIsNoQuantity) {
  for (const char* text : {"", "64", "MiB", "-1MiB", "64mib", "1e3B", "nan", "infs", "1MiB x",
                           "0x10B", "99999999999TiB", " 1B"}) {
    EXPECT_EQ(ParseSize(text), std::nullopt) << text;
  }
  for (const char* text : {"5", "5 minutes", "-1s", "1S"}) {
    EXPECT_EQ(ParseDuration(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace nexadb::base
