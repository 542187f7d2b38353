#include "core/base/sim_disk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace nexadb::base {
namespace {

constexpr uint64_t kSeeds = 300;

SimDisk::OpenFile OpenOrDie(SimDisk& disk, const char* path, FileMode mode = FileMode::kCreate) {
  auto file = disk.Open(path, mode);
  EXPECT_TRUE(file.ok()) << file.status().message();
  return std::move(*file);
}

void Put(SimDisk& disk, const char* path, std::string_view text, uint64_t offset = 0) {
  ASSERT_TRUE(disk.WriteAt(OpenOrDie(disk, path), offset, AsBytes(text)).ok());
}

// The text, or "-" when the file is missing.
std::string Contents(SimDisk& disk, const char* path) {
  auto file = disk.Open(path, FileMode::kRead);
  if (!file.ok()) return "-";
  std::string text(size_t{*disk.Size(*file)}, '\0');
  EXPECT_TRUE(disk.ReadAt(*file, 0, {reinterpret_cast<uint8_t*>(text.data()), text.size()}).ok());
  return text;
}

void PutDurably(SimDisk& disk, const char* path, std::string_view text) {
  Put(disk, path, text);
  ASSERT_TRUE(disk.Sync(OpenOrDie(disk, path)).ok());
  ASSERT_TRUE(disk.SyncDirectory("/").ok());
}

TEST(SimDisk, SyncedBytesSurviveAndUnsyncedOnesMay) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    SimDisk disk(1);
    PutDurably(disk, "/a", "old");
    Put(disk, "/a", "new");
    ASSERT_EQ(Contents(disk, "/a"), "new");
    disk.Crash(seed);
    seen.insert(Contents(disk, "/a"));
    disk.Crash(seed);
    ASSERT_TRUE(seen.contains(Contents(disk, "/a"))) << "what was read after a crash is durable";
  }
  EXPECT_EQ(seen, (std::set<std::string>{"new", "old"}));
}

TEST(SimDisk, TornWritesAreCutAtSectorsAndBlocksStandAlone) {
  bool torn_in_block = false, torn_between_blocks = false;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    SimDisk disk(1);
    PutDurably(disk, "/a", std::string(16384, 'a'));
    Put(disk, "/a", std::string(10000, 'b'), 1000);
    disk.Crash(seed);
    std::string text = Contents(disk, "/a");
    ASSERT_EQ(text.size(), 16384u);
    EXPECT_EQ(text.substr(0, 1000), std::string(1000, 'a'));
    EXPECT_EQ(text.substr(11000), std::string(5384, 'a'));
    for (size_t sector = 1024; sector + 512 <= 10752; sector += 512) {
      ASSERT_EQ(text.find_first_not_of(text[sector], sector) >= sector + 512, true) << sector;
      bool new_block = sector % 4096 == 0;
      if (text[sector] != text[sector - 1])
        (new_block ? torn_between_blocks : torn_in_block) = true;
    }
  }
  EXPECT_TRUE(torn_in_block);
  EXPECT_TRUE(torn_between_blocks);
}

TEST(SimDisk, AGrownFileMayHoldZerosOrBeShorter) {
  bool zeros = false, shorter = false, whole = false;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    SimDisk disk(1);
    PutDurably(disk, "/a", "");
    Put(disk, "/a", std::string(4096, 'x'));
    Put(disk, "/a", std::string(4096, 'y'), 4096);
    disk.Crash(seed);
    std::string text = Contents(disk, "/a");
    ASSERT_TRUE(text.size() == 0 || text.size() == 4096 || text.size() == 8192);
    shorter |= text.size() < 8192;
    zeros |= text.find('\0') != std::string::npos;
    whole |= text == std::string(4096, 'x') + std::string(4096, 'y');
  }
  EXPECT_TRUE(zeros && shorter && whole);
}

TEST(SimDisk, ATruncationNeverBringsOldBytesBack) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    SimDisk disk(1);
    PutDurably(disk, "/a", std::string(8192, 'a'));
    ASSERT_TRUE(disk.Truncate(OpenOrDie(disk, "/a"), 0).ok());
    Put(disk, "/a", std::string(8192, 'b'));
    disk.Crash(seed);
    std::string text = Contents(disk, "/a");
    bool before = text == std::string(8192, 'a');
    ASSERT_TRUE(before || text.find('a') == std::string::npos) << "seed " << seed;
  }
}

TEST(SimDisk, ANameNeedsItsDirectorySynced) {
  std::set<std::string> unsynced;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    SimDisk disk(1);
    Put(disk, "/a", "text");
    ASSERT_TRUE(disk.Sync(OpenOrDie(disk, "/a")).ok());
    Put(disk, "/b", "text");
    ASSERT_TRUE(disk.Sync(OpenOrDie(disk, "/b")).ok());
    disk.Crash(seed);
    unsynced.insert(Contents(disk, "/a") + Contents(disk, "/b"));
  }
  EXPECT_EQ(unsynced, (std::set<std::string>{"--", "text-", "-text", "texttext"}));
  SimDisk disk(1);
  PutDurably(disk, "/a", "text");
  disk.Crash(1, CrashStyle::kLoseAll);
  EXPECT_EQ(Contents(disk, "/a"), "text");
}

TEST(SimDisk, ARenameIsNeverSplit) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    SimDisk disk(1);
    PutDurably(disk, "/current", "1");
    PutDurably(disk, "/next", "2");
    ASSERT_TRUE(disk.Rename("/next", "/current").ok());
    disk.Crash(seed);
    seen.insert(Contents(disk, "/current") + Contents(disk, "/next"));
  }
  EXPECT_EQ(seen, (std::set<std::string>{"12", "2-"}));
}

TEST(SimDisk, SyncingOneDirectoryCommitsBothEndsOfARename) {
  SimDisk disk(1);
  ASSERT_TRUE(disk.CreateDirectories("/x").ok());
  ASSERT_TRUE(disk.CreateDirectories("/y").ok());
  Put(disk, "/x/a", "text");
  ASSERT_TRUE(disk.Sync(OpenOrDie(disk, "/x/a")).ok());
  ASSERT_TRUE(disk.Rename("/x/a", "/y/a").ok());
  ASSERT_TRUE(disk.SyncDirectory("/y").ok());
  disk.Crash(1, CrashStyle::kLoseAll);
  EXPECT_EQ(Contents(disk, "/x/a"), "-");
  EXPECT_EQ(Contents(disk, "/y/a"), "text");
}

TEST(SimDisk, AKilledProcessLosesNothing) {
  SimDisk disk(1);
  Put(disk, "/a", "text");
  ASSERT_TRUE(disk.Lock("/LOCK").ok());
  EXPECT_EQ(disk.Lock("/LOCK").status().code(), Code::kConflict);
  disk.Crash(1, CrashStyle::kKeepAll);
  EXPECT_EQ(Contents(disk, "/a"), "text");
  EXPECT_TRUE(disk.Lock("/LOCK").ok());
}

TEST(SimDisk, AtAPowerCutEveryCallFailsUntilTheReboot) {
  auto workload = [](SimDisk& disk) {
    Status first;
    auto keep = [&](Status status) {
      if (first.ok()) first = status;
      return status.ok();
    };
    auto file = disk.Open("/a", FileMode::kCreate);
    if (!keep(file.status())) return first;
    keep(disk.WriteAt(*file, 0, AsBytes("text")));
    keep(disk.Sync(*file));
    keep(disk.SyncDirectory("/"));
    keep(disk.Rename("/a", "/b"));
    keep(disk.SyncDirectory("/"));
    return first;
  };
  SimDisk whole(1);
  ASSERT_TRUE(workload(whole).ok());
  const uint64_t operations = whole.operations();
  ASSERT_EQ(operations, 6u);
  for (uint64_t cut = 0; cut < operations; ++cut) {
    for (uint64_t seed = 0; seed < 20; ++seed) {
      SimDisk disk(1);
      disk.CrashAt(cut);
      Status status = workload(disk);
      ASSERT_EQ(status.code(), Code::kIoError);
      ASSERT_TRUE(disk.cut());
      EXPECT_EQ(disk.Open("/x", FileMode::kCreate).status().code(), Code::kIoError);
      disk.Crash(seed);
      EXPECT_FALSE(disk.cut());
      std::string a = Contents(disk, "/a"), b = Contents(disk, "/b");
      if (cut >= 4) {
        ASSERT_TRUE((a == "text") != (b == "text")) << cut << " " << seed;
      }
      ASSERT_TRUE(workload(disk).ok()) << "works again after the reboot";
    }
  }
}

TEST(SimDisk, HandlesFromBeforeACrashAreDead) {
  SimDisk disk(1);
  auto file = OpenOrDie(disk, "/a");
  disk.Crash(1);
  EXPECT_EQ(disk.WriteAt(file, 0, AsBytes("x")).code(), Code::kIoError);
  EXPECT_EQ(disk.Sync(file).code(), Code::kIoError);
}

TEST(SimDisk, FaultsStrikeWhenAndWhereTold) {
  SimDisk disk(1);
  auto a = OpenOrDie(disk, "/a");
  auto b = OpenOrDie(disk, "/b");
  disk.Inject({.op = FileOp::kWrite, .skip = 1, .path_contains = "a"});
  EXPECT_TRUE(disk.WriteAt(b, 0, AsBytes("x")).ok());
  EXPECT_TRUE(disk.WriteAt(a, 0, AsBytes("x")).ok());
  EXPECT_EQ(disk.WriteAt(a, 0, AsBytes("x")).code(), Code::kIoError);
  EXPECT_TRUE(disk.WriteAt(a, 0, AsBytes("x")).ok());
  disk.Inject(
      {.op = FileOp::kOpen, .times = FaultTimes::kAlways, .code = Code::kResourceExhausted});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(disk.Open("/a", FileMode::kRead).status().code(), Code::kResourceExhausted);
  }
  EXPECT_EQ(disk.faults_struck(), 4u);
  disk.ClearFaults();
  EXPECT_TRUE(disk.Open("/a", FileMode::kRead).ok());
  disk.Inject({.op = FileOp::kRename});
  EXPECT_EQ(disk.Rename("/a", "/c").code(), Code::kIoError);
  EXPECT_EQ(Contents(disk, "/c"), "-");
}

TEST(SimDisk, AFailedWriteMayLeaveAPart) {
  std::set<size_t> sizes;
  SimDisk disk(1);
  for (int i = 0; i < 100; ++i) {
    auto file = OpenOrDie(disk, "/a", FileMode::kTruncate);
    disk.Inject({.op = FileOp::kWrite});
    ASSERT_FALSE(disk.WriteAt(file, 0, AsBytes("abcd")).ok());
    std::string text = Contents(disk, "/a");
    EXPECT_EQ(text, std::string("abcd").substr(0, text.size()));
    sizes.insert(text.size());
  }
  EXPECT_EQ(sizes.size(), 5u);
}

TEST(SimDisk, AfterAFailedSyncTheNextOneMayLie) {
  bool lied = false;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    SimDisk disk(seed);
    PutDurably(disk, "/a", "old");
    auto file = OpenOrDie(disk, "/a");
    Put(disk, "/a", "new");
    disk.Inject({.op = FileOp::kSync});
    EXPECT_EQ(disk.Sync(file).code(), Code::kIoError);
    EXPECT_TRUE(disk.Sync(file).ok());
    EXPECT_EQ(Contents(disk, "/a"), "new");
    disk.Crash(seed, CrashStyle::kLoseAll);
    lied |= Contents(disk, "/a") == "old";
  }
  EXPECT_TRUE(lied);
}

TEST(SimDisk, AFullDiskTakesWhatFitsAndSaysSo) {
  SimDisk disk(1);
  disk.LimitCapacity(6);
  auto file = OpenOrDie(disk, "/a");
  EXPECT_TRUE(disk.WriteAt(file, 0, AsBytes("1234")).ok());
  EXPECT_EQ(*disk.FreeBytes(), 2u);
  EXPECT_EQ(disk.WriteAt(file, 4, AsBytes("5678")).code(), Code::kResourceExhausted);
  EXPECT_EQ(Contents(disk, "/a"), "123456");
  EXPECT_EQ(disk.Allocate(file, 100).code(), Code::kResourceExhausted);
  EXPECT_TRUE(disk.WriteAt(file, 0, AsBytes("abcd")).ok()) << "overwriting needs no room";
  EXPECT_TRUE(disk.Remove("/a").ok());
  EXPECT_EQ(*disk.FreeBytes(), 6u);
}

TEST(SimDisk, FlippedBitsStayFlipped) {
  SimDisk disk(1);
  PutDurably(disk, "/a", "abc");
  ASSERT_TRUE(disk.FlipBits("/a", 1, 0x01).ok());
  EXPECT_EQ(Contents(disk, "/a"), "acc");
  disk.Crash(1);
  EXPECT_EQ(Contents(disk, "/a"), "acc");
  EXPECT_EQ(disk.FlipBits("/a", 3, 1).code(), Code::kInvalidArgument);
  EXPECT_EQ(disk.FlipBits("/b", 0, 1).code(), Code::kNotFound);
}

TEST(SimDisk, DirectoriesAreDurableWhenMade) {
  SimDisk disk(1);
  ASSERT_TRUE(disk.CreateDirectories("/x/y").ok());
  disk.Crash(1, CrashStyle::kLoseAll);
  EXPECT_TRUE(disk.Exists("/x/y"));
  Put(disk, "/x/y/file", "");
  EXPECT_FALSE(disk.RemoveDirectory("/x/y").ok());
  ASSERT_TRUE(disk.Remove("/x/y/file").ok());
  EXPECT_TRUE(disk.RemoveDirectory("/x/y").ok());
  EXPECT_FALSE(disk.Exists("/x/y"));
}

}  // namespace
}  // namespace nexadb::base
