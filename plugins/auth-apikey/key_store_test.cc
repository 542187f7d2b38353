#include "plugins/auth-apikey/key_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "core/base/system_env.h"
#include "plugins/auth-apikey/request_rate.h"

namespace nexadb::auth {
namespace {

std::vector<KeyRecord> SampleKeys() {
  KeyRecord root;
  root.id = "root";
  root.name = "root";
  root.actions = 15;
  root.patterns = {"*/*"};
  root.digest = DigestOf("nxk_sample");
  root.created_ms = 1'700'000'000'000;
  KeyRecord reader = root;
  reader.id = "0123456789abcdef";
  reader.name = "reader \xC3\xA9";
  reader.actions = 1;
  reader.patterns = {"logs_*", "kv:sessions"};
  reader.digest = DigestOf("nxk_other");
  reader.previous_digest = DigestOf("nxk_before");
  reader.previous_until_ms = 1'700'000'100'000;
  reader.expires_ms = 1'800'000'000'000;
  reader.revoked_ms = 1'700'000'200'000;
  reader.last_used_ms = 1'700'000'150'000;
  return {root, reader};
}

TEST(KeyStore, GivesBackWhatWasStored) {
  const std::string bytes = EncodeKeys(SampleKeys());
  std::vector<KeyRecord> keys;
  ASSERT_EQ(DecodeKeys(bytes, keys), nullptr);
  EXPECT_EQ(EncodeKeys(keys), bytes);
  ASSERT_EQ(keys.size(), 2u);
  EXPECT_EQ(keys[1].patterns, SampleKeys()[1].patterns);
  EXPECT_EQ(keys[1].previous_until_ms, 1'700'000'100'000);
}

TEST(KeyStore, KeepsARateAndRefusesAnImpossibleOne) {
  std::vector<KeyRecord> keys = SampleKeys();
  keys[1].requests_per_second = kRequestsPerSecondMax;
  keys[1].burst = 7;
  std::vector<KeyRecord> read;
  ASSERT_EQ(DecodeKeys(EncodeKeys(keys), read), nullptr);
  EXPECT_EQ(read[0].requests_per_second, 0u);
  EXPECT_EQ(read[1].requests_per_second, kRequestsPerSecondMax);
  EXPECT_EQ(read[1].burst, 7u);
  keys[1].requests_per_second = kRequestsPerSecondMax + 1;
  read.clear();
  EXPECT_NE(DecodeKeys(EncodeKeys(keys), read), nullptr);
}

TEST(KeyStore, ReadsAndWritesTheGoldenFile) {
  std::ifstream file(NEXADB_AUTH_GOLDEN, std::ios::binary);
  const std::string golden((std::istreambuf_iterator<char>(file)), {});
  ASSERT_FALSE(golden.empty());
  EXPECT_TRUE(EncodeKeys(SampleKeys()) == golden);
}

TEST(KeyStore, HoldsNoSecret) {
  EXPECT_EQ(EncodeKeys(SampleKeys()).find("nxk_"), std::string::npos);
}

TEST(KeyStore, RefusesEveryFlippedBitAndEveryCut) {
  const std::string bytes = EncodeKeys(SampleKeys());
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    std::vector<KeyRecord> keys;
    EXPECT_NE(DecodeKeys(damaged, keys), nullptr) << i;
    EXPECT_NE(DecodeKeys(std::string_view(bytes).substr(0, i), keys), nullptr) << i;
  }
}

TEST(KeyStore, FilesAreForTheOwnerAlone) {
  const std::string directory =
      (std::filesystem::temp_directory_path() / ("nexadb_keys_" + std::to_string(::getpid())))
          .string();
  KeyStore store(base::SystemEnv().Files(), directory);
  auto none = store.Load();
  ASSERT_TRUE(none.ok());
  EXPECT_FALSE(none->has_value());
  std::filesystem::create_directories(directory);
  std::ofstream(store.path() + ".tmp") << "left by a crash";
  ASSERT_TRUE(store.Save(SampleKeys()).ok());
  struct stat info {};
  ASSERT_EQ(::stat(store.path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_FALSE(std::filesystem::exists(store.path() + ".tmp"));
  auto loaded = store.Load();
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ((*loaded)->size(), 2u);
  std::filesystem::remove_all(directory);
}

TEST(Secrets, AreLongAndDiffer) {
  Random& random = base::SystemEnv().Random();
  const std::string one = NewSecret(random);
  EXPECT_EQ(one.size(), 47u);
  EXPECT_TRUE(one.starts_with("nxk_"));
  EXPECT_NE(one, NewSecret(random));
  EXPECT_NE(NewKeyId(random), NewKeyId(random));
}

}  // namespace
}  // namespace nexadb::auth
