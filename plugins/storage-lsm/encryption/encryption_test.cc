// Laws of encryption at rest: nothing readable on the disk, nothing accepted that was not sealed
// there, no nonce twice, keys that rotate, and no change to a store whose key is not there.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "core/base/checksum.h"
#include "core/base/sim_env.h"
#include "nexadb/bson.h"
#include "plugins/storage-lsm/encryption/key_file.h"
#include "plugins/storage-lsm/log/log_reader.h"
#include "plugins/storage-lsm/log/log_writer.h"
#include "plugins/storage-lsm/testing/disk_files.h"
#include "plugins/storage-lsm/testing/memory_file.h"
#include "plugins/storage-lsm/testing/test_engine.h"
#include "plugins/storage-lsm/testing/test_keys.h"

namespace nexadb::lsm::testing {
namespace {

constexpr const char* kDirectory = "data/lsm";
constexpr std::string_view kSecret = "attack at dawn";

StoreOptions Options(std::string_view keys) {
  StoreOptions options = TinyOptions();
  if (!keys.empty()) options.keys = TestKeys(keys);
  return options;
}

TEST(KeyRingTest, TheFirstKeySealsAndTheOthersOpen) {
  const auto ring = TestKeys("ab");
  const auto turned = TestKeys("ba");
  EXPECT_NE(ring->current(), turned->current());
  EXPECT_NE(ring->Find(turned->current()), nullptr);
  EXPECT_EQ(ring->Find(1), nullptr);
  EXPECT_EQ(TestKeys("-a")->current(), kPlainId);
  // Identities are stored: they stay as they are for ever.
  EXPECT_EQ(KeyIdText(TestKeys("a")->current()), "93f69a7e44d26838");
}

TEST(KeyRingTest, WhatIsNoKeyIsRefusedWithItsLineAndWithoutItsText) {
  const std::string key(64, 'a');
  EXPECT_TRUE(KeyRing::Parse("# new\n" + key + "\r\n\n  " + std::string(64, 'B'), "f").ok());
  for (const std::string& text :
       {std::string(), std::string("# nothing\n"), std::string("plain\n"), key + "0", key.substr(1),
        key + "\n" + key, key + "\nplain\n", "plain\nplain\n" + key, std::string(63, 'a') + "g"}) {
    auto ring = KeyRing::Parse(text, "keys");
    ASSERT_FALSE(ring.ok()) << text;
    EXPECT_EQ(ring.status().code(), Code::kInvalidArgument);
    EXPECT_NE(std::string(ring.status().message()).find("keys"), std::string::npos);
    EXPECT_EQ(std::string(ring.status().message()).find("aaaa"), std::string::npos);
  }
  std::string many;
  for (size_t i = 0; i <= kMasterKeysMax; ++i) {
    many += std::string(60, 'a') + std::to_string(1000 + i) + "\n";
  }
  EXPECT_FALSE(KeyRing::Parse(many, "keys").ok());
}

TEST(KeyFileTest, OnlyItsOwnerMayHaveAccess) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("nexadb-keys-" + std::to_string(::getpid())))
          .string();
  std::filesystem::remove(path);
  EXPECT_EQ(ReadKeyFile(path).status().code(), Code::kNotFound);
  std::ofstream(path) << std::string(64, 'a') << "\n";
  for (const mode_t mode : {0644, 0640, 0602, 0600, 0400}) {
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    auto ring = ReadKeyFile(path);
    EXPECT_EQ(ring.ok(), (mode & 077) == 0) << mode;
    if (ring.ok()) continue;
    EXPECT_EQ(ring.status().code(), Code::kPermissionDenied);
    EXPECT_NE(std::string(ring.status().message()).find("chmod 600"), std::string::npos);
  }
  std::filesystem::remove(path);
  EXPECT_EQ(ReadKeyFile("/tmp").status().code(), Code::kInvalidArgument);
}

TEST(FileCipherTest, OpensOnlyWhatWasSealedUnderTheSameNonceAndBinding) {
  SecretKey key;
  key.data()[3] = 7;
  auto cipher = FileCipher::Make(key);
  ASSERT_TRUE(cipher.ok());
  const std::string bound = "table 7";
  std::string bytes = "the quick brown fox";
  uint8_t tag[kTagBytes];
  ASSERT_TRUE((*cipher)
                  ->Seal(NonceOf(5), AsBytes(bound),
                         {reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()}, tag)
                  .ok());
  auto open = [&](const FileCipher& with, uint64_t nonce, std::string_view to, size_t flip) {
    std::string copy = bytes;
    if (flip < copy.size()) copy[flip] = static_cast<char>(copy[flip] ^ 1);
    const bool ok = with.Open(NonceOf(nonce), AsBytes(to),
                              {reinterpret_cast<uint8_t*>(copy.data()), copy.size()}, tag);
    EXPECT_TRUE(!ok || copy == "the quick brown fox");
    return ok;
  };
  EXPECT_TRUE(open(**cipher, 5, bound, 100));
  EXPECT_FALSE(open(**cipher, 6, bound, 100));
  EXPECT_FALSE(open(**cipher, 5, "table 8", 100));
  for (size_t i = 0; i < bytes.size(); ++i) EXPECT_FALSE(open(**cipher, 5, bound, i));
  key.data()[3] = 8;
  auto other = FileCipher::Make(key);
  EXPECT_FALSE(open(**other, 5, bound, 100));
}

class SealedLogTest : public ::testing::Test {
 protected:
  static LogHeader Header(uint64_t number) {
    LogHeader header;
    header.number = number;
    header.generation = 77;
    return header;
  }
  static void Append(LogWriter& log, std::string_view payload) {
    log.OpenRecord().append(payload);
    log.CloseRecord();
  }
  // The number that made the nonce of the record at `offset`.
  static uint64_t SealAt(const std::string& bytes, size_t offset) {
    return base::LoadLittle<uint64_t>(AsBytes(bytes).data() + offset + kLogRecordHeaderBytes);
  }

  base::SimEnv env_{5};
  const Vault vault_{env_.Random(), TestKeys("a")};
};

TEST_F(SealedLogTest, WhatIsTakenBackNeverSharesItsNonceWithWhatFollows) {
  auto log = LogWriter::Create(env_.Files(), "log", Header(3), 0, LogUse::kSynced, &vault_);
  ASSERT_TRUE(log.ok());
  EXPECT_TRUE((*log)->empty());
  const size_t at = static_cast<size_t>((*log)->end());
  Append(**log, "first of all");
  (*log)->TakeBack(0);
  Append(**log, "in its place");
  ASSERT_TRUE((*log)->Sync().ok());
  const std::string bytes = ReadDiskFiles(env_, ".")["log"];
  EXPECT_EQ(SealAt(bytes, at), 1u);
  MemoryFile file(bytes);
  LogReader reader(file, "log", &vault_);
  ASSERT_TRUE(reader.Open(LogType::kWal, 3).ok());
  BytesView payload;
  auto more = reader.Next(&payload);
  ASSERT_TRUE(more.ok() && *more);
  EXPECT_EQ(AsText(payload), "in its place");
}

TEST_F(SealedLogTest, ARecycledLogHasAKeyOfItsOwn) {
  std::set<std::string> envelopes;
  std::set<std::string> records;
  auto look = [&](const std::string& name) {
    const std::string bytes = ReadDiskFiles(env_, ".")[name];
    envelopes.insert(bytes.substr(kLogHeaderBytes, kEnvelopeBytes));
    records.insert(bytes.substr(kLogHeaderBytes + kEnvelopeBytes + kLogRecordHeaderBytes, 40));
  };
  {
    auto log = LogWriter::Create(env_.Files(), "1", Header(1), 0, LogUse::kSynced, &vault_);
    ASSERT_TRUE(log.ok());
    Append(**log, "the same text in each");
    ASSERT_TRUE((*log)->Sync().ok());
    look("1");
  }
  for (uint64_t life = 2; life < 5; ++life) {
    const std::string name = std::to_string(life);
    auto log =
        LogWriter::Recycle(env_.Files(), std::to_string(life - 1), name, Header(life), 0, &vault_);
    ASSERT_TRUE(log.ok());
    Append(**log, "the same text in each");
    ASSERT_TRUE((*log)->Sync().ok());
    look(name);
  }
  EXPECT_EQ(envelopes.size(), 4u);
  EXPECT_EQ(records.size(), 4u);
}

TEST_F(SealedLogTest, AHalfWrittenEnvelopeIsALogThatNeverBegan) {
  auto log = LogWriter::Create(env_.Files(), "log", Header(3), 0, LogUse::kSynced, &vault_);
  ASSERT_TRUE(log.ok());
  const std::string bytes = ReadDiskFiles(env_, ".")["log"];
  ASSERT_EQ(bytes.size(), kLogHeaderBytes + kEnvelopeBytes);
  for (size_t written = 0; written < bytes.size(); ++written) {
    MemoryFile file(bytes.substr(0, written) + std::string(300, '\0'));
    LogReader reader(file, "log", &vault_);
    ASSERT_TRUE(reader.Open(LogType::kWal, 3).ok()) << written;
    EXPECT_TRUE(reader.blank());
  }
}

TEST_F(SealedLogTest, ARecordThatWasMovedOrForgedIsDamageThoughItsChecksumsAreRight) {
  auto log = LogWriter::Create(env_.Files(), "log", Header(3), 0, LogUse::kSynced, &vault_);
  ASSERT_TRUE(log.ok());
  const size_t at = static_cast<size_t>((*log)->end());
  Append(**log, "pay 1 to bob");
  ASSERT_TRUE((*log)->Sync().ok());
  std::string bytes = ReadDiskFiles(env_, ".")["log"];
  auto* record = reinterpret_cast<uint8_t*>(bytes.data()) + at;
  LogRecordHeader header;
  ASSERT_TRUE(DecodeLogRecordHeader({record, bytes.size() - at}, 77, at, &header));
  record[kLogRecordHeaderBytes + kSealNumberBytes + 4] ^= 8;
  header.checksum =
      base::Checksum64(BytesView{record + kLogRecordHeaderBytes, header.size}, LogSeed(77, at));
  EncodeLogRecordHeader(header, 77, at, record);
  MemoryFile file(bytes);
  LogReader reader(file, "log", &vault_);
  ASSERT_TRUE(reader.Open(LogType::kWal, 3).ok());
  BytesView payload;
  EXPECT_EQ(reader.Next(&payload).status().code(), Code::kCorruption);
}

class EncryptedStoreTest : public ::testing::Test {
 protected:
  void Fill(TestEngine& db, int from, int to) {
    for (int i = from; i < to; ++i) {
      db.Write({Put("key" + std::to_string(1000 + i), std::string(kSecret) + std::to_string(i))});
    }
  }
  void ExpectRows(TestEngine& db, int rows) {
    const Rows found = db.Scan();
    ASSERT_EQ(found.size(), static_cast<size_t>(rows));
    for (int i = 0; i < rows; ++i) {
      EXPECT_EQ(found[static_cast<size_t>(i)].second, std::string(kSecret) + std::to_string(i));
    }
    const Status verified = db.store().Verify();
    EXPECT_TRUE(verified.ok()) << verified.message();
  }
  // Files that hold a key or value as it is.
  std::vector<std::string> Readable(const std::string& directory) {
    std::vector<std::string> readable;
    for (const auto& [name, bytes] : ReadDiskFiles(env_, directory)) {
      if (bytes.find(kSecret) != std::string::npos || bytes.find("key1") != std::string::npos) {
        readable.push_back(name);
      }
    }
    return readable;
  }
  // Opens with `keys`, expects to be refused, and that nothing changed.
  void ExpectRefused(std::string_view keys, std::string_view part) {
    DiskFiles before = ReadDiskFiles(env_, kDirectory);
    TestEngine db(env_, kDirectory, Options(keys));
    const Status status = db.TryOpen();
    EXPECT_EQ(status.code(), Code::kPermissionDenied) << status.message();
    EXPECT_NE(std::string(status.message()).find(part), std::string::npos) << status.message();
    EXPECT_TRUE(ReadDiskFiles(env_, kDirectory) == before) << "something was changed";
  }
  int64_t Other(TestEngine& db) {
    const std::string bytes = db.store().StatisticsBson();
    return bson::Document(AsBytes(bytes))["tables_under_other_keys"].value().Int64();
  }

  base::SimEnv env_{11};
};

TEST_F(EncryptedStoreTest, NothingOnTheDiskIsReadable) {
  StoreOptions options = Options("a");
  options.compression = Compression::kNone;
  TestEngine db(env_, kDirectory, options);
  db.Open();
  Fill(db, 0, 400);
  ASSERT_TRUE(db.store().Compact({}, {}).ok());
  db.Write({DeleteRange("key9", "keyx")});
  ASSERT_TRUE(db.store().FlushMemtable().ok());
  Fill(db, 400, 410);
  EXPECT_EQ(Readable(kDirectory), std::vector<std::string>{});
  ExpectRows(db, 410);
  db.Reopen();
  ExpectRows(db, 410);
  auto info = db.store().Backup("backups/one", BackupWatch{});
  ASSERT_TRUE(info.ok()) << info.status().message();
  EXPECT_EQ(Readable("backups/one"), std::vector<std::string>{});
  EXPECT_EQ(Readable(kDirectory), std::vector<std::string>{});
}

TEST_F(EncryptedStoreTest, AWrongOrMissingKeyIsToldWithNothingChanged) {
  {
    TestEngine db(env_, kDirectory, Options("a"));
    db.Open();
    Fill(db, 0, 200);
    ASSERT_TRUE(db.TryClose().ok());
  }
  ExpectRefused("", "no encryption_key_file is configured");
  ExpectRefused("b", KeyIdText(TestKeys("a")->current()));
  ExpectRefused("-b", "add the key to that file");
  TestEngine db(env_, kDirectory, Options("a"));
  db.Open();
  ExpectRows(db, 200);
}

TEST_F(EncryptedStoreTest, APlainStoreIsEncryptedAndDecryptedAgainAsItIsUsed) {
  TestEngine db(env_, kDirectory, Options(""));
  db.Open();
  Fill(db, 0, 300);
  ASSERT_TRUE(db.store().WaitIdle().ok());
  EXPECT_FALSE(Readable(kDirectory).empty());
  db.options() = Options("a");
  db.Reopen();
  EXPECT_GT(Other(db), 0);
  ExpectRows(db, 300);
  ASSERT_TRUE(db.store().WaitIdle().ok());
  EXPECT_EQ(Other(db), 0);
  EXPECT_EQ(Readable(kDirectory), std::vector<std::string>{});
  ExpectRows(db, 300);
  db.options() = Options("-a");
  db.Reopen();
  ASSERT_TRUE(db.store().WaitIdle().ok());
  db.Reopen();  // the log of the former life goes with the open
  EXPECT_EQ(Other(db), 0);
  db.options() = Options("");
  db.Reopen();
  ExpectRows(db, 300);
  EXPECT_TRUE(ReadDiskFiles(env_, kDirectory)["CURRENT"].starts_with("nexadb-lsm 1 "));
}

TEST_F(EncryptedStoreTest, AfterARotationTheOldKeyIsNotNeededOnceAllIsWrittenAnew) {
  TestEngine db(env_, kDirectory, Options("a"));
  db.Open();
  Fill(db, 0, 300);
  ASSERT_TRUE(db.TryClose().ok());
  ExpectRefused("b", KeyIdText(TestKeys("a")->current()));
  db.options() = Options("ba");
  db.Open();
  EXPECT_GT(Other(db), 0);
  Fill(db, 300, 310);
  ASSERT_TRUE(db.store().WaitIdle().ok());
  EXPECT_EQ(Other(db), 0);
  db.options() = Options("b");
  db.Reopen();
  ExpectRows(db, 310);
}

TEST_F(EncryptedStoreTest, ABackupIsCheckedWithoutItsKeyAndOpensWithIt) {
  {
    TestEngine db(env_, kDirectory, Options("a"));
    db.Open();
    Fill(db, 0, 250);
    auto info = db.store().Backup("backups/one", BackupWatch{});
    ASSERT_TRUE(info.ok()) << info.status().message();
  }
  TestEngine other(env_, "data/other", Options("b"));
  other.Open();
  auto* facet = static_cast<StorageBackup*>(other.engine().Facet(StorageBackup::kInterface));
  EXPECT_TRUE(facet->VerifyBackup("backups/one", BackupWatch{}).ok());
  EXPECT_EQ(facet->RestoreAtNextOpen("backups/one", BackupWatch{}).code(), Code::kPermissionDenied)
      << "it would keep the store closed";
  ASSERT_TRUE(facet->Restore("backups/one", "data/restored", BackupWatch{}).ok());
  TestEngine restored(env_, "data/restored", Options("ba"));
  restored.Open();
  ExpectRows(restored, 250);
}

TEST_F(EncryptedStoreTest, BlocksThatChangedPlacesAreNotAnsweredThoughTheirChecksumsAreRight) {
  StoreOptions options = Options("a");
  options.compression = Compression::kNone;
  options.table_bytes = 1u << 20;
  TestEngine db(env_, kDirectory, options);
  db.Open();
  for (int i = 0; i < 40; ++i) db.Write({Put("key" + std::to_string(10 + i), "same length")});
  ASSERT_TRUE(db.store().Compact({}, {}).ok());
  TablePointer table = db.store().View()->version->levels[1].at(0);
  const BlockHandle a = table->reader->HandleOf(0);
  const BlockHandle b = table->reader->HandleOf(1);
  ASSERT_EQ(a.stored, b.stored);
  const std::string path = table->reader->path();
  std::string bytes = ReadDiskFiles(env_, kDirectory)[path.substr(path.find_last_of('/') + 1)];
  // An attacker who knows the format: both blocks swapped, and the checksums made anew.
  const size_t size = a.stored + 8;
  std::string first = bytes.substr(a.offset, size);
  std::string second = bytes.substr(b.offset, size);
  auto file = env_.Files().Open(path, FileMode::kReadWrite);
  ASSERT_TRUE(file.ok());
  for (auto [handle, content] : {std::pair{a, second}, std::pair{b, first}}) {
    base::PutLittle(content, base::Checksum64(AsBytes(std::string_view(content)),
                                              LogSeed(table->info.number, handle.offset)));
    ASSERT_TRUE((*file)->WriteAt(handle.offset, AsBytes(content)).ok());
  }
  table.reset();
  db.Reopen();
  const std::string key = "key10";
  auto value = db.Snap()->Get(AsBytes(key), ReadOptions{});
  EXPECT_EQ(value.status().code(), Code::kCorruption);
  EXPECT_NE(std::string(value.status().message()).find("not sealed here"), std::string::npos)
      << value.status().message();
}

TEST_F(EncryptedStoreTest, FollowersReadTheirChangesFromEncryptedLogs) {
  StoreOptions options = Options("a");
  options.changes_retained_bytes = 1u << 20;
  TestEngine db(env_, kDirectory, options);
  db.Open();
  Fill(db, 0, 200);
  auto* changes = static_cast<StorageChanges*>(db.engine().Facet(StorageChanges::kInterface));
  uint64_t batches = 0;
  ChangeSink sink;
  sink.state = &batches;
  sink.batch = [](void* state, uint64_t, Span<const Mutation>) noexcept {
    ++*static_cast<uint64_t*>(state);
    return Status::Ok();
  };
  ASSERT_TRUE(changes->ChangesSince(0, sink).ok());
  EXPECT_EQ(batches, 200u);
}

}  // namespace
}  // namespace nexadb::lsm::testing
