// The files of a directory as bytes: to look for what must not be there, to damage them, to put
// them elsewhere. Tests only.
#pragma once
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "nexadb/env.h"

namespace nexadb::lsm::testing {

using DiskFiles = std::map<std::string, std::string>;

inline DiskFiles ReadDiskFiles(Env& env, const std::string& directory) {
  std::vector<std::string> names;
  DirectorySink sink{
      [](void* state, StringView name) noexcept {
        static_cast<std::vector<std::string>*>(state)->emplace_back(std::string_view(name));
      },
      &names};
  EXPECT_TRUE(env.Files().List(directory, sink).ok());
  DiskFiles files;
  for (const std::string& name : names) {
    auto file = env.Files().Open(directory + "/" + name, FileMode::kRead);
    std::string bytes(*(*file)->Size(), '\0');
    EXPECT_TRUE((*file)->ReadAt(0, {reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()}).ok());
    files[name] = std::move(bytes);
  }
  return files;
}

inline void WriteDiskFiles(Env& env, const std::string& directory, const DiskFiles& files) {
  ASSERT_TRUE(env.Files().CreateDirectories(directory).ok());
  for (const auto& [name, bytes] : files) {
    auto file = env.Files().Open(directory + "/" + name, FileMode::kTruncate);
    ASSERT_TRUE((*file)->WriteAt(0, AsBytes(bytes)).ok());
    ASSERT_TRUE((*file)->Sync().ok());
  }
  ASSERT_TRUE(env.Files().SyncDirectory(directory).ok());
}

}  // namespace nexadb::lsm::testing
