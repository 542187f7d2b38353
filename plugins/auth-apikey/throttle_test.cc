#include "plugins/auth-apikey/throttle.h"

#include <gtest/gtest.h>

namespace nexadb::auth {
namespace {

TEST(Throttle, HoldsAnAddressUpAfterItsFailures) {
  Throttle throttle(10);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(throttle.NoteFailure("10.0.0.1", 1000 + i), 0);
  EXPECT_EQ(throttle.NoteFailure("10.0.0.1", 2000), 59'000);
  EXPECT_EQ(throttle.NoteFailure("10.0.0.2", 2000), 0);
  EXPECT_EQ(throttle.NoteFailure("10.0.0.1", 60'999), 1);
  EXPECT_EQ(throttle.NoteFailure("10.0.0.1", 61'000), 0);
}

TEST(Throttle, IsBounded) {
  Throttle throttle(1);
  for (int i = 0; i < 20'000; ++i) throttle.NoteFailure("peer" + std::to_string(i), i / 10);
  EXPECT_EQ(throttle.size(), Throttle::kPeersMax);
  // The latest are the ones remembered.
  EXPECT_GT(throttle.NoteFailure("peer19999", 2000), 0);
  EXPECT_EQ(throttle.NoteFailure("peer0", 2000), 0);
}

TEST(Throttle, WhatAnotherHasCountedIsAddedForTheRestOfItsMinute) {
  Throttle first(10);
  for (int i = 0; i < 7; ++i) first.NoteFailure("10.0.0.1", 1000);
  first.NoteFailure("10.0.0.2", 1000);
  Throttle next(10);
  for (int i = 0; i < 2; ++i) next.NoteFailure("10.0.0.1", 5000);
  for (const Throttle::Count& count : first.Counts(6000)) next.Add(count, 6000);
  EXPECT_EQ(next.NoteFailure("10.0.0.1", 6000), 0);
  EXPECT_EQ(next.NoteFailure("10.0.0.1", 6000), 59'000);  // the later of the two minutes
  for (int i = 0; i < 9; ++i) EXPECT_EQ(next.NoteFailure("10.0.0.2", 7000), 0);
  EXPECT_EQ(next.NoteFailure("10.0.0.2", 7000), 54'000);  // the minute goes on
}

TEST(Throttle, AMinuteThatIsOverIsNotHandedOn) {
  Throttle first(1);
  first.NoteFailure("10.0.0.1", 1000);
  EXPECT_TRUE(first.Counts(61'000).empty());
  Throttle next(1);
  next.Add({"10.0.0.1", 1000, 1}, 61'000);
  EXPECT_EQ(next.size(), 0u);
  // Nor does a clock that was set back hold anybody up for longer than a minute.
  next.Add({"10.0.0.1", 900'000, 1}, 61'000);
  EXPECT_EQ(next.NoteFailure("10.0.0.1", 62'000), 59'000);
}

}  // namespace
}  // namespace nexadb::auth
