// Laws of the log: what was written is read, a torn tail is cut, damage is told.
#include <gtest/gtest.h>

#include "core/base/checksum.h"
#include "core/base/coding.h"
#include "core/base/sim_env.h"
#include "plugins/storage-lsm/log/batch_record.h"
#include "plugins/storage-lsm/log/log_reader.h"
#include "plugins/storage-lsm/log/log_writer.h"
#include "plugins/storage-lsm/testing/memory_file.h"

namespace nexadb::lsm::testing {
namespace {

class LogTest : public ::testing::Test {
 protected:
  // A log of `records`, each synced, read back as bytes.
  std::string Make(int records, uint64_t reserve = 4096, uint64_t generation = 77) {
    LogHeader header;
    header.number = 3;
    header.generation = generation;
    auto log = LogWriter::Create(env_.Files(), "log", header, reserve);
    EXPECT_TRUE(log.ok());
    offsets_.clear();
    for (int i = 0; i < records; ++i) {
      offsets_.push_back((*log)->end());
      (*log)->OpenRecord().append(Payload(i));
      (*log)->CloseRecord();
      EXPECT_TRUE((*log)->Reserve().ok());
      EXPECT_TRUE((*log)->Sync().ok());
    }
    end_ = (*log)->end();
    return BytesOf("log");
  }
  std::string BytesOf(std::string_view path) {
    auto file = env_.Files().Open(path, FileMode::kRead);
    std::string bytes(*(*file)->Size(), '\0');
    EXPECT_TRUE((*file)->ReadAt(0, {reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()}).ok());
    return bytes;
  }
  static std::string Payload(int i) { return "payload " + std::to_string(i * 1000); }

  struct Outcome {
    int records = 0;
    Status status;
  };
  static Outcome Read(std::string bytes, uint64_t expected_end = 0) {
    MemoryFile file(std::move(bytes));
    LogReader reader(file, "000003.wal");
    Outcome outcome;
    outcome.status = reader.Open(LogType::kWal, 3);
    reader.ExpectEnd(expected_end);
    BytesView payload;
    while (outcome.status.ok()) {
      auto more = reader.Next(&payload);
      if (!more.ok()) outcome.status = more.status();
      if (!more.ok() || !*more) break;
      EXPECT_EQ(AsText(payload), Payload(outcome.records));
      ++outcome.records;
    }
    return outcome;
  }

  base::SimEnv env_{1};
  std::vector<uint64_t> offsets_;
  uint64_t end_ = 0;
};

TEST_F(LogTest, WhatWasWrittenIsRead) {
  const std::string bytes = Make(20);
  const Outcome outcome = Read(bytes, end_);
  EXPECT_TRUE(outcome.status.ok()) << outcome.status.message();
  EXPECT_EQ(outcome.records, 20);
  EXPECT_EQ(bytes.size() % 4096, 0u) << "space is reserved ahead";
}

// Whatever number of records the new life of the file has, and wherever its last one is torn.
TEST_F(LogTest, ARecycledLogShowsNothingOfItsFormerLife) {
  for (int records = 0; records < 12; ++records) {
    const uint64_t former_bytes = Make(10).size();
    LogHeader header;
    header.number = 3;
    header.generation = 78;
    auto log = LogWriter::Recycle(env_.Files(), "log", "recycled", header, 4096);
    ASSERT_TRUE(log.ok()) << log.status().message();
    EXPECT_FALSE(env_.Files().Exists("log"));
    uint64_t last = kLogHeaderBytes;
    for (int i = 0; i < records; ++i) {
      last = (*log)->end();
      (*log)->OpenRecord().append(Payload(i));
      (*log)->CloseRecord();
      ASSERT_TRUE((*log)->Reserve().ok());
      ASSERT_TRUE((*log)->Sync().ok());
    }
    std::string bytes = BytesOf("recycled");
    EXPECT_EQ(bytes.size(), former_bytes) << "the file keeps its blocks";
    Outcome outcome = Read(bytes);
    EXPECT_TRUE(outcome.status.ok()) << outcome.status.message();
    EXPECT_EQ(outcome.records, records);
    if (records == 0) continue;
    bytes[last] = static_cast<char>(bytes[last] ^ 1);
    outcome = Read(bytes);
    EXPECT_TRUE(outcome.status.ok()) << outcome.status.message();
    EXPECT_EQ(outcome.records, records - 1);
  }
}

TEST_F(LogTest, WithoutRoomNothingIsWrittenAndTheLogGoesOn) {
  LogHeader header;
  header.number = 3;
  header.generation = 9;
  auto log = LogWriter::Create(env_.Files(), "log", header, 4096);
  ASSERT_TRUE(log.ok());
  auto append = [&](int i) {
    const uint64_t mark = (*log)->buffered_bytes();
    (*log)->OpenRecord().append(Payload(i));
    (*log)->CloseRecord();
    Status status = (*log)->Reserve();
    if (status.ok()) status = (*log)->Sync();
    if (!status.ok()) (*log)->TakeBack(mark);
    return status;
  };
  env_.disk().LimitCapacity(1024);
  EXPECT_EQ(append(0).code(), Code::kResourceExhausted);
  EXPECT_TRUE((*log)->failure().ok());
  EXPECT_FALSE((*log)->torn());
  env_.disk().LimitCapacity(1u << 20);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(append(i).ok());
  EXPECT_EQ(Read(BytesOf("log")).records, 5);
}

TEST_F(LogTest, AWriteWithoutRoomLeavesATornLogThatCanBeCompleted) {
  LogHeader header;
  header.number = 3;
  header.generation = 9;
  auto log = LogWriter::Create(env_.Files(), "log", header, 0);
  ASSERT_TRUE(log.ok());
  (*log)->OpenRecord().append(Payload(0));
  (*log)->CloseRecord();
  const uint64_t mark = (*log)->buffered_bytes();
  (*log)->OpenRecord().append(std::string(4096, 'x'));
  (*log)->CloseRecord();
  env_.disk().LimitCapacity(1024);
  EXPECT_EQ((*log)->Write().code(), Code::kResourceExhausted);
  EXPECT_TRUE((*log)->torn());
  (*log)->TakeBack(mark);
  EXPECT_TRUE((*log)->Sync().ok());
  const Outcome outcome = Read(BytesOf("log"), (*log)->end());
  EXPECT_TRUE(outcome.status.ok()) << outcome.status.message();
  EXPECT_EQ(outcome.records, 1);
}

TEST_F(LogTest, ATailTornAnywhereInTheLastRecordIsCut) {
  const std::string bytes = Make(5);
  for (uint64_t cut = offsets_[4]; cut < end_ - 1; ++cut) {
    std::string torn = bytes;
    std::fill(torn.begin() + static_cast<ptrdiff_t>(cut), torn.end(), '\0');
    if (torn == bytes) continue;  // only padding was cut
    const Outcome outcome = Read(torn);
    EXPECT_TRUE(outcome.status.ok()) << "cut at " << cut;
    EXPECT_EQ(outcome.records, 4) << "cut at " << cut;
    EXPECT_EQ(Read(torn.substr(0, cut)).records, 4);
  }
}

TEST_F(LogTest, DamageBeforeADurableRecordIsCorruption) {
  const std::string bytes = Make(5);
  for (uint64_t at = offsets_[1]; at < offsets_[1] + kLogRecordHeaderBytes + 4; ++at) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    const Outcome outcome = Read(damaged);
    EXPECT_EQ(outcome.status.code(), Code::kCorruption) << "byte " << at;
    EXPECT_EQ(outcome.records, 1);
    EXPECT_NE(outcome.status.message().find("000003.wal"), std::string::npos);
  }
}

TEST_F(LogTest, AHoleBeforeRecordsThatWereNeverDurableIsATornTail) {
  LogHeader header;
  header.number = 3;
  header.generation = 5;
  auto log = LogWriter::Create(env_.Files(), "log", header, 0);
  ASSERT_TRUE(log.ok());
  std::vector<uint64_t> offsets;
  for (int i = 0; i < 3; ++i) {
    offsets.push_back((*log)->end());
    (*log)->OpenRecord().append(Payload(i));
    (*log)->CloseRecord();
    ASSERT_TRUE((*log)->Write().ok());
  }
  auto file = env_.Files().Open("log", FileMode::kRead);
  std::string bytes(*(*file)->Size(), '\0');
  ASSERT_TRUE((*file)->ReadAt(0, {reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()}).ok());
  bytes[offsets[1]] = 0;
  const Outcome outcome = Read(bytes);
  EXPECT_TRUE(outcome.status.ok());
  EXPECT_EQ(outcome.records, 1);
}

TEST_F(LogTest, ACompletedLogThatEndsEarlyIsCorruption) {
  std::string bytes = Make(5);
  std::fill(bytes.begin() + static_cast<ptrdiff_t>(offsets_[4]), bytes.end(), '\0');
  EXPECT_EQ(Read(bytes, end_).status.code(), Code::kCorruption);
  EXPECT_EQ(Read(std::string(bytes.size(), '\0'), end_).status.code(), Code::kCorruption);
}

TEST_F(LogTest, RecordsOfAnEarlierLifeOfTheFileNeverReplay) {
  const std::string old = Make(6, 0, 111);
  std::string bytes = Make(2, 0, 222);
  bytes.append(old.substr(bytes.size()));
  const Outcome outcome = Read(bytes);
  EXPECT_TRUE(outcome.status.ok());
  EXPECT_EQ(outcome.records, 2);
}

TEST_F(LogTest, NewerFormatsAreRefused) {
  std::string bytes = Make(1);
  auto* p = reinterpret_cast<uint8_t*>(bytes.data());
  base::StoreLittle<uint32_t>(p + 8, kFormatVersion + 1);
  base::StoreLittle<uint64_t>(p + 56, base::Checksum64(BytesView{p, 56}));
  EXPECT_EQ(Read(bytes).status.code(), Code::kUnsupported);
  bytes[9] = static_cast<char>(bytes[9] ^ 1);
  EXPECT_EQ(Read(bytes).status.code(), Code::kCorruption);
}

TEST_F(LogTest, NothingIsWrittenBehindAFailure) {
  LogHeader header;
  header.number = 3;
  auto log = LogWriter::Create(env_.Files(), "log", header, 0);
  ASSERT_TRUE(log.ok());
  env_.disk().Inject({.op = base::FileOp::kSync});
  (*log)->OpenRecord().append("x");
  (*log)->CloseRecord();
  EXPECT_EQ((*log)->Sync().code(), Code::kIoError);
  const uint64_t operations = env_.disk().operations();
  EXPECT_EQ((*log)->Sync().code(), Code::kIoError);
  EXPECT_EQ((*log)->SyncWritten().code(), Code::kIoError) << "nor by those who sync beside";
  EXPECT_EQ((*log)->Write().code(), Code::kIoError);
  EXPECT_EQ(env_.disk().operations(), operations) << "a sync is never tried again";
}

TEST_F(LogTest, ATornHeaderIsALogThatNeverBegan) {
  std::string bytes(kLogHeaderBytes, '\0');
  LogHeader header;
  header.number = 3;
  EncodeLogHeader(header, {reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()});
  for (size_t written = 0; written < kLogHeaderBytes; ++written) {
    MemoryFile file(bytes.substr(0, written) + std::string(200, '\0'));
    LogReader reader(file, "log");
    ASSERT_TRUE(reader.Open(LogType::kWal, 3).ok()) << written << " bytes of the header";
    EXPECT_TRUE(reader.blank());
    BytesView payload;
    auto more = reader.Next(&payload);
    EXPECT_TRUE(more.ok() && !*more);
  }
  // With anything behind it, it once was whole.
  MemoryFile file(bytes.substr(0, 40) + std::string(200, '\0') + "x");
  LogReader reader(file, "log");
  EXPECT_EQ(reader.Open(LogType::kWal, 3).code(), Code::kCorruption);
}

TEST_F(LogTest, ASyncBesideTheWriterEndsTheLogWhenItFails) {
  LogHeader header;
  header.number = 3;
  auto log = LogWriter::Create(env_.Files(), "log", header, 0);
  ASSERT_TRUE(log.ok());
  (*log)->OpenRecord().append("x");
  (*log)->CloseRecord();
  ASSERT_TRUE((*log)->Write().ok());
  env_.disk().Inject({.op = base::FileOp::kSync});
  EXPECT_EQ((*log)->SyncWritten().code(), Code::kIoError);
  const uint64_t operations = env_.disk().operations();
  EXPECT_EQ((*log)->SyncWritten().code(), Code::kIoError);
  EXPECT_EQ((*log)->Sync().code(), Code::kIoError);
  EXPECT_EQ((*log)->Write().code(), Code::kIoError);
  EXPECT_EQ(env_.disk().operations(), operations) << "a sync is never tried again";
}

TEST(BatchRecord, EntriesComeBackAsTheyWere) {
  std::string out;
  AppendBatchHeader(out, 41, 3);
  AppendEntry(out, {Kind::kPut, "k", std::string_view("v\0w", 3)});
  AppendEntry(out, {Kind::kDelete, "", {}});
  AppendEntry(out, {Kind::kDeleteRange, "a", ""});
  BatchReader batch(AsBytes(out));
  Sequence first = 0;
  uint32_t count = 0;
  ASSERT_TRUE(batch.ReadHeader(&first, &count));
  EXPECT_EQ(first, 41u);
  EXPECT_EQ(count, 3u);
  Entry entry;
  ASSERT_TRUE(batch.ReadEntry(&entry));
  EXPECT_EQ(entry.value.size(), 3u);
  ASSERT_TRUE(batch.ReadEntry(&entry));
  EXPECT_EQ(entry.kind, Kind::kDelete);
  ASSERT_TRUE(batch.ReadEntry(&entry));
  EXPECT_TRUE(entry.value.empty());
  EXPECT_TRUE(batch.empty());
  for (size_t cut = 0; cut < out.size(); ++cut) {
    BatchReader part(AsBytes(std::string_view(out).substr(0, cut)));
    int whole = 0;
    if (part.ReadHeader(&first, &count)) {
      while (part.ReadEntry(&entry)) ++whole;
    }
    EXPECT_LT(whole, 3);
  }
}

}  // namespace
}  // namespace nexadb::lsm::testing
