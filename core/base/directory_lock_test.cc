#include "core/base/directory_lock.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "core/base/system_env.h"

namespace nexadb::base {
namespace {

TEST(DirectoryLockTest, ASecondHolderIsToldWhoIsInUntilTheFirstHasGone) {
  FileSystem& files = SystemEnv().Files();
  const std::string root =
      ::testing::TempDir() + "nexadb-directory-lock-" + std::to_string(::getpid());
  const std::string directory = root + "/made/here";
  auto first = LockDirectory(files, directory);
  ASSERT_TRUE(first.ok()) << first.status().message();
  const auto second = LockDirectory(files, directory);
  EXPECT_EQ(second.status().code(), Code::kConflict);
  EXPECT_NE(
      std::string_view(second.status().message()).find("(pid " + std::to_string(::getpid()) + ")"),
      std::string_view::npos)
      << second.status().message();
  first->Reset();
  EXPECT_TRUE(LockDirectory(files, directory).ok());
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace nexadb::base
