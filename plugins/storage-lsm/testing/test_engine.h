// What the storage tests share: an engine on an Env, opened and reopened at will, with short calls
// for short tests. Tests only.
#pragma once
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/storage-lsm/engine/engine.h"

namespace nexadb::lsm::testing {

// Limits so small that a few hundred writes flush, compact and spread over levels.
inline StoreOptions TinyOptions() {
  StoreOptions options;
  options.memory_budget_bytes = 1u << 20;
  options.memtable_bytes = 8u << 10;
  options.block_bytes = 256;
  options.table_bytes = 4u << 10;
  options.level1_bytes = 16u << 10;
  options.manifest_bytes = 1u << 10;
  options.level0_compact = 2;
  options.level0_slow = 1000;  // no delays: they would only cost test time
  options.level0_stop = 1000;
  options.disk_reserve_bytes = 0;
  return options;
}

inline Mutation Put(std::string_view key, std::string_view value) {
  return {Mutation::Op::kPut, 0, AsBytes(key), AsBytes(value)};
}
inline Mutation Delete(std::string_view key) {
  return {Mutation::Op::kDelete, 0, AsBytes(key), {}};
}
inline Mutation DeleteRange(std::string_view begin, std::string_view end) {
  return {Mutation::Op::kDeleteRange, 0, AsBytes(begin), AsBytes(end)};
}
inline std::string Number(int64_t v) {
  return std::string(reinterpret_cast<const char*>(&v), sizeof(v));
}
inline Mutation Add(std::string_view key, std::string_view eight_bytes) {
  return {Mutation::Op::kAdd, 0, AsBytes(key), AsBytes(eight_bytes)};
}

// "value", or nothing when absent; any other failure fails the test.
inline std::optional<std::string> GetFrom(Reader& reader, std::string_view key) {
  auto value = reader.Get(AsBytes(key), ReadOptions{});
  if (value.ok()) return std::string(value->text());
  EXPECT_EQ(value.status().code(), Code::kNotFound) << value.status().message();
  return std::nullopt;
}

using Rows = std::vector<std::pair<std::string, std::string>>;

inline Rows ScanFrom(Reader& reader, std::string_view begin = {}, std::string_view end = {},
                     bool reverse = false, size_t batch = 7) {
  ScanOptions options;
  options.begin = AsBytes(begin);
  options.end = AsBytes(end);
  options.reverse = reverse ? 1 : 0;
  Rows all;
  auto cursor = reader.Scan(options);
  EXPECT_TRUE(cursor.ok()) << cursor.status().message();
  if (!cursor.ok()) return all;
  std::vector<Row> rows(batch);
  for (;;) {
    auto count = (*cursor)->Next({rows.data(), rows.size()});
    EXPECT_TRUE(count.ok()) << count.status().message();
    if (!count.ok() || *count == 0) return all;
    for (uint64_t i = 0; i < *count; ++i) {
      all.emplace_back(AsText(rows[i].key), AsText(rows[i].value));
    }
  }
}

class TestEngine {
 public:
  TestEngine(Env& env, std::string directory, StoreOptions options)
      : env_(env), directory_(std::move(directory)), options_(options) {}
  ~TestEngine() { static_cast<void>(engine_.Close()); }

  Status TryOpen() { return engine_.Open(env_, nullptr, directory_, options_); }
  void Open() {
    const Status status = TryOpen();
    ASSERT_TRUE(status.ok()) << status.message();
  }
  Status TryClose() { return engine_.Close(); }
  void Reopen() {
    const Status status = TryClose();
    ASSERT_TRUE(status.ok()) << status.message();
    Open();
  }
  Result<uint64_t> TryWrite(std::vector<Mutation> batch,
                            Durability durability = Durability::kDefault) {
    WriteOptions options;
    options.durability = durability;
    return engine_.Write({batch.data(), batch.size()}, options);
  }
  uint64_t Write(std::vector<Mutation> batch) {
    auto sequence = TryWrite(std::move(batch));
    EXPECT_TRUE(sequence.ok()) << sequence.status().message();
    return sequence.ok() ? *sequence : 0;
  }
  Handle<Snapshot> Snap() {
    auto snapshot = engine_.OpenSnapshot();
    EXPECT_TRUE(snapshot.ok());
    return std::move(*snapshot);
  }
  Handle<Transaction> Begin(Isolation isolation = Isolation::kSnapshot) {
    TransactionOptions options;
    options.isolation = isolation;
    auto transaction = engine_.Begin(options);
    EXPECT_TRUE(transaction.ok());
    return std::move(*transaction);
  }
  std::optional<std::string> Get(std::string_view key) { return GetFrom(*Snap(), key); }
  Rows Scan(std::string_view begin = {}, std::string_view end = {}, bool reverse = false) {
    return ScanFrom(*Snap(), begin, end, reverse);
  }
  Engine& engine() { return engine_; }
  Store& store() { return *engine_.store(); }
  StoreOptions& options() { return options_; }

 private:
  Env& env_;
  const std::string directory_;
  StoreOptions options_;
  Engine engine_;
};

}  // namespace nexadb::lsm::testing
