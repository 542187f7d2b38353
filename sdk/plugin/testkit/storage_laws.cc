#include "storage_laws.h"

#include <algorithm>

#include "core/base/coding.h"

namespace nexadb::testkit {

Mutation Put(std::string_view key, std::string_view value) {
  return {Mutation::Op::kPut, 0, AsBytes(key), AsBytes(value)};
}
Mutation Delete(std::string_view key) { return {Mutation::Op::kDelete, 0, AsBytes(key), {}}; }
Mutation DeleteRange(std::string_view begin, std::string_view end) {
  return {Mutation::Op::kDeleteRange, 0, AsBytes(begin), AsBytes(end)};
}
Mutation Add(std::string_view key, std::string_view counter) {
  return {Mutation::Op::kAdd, 0, AsBytes(key), AsBytes(counter)};
}
Mutation StampedKey(std::string_view key, uint32_t offset, std::string_view value) {
  return {Mutation::Op::kPutStampedKey, offset, AsBytes(key), AsBytes(value)};
}
Mutation StampedValue(std::string_view key, std::string_view value, uint32_t offset) {
  return {Mutation::Op::kPutStampedValue, offset, AsBytes(key), AsBytes(value)};
}

std::string Counter(int64_t value) {
  std::string text;
  base::PutLittle(text, static_cast<uint64_t>(value));
  return text;
}
std::string Stamp(uint64_t sequence, uint16_t order) {
  std::string text;
  base::PutBig(text, sequence);
  base::PutBig(text, order);
  return text;
}

uint64_t Write(Bench& bench, std::vector<Mutation> batch) {
  auto sequence = bench.engine().Write(batch, {});
  EXPECT_TRUE(sequence.ok()) << sequence.status().message();
  return sequence.ok() ? *sequence : 0;
}

Handle<Snapshot> OpenSnapshot(Bench& bench) {
  auto snapshot = bench.engine().OpenSnapshot();
  EXPECT_TRUE(snapshot.ok()) << snapshot.status().message();
  return std::move(*snapshot);
}

Handle<Transaction> Begin(Bench& bench, Isolation isolation) {
  TransactionOptions options;
  options.isolation = isolation;
  auto transaction = bench.engine().Begin(options);
  EXPECT_TRUE(transaction.ok()) << transaction.status().message();
  return std::move(*transaction);
}

void WriteIn(Transaction& transaction, std::vector<Mutation> batch) {
  Status status = transaction.Write(batch);
  EXPECT_TRUE(status.ok()) << status.message();
}
void MustCommit(Transaction& transaction) {
  auto sequence = transaction.Commit({});
  EXPECT_TRUE(sequence.ok()) << sequence.status().message();
}
void MustConflict(Transaction& transaction) {
  auto sequence = transaction.Commit({});
  EXPECT_EQ(sequence.status().code(), Code::kConflict) << sequence.status().message();
}

std::optional<std::string> Get(Reader& reader, std::string_view key) {
  auto value = reader.Get(AsBytes(key), {});
  if (value.ok()) return std::string(value->text());
  EXPECT_EQ(value.status().code(), Code::kNotFound) << value.status().message();
  return std::nullopt;
}
std::optional<std::string> Get(Bench& bench, std::string_view key) {
  return Get(*OpenSnapshot(bench), key);
}

Handle<nexadb::Cursor> OpenCursor(Reader& reader, std::string_view begin, std::string_view end,
                                  uint32_t reverse) {
  ScanOptions options;
  options.begin = AsBytes(begin);
  options.end = AsBytes(end);
  options.reverse = reverse;
  auto cursor = reader.Scan(options);
  EXPECT_TRUE(cursor.ok()) << cursor.status().message();
  return std::move(*cursor);
}

Rows Take(nexadb::Cursor& cursor, uint64_t count) {
  Rows rows;
  std::vector<Row> buffer(count);
  while (rows.size() < count) {
    auto n = cursor.Next({buffer.data(), static_cast<size_t>(count - rows.size())});
    EXPECT_TRUE(n.ok()) << n.status().message();
    if (!n.ok() || *n == 0) break;
    for (uint64_t i = 0; i < *n; ++i) {
      rows.emplace_back(AsText(buffer[i].key), AsText(buffer[i].value));
    }
  }
  return rows;
}

namespace {

Rows Drain(Handle<nexadb::Cursor> cursor, uint64_t batch) {
  Rows all;
  while (true) {
    Rows some = Take(*cursor, batch);
    if (some.empty()) return all;
    std::move(some.begin(), some.end(), std::back_inserter(all));
  }
}

}  // namespace

Rows Scan(Reader& reader, std::string_view begin, std::string_view end, uint64_t batch) {
  return Drain(OpenCursor(reader, begin, end, 0), batch);
}
Rows ScanReverse(Reader& reader, std::string_view begin, std::string_view end, uint64_t batch) {
  return Drain(OpenCursor(reader, begin, end, 1), batch);
}
Rows ScanAll(Bench& bench) { return Scan(*OpenSnapshot(bench)); }
Rows RowsOf(const Model& model) { return {model.begin(), model.end()}; }

void RunThreads(Env& env, int count, const std::function<void(int)>& body) {
  struct Job {
    const std::function<void(int)>* body;
    int index;
  };
  std::vector<Job> jobs;
  for (int i = 0; i < count; ++i) jobs.push_back({&body, i});
  std::vector<Handle<Thread>> threads;
  for (Job& job : jobs) {
    auto run = [](void* state) noexcept {
      auto* j = static_cast<Job*>(state);
      (*j->body)(j->index);
    };
    auto thread = env.StartThread("law", {run, &job});
    EXPECT_TRUE(thread.ok()) << thread.status().message();
    if (thread.ok()) threads.push_back(std::move(*thread));
  }
  for (auto& thread : threads) thread->Join();
}

}  // namespace nexadb::testkit
