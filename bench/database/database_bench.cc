// The database in this process, without HTTP: insert, get by id, filtered scan, group, ranges of an
// index with its documents and without, what an index costs writes. Runs on
// storage-memory, or on the engine that NEXADB_BENCH_STORAGE names ("storage-lsm").
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "nexadb/bson.h"
#include "nexadb/database.h"
#include "nexadb/testkit/plugin_host.h"

namespace nexadb {
namespace {

constexpr int32_t kDocuments = 20'000;
constexpr size_t kPaddingBytes = 200;

class Everybody final : public Principal {
 public:
  StringView Id() noexcept override { return "bench"; }
  StringView Name() noexcept override { return "bench"; }
  bool Allows(Action, const Resource&) noexcept override { return true; }
  bool Valid() noexcept override { return true; }
  void Release() noexcept override {}
};

std::string MakeDocument(int32_t id) {
  bson::Builder b;
  b.Int32("_id", id).Text("name", "user" + std::to_string(id)).Int32("age", id % 90);
  b.Text("city", "city" + std::to_string(id % 50)).Double("score", id * 0.5);
  b.Text("text", std::string(kPaddingBytes, 'x'));
  return b.Finish();
}

// One database with its storage, filled on demand.
class Bench {
 public:
  Bench() {
    const char* engine = std::getenv("NEXADB_BENCH_STORAGE");
    directory_ =
        std::filesystem::temp_directory_path() / ("nexadb-bench-" + std::to_string(::getpid()));
    storage_ = Open(engine != nullptr ? engine : "storage-memory");
    host_ = Open("database-document");
    if (storage_ == nullptr || host_ == nullptr || !storage_->Start().ok()) return;
    host_->Bind<StorageEngine>("storage", *storage_->Service<StorageEngine>());
    if (!host_->Start().ok()) return;
    database_ = host_->Service<Database>();
    SessionOptions options;
    options.principal = &principal_;
    options.deadline_ns = ~uint64_t{0};
    auto session = database_->OpenSession(options);
    if (session.ok()) session_ = std::move(*session);
  }
  ~Bench() {
    session_.Reset();
    host_.reset();
    storage_.reset();
    std::filesystem::remove_all(directory_);
  }
  bool ready() const { return static_cast<bool>(session_); }
  Database& database() { return *database_; }
  Session& session() { return *session_; }

  bool Insert(std::string_view collection, int32_t first, int32_t count) {
    std::vector<std::string> bytes;
    for (int32_t i = 0; i < count; ++i) bytes.push_back(MakeDocument(first + i));
    std::vector<BytesView> views;
    for (const std::string& b : bytes) views.push_back(AsBytes(b));
    return database_->Insert(*session_, "bench", collection, views, {}).ok();
  }
  bool Drain(std::string_view command, benchmark::State& state) {
    auto cursor = database_->Query(*session_, "bench", AsBytes(command), {});
    if (!cursor.ok()) {
      state.SkipWithError(std::string(cursor.status().message()).c_str());
      return false;
    }
    std::vector<BytesView> batch(256);
    for (;;) {
      auto count = (*cursor)->Next(batch);
      if (!count.ok()) return false;
      if (*count == 0) return true;
      benchmark::DoNotOptimize(batch.data());
    }
  }

 private:
  std::unique_ptr<testkit::PluginHost> Open(const std::string& name) {
    testkit::HostOptions options;
    options.instance = name;
    options.data_directory = directory_.string();
    auto host =
        testkit::PluginHost::Open(std::string(NEXADB_BENCH_PLUGINS) + "/" + name + ".so", options);
    return host.ok() ? std::move(*host) : nullptr;
  }
  std::filesystem::path directory_;
  std::unique_ptr<testkit::PluginHost> storage_;
  std::unique_ptr<testkit::PluginHost> host_;
  Everybody principal_;
  Database* database_ = nullptr;
  Handle<Session> session_;
};

void InsertOne(benchmark::State& state) {
  Bench bench;
  if (!bench.ready()) return state.SkipWithError("the database did not start");
  int32_t id = 0;
  for (auto _ : state) {
    if (!bench.Insert("c", id++, 1)) return state.SkipWithError("insert failed");
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(InsertOne);

void InsertBulk(benchmark::State& state) {
  Bench bench;
  if (!bench.ready()) return state.SkipWithError("the database did not start");
  const auto count = static_cast<int32_t>(state.range(0));
  int32_t id = 0;
  for (auto _ : state) {
    if (!bench.Insert("c", id, count)) return state.SkipWithError("insert failed");
    id += count;
  }
  state.SetItemsProcessed(state.iterations() * count);
}
BENCHMARK(InsertBulk)->Arg(1000);

void GetById(benchmark::State& state) {
  Bench bench;
  if (!bench.ready() || !bench.Insert("c", 0, kDocuments)) {
    return state.SkipWithError("the database did not start");
  }
  uint32_t random = 1;
  for (auto _ : state) {
    random = random * 1664525u + 1013904223u;
    bson::Builder id;
    id.Int32("_id", static_cast<int32_t>((random >> 8) % kDocuments));
    const std::string bytes = id.Finish();
    auto found = bench.database().GetById(bench.session(), "bench", "c", AsBytes(bytes), false);
    if (!found.ok()) return state.SkipWithError("not found");
    benchmark::DoNotOptimize(found->document.bytes().data());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(GetById);

void RunQuery(benchmark::State& state, const std::string& command) {
  Bench bench;
  if (!bench.ready() || !bench.Insert("c", 0, kDocuments)) {
    return state.SkipWithError("the database did not start");
  }
  for (auto _ : state) {
    if (!bench.Drain(command, state)) return;
  }
  state.SetItemsProcessed(state.iterations() * kDocuments);
}

void FilterScan(benchmark::State& state) {
  bson::Builder b;
  b.Text("find", "c").OpenObject("filter").OpenObject("age").Int32("$gte", 85).Close();
  b.Text("city", "city7").Close();
  RunQuery(state, b.Finish());
}
BENCHMARK(FilterScan);

void Group(benchmark::State& state) {
  bson::Builder b;
  b.Text("aggregate", "c").OpenArray("pipeline").OpenObject("0").OpenObject("$group");
  b.Text("_id", "$city").OpenObject("n").Int32("$sum", 1).Close();
  b.OpenObject("mean").Text("$avg", "$score").Close().Close().Close().Close();
  b.OpenObject("cursor").Close();
  RunQuery(state, b.Finish());
}
BENCHMARK(Group);

std::string IndexOn(std::string_view name, std::string_view field) {
  bson::Builder b;
  b.Text("createIndexes", "c").OpenArray("indexes").OpenObject("0").Text("name", name);
  b.OpenObject("key").Int32(field, 1).Close().Close().Close();
  return b.Finish();
}

// A hundred entries of an index on a field, and what is kept of each document.
void RangeOfIndex(benchmark::State& state, std::string_view field, bson::Value from,
                  std::string_view kept) {
  Bench bench;
  const std::string index = IndexOn("i", field);
  if (!bench.ready() || !bench.Insert("c", 0, kDocuments) ||
      !bench.database().Run(bench.session(), "bench", AsBytes(index)).ok()) {
    return state.SkipWithError("the database did not start");
  }
  bson::Builder b;
  b.Text("find", "c").OpenObject("filter").OpenObject(field).Value("$gte", from).Close().Close();
  b.OpenObject("sort").Int32(field, 1).Close().Int64("limit", 100);
  b.OpenObject("projection").Int32("_id", 0).Int32(kept, 1).Close();
  const std::string command = b.Finish();
  for (auto _ : state) {
    if (!bench.Drain(command, state)) return;
  }
  state.SetItemsProcessed(state.iterations() * 100);
}

void RangeOfNumbers(benchmark::State& state) {
  const std::string from = bson::Builder().Double("", kDocuments * 0.25).Finish();
  RangeOfIndex(state, "score", (*bson::Document(AsBytes(from)).begin()).value(),
               state.range(0) != 0 ? "score" : "age");
}
BENCHMARK(RangeOfNumbers)->ArgName("covered")->Arg(0)->Arg(1);

void RangeOfTexts(benchmark::State& state) {
  const std::string from = bson::Builder().Text("", "user15000").Finish();
  RangeOfIndex(state, "name", (*bson::Document(AsBytes(from)).begin()).value(),
               state.range(0) != 0 ? "name" : "age");
}
BENCHMARK(RangeOfTexts)->ArgName("covered")->Arg(0)->Arg(1);

void InsertBulkWithIndexes(benchmark::State& state) {
  Bench bench;
  if (!bench.ready()) return state.SkipWithError("the database did not start");
  for (const char* field : {"score", "name", "age"}) {
    const std::string index = IndexOn(field, field);
    if (!bench.database().Run(bench.session(), "bench", AsBytes(index)).ok()) {
      return state.SkipWithError("no index");
    }
  }
  int32_t id = 0;
  for (auto _ : state) {
    if (!bench.Insert("c", id, 1000)) return state.SkipWithError("insert failed");
    id += 1000;
  }
  state.SetItemsProcessed(state.iterations() * 1000);
}
BENCHMARK(InsertBulkWithIndexes);

void BuildIndex(benchmark::State& state) {
  Bench bench;
  if (!bench.ready() || !bench.Insert("c", 0, kDocuments)) {
    return state.SkipWithError("the database did not start");
  }
  const std::string index = IndexOn("i", "score");
  const std::string drop = bson::Builder().Text("dropIndexes", "c").Text("index", "i").Finish();
  for (auto _ : state) {
    if (!bench.database().Run(bench.session(), "bench", AsBytes(index)).ok() ||
        !bench.database().Run(bench.session(), "bench", AsBytes(drop)).ok()) {
      return state.SkipWithError("no index");
    }
  }
  state.SetItemsProcessed(state.iterations() * kDocuments);
}
BENCHMARK(BuildIndex);

}  // namespace
}  // namespace nexadb
