#include "plugins/database-document/tasks/retention.h"

#include <gtest/gtest.h>

namespace nexadb::database {
namespace {

constexpr int64_t kHour = 3'600'000;
constexpr int64_t kNow = 1'800'000'000'000;

// A backup made `hours` ago, under the name that the server gives.
DatedBackup Made(int64_t hours) {
  const int64_t created_ms = kNow - hours * kHour;
  return {BackupNameOf(created_ms), created_ms};
}

std::vector<std::string> Ids(const std::vector<DatedBackup>& backups) {
  std::vector<std::string> ids;
  for (const DatedBackup& backup : backups) ids.push_back(backup.id);
  return ids;
}

TEST(RetentionTest, NamesOfTimeSortByTimeAndAreKnown) {
  EXPECT_EQ(BackupNameOf(kNow), "20270115T080000000Z");
  EXPECT_TRUE(IsBackupNameOfTime(BackupNameOf(kNow)));
  EXPECT_LT(BackupNameOf(kNow - 1), BackupNameOf(kNow));
  for (const char* other : {"", "nightly", "20270115T080000000", "20270115T080000000Zx",
                            "20270115-080000000Z", "2027011xT080000000Z"}) {
    EXPECT_FALSE(IsBackupNameOfTime(other)) << other;
  }
}

TEST(RetentionTest, TheNewestAreKeptAndTheRestGoesOldestFirst) {
  const auto surplus = SurplusBackups({Made(5), Made(0), Made(9), Made(2)}, Made(0).id,
                                      {.kept_max = 2, .age_max_ms = 0}, kNow);
  EXPECT_EQ(surplus, Ids({Made(9), Made(5)}));
}

TEST(RetentionTest, WhatIsTooOldGoes) {
  const auto surplus = SurplusBackups({Made(5), Made(0), Made(9), Made(2)}, Made(0).id,
                                      {.kept_max = 0, .age_max_ms = 5 * kHour}, kNow);
  EXPECT_EQ(surplus, Ids({Made(9)}));
}

TEST(RetentionTest, EitherRuleIsReasonEnough) {
  const auto surplus = SurplusBackups({Made(0), Made(1), Made(2), Made(30)}, Made(0).id,
                                      {.kept_max = 3, .age_max_ms = 1 * kHour}, kNow);
  EXPECT_EQ(surplus, Ids({Made(30), Made(2)}));
}

TEST(RetentionTest, TheVerifiedOneStaysHoweverOldAndWhatIsNewer) {
  const std::vector<DatedBackup> all = {Made(50), Made(40), Made(1)};
  EXPECT_EQ(SurplusBackups(all, Made(50).id, {.kept_max = 1, .age_max_ms = kHour / 2}, kNow),
            Ids({Made(40), Made(1)}));
}

TEST(RetentionTest, ANamedBackupNeitherCountsNorGoes) {
  std::vector<DatedBackup> all = {Made(0), Made(1), Made(2)};
  all.push_back({"before-upgrade", kNow - 1000 * kHour});
  all.push_back({"newer", kNow + kHour});
  EXPECT_EQ(SurplusBackups(all, Made(0).id, {.kept_max = 2, .age_max_ms = 100 * kHour}, kNow),
            Ids({Made(2)}));
}

TEST(RetentionTest, WithoutARuleNothingGoes) {
  EXPECT_FALSE(RetentionRule{}.removes());
  EXPECT_TRUE(SurplusBackups({Made(0), Made(9999)}, "", {}, kNow).empty());
}

}  // namespace
}  // namespace nexadb::database
