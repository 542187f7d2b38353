#include "tests/crash/lsm_history.h"

#include <memory>
#include <vector>

#include "plugins/storage-lsm/testing/test_keys.h"
#include "tests/crash/client.h"

namespace nexadb::crash {
namespace {

using lsm::Engine;
using lsm::StoreOptions;

constexpr const char* kDirectory = "data/lsm";
constexpr uint64_t kNeverFull = 1u << 20;  // a memtable's bytes
constexpr uint64_t kSyncsBeforeFault = 12;

StoreOptions RandomOptions(base::Prng& prng) {
  StoreOptions options;
  options.memory_budget_bytes = 1u << 20;
  options.memtable_bytes = (4u << 10) << prng.Below(4);
  options.block_bytes = 128u << prng.Below(5);
  options.table_bytes = (4u << 10) << prng.Below(3);
  options.level1_bytes = 16u << 10;
  options.manifest_bytes = 1u << 10;
  options.level0_compact = 2 + static_cast<uint32_t>(prng.Below(3));
  options.level0_slow = 1000;
  options.level0_stop = prng.OneIn(2) ? 4 : 1000;
  options.compression = prng.OneIn(2) ? lsm::Compression::kNone : lsm::Compression::kLz4;
  options.disk_reserve_bytes = 0;
  options.interval_ms = uint64_t{10} << prng.Below(4);
  return options;
}

// A client's share of one cycle, on a thread of its own.
struct ClientRun {
  Client* client = nullptr;
  Engine* engine = nullptr;
  uint64_t seed = 0;
  uint32_t batches = 0;
  base::SimEnv* env = nullptr;
  // So many more once a fault has struck.
  uint32_t batches_after_fault = 0;

  static void Body(void* state) noexcept {
    auto& run = *static_cast<ClientRun*>(state);
    base::Prng prng(run.seed);
    const uint64_t interval_ns = run.engine->store()->options().interval_ms * 1'000'000;
    const uint64_t faults = run.env->disk().faults_struck();
    uint32_t left = run.batches_after_fault;
    for (uint32_t i = 0; i < run.batches; ++i) {
      if (run.env->disk().faults_struck() != faults && left-- == 0) return;
      if (!run.client->WriteOne(*run.engine)) return;
      // Long enough, at times, for the interval to be over.
      if (prng.OneIn(10)) run.env->SleepNs(prng.Below(interval_ns * 2));
      run.client->NotePowerOn(interval_ns);
      switch (prng.Below(30)) {
        case 0:
          if (run.engine->Flush().ok()) run.client->NoteFlushed();
          break;
        case 1: static_cast<void>(run.engine->store()->FlushMemtable()); break;
        case 2: static_cast<void>(run.engine->store()->Compact({}, {})); break;
        case 3:
          if (!run.client->IngestOne(*run.engine)) return;
          break;
        default: break;
      }
    }
  }
};

class History {
 public:
  explicit History(const HistoryOptions& options)
      : options_(options),
        prng_(options.seed),
        env_(options.seed),
        machine_(options.machine == nullptr ? env_ : *options.machine(env_)) {
    for (uint32_t i = 0; i < options.clients; ++i) clients_.emplace_back(i, options.seed, env_);
  }
  std::string Run() {
    for (uint32_t cycle = 0; cycle < options_.cycles; ++cycle) {
      std::string wrong = Cycle();
      if (!wrong.empty()) return "cycle " + std::to_string(cycle) + ": " + wrong;
    }
    return {};
  }

 private:
  std::string Cycle() {
    StoreOptions options = RandomOptions(prng_);
    // What a failed sync has lost lies in the log alone, and the next flush makes it good. So in
    // some cycles a sync of the log fails, nothing is flushed, and the end comes soon after.
    const Course course = prng_.OneIn(4) ? Course::kEndsAfterAFailedSync : Course::kLong;
    if (course == Course::kEndsAfterAFailedSync) options.memtable_bytes = kNeverFull;
    if (encrypted_) options.keys = lsm::testing::TestKeys(kRotations[key_choice_.Below(3)]);
    Engine engine;
    // Now and then the machine fails while the store is still recovering.
    for (int attempt = 0; prng_.OneIn(3) && attempt < 3; ++attempt) {
      Engine failing;
      env_.disk().CrashAt(env_.disk().operations() + prng_.Below(40));
      static_cast<void>(failing.Open(machine_, nullptr, kDirectory, options));
      static_cast<void>(failing.Close());
      Crash();
    }
    const Status opened = engine.Open(machine_, nullptr, kDirectory, options);
    if (!opened.ok()) return "open failed: " + std::string(opened.message());
    for (Client& client : clients_) {
      std::string wrong = client.Settle(engine, loss_);
      if (!wrong.empty()) return wrong;
    }
    loss_ = Client::Loss::kKilled;
    Write(engine, course);
    std::string wrong = CheckRunning(engine);
    if (!wrong.empty()) return wrong;
    // Nothing that a stopping engine still writes may help: half of the time it cannot.
    if (prng_.OneIn(2)) env_.disk().CrashAt(env_.disk().operations());
    static_cast<void>(engine.Close());
    Crash();
    return {};
  }

  std::string CheckRunning(Engine& engine) {
    std::string wrong;
    if (env_.disk().cut()) return wrong;
    for (const Client& client : clients_) {
      if (wrong.empty()) wrong = client.CheckVisible(engine);
    }
    const Status verified = engine.store()->Verify();
    if (wrong.empty() && !verified.ok()) wrong = "verify: " + std::string(verified.message());
    // Compaction goes on meanwhile, and the power may go under it.
    return env_.disk().cut() ? std::string() : wrong;
  }

  enum class Course { kLong, kEndsAfterAFailedSync };
  void Write(Engine& engine, Course course) {
    const bool ends = course == Course::kEndsAfterAFailedSync;
    if (!ends && !prng_.OneIn(4)) {
      env_.disk().CrashAt(env_.disk().operations() + prng_.Below(uint64_t{20} * options_.batches));
    }
    // Now and then a sync fails, and the kernel says OK to the next one.
    if (ends) {
      env_.disk().Inject({.op = base::FileOp::kSync,
                          .skip = prng_.Below(kSyncsBeforeFault),
                          .path_contains = ".wal"});
    } else if (prng_.OneIn(3)) {
      env_.disk().Inject({.op = base::FileOp::kSync,
                          .skip = prng_.Below(options_.batches),
                          .path_contains = prng_.OneIn(2) ? ".wal" : ""});
    }
    const uint32_t after_fault = ends ? static_cast<uint32_t>(prng_.Below(3)) : options_.batches;
    std::vector<ClientRun> runs(clients_.size());
    std::vector<Handle<Thread>> threads;
    for (size_t i = 0; i < clients_.size(); ++i) {
      runs[i] = {&clients_[i], &engine, prng_.Next(), options_.batches, &env_, after_fault};
      auto thread = env_.StartThread("client", Callback{ClientRun::Body, &runs[i]});
      if (thread.ok()) threads.push_back(std::move(*thread));
    }
    for (Handle<Thread>& thread : threads) thread->Join();
  }

  void Crash() {
    const uint64_t style = prng_.Below(4);
    if (style != 0) loss_ = Client::Loss::kPowerCut;
    env_.disk().Crash(prng_.Next(), style == 0   ? base::CrashStyle::kKeepAll
                                    : style == 1 ? base::CrashStyle::kLoseAll
                                                 : base::CrashStyle::kRandom);
  }

  static constexpr const char* kRotations[] = {"ab", "ba", "-ab"};

  const HistoryOptions options_;
  base::Prng prng_;
  // Of its own, so that a history is the same with encryption and without.
  base::Prng key_choice_{~options_.seed};
  const bool encrypted_ = key_choice_.OneIn(3);
  base::SimEnv env_;
  Env& machine_;
  std::vector<Client> clients_;
  // The worst that has happened since the clients last settled.
  Client::Loss loss_ = Client::Loss::kKilled;
};

}  // namespace

std::string RunHistory(const HistoryOptions& options) {
  std::string wrong = History(options).Run();
  return wrong.empty() ? wrong : "seed " + std::to_string(options.seed) + ", " + wrong;
}

}  // namespace nexadb::crash
