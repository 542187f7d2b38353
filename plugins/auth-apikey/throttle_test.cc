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

}  // namespace
}  // namespace nexadb::auth
