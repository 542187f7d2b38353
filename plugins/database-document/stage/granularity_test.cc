// Laws of preferred numbers.
#include "plugins/database-document/stage/granularity.h"

#include <gtest/gtest.h>

namespace nexadb::query {
namespace {

TEST(GranularityTest, RoundsToTheNextOfTheSeries) {
  const Granularity e6 = *Granularity::Find("E6");
  EXPECT_DOUBLE_EQ(e6.Up(1.1), 1.5);
  EXPECT_DOUBLE_EQ(e6.Up(1.5), 2.2) << "strictly above";
  EXPECT_DOUBLE_EQ(e6.Up(700), 1000);
  EXPECT_DOUBLE_EQ(e6.Down(1.5), 1.0) << "strictly below";
  EXPECT_DOUBLE_EQ(e6.Down(1), 0.68);
  const Granularity two = *Granularity::Find("POWERSOF2");
  EXPECT_DOUBLE_EQ(two.Up(5), 8);
  EXPECT_DOUBLE_EQ(two.Up(8), 16);
  EXPECT_DOUBLE_EQ(two.Down(8), 4);
  EXPECT_FALSE(Granularity::Find("R41"));
}

TEST(GranularityTest, EverySeriesClimbsAndBrackets) {
  for (const char* name : {"R5", "R10", "R20", "R40", "R80", "1-2-5", "E6", "E12", "E24", "E48",
                           "E96", "E192", "POWERSOF2"}) {
    const Granularity series = *Granularity::Find(name);
    double before = 0;
    for (double x = 0.001; x < 5000; x *= 1.07) {
      EXPECT_GT(series.Up(x), x) << name;
      EXPECT_LT(series.Down(x), x) << name;
      EXPECT_GE(series.Up(x), before) << name;
      before = series.Up(x);
    }
    EXPECT_EQ(series.Up(0), 0) << name;
  }
}

}  // namespace
}  // namespace nexadb::query
