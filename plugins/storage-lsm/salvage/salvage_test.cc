// Laws of salvage: everything whole is kept, whatever is damaged; what is told as lost covers what
// is missing; the source stays as it was; and verify finds what salvage would.
#include "plugins/storage-lsm/salvage/salvage.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/base/prng.h"
#include "core/base/sim_env.h"
#include "plugins/storage-lsm/testing/disk_files.h"
#include "plugins/storage-lsm/testing/test_engine.h"
#include "plugins/storage-lsm/testing/test_keys.h"

namespace nexadb::lsm::testing {
namespace {

constexpr const char* kSource = "lsm";
constexpr const char* kTarget = "saved/lsm";
constexpr int kKeys = 400;

using Truth = std::map<std::string, std::string>;

std::string KeyOf(int i) { return "key" + std::to_string(1000 + i); }

// Each store without its keys, and encrypted.
class SalvageTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    options_ = TinyOptions();
    if (*GetParam() != 0) options_.keys = TestKeys(GetParam());
    salvage_.keys = options_.keys;
    TestEngine db(env_, kSource, options_);
    db.Open();
    base::Prng prng(3);
    for (int i = 0; i < kKeys; ++i) {
      truth_[KeyOf(i)] = std::string(20 + prng.Below(80), static_cast<char>('a' + i % 26));
      db.Write({Put(KeyOf(i), truth_[KeyOf(i)])});
    }
    ASSERT_TRUE(db.store().Compact({}, {}).ok());
    db.Write({DeleteRange(KeyOf(50), KeyOf(60))});
    truth_.erase(truth_.lower_bound(KeyOf(50)), truth_.lower_bound(KeyOf(60)));
    ASSERT_TRUE(db.store().WaitIdle().ok());
    for (int i = 0; i < 30; ++i) {
      truth_[KeyOf(i * 10)] = "in the log " + std::to_string(i);
      db.Write({Put(KeyOf(i * 10), truth_[KeyOf(i * 10)])});
    }
    ASSERT_TRUE(db.TryClose().ok());
    files_ = ReadDiskFiles(env_, kSource);
  }

  std::vector<std::string> All(std::string_view part) const {
    std::vector<std::string> found;
    for (const auto& [name, bytes] : files_) {
      if (name.find(part) != std::string::npos) found.push_back(name);
    }
    return found;
  }
  void Damage(const std::string& name, size_t at, size_t bytes = 1) {
    std::string& content = files_[name];
    for (size_t i = at; i < at + bytes; ++i) content[i] = static_cast<char>(content[i] ^ 0x55);
    WriteDiskFiles(env_, kSource, files_);
  }
  void Remove(const std::string& name) {
    files_.erase(name);
    ASSERT_TRUE(env_.Files().Remove(std::string(kSource) + "/" + name).ok());
  }

  // Salvages, opens what came of it and compares. Returns how many keys differ from the truth.
  int Save(SalvageReport* report) {
    salvage_.target.clear();
    auto verified = Salvage(env_, kSource, salvage_);
    EXPECT_TRUE(verified.ok()) << verified.status().message();
    salvage_.target = kTarget;
    auto saved = Salvage(env_, kSource, salvage_);
    EXPECT_TRUE(saved.ok()) << saved.status().message();
    if (!saved.ok() || !verified.ok()) return -1;
    *report = *saved;
    EXPECT_EQ(verified->losses.size(), saved->losses.size()) << "verify tells the same";
    EXPECT_TRUE(ReadDiskFiles(env_, kSource) == files_) << "the source was changed";
    TestEngine db(env_, kTarget, options_);
    db.Open();
    const Status whole = db.store().Verify();
    EXPECT_TRUE(whole.ok()) << whole.message();
    const Rows rows = db.Scan();
    const Truth found(rows.begin(), rows.end());
    int differ = 0;
    for (int i = 0; i < kKeys; ++i) {
      const auto expected = truth_.find(KeyOf(i));
      const auto at = found.find(KeyOf(i));
      const bool same = expected == truth_.end()
                            ? at == found.end()
                            : at != found.end() && at->second == expected->second;
      if (same) continue;
      ++differ;
      EXPECT_TRUE(Told(*saved, KeyOf(i))) << KeyOf(i) << " differs, and nobody said so";
    }
    db.Write({Put("later", "v")});
    EXPECT_EQ(db.Get("later"), "v");
    return differ;
  }
  static bool Told(const SalvageReport& report, const std::string& key) {
    return std::any_of(report.losses.begin(), report.losses.end(), [&](const Loss& loss) {
      return !loss.ranged || (loss.begin <= key && BeforeEnd(key, loss.end));
    });
  }

  base::SimEnv env_{4};
  StoreOptions options_;
  SalvageOptions salvage_;
  Truth truth_;
  DiskFiles files_;
};
INSTANTIATE_TEST_SUITE_P(Keys, SalvageTest, ::testing::Values("", "a"),
                         [](const auto& keys) { return *keys.param == 0 ? "Plain" : "Encrypted"; });

TEST_P(SalvageTest, AWholeStoreIsCopiedWhole) {
  SalvageReport report;
  EXPECT_EQ(Save(&report), 0);
  EXPECT_TRUE(report.losses.empty());
  EXPECT_EQ(report.rows_lost, 0u);
  EXPECT_EQ(report.log_records, 30u);
}

TEST_P(SalvageTest, OfADamagedTableOnlyTheDamagedBlockIsLost) {
  const std::string name = All(".sst").front();
  Damage(name, 40);
  SalvageReport report;
  const int differ = Save(&report);
  EXPECT_GT(differ, 0);
  EXPECT_LT(differ, 12) << "more than a block";
  EXPECT_EQ(report.tables_in_part, 1u);
  EXPECT_GT(report.rows_lost, 0u);
  ASSERT_FALSE(report.losses.empty());
  EXPECT_EQ(report.losses[0].file, name);
}

TEST_P(SalvageTest, WithoutItsIndexATablesBlocksAreFoundAllTheSame) {
  const std::string name = All(".sst").front();
  // The index stands before the footer, and before that the envelope.
  Damage(name, files_[name].size() - kFooterBytes - kEnvelopeBytes - 60);
  SalvageReport report;
  EXPECT_EQ(Save(&report), 0);
  EXPECT_EQ(report.rows_lost, 0u);
  EXPECT_FALSE(report.losses.empty());
}

TEST_P(SalvageTest, WithoutItsFooterAPlainTableIsFoundAndAnEncryptedOneIsTold) {
  const std::string name = All(".sst").front();
  Damage(name, files_[name].size() - 20);
  SalvageReport report;
  const int differ = Save(&report);
  EXPECT_EQ(differ == 0, *GetParam() == 0);
  EXPECT_EQ(report.tables_lost, *GetParam() == 0 ? 0u : 1u);
}

TEST_P(SalvageTest, AMissingTableIsToldWithItsKeys) {
  const std::string name = All(".sst").front();
  Remove(name);
  SalvageReport report;
  EXPECT_GT(Save(&report), 0);
  EXPECT_EQ(report.tables_lost, 1u);
  EXPECT_TRUE(report.losses.at(0).ranged);
}

TEST_P(SalvageTest, RecordsBehindDamageInTheLogAreKept) {
  const std::string name = All(".wal").front();
  Damage(name, 700, 8);  // more than the padding between two records
  SalvageReport report;
  const int differ = Save(&report);
  EXPECT_GT(differ, 0);
  EXPECT_LE(differ, 2);
  EXPECT_GE(report.log_records, 28u);
  EXPECT_LT(report.log_records, 30u);
}

TEST_P(SalvageTest, WithoutAManifestTheTablesTellOfThemselves) {
  Damage(All("MANIFEST").front(), 200, 20);
  SalvageReport report;
  EXPECT_EQ(Save(&report), 0);
  EXPECT_FALSE(report.losses.empty());
}

TEST_P(SalvageTest, WithoutCurrentTheTablesTellOfThemselves) {
  Remove("CURRENT");
  SalvageReport report;
  EXPECT_EQ(Save(&report), 0);
}

TEST_P(SalvageTest, WhateverIsFlippedNothingIsWrongUntold) {
  base::Prng prng(9);
  const DiskFiles whole = files_;
  for (int round = 0; round < 40; ++round) {
    files_ = whole;
    auto name = std::next(files_.begin(), static_cast<ptrdiff_t>(prng.Below(files_.size())));
    if (name->second.empty()) continue;
    const size_t at = prng.Below(name->second.find_last_not_of('\0') + 1);
    SCOPED_TRACE(name->first + " byte " + std::to_string(at));
    Damage(name->first, at);
    SalvageReport report;
    EXPECT_GE(Save(&report), 0);
    if (HasFailure()) return;
    for (const auto& [file, bytes] : ReadDiskFiles(env_, kTarget)) {
      ASSERT_TRUE(env_.Files().Remove(std::string(kTarget) + "/" + file).ok());
    }
    ASSERT_TRUE(env_.Files().RemoveDirectory(kTarget).ok());
  }
}

TEST_P(SalvageTest, WhatCannotBeDoneLeavesNoTarget) {
  salvage_.target = kTarget;
  EXPECT_EQ(Salvage(env_, "nowhere", salvage_).status().code(), Code::kNotFound);
  TestEngine db(env_, kSource, options_);
  db.Open();
  EXPECT_EQ(Salvage(env_, kSource, salvage_).status().code(), Code::kConflict) << "it is open";
  ASSERT_TRUE(db.TryClose().ok());
  salvage_.keys = TestKeys("b");
  if (*GetParam() != 0) {
    EXPECT_EQ(Salvage(env_, kSource, salvage_).status().code(), Code::kPermissionDenied);
  }
  EXPECT_FALSE(env_.Files().Exists(kTarget));
}

}  // namespace
}  // namespace nexadb::lsm::testing
