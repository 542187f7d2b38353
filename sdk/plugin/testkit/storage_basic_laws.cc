// Laws of single reads and writes, snapshots and limits.
#include "storage_laws.h"

namespace nexadb::testkit {
namespace {

void WhatIsWrittenIsRead(Bench& bench) {
  EXPECT_EQ(Get(bench, "a"), std::nullopt);
  Write(bench, {Put("a", "1"), Put("b", "2")});
  EXPECT_EQ(Get(bench, "a"), "1");
  Write(bench, {Delete("a"), Put("b", "3")});
  EXPECT_EQ(Get(bench, "a"), std::nullopt);
  EXPECT_EQ(Get(bench, "b"), "3");
}

void LaterMutationsOfABatchWin(Bench& bench) {
  Write(bench,
        {Put("a", "1"), Put("a", "2"), Put("b", "1"), Delete("b"), Delete("c"), Put("c", "1")});
  EXPECT_EQ(ScanAll(bench), (Rows{{"a", "2"}, {"c", "1"}}));
}

void SequencesGrowAndSnapshotsSeeTheirs(Bench& bench) {
  uint64_t last = OpenSnapshot(bench)->Sequence();
  for (int i = 0; i < 20; ++i) {
    std::string value = std::to_string(i);
    uint64_t sequence = Write(bench, {Put("a", value)});
    EXPECT_GT(sequence, last);
    auto snapshot = OpenSnapshot(bench);
    EXPECT_GE(snapshot->Sequence(), sequence);
    EXPECT_EQ(Get(*snapshot, "a"), value);
    last = sequence;
  }
}

void SnapshotsNeverMove(Bench& bench) {
  Write(bench, {Put("a", "1"), Put("b", "1")});
  auto snapshot = OpenSnapshot(bench);
  auto cursor = OpenCursor(*snapshot, "", "");
  Rows before{{"a", "1"}, {"b", "1"}};
  Write(bench, {Put("a", "2"), Delete("b"), Put("c", "2")});
  Write(bench, {DeleteRange("", "")});
  EXPECT_EQ(Take(*cursor, 10), before) << "nor do cursors";
  EXPECT_EQ(Scan(*snapshot), before);
  EXPECT_EQ(ScanReverse(*snapshot), (Rows{{"b", "1"}, {"a", "1"}}));
  EXPECT_EQ(Get(*snapshot, "a"), "1");
  EXPECT_EQ(Get(*snapshot, "c"), std::nullopt);
}

void BuffersOutliveTheirSnapshot(Bench& bench) {
  std::string value(5000, 'x');
  Write(bench, {Put("a", value)});
  Buffer kept = *OpenSnapshot(bench)->Get(AsBytes("a"), {});
  Write(bench, {Put("a", "2")});
  EXPECT_EQ(kept.text(), value);
}

void EmptyAndBinaryKeysAreKeys(Bench& bench) {
  std::string zero(1, '\0'), two_zeros(2, '\0'), high("\xff\xff"), mixed("a\0b", 3);
  Write(bench, {Put("", "empty"), Put(zero, "zero"), Put(two_zeros, "zeros"), Put(high, "high"),
                Put(mixed, ""), Put("a", "a")});
  Rows expected{{"", "empty"}, {zero, "zero"}, {two_zeros, "zeros"},
                {"a", "a"},    {mixed, ""},    {high, "high"}};
  EXPECT_EQ(ScanAll(bench), expected);
  EXPECT_EQ(Get(bench, ""), "empty");
  EXPECT_EQ(Get(bench, mixed), "") << "an empty value is a value";
  Write(bench, {Delete("")});
  EXPECT_EQ(Get(bench, ""), std::nullopt);
}

void KeysAndValuesUpToTheLimitAreStored(Bench& bench) {
  std::string longest(kStorageKeyBytesMax, 'k');
  std::string large(3u << 20, 'v');
  Write(bench, {Put(longest, large)});
  EXPECT_EQ(Get(bench, longest), large);
  EXPECT_EQ(ScanAll(bench), (Rows{{longest, large}}));
}

void ABatchPastALimitStoresNothing(Bench& bench) {
  std::string too_long(kStorageKeyBytesMax + 1, 'k');
  std::vector<Mutation> batch{Put("a", "1"), Put(too_long, "v")};
  EXPECT_EQ(bench.engine().Write(batch, {}).status().code(), Code::kInvalidArgument);
  auto transaction = Begin(bench);
  EXPECT_EQ(transaction->Write(batch).code(), Code::kInvalidArgument);
  EXPECT_EQ(Get(*transaction, "a"), std::nullopt);
  std::vector<Mutation> unknown{Put("a", "1"), {static_cast<Mutation::Op>(99), 0, {}, {}}};
  EXPECT_EQ(bench.engine().Write(unknown, {}).status().code(), Code::kInvalidArgument);
  EXPECT_TRUE(ScanAll(bench).empty());
}

void AValueBeyondItsLimitIsRefused(Bench& bench) {
  std::string too_large(size_t{kStorageValueBytesMax} + 1, 'v');
  std::vector<Mutation> batch{Put("a", too_large)};
  EXPECT_EQ(bench.engine().Write(batch, {}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(Get(bench, "a"), std::nullopt);
}

void GetManyAnswersInOrder(Bench& bench) {
  Write(bench, {Put("a", "1"), Put("b", ""), Put("c", "3")});
  std::vector<BytesView> keys{AsBytes("c"), AsBytes("x"), AsBytes("b"), AsBytes("c"), AsBytes("")};
  auto check = [&](Reader& reader) {
    std::vector<Lookup> out(keys.size());
    Status status = reader.GetMany(keys, {}, out);
    ASSERT_TRUE(status.ok()) << status.message();
    EXPECT_EQ(out[0].value.text(), "3");
    EXPECT_EQ(out[3].value.text(), "3");
    std::vector<uint32_t> found;
    for (const Lookup& lookup : out) found.push_back(lookup.found);
    EXPECT_EQ(found, (std::vector<uint32_t>{1, 0, 1, 1, 0}));
  };
  check(*OpenSnapshot(bench));
  auto transaction = Begin(bench);
  check(*transaction);
  WriteIn(*transaction, {Delete("b"), Put("x", "new")});
  std::vector<Lookup> out(keys.size());
  ASSERT_TRUE(transaction->GetMany(keys, {}, out).ok());
  EXPECT_EQ(out[1].value.text(), "new");
  EXPECT_EQ(out[2].found, 0u);
  EXPECT_TRUE(transaction->GetMany({}, {}, {}).ok());
}

void FreshDataIsReadWithoutBlocking(Bench& bench) {
  Write(bench, {Put("a", "1"), Put("b", "2")});
  auto snapshot = OpenSnapshot(bench);
  ReadOptions options;
  options.nonblocking = 1;
  auto value = snapshot->Get(AsBytes("a"), options);
  ASSERT_TRUE(value.ok()) << value.status().message();
  EXPECT_EQ(value->text(), "1");
  EXPECT_EQ(snapshot->Get(AsBytes("x"), options).status().code(), Code::kNotFound);
  ScanOptions scan;
  scan.nonblocking = 1;
  auto cursor = snapshot->Scan(scan);
  ASSERT_TRUE(cursor.ok());
  EXPECT_EQ(Take(**cursor, 10), (Rows{{"a", "1"}, {"b", "2"}}));
}

void EstimatesAreOfTheRightSize(Bench& bench) {
  auto rows = [&](std::string_view begin, std::string_view end) {
    auto estimate = bench.engine().EstimateRange(AsBytes(begin), AsBytes(end));
    EXPECT_TRUE(estimate.ok()) << estimate.status().message();
    return estimate->rows;
  };
  EXPECT_LE(rows("", ""), 10u);
  std::string value(200, 'v');
  std::vector<std::string> keys;
  for (int i = 0; i < 1000; ++i) keys.push_back("k" + std::to_string(10000 + i));
  std::vector<Mutation> batch;
  for (const std::string& key : keys) batch.push_back(Put(key, value));
  Write(bench, batch);
  uint64_t all = rows("", "");
  EXPECT_GE(all, 200u);
  EXPECT_LE(all, 5000u);
  EXPECT_LE(rows("x", ""), all / 2) << "an empty part is known to hold less than all";
}

void FlushSucceeds(Bench& bench) {
  Write(bench, {Put("a", "1")});
  EXPECT_TRUE(bench.engine().Flush().ok());
  EXPECT_EQ(Get(bench, "a"), "1");
  EXPECT_EQ(bench.engine().Capabilities().durable != 0, bench.durable);
  EXPECT_EQ(bench.engine().Facet({"com.example.unheard_of", 0, 1}), nullptr);
}

void EmptyBatchesAreFine(Bench& bench) {
  Write(bench, {Put("a", "1")});
  EXPECT_TRUE(bench.engine().Write({}, {}).ok());
  EXPECT_EQ(ScanAll(bench), (Rows{{"a", "1"}}));
}

}  // namespace

std::vector<StorageLaw> StorageBasicLaws() {
  return {{"WhatIsWrittenIsRead", WhatIsWrittenIsRead},
          {"LaterMutationsOfABatchWin", LaterMutationsOfABatchWin},
          {"SequencesGrowAndSnapshotsSeeTheirs", SequencesGrowAndSnapshotsSeeTheirs},
          {"SnapshotsNeverMove", SnapshotsNeverMove},
          {"BuffersOutliveTheirSnapshot", BuffersOutliveTheirSnapshot},
          {"EmptyAndBinaryKeysAreKeys", EmptyAndBinaryKeysAreKeys},
          {"KeysAndValuesUpToTheLimitAreStored", KeysAndValuesUpToTheLimitAreStored},
          {"ABatchPastALimitStoresNothing", ABatchPastALimitStoresNothing},
          {"AValueBeyondItsLimitIsRefused", AValueBeyondItsLimitIsRefused},
          {"GetManyAnswersInOrder", GetManyAnswersInOrder},
          {"FreshDataIsReadWithoutBlocking", FreshDataIsReadWithoutBlocking},
          {"EstimatesAreOfTheRightSize", EstimatesAreOfTheRightSize},
          {"FlushSucceeds", FlushSucceeds},
          {"EmptyBatchesAreFine", EmptyBatchesAreFine}};
}

}  // namespace nexadb::testkit
