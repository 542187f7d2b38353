// The format on disk: stores written long ago open, stores of the future are refused untouched,
// damage is told.
//
// golden/v1 and, encrypted, golden/v2 were written by this test itself, run with
// NEXADB_LSM_WRITE_GOLDEN=golden/v1 (or v2, and the backups' likewise). They are kept for ever: a
// change of the format adds a new folder.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "core/base/sim_env.h"
#include "plugins/storage-lsm/testing/disk_files.h"
#include "plugins/storage-lsm/testing/test_engine.h"
#include "plugins/storage-lsm/testing/test_keys.h"

namespace nexadb::lsm::testing {
namespace {

using Files = DiskFiles;

// A store with rows in tables of two levels, range deletes, and more rows in a log that no flush
// has seen.
Files MakeStore(const StoreOptions& options) {
  base::SimEnv env(1);
  TestEngine db(env, "lsm", options);
  db.Open();
  for (int i = 0; i < 60; ++i) db.Write({Put("key" + std::to_string(i), "value")});
  EXPECT_TRUE(db.store().Compact({}, {}).ok());
  db.Write({DeleteRange("key2", "key3"), Put("key20", "after the range delete")});
  EXPECT_TRUE(db.store().FlushMemtable().ok());
  EXPECT_TRUE(db.store().WaitIdle().ok());
  db.Write({Put("in the log", "1"), Delete("key0"), Add("sum", Number(42))});
  db.Write({DeleteRange("key5", "key6")});
  return ReadDiskFiles(env, "lsm");
}

void ExpectGoldenRows(TestEngine& db) {
  Rows expected;
  for (int i = 0; i < 60; ++i) {
    const std::string key = "key" + std::to_string(i);
    const bool deleted = key == "key0" || key.starts_with("key2") || key.starts_with("key5");
    if (key == "key20") expected.emplace_back(key, "after the range delete");
    if (!deleted) expected.emplace_back(key, "value");
  }
  expected.emplace_back("in the log", "1");
  expected.emplace_back("sum", Number(42));
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(db.Scan(), expected);
  EXPECT_TRUE(db.store().Verify().ok());
}

StoreOptions EncryptedOptions() {
  StoreOptions options = TinyOptions();
  options.keys = TestKeys("a");
  return options;
}

// A backup of such a store.
Files MakeBackup(const StoreOptions& options) {
  base::SimEnv env(1);
  WriteDiskFiles(env, "lsm", MakeStore(options));
  TestEngine db(env, "lsm", options);
  db.Open();
  EXPECT_TRUE(db.store().Backup("backup", BackupWatch{}).ok());
  return ReadDiskFiles(env, "backup");
}

// Written anew first when the environment says so.
Files ReadGolden(const std::string& version, const StoreOptions& options,
                 Files (*make)(const StoreOptions&) = MakeStore) {
  const std::string wanted = "golden/" + version;
  const char* directory = std::getenv("NEXADB_LSM_WRITE_GOLDEN");
  if (directory != nullptr && std::string_view(directory).ends_with(wanted)) {
    std::filesystem::create_directories(directory);
    for (const auto& [name, bytes] : make(options)) {
      std::ofstream(std::filesystem::path(directory) / name, std::ios::binary) << bytes;
    }
  }
  Files files;
  for (const auto& entry : std::filesystem::directory_iterator(NEXADB_LSM_GOLDEN "/" + version)) {
    std::ifstream in(entry.path(), std::ios::binary);
    files[entry.path().filename().string()] =
        std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return files;
}

void ExpectGoldenOpens(const std::string& version, const StoreOptions& options) {
  base::SimEnv env(2);
  WriteDiskFiles(env, "lsm", ReadGolden(version, options));
  TestEngine db(env, "lsm", options);
  db.Open();
  ExpectGoldenRows(db);
  db.Reopen();
  ExpectGoldenRows(db);
}

TEST(FormatTest, StoresOfFormatOneOpenWithAllTheirRows) { ExpectGoldenOpens("v1", TinyOptions()); }

TEST(FormatTest, EncryptedStoresOfFormatTwoOpenWithAllTheirRows) {
  ExpectGoldenOpens("v2", EncryptedOptions());
}

void ExpectGoldenBackup(const std::string& version, const StoreOptions& options) {
  base::SimEnv env(2);
  WriteDiskFiles(env, "backup", ReadGolden(version, options, MakeBackup));
  TestEngine db(env, "lsm", options);
  db.Open();
  auto* facet = static_cast<StorageBackup*>(db.engine().Facet(StorageBackup::kInterface));
  auto info = facet->Describe("backup");
  ASSERT_TRUE(info.ok()) << info.status().message();
  EXPECT_GT(info->sequence, 60u);
  const Status verified = facet->VerifyBackup("backup", BackupWatch{});
  EXPECT_TRUE(verified.ok()) << verified.message();
  ASSERT_TRUE(facet->Restore("backup", "restored", BackupWatch{}).ok());
  TestEngine restored(env, "restored", options);
  restored.Open();
  ExpectGoldenRows(restored);
}

TEST(FormatTest, BackupsOfFormatOneAreCheckedAndOpen) {
  ExpectGoldenBackup("backup-v1", TinyOptions());
}

TEST(FormatTest, EncryptedBackupsOfFormatOneAreCheckedAndOpen) {
  ExpectGoldenBackup("backup-v1-encrypted", EncryptedOptions());
}

TEST(FormatTest, AStoreThatIsNotEncryptedKeepsFormatOne) {
  for (const auto& [name, bytes] : MakeStore(TinyOptions())) {
    if (name == "CURRENT") {
      EXPECT_TRUE(bytes.starts_with("nexadb-lsm 1 "));
    } else if (name.ends_with(".wal") || name.starts_with("MANIFEST")) {
      EXPECT_EQ(bytes[8], 1) << name;
    } else if (name.ends_with(".sst")) {
      EXPECT_EQ(bytes[bytes.size() - 40], 1) << name;
    }
  }
}

class DamageTest : public ::testing::Test {
 protected:
  // What opening the damaged store says. A refused store must be left as it was.
  Status OpenWith(const Files& files) {
    base::SimEnv env(3);
    WriteDiskFiles(env, "lsm", files);
    TestEngine db(env, "lsm", TinyOptions());
    const Status status = db.TryOpen();
    if (status.ok()) {
      ExpectGoldenRows(db);
    } else {
      Files after = ReadDiskFiles(env, "lsm");
      after.erase("LOCK");
      Files before = files;
      before.erase("LOCK");
      EXPECT_TRUE(after == before) << "a refused store is left as it was";
    }
    return status;
  }
  static std::string Find(const Files& files, std::string_view part) {
    for (const auto& [name, bytes] : files) {
      if (name.find(part) != std::string::npos) return name;
    }
    return {};
  }

  const Files files_ = MakeStore(TinyOptions());
};

TEST_F(DamageTest, TheWholeStoreOpens) { EXPECT_TRUE(OpenWith(files_).ok()); }

TEST_F(DamageTest, ANewerFormatIsRefusedWithNothingChanged) {
  base::SimEnv env(4);
  Files files = files_;
  files.erase("LOCK");
  files["CURRENT"].replace(0, 12, "nexadb-lsm 3");
  WriteDiskFiles(env, "lsm", files);
  TestEngine db(env, "lsm", TinyOptions());
  const Status status = db.TryOpen();
  EXPECT_EQ(status.code(), Code::kUnsupported) << status.message();
  EXPECT_TRUE(ReadDiskFiles(env, "lsm") == files);
}

TEST_F(DamageTest, AMissingFileIsNamed) {
  for (const char* part : {"CURRENT", "MANIFEST", ".sst"}) {
    Files files = files_;
    const std::string name = Find(files, part);
    ASSERT_FALSE(name.empty());
    files.erase(name);
    const Status status = OpenWith(files);
    EXPECT_FALSE(status.ok());
    EXPECT_NE(std::string(status.message()).find(part), std::string::npos) << status.message();
  }
}

TEST_F(DamageTest, DamageInTheMiddleOfTheLogIsNamedWithItsPlace) {
  Files files = files_;
  std::string& log = files[Find(files, ".wal")];
  log[64 + 24 + 8] = static_cast<char>(log[64 + 24 + 8] ^ 1);  // the first record's payload
  const Status status = OpenWith(files);
  EXPECT_EQ(status.code(), Code::kCorruption);
  EXPECT_NE(std::string(status.message()).find(".wal"), std::string::npos) << status.message();
  EXPECT_NE(std::string(status.message()).find("byte 64"), std::string::npos) << status.message();
}

TEST_F(DamageTest, FlippedBytesAllOverTheManifestAreRefusedOrHarmless) {
  constexpr size_t kFlips = 150;
  const std::string name = Find(files_, "MANIFEST");
  const size_t step = std::max<size_t>(1, files_.at(name).size() / kFlips);
  for (size_t at = 0; at < files_.at(name).size(); at += step) {
    Files files = files_;
    files[name][at] = static_cast<char>(files[name][at] ^ 0x40);
    base::SimEnv env(5);
    WriteDiskFiles(env, "lsm", files);
    TestEngine db(env, "lsm", TinyOptions());
    // Behind the last durable record nothing was promised; before it nothing may change unseen.
    const Status status = db.TryOpen();
    if (status.ok()) continue;
    EXPECT_TRUE(status.code() == Code::kCorruption || status.code() == Code::kUnsupported)
        << status.message();
  }
}

}  // namespace
}  // namespace nexadb::lsm::testing
