// Laws of damage: a flipped bit is found or does no harm, is never answered as data, never copied
// on by compaction, and one damaged table does not keep the rest from being used.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "core/base/prng.h"
#include "core/base/sim_env.h"
#include "plugins/storage-lsm/testing/disk_files.h"
#include "plugins/storage-lsm/testing/test_engine.h"
#include "plugins/storage-lsm/testing/test_keys.h"

namespace nexadb::lsm::testing {
namespace {

constexpr const char* kDirectory = "lsm";
constexpr int kFlipsOfEachKind = 100;

using Files = DiskFiles;

uint64_t Seed() {
  const char* text = std::getenv("NEXADB_SEED");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : 20261122;
}

using Truth = std::map<std::string, std::string>;

std::string KeyOf(int i) { return "key" + std::to_string(1000 + i); }
constexpr int kKeys = 300;

// A store that was closed in good order: tables in several levels, range deletes, a full log.
Files MakeStore(Truth* truth, const StoreOptions& options) {
  base::SimEnv env(1);
  TestEngine db(env, kDirectory, options);
  db.Open();
  base::Prng prng(1);
  auto write = [&](int i, int round) {
    const std::string value = std::to_string(round) + std::string(20 + prng.Below(150), 'v');
    db.Write({Put(KeyOf(i), value)});
    (*truth)[KeyOf(i)] = value;
  };
  for (int i = 0; i < kKeys; ++i) write(i, 0);
  EXPECT_TRUE(db.store().Compact({}, {}).ok());
  for (int i = 0; i < kKeys; i += 3) write(i, 1);
  db.Write({DeleteRange(KeyOf(40), KeyOf(60))});
  truth->erase(truth->lower_bound(KeyOf(40)), truth->lower_bound(KeyOf(60)));
  EXPECT_TRUE(db.store().FlushMemtable().ok());
  EXPECT_TRUE(db.store().WaitIdle().ok());
  for (int i = 0; i < kKeys; i += 10) write(i, 2);
  EXPECT_TRUE(db.TryClose().ok());
  return ReadDiskFiles(env, kDirectory);
}

// Reads everything: what is answered must be true, and a failure must be told as corruption.
// Returns how many reads failed.
int ExpectTruthOrCorruption(TestEngine& db, const Truth& truth, const std::string& what) {
  int failed = 0;
  auto snapshot = db.Snap();
  for (int i = 0; i < kKeys; ++i) {
    const std::string key = KeyOf(i);
    auto value = snapshot->Get(AsBytes(key), ReadOptions{});
    const auto expected = truth.find(key);
    if (value.ok()) {
      EXPECT_TRUE(expected != truth.end() && value->text() == expected->second) << what << key;
    } else if (value.status().code() == Code::kNotFound) {
      EXPECT_TRUE(expected == truth.end()) << what << key << " is gone";
    } else {
      EXPECT_EQ(value.status().code(), Code::kCorruption) << what << value.status().message();
      ++failed;
    }
  }
  ScanOptions options;
  auto cursor = snapshot->Scan(options);
  EXPECT_TRUE(cursor.ok());
  auto expected = truth.begin();
  Row rows[16];
  for (;;) {
    auto count = (*cursor)->Next({rows, 16});
    if (!count.ok()) {
      EXPECT_EQ(count.status().code(), Code::kCorruption) << what;
      return failed + 1;
    }
    if (*count == 0) break;
    for (uint64_t i = 0; i < *count; ++i, ++expected) {
      EXPECT_TRUE(expected != truth.end() && AsText(rows[i].key) == expected->first &&
                  AsText(rows[i].value) == expected->second)
          << what << AsText(rows[i].key);
      if (expected == truth.end()) return failed;
    }
  }
  EXPECT_TRUE(expected == truth.end()) << what << "the scan ends early";
  return failed;
}

StoreOptions OptionsWith(std::string_view keys) {
  StoreOptions options = TinyOptions();
  if (!keys.empty()) options.keys = TestKeys(keys);
  return options;
}

// Of a plain store, and of an encrypted one.
class IntegrityTest : public ::testing::TestWithParam<const char*> {
 protected:
  std::string Find(std::string_view part) const {
    for (const auto& [name, bytes] : files_) {
      if (name.find(part) != std::string::npos) return name;
    }
    ADD_FAILURE() << "no file " << part;
    return {};
  }
  std::vector<std::string> All(std::string_view part) const {
    std::vector<std::string> found;
    for (const auto& [name, bytes] : files_) {
      if (name.find(part) != std::string::npos) found.push_back(name);
    }
    return found;
  }

  const StoreOptions options_ = OptionsWith(GetParam());
  Truth truth_;
  const Files files_ = MakeStore(&truth_, options_);
};
INSTANTIATE_TEST_SUITE_P(Keys, IntegrityTest, ::testing::Values("", "a"),
                         [](const auto& keys) { return *keys.param == 0 ? "Plain" : "Encrypted"; });

TEST_P(IntegrityTest, TheStoreItselfIsAsExpected) {
  base::SimEnv env(2);
  WriteDiskFiles(env, kDirectory, files_);
  TestEngine db(env, kDirectory, options_);
  db.Open();
  EXPECT_EQ(ExpectTruthOrCorruption(db, truth_, ""), 0);
  EXPECT_GT(All(".sst").size(), 3u);
  EXPECT_GT(files_.at(Find(".wal")).size(), 1000u);
}

TEST_P(IntegrityTest, AFlippedBitIsFoundOrHarmlessAndNeverCopiedOn) {
  base::Prng prng(Seed());
  std::printf("seed %llu\n", static_cast<unsigned long long>(Seed()));
  for (const char* kind : {".sst", ".wal", "MANIFEST", "CURRENT"}) {
    int found = 0;
    for (int flip = 0; flip < kFlipsOfEachKind; ++flip) {
      const std::vector<std::string> names = All(kind);
      const std::string name = names[prng.Below(names.size())];
      Files files = files_;
      std::string& bytes = files[name];
      // A log's reserved space behind its last record holds nothing to damage.
      const size_t at = prng.Below(bytes.find_last_not_of('\0') + 1);
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << prng.Below(8)));
      const std::string what = name + " byte " + std::to_string(at) + ": ";
      base::SimEnv env(static_cast<uint64_t>(flip));
      WriteDiskFiles(env, kDirectory, files);
      TestEngine db(env, kDirectory, options_);
      const Status opened = db.TryOpen();
      if (!opened.ok()) {
        EXPECT_TRUE(opened.code() == Code::kCorruption || opened.code() == Code::kUnsupported ||
                    opened.code() == Code::kNotFound || opened.code() == Code::kPermissionDenied)
            << what << opened.message();
        ++found;
        continue;
      }
      int failed = ExpectTruthOrCorruption(db, truth_, what);
      if (!db.store().Verify().ok()) ++failed;
      if (!db.store().Compact({}, {}).ok()) ++failed;
      ExpectTruthOrCorruption(db, truth_, what + "compacted, ");
      found += failed > 0 ? 1 : 0;
      if (HasFailure()) FAIL() << what << "compaction or the reads before it";
    }
    std::printf("%s: %d of %d flips found, the others harmless\n", kind, found, kFlipsOfEachKind);
    ASSERT_GT(found, kFlipsOfEachKind / 4) << kind;
  }
}

TEST_P(IntegrityTest, ADamagedTableKeepsNothingElseClosed) {
  for (const std::string& name : All(".sst")) {
    Files files = files_;
    std::string& bytes = files[name];
    bytes[bytes.size() - 20] = static_cast<char>(bytes[bytes.size() - 20] ^ 1);  // in the footer
    base::SimEnv env(7);
    WriteDiskFiles(env, kDirectory, files);
    TestEngine db(env, kDirectory, options_);
    db.Open();
    const int failed = ExpectTruthOrCorruption(db, truth_, name + ": ");
    EXPECT_GT(failed, 0) << name;
    EXPECT_LT(failed, kKeys) << name;
    const Status verified = db.store().Verify();
    EXPECT_NE(std::string(verified.message()).find(name), std::string::npos) << verified.message();
    EXPECT_NE(std::string(verified.message()).find(" at byte "), std::string::npos);
    // Writers go on, and so does compaction, around it.
    for (int i = 0; i < 600; ++i) {
      ASSERT_TRUE(db.TryWrite({Put("zzz" + std::to_string(i % 40), std::string(100, 'n'))}).ok());
    }
    EXPECT_TRUE(db.store().WaitIdle().ok());
    EXPECT_LT(db.store().View()->version->levels[0].size(), 6u);
    EXPECT_EQ(db.Get("zzz3"), std::string(100, 'n'));
    EXPECT_EQ(ExpectTruthOrCorruption(db, truth_, name + ": later, "), failed);
    // Nothing of it was thrown away or taken for good: the file is there as it was.
    ASSERT_TRUE(db.TryClose().ok());
    EXPECT_EQ(ReadDiskFiles(env, kDirectory)[name], bytes);
  }
}

TEST_P(IntegrityTest, DamageThatCompactionMeetsIsLeftWhereItIs) {
  base::SimEnv env(8);
  WriteDiskFiles(env, kDirectory, files_);
  StoreOptions options = options_;
  options.level0_compact = 2;
  TestEngine db(env, kDirectory, options);
  db.Open();
  for (const std::string& name : All(".sst")) {
    if (env.Files().Exists(kDirectory + ("/" + name))) {
      ASSERT_TRUE(env.disk().FlipBits(kDirectory + ("/" + name), 30, 4).ok());
      break;
    }
  }
  for (int i = 0; i < 900; ++i) {
    ASSERT_TRUE(db.TryWrite({Put(KeyOf(i % kKeys) + "+", std::string(100, 'n'))}).ok());
  }
  const Status idle = db.store().WaitIdle();
  EXPECT_TRUE(idle.ok()) << idle.message();
  EXPECT_LT(db.store().View()->version->levels[0].size(), 6u);
  EXPECT_EQ(db.store().View()->version->DamagedCount(), 1u);
}

TEST_P(IntegrityTest, AMissingTableKeepsTheStoreClosed) {
  Files files = files_;
  files.erase(Find(".sst"));
  base::SimEnv env(9);
  WriteDiskFiles(env, kDirectory, files);
  TestEngine db(env, kDirectory, options_);
  const Status status = db.TryOpen();
  EXPECT_EQ(status.code(), Code::kCorruption);
  EXPECT_NE(std::string(status.message()).find("not there"), std::string::npos) << status.message();
}

}  // namespace
}  // namespace nexadb::lsm::testing
