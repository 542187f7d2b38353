// storage-lsm alone, by Google Benchmark: one call of the engine's interface per row, on the real
// file system under TMPDIR. For comparisons with peers see scripts/bench.sh.
//
//   storage_bench --benchmark_filter=readrandom
//
// Names: workload/value_bytes. Durability is process (buffered), so that the engine and not the
// disk's sync is measured; fillsync is the exception.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "core/base/coding.h"
#include "core/base/prng.h"
#include "core/base/system_env.h"
#include "plugins/storage-lsm/engine/engine.h"

namespace nexadb::lsm {
namespace {

constexpr uint64_t kRows = 1'000'000;
constexpr uint64_t kKeyBytes = 16;
constexpr uint64_t kBatchRows = 256;

// Half random, half constant: compresses to about half, like text.
std::string ValueOf(uint64_t seed, size_t size) {
  base::Prng prng(seed);
  std::string value(size, 'v');
  for (size_t i = 0; i + 8 <= size / 2; i += 8) {
    base::StoreLittle(reinterpret_cast<uint8_t*>(value.data()) + i, prng.Next());
  }
  return value;
}

void KeyOf(uint64_t number, std::string& key) {
  key.assign(kKeyBytes, '0');
  base::StoreBig(reinterpret_cast<uint8_t*>(key.data()) + 8, number);
}

class Database {
 public:
  Database() {
    char name[] = "/tmp/nexadb-bench-XXXXXX";
    if (::mkdtemp(name) == nullptr) std::abort();
    directory_ = name;
    StoreOptions options;
    options.durability = Durability::kProcess;
    if (!engine_.Open(base::SystemEnv(), nullptr, directory_ + "/lsm", options).ok()) std::abort();
  }
  ~Database() {
    static_cast<void>(engine_.Close());
    std::filesystem::remove_all(directory_);
  }
  void Put(uint64_t number, std::string_view value, Durability durability) {
    KeyOf(number, key_);
    const Mutation put{Mutation::Op::kPut, 0, AsBytes(key_), AsBytes(value)};
    WriteOptions options;
    options.durability = durability;
    if (!engine_.Write({&put, 1}, options).ok()) std::abort();
  }
  void Load(size_t value_bytes) {
    const std::string value = ValueOf(1, value_bytes);
    for (uint64_t i = 0; i < kRows; ++i) Put(i * 7919 % kRows * 2, value, Durability::kProcess);
    if (!engine_.store()->WaitIdle().ok()) std::abort();
  }
  Engine& engine() { return engine_; }

 private:
  std::string directory_;
  std::string key_;
  Engine engine_;
};

// Loading takes longer than measuring: databases with rows are made once for each value size.
Database& Loaded(size_t value_bytes) {
  static std::unique_ptr<Database> database;
  static size_t loaded_bytes = 0;
  if (!database || loaded_bytes != value_bytes) {
    database.reset();
    database = std::make_unique<Database>();
    database->Load(value_bytes);
    loaded_bytes = value_bytes;
  }
  return *database;
}

enum class Order { kSequential, kRandom };

void Fill(benchmark::State& state, Order order, Durability durability) {
  Database database;
  const std::string value = ValueOf(1, static_cast<size_t>(state.range(0)));
  base::Prng prng(1);
  uint64_t next = 0;
  for (auto _ : state) {
    database.Put(order == Order::kSequential ? next++ : prng.Below(kRows * 4), value, durability);
  }
  state.SetItemsProcessed(state.iterations());
}

void ReadRandom(benchmark::State& state, uint64_t offset) {
  auto snapshot = Loaded(static_cast<size_t>(state.range(0))).engine().OpenSnapshot();
  base::Prng prng(2);
  std::string key;
  for (auto _ : state) {
    KeyOf(prng.Below(kRows) * 2 + offset, key);
    auto value = (*snapshot)->Get(AsBytes(key), ReadOptions{});
    if (value.ok() != (offset == 0)) state.SkipWithError("a key was found or missed wrongly");
  }
  state.SetItemsProcessed(state.iterations());
}

void ScanAll(benchmark::State& state, uint32_t reverse) {
  auto snapshot = Loaded(static_cast<size_t>(state.range(0))).engine().OpenSnapshot();
  std::vector<Row> rows(kBatchRows);
  ScanOptions options;
  options.reverse = reverse;
  uint64_t total = 0;
  for (auto _ : state) {
    auto cursor = (*snapshot)->Scan(options);
    uint64_t seen = 0;
    for (uint64_t count = 1; count > 0; seen += count) {
      count = *(*cursor)->Next({rows.data(), rows.size()});
    }
    if (seen != kRows) state.SkipWithError("rows are missing");
    total += seen;
  }
  state.SetItemsProcessed(static_cast<int64_t>(total));
}

void SeekTen(benchmark::State& state) {
  auto snapshot = Loaded(static_cast<size_t>(state.range(0))).engine().OpenSnapshot();
  auto cursor = (*snapshot)->Scan(ScanOptions{});
  base::Prng prng(3);
  std::string key;
  Row rows[10];
  for (auto _ : state) {
    KeyOf(prng.Below(kRows - 10) * 2, key);
    if (!(*cursor)->Seek(AsBytes(key)).ok() || *(*cursor)->Next({rows, 10}) != 10) {
      state.SkipWithError("rows are missing");
    }
  }
  state.SetItemsProcessed(state.iterations());
}

void Both(benchmark::internal::Benchmark* benchmark) { benchmark->Arg(100)->Arg(1024); }

BENCHMARK_CAPTURE(Fill, fillseq, Order::kSequential, Durability::kProcess)->Apply(Both);
BENCHMARK_CAPTURE(Fill, fillrandom, Order::kRandom, Durability::kProcess)->Apply(Both);
BENCHMARK_CAPTURE(Fill, fillsync, Order::kRandom, Durability::kDisk)->Apply(Both);
BENCHMARK_CAPTURE(ReadRandom, readrandom, 0)->Apply(Both);
BENCHMARK_CAPTURE(ReadRandom, readmissing, 1)->Apply(Both);
BENCHMARK(SeekTen)->Name("seek10")->Apply(Both);
BENCHMARK_CAPTURE(ScanAll, scan, 0)->Apply(Both);
BENCHMARK_CAPTURE(ScanAll, scanreverse, 1)->Apply(Both);

}  // namespace
}  // namespace nexadb::lsm

BENCHMARK_MAIN();
