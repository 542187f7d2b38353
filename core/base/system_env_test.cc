#include "core/base/system_env.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace nexadb::base {
namespace {

class SystemEnvTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "nexadb_env_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::string Path(const std::string& name) const { return directory_ + "/" + name; }
  Handle<File> Make(const std::string& name, std::string_view text) {
    auto file = files_.Open(Path(name), FileMode::kCreateNew);
    EXPECT_TRUE(file.ok()) << file.status().message();
    EXPECT_TRUE((*file)->WriteAt(0, AsBytes(text)).ok());
    return std::move(*file);
  }
  std::string Contents(const std::string& name) {
    auto file = files_.Open(Path(name), FileMode::kRead);
    if (!file.ok()) return "<" + std::string(file.status().message()) + ">";
    std::string text(size_t{*(*file)->Size()}, '\0');
    auto n = (*file)->ReadAt(0, {reinterpret_cast<uint8_t*>(text.data()), text.size()});
    EXPECT_EQ(*n, text.size());
    return text;
  }

  std::string directory_;
  FileSystem& files_ = SystemEnv().Files();
};

TEST_F(SystemEnvTest, WhatIsWrittenIsRead) {
  auto file = Make("a", "hello world");
  ASSERT_TRUE(file->WriteAt(6, AsBytes("there")).ok());
  ASSERT_TRUE(file->Sync().ok());
  EXPECT_EQ(Contents("a"), "hello there");
  uint8_t out[16];
  EXPECT_EQ(*file->ReadAt(8, {out, 16}), 3u);
  EXPECT_EQ(*file->ReadAt(100, {out, 16}), 0u);
  EXPECT_EQ(*files_.FileSize(Path("a")), 11u);
}

TEST_F(SystemEnvTest, ModesKeepTheirPromise) {
  EXPECT_EQ(files_.Open(Path("a"), FileMode::kRead).status().code(), Code::kNotFound);
  EXPECT_EQ(files_.Open(Path("a"), FileMode::kReadWrite).status().code(), Code::kNotFound);
  Make("a", "text");
  EXPECT_EQ(files_.Open(Path("a"), FileMode::kCreateNew).status().code(), Code::kConflict);
  EXPECT_TRUE(files_.Open(Path("a"), FileMode::kCreate).ok());
  EXPECT_EQ(Contents("a"), "text");
  EXPECT_TRUE(files_.Open(Path("a"), FileMode::kTruncate).ok());
  EXPECT_EQ(Contents("a"), "");
  auto reader = files_.Open(Path("a"), FileMode::kRead);
  EXPECT_EQ((*reader)->WriteAt(0, AsBytes("x")).code(), Code::kIoError);
}

TEST_F(SystemEnvTest, MessagesNameTheCallAndThePath) {
  auto missing = files_.Open(Path("missing"), FileMode::kRead);
  EXPECT_EQ(missing.status().message(), "open " + Path("missing") + ": No such file or directory");
}

// Inside of the expected range, across its ends and outside; read back through the system.
TEST_F(SystemEnvTest, ExpectedWritesAreWritesLikeAllOthers) {
  auto file = Make("a", "head");
  ASSERT_TRUE(file->Allocate(300'000).ok());
  std::string expected = "head" + std::string(299'996, '\0');
  auto write = [&](uint64_t offset, const std::string& text) {
    ASSERT_TRUE(file->WriteAt(offset, AsBytes(text)).ok());
    expected.resize(std::max(expected.size(), offset + text.size()), '\0');
    expected.replace(offset, text.size(), text);
    ASSERT_EQ(Contents("a"), expected);
  };
  file->ExpectWrites(70'000, 200'000);
  write(70'000, "first");
  write(0, "HEAD");
  write(199'995, "last5");
  write(199'998, "across");
  write(300'000, "behind");
  file->ExpectWrites(200'000, 300'000);
  write(299'000, "second");
  write(70'000, "FIRST");
  ASSERT_TRUE(file->Sync().ok());
  file->ExpectWrites(200'000, 900'000);  // more than there is: goes unheeded
  write(250'000, "third");
  ASSERT_TRUE(file->Truncate(100'000).ok());
  expected.resize(100'000);
  write(250'000, "fourth");
}

TEST_F(SystemEnvTest, AllocateZeroesAndKeepsWhatIsThere) {
  auto file = Make("a", "head");
  ASSERT_TRUE(file->Allocate(200'000).ok());
  EXPECT_EQ(*file->Size(), 200'000u);
  EXPECT_EQ(Contents("a"), "head" + std::string(199'996, '\0'));
  ASSERT_TRUE(file->Allocate(10).ok());
  EXPECT_EQ(*file->Size(), 200'000u);
  ASSERT_TRUE(file->Truncate(2).ok());
  EXPECT_EQ(Contents("a"), "he");
}

TEST_F(SystemEnvTest, AFullDiskIsResourceExhausted) {
  auto full = files_.Open("/dev/full", FileMode::kReadWrite);
  ASSERT_TRUE(full.ok()) << "a system without /dev: " << full.status().message();
  EXPECT_EQ((*full)->WriteAt(0, AsBytes("x")).code(), Code::kResourceExhausted);
}

TEST_F(SystemEnvTest, ALockConflictsWithinOneProcess) {
  auto lock = files_.Lock(Path("LOCK"));
  ASSERT_TRUE(lock.ok());
  EXPECT_EQ(files_.Lock(Path("LOCK")).status().code(), Code::kConflict);
  lock->Reset();
  EXPECT_TRUE(files_.Lock(Path("LOCK")).ok());
}

TEST_F(SystemEnvTest, DescriptorsCloseOnExec) {
  int next = ::dup(0);
  ASSERT_GE(next, 0);
  ::close(next);
  auto file = Make("a", "");
  // The system gives the lowest free number, so the file has the one that was free before.
  EXPECT_EQ(::fcntl(next, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST_F(SystemEnvTest, RenameReplacesAndLinkShares) {
  Make("a", "new");
  Make("b", "old");
  ASSERT_TRUE(files_.Link(Path("a"), Path("c")).ok());
  EXPECT_EQ(files_.Link(Path("a"), Path("b")).code(), Code::kConflict);
  ASSERT_TRUE(files_.Rename(Path("a"), Path("b")).ok());
  EXPECT_EQ(Contents("b"), "new");
  EXPECT_EQ(Contents("c"), "new");
  EXPECT_FALSE(files_.Exists(Path("a")));
  EXPECT_EQ(files_.Rename(Path("a"), Path("d")).code(), Code::kNotFound);
  EXPECT_TRUE(files_.SyncDirectory(directory_).ok());
  EXPECT_TRUE(files_.Remove(Path("b")).ok());
  EXPECT_EQ(files_.Remove(Path("b")).code(), Code::kNotFound);
}

TEST_F(SystemEnvTest, DirectoriesAreMadeWithTheirParentsAndListed) {
  ASSERT_TRUE(files_.CreateDirectories(Path("x/y//z/")).ok());
  ASSERT_TRUE(files_.CreateDirectories(Path("x/y/z")).ok());
  Make("x/file", "");
  std::set<std::string> names;
  DirectorySink sink{[](void* state, StringView name) noexcept {
                       static_cast<std::set<std::string>*>(state)->insert(std::string(name));
                     },
                     &names};
  ASSERT_TRUE(files_.List(Path("x"), sink).ok());
  EXPECT_EQ(names, (std::set<std::string>{"file", "y"}));
  EXPECT_EQ(files_.List(Path("none"), sink).code(), Code::kNotFound);
  EXPECT_FALSE(files_.CreateDirectories(Path("x/file/under")).ok());
  EXPECT_TRUE(files_.RemoveDirectory(Path("x/y/z")).ok());
  EXPECT_FALSE(files_.RemoveDirectory(Path("x")).ok());
  EXPECT_GT(*files_.FreeBytes(directory_), 0u);
}

struct Shared {
  Handle<Mutex> mutex = SystemEnv().NewMutex();
  Handle<CondVar> changed = SystemEnv().NewCondVar();
  int count = 0;
};

TEST_F(SystemEnvTest, ThreadsMeetAtACondition) {
  Shared shared;
  Callback body{[](void* state) noexcept {
                  auto* s = static_cast<Shared*>(state);
                  s->mutex->Lock();
                  ++s->count;
                  s->changed->NotifyAll();
                  s->mutex->Unlock();
                },
                &shared};
  std::vector<Handle<Thread>> threads;
  for (int i = 0; i < 8; ++i) {
    auto thread = SystemEnv().StartThread("a name longer than fifteen", body);
    ASSERT_TRUE(thread.ok());
    threads.push_back(std::move(*thread));
  }
  shared.mutex->Lock();
  EXPECT_FALSE(shared.mutex->TryLock());
  while (shared.count < 8) shared.changed->Wait(*shared.mutex);
  shared.mutex->Unlock();
  for (auto& thread : threads) thread->Join();
  EXPECT_EQ(shared.count, 8);
}

TEST_F(SystemEnvTest, AWaitEndsAtItsTimeout) {
  Shared shared;
  uint64_t before = SystemEnv().Clock().MonotonicNs();
  shared.mutex->Lock();
  while (shared.changed->WaitFor(*shared.mutex, 1'000'000)) {
  }
  shared.mutex->Unlock();
  EXPECT_GE(SystemEnv().Clock().MonotonicNs() - before, 1'000'000u);
  SystemEnv().SleepNs(1000);
  EXPECT_GT(SystemEnv().Clock().UnixMs(), 1'600'000'000'000);
}

TEST_F(SystemEnvTest, RandomBytesDiffer) {
  uint8_t a[32] = {}, b[32] = {};
  SystemEnv().Random().Fill({a, 32});
  SystemEnv().Random().Fill({b, 32});
  EXPECT_NE(AsText({a, 32}), AsText({b, 32}));
}

}  // namespace
}  // namespace nexadb::base
