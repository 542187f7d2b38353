// What the laws of the storage suite are written with. Internal to the test kit.
#pragma once
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/prng.h"
#include "nexadb/testkit/storage_engine_suite.h"

namespace nexadb::testkit {

// What a law is given.
struct Bench {
  StorageFixture& fixture;
  const bool durable;
  const uint64_t seed;
  StorageEngine& engine() const { return fixture.Engine(); }
};

struct StorageLaw {
  const char* name;
  void (*check)(Bench& bench);
  bool durable_only = false;
};

// One for each file of laws.
std::vector<StorageLaw> StorageBasicLaws();
std::vector<StorageLaw> StorageScanLaws();
std::vector<StorageLaw> StorageMutationLaws();
std::vector<StorageLaw> StorageTransactionLaws();
std::vector<StorageLaw> StorageConflictLaws();
std::vector<StorageLaw> StorageRandomLaws();
std::vector<StorageLaw> StorageConcurrencyLaws();
std::vector<StorageLaw> StorageDurabilityLaws();
std::vector<StorageLaw> StorageFacetLaws();
std::vector<StorageLaw> StorageIngestLaws();

using Rows = std::vector<std::pair<std::string, std::string>>;
using Model = std::map<std::string, std::string>;

// Mutations over text that the caller keeps.
Mutation Put(std::string_view key, std::string_view value);
Mutation Delete(std::string_view key);
Mutation DeleteRange(std::string_view begin, std::string_view end);
Mutation Add(std::string_view key, std::string_view counter);
Mutation StampedKey(std::string_view key, uint32_t offset, std::string_view value);
Mutation StampedValue(std::string_view key, std::string_view value, uint32_t offset);

std::string Counter(int64_t value);  // as kAdd stores it
std::string Stamp(uint64_t sequence, uint16_t order);

// Fails the law unless the write succeeds; returns its sequence.
uint64_t Write(Bench& bench, std::vector<Mutation> batch);
Handle<Snapshot> OpenSnapshot(Bench& bench);
Handle<Transaction> Begin(Bench& bench, Isolation isolation = Isolation::kSnapshot);
void WriteIn(Transaction& transaction, std::vector<Mutation> batch);
void MustCommit(Transaction& transaction);
void MustConflict(Transaction& transaction);

// The value, or nothing.
std::optional<std::string> Get(Reader& reader, std::string_view key);
std::optional<std::string> Get(Bench& bench, std::string_view key);  // of a new snapshot
Rows Scan(Reader& reader, std::string_view begin = {}, std::string_view end = {},
          uint64_t batch = 7);
Rows ScanReverse(Reader& reader, std::string_view begin = {}, std::string_view end = {},
                 uint64_t batch = 7);
Rows ScanAll(Bench& bench);
Rows RowsOf(const Model& model);
// The next `count` rows, or fewer at the end.
Rows Take(nexadb::Cursor& cursor, uint64_t count);
Handle<nexadb::Cursor> OpenCursor(Reader& reader, std::string_view begin, std::string_view end,
                                  uint32_t reverse = 0);

// Runs body(0) … body(count - 1), each on a thread of its own.
void RunThreads(Env& env, int count, const std::function<void(int)>& body);

}  // namespace nexadb::testkit
