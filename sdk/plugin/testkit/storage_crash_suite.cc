#include "nexadb/testkit/storage_crash_suite.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <deque>
#include <functional>

#include "core/base/sim_env.h"
#include "storage_laws.h"

namespace nexadb::testkit {
namespace {

using base::CrashStyle;
using base::FileOp;

constexpr uint64_t kDefaultSeeds = 40;
constexpr int kCycles = 6;
constexpr int kBatchesPerCycle = 60;
// Operations until the cut: small enough to strike recovery, flushes and closing alike.
constexpr uint64_t kOperationsUntilCutMax = 250;

// A random batch with the text it points to, and what a map becomes by it.
struct Step {
  Step(base::Prng& prng, const Model& before) : after(before) {
    for (uint64_t n = 1 + prng.Below(5); n > 0; --n) {
      texts.push_back("key" + std::to_string(prng.Below(60)));
      std::string_view key = texts.back();
      if (prng.OneIn(6)) {
        batch.push_back(Delete(key));
        after.erase(std::string(key));
      } else if (prng.OneIn(12)) {
        texts.push_back(std::string(key) + "5");
        std::string_view end = texts.back();
        batch.push_back(DeleteRange(key, end));
        after.erase(after.lower_bound(std::string(key)), after.lower_bound(std::string(end)));
      } else {
        texts.push_back(std::to_string(prng.Next()) +
                        std::string(prng.Below(prng.OneIn(8) ? 9000 : 300), 'x'));
        batch.push_back(Put(key, texts.back()));
        after[std::string(key)] = texts.back();
      }
    }
  }
  std::deque<std::string> texts;
  std::vector<Mutation> batch;
  Model after;
};

// One machine with one engine on it, and what a reader may find there.
class Machine {
 public:
  Machine(const std::string& library, const std::string& config, uint64_t seed)
      : library_(library), env_(seed), prng_(seed) {
    options_.data_directory = "/data";
    options_.config = config;
    options_.env = &env_;
  }

  base::SimDisk& disk() { return env_.disk(); }
  base::Prng& prng() { return prng_; }
  base::SimEnv& env() { return env_; }
  StorageEngine& engine() { return *host_->Service<StorageEngine>(); }

  // False when the power went meanwhile. Any other failure fails the law.
  bool Open() {
    struck_before_ = disk().faults_struck();
    auto opened = PluginHost::Open(library_, options_);
    Status status = opened.status();
    if (status.ok()) {
      host_ = std::move(*opened);
      status = host_->Start();
    }
    if (status.ok() && !disk().cut()) return true;
    EXPECT_TRUE(disk().cut()) << "recovery failed: " << status.message();
    host_.reset();
    return false;
  }
  void Close() { host_.reset(); }

  // What stands there must be the acknowledged state, or that with the batch in flight.
  void Check() {
    auto snapshot = engine().OpenSnapshot();
    if (!snapshot.ok()) {
      ASSERT_TRUE(disk().cut()) << snapshot.status().message();
      return;
    }
    auto found = ReadAll(**snapshot);
    if (!found.has_value()) return;
    if (in_flight_.has_value() && *found == RowsOf(*in_flight_)) acknowledged_ = *in_flight_;
    in_flight_.reset();
    ASSERT_TRUE(*found == RowsOf(acknowledged_))
        << "found " << found->size() << " rows, acknowledged were " << acknowledged_.size();
  }

  // Writes until `batches` are done or one fails, which only a power cut or a fault may cause.
  void Work(int batches, Durability durability) {
    // Without power while checking, what is in flight is still open: add nothing to it.
    if (disk().cut()) return;
    for (int i = 0; i < batches; ++i) {
      Step step(prng_, acknowledged_);
      WriteOptions options;
      options.durability = durability;
      auto sequence = engine().Write(step.batch, options);
      if (!sequence.ok()) {
        ASSERT_TRUE(disk().cut() || disk().faults_struck() > struck_before_)
            << sequence.status().message();
        // Once a write has failed nothing later may be stored over the hole, but for engines that
        // recover by themselves; both show when the store is opened again.
        in_flight_ = step.after;
        return;
      }
      acknowledged_ = step.after;
      if (prng_.OneIn(40)) (void)engine().Flush().ok();
    }
  }

 private:
  std::optional<Rows> ReadAll(Reader& reader) {
    ScanOptions options;
    auto cursor = reader.Scan(options);
    Rows rows;
    std::vector<Row> buffer(64);
    while (cursor.ok()) {
      auto n = (*cursor)->Next({buffer.data(), buffer.size()});
      if (!n.ok()) {
        EXPECT_TRUE(disk().cut()) << n.status().message();
        return std::nullopt;
      }
      if (*n == 0) return rows;
      for (uint64_t i = 0; i < *n; ++i) {
        rows.emplace_back(AsText(buffer[i].key), AsText(buffer[i].value));
      }
    }
    EXPECT_TRUE(disk().cut()) << cursor.status().message();
    return std::nullopt;
  }

  const std::string library_;
  base::SimEnv env_;
  base::Prng prng_;
  HostOptions options_;
  std::unique_ptr<PluginHost> host_;
  Model acknowledged_;
  std::optional<Model> in_flight_;
  uint64_t struck_before_ = 0;
};

using Law = void (*)(Machine& machine);

void ReopenAndCheck(Machine& machine) {
  ASSERT_TRUE(machine.Open());
  machine.Check();
  machine.Close();
}

// Opens, checks, works and closes, while the disk counts down to a cut; over and over.
void LiveThroughCuts(Machine& machine, Durability durability, CrashStyle style) {
  for (int cycle = 0; cycle < kCycles; ++cycle) {
    base::SimDisk& disk = machine.disk();
    disk.CrashAt(disk.operations() + machine.prng().Below(kOperationsUntilCutMax));
    if (machine.Open()) {
      ASSERT_NO_FATAL_FAILURE(machine.Check());
      ASSERT_NO_FATAL_FAILURE(machine.Work(kBatchesPerCycle, durability));
      machine.Close();
    }
    disk.Crash(machine.prng().Next(), style);
  }
  ASSERT_NO_FATAL_FAILURE(ReopenAndCheck(machine));
}

void AcknowledgedWritesSurviveEveryPowerCut(Machine& machine) {
  LiveThroughCuts(machine, Durability::kDisk, CrashStyle::kRandom);
}
void OnlyWhatWasSyncedIsReliedOn(Machine& machine) {
  LiveThroughCuts(machine, Durability::kDisk, CrashStyle::kLoseAll);
}
void AKilledProcessLosesNothingWritten(Machine& machine) {
  LiveThroughCuts(machine, Durability::kOs, CrashStyle::kKeepAll);
}

void AFailingDiskLosesNothingAcknowledged(Machine& machine) {
  static constexpr FileOp kOps[] = {FileOp::kSync, FileOp::kWrite,  FileOp::kAllocate,
                                    FileOp::kOpen, FileOp::kRename, FileOp::kSyncDirectory};
  for (int cycle = 0; cycle < kCycles; ++cycle) {
    ASSERT_TRUE(machine.Open());
    ASSERT_NO_FATAL_FAILURE(machine.Check());
    base::Prng& prng = machine.prng();
    base::Fault fault;
    fault.op = kOps[prng.Below(std::size(kOps))];
    fault.skip = prng.Below(60);
    fault.code = prng.OneIn(2) ? Code::kIoError : Code::kResourceExhausted;
    fault.times = prng.OneIn(2) ? base::FaultTimes::kOnce : base::FaultTimes::kAlways;
    machine.disk().Inject(fault);
    ASSERT_NO_FATAL_FAILURE(machine.Work(kBatchesPerCycle, Durability::kDisk));
    machine.Close();
    machine.disk().Crash(prng.Next());
  }
  ASSERT_NO_FATAL_FAILURE(ReopenAndCheck(machine));
}

constexpr int kWriters = 4;

// What one thread has asked for and been promised.
struct Writer {
  std::string key;
  int64_t asked = 0;
  int64_t promised = 0;
};

// Many threads commit at once, so that commits share syncs; each counts up its own two keys.
void ConcurrentCommitsSurviveEveryPowerCut(Machine& machine) {
  std::vector<Writer> writers(kWriters);
  for (int i = 0; i < kWriters; ++i) {
    writers[static_cast<size_t>(i)].key = "writer" + std::to_string(i);
  }
  auto check = [&]() {
    auto snapshot = machine.engine().OpenSnapshot();
    if (!snapshot.ok()) return;
    for (Writer& writer : writers) {
      auto value = (*snapshot)->Get(AsBytes(writer.key), {});
      auto twin = (*snapshot)->Get(AsBytes(writer.key + "/twin"), {});
      if (machine.disk().cut()) return;
      ASSERT_EQ(value.ok(), twin.ok()) << "half a batch";
      int64_t found = value.ok() ? std::stoll(std::string(value->text())) : 0;
      ASSERT_GE(found, writer.promised) << writer.key << ": an acknowledged commit is gone";
      ASSERT_LE(found, writer.asked) << writer.key;
      ASSERT_TRUE(!value.ok() || value->text() == twin->text()) << "half a batch";
      writer.asked = writer.promised = found;
    }
  };
  for (int cycle = 0; cycle < kCycles; ++cycle) {
    base::SimDisk& disk = machine.disk();
    disk.CrashAt(disk.operations() + machine.prng().Below(kOperationsUntilCutMax));
    if (machine.Open()) {
      ASSERT_NO_FATAL_FAILURE(check());
      RunThreads(machine.env(), kWriters, [&](int index) {
        Writer& writer = writers[static_cast<size_t>(index)];
        for (int i = 0; i < kBatchesPerCycle && !disk.cut(); ++i) {
          int64_t next = writer.asked + 1;
          std::string value = std::to_string(next), twin = writer.key + "/twin";
          std::vector<Mutation> batch{Put(writer.key, value), Put(twin, value)};
          WriteOptions options;
          options.durability = Durability::kDisk;
          writer.asked = next;
          if (!machine.engine().Write(batch, options).ok()) return;
          writer.promised = next;
        }
      });
      machine.Close();
    }
    disk.Crash(machine.prng().Next());
  }
  ASSERT_TRUE(machine.Open());
  check();
  machine.Close();
}

class CrashTest final : public ::testing::Test {
 public:
  CrashTest(std::string library, std::string config, Law law)
      : library_(std::move(library)), config_(std::move(config)), law_(law) {}
  void TestBody() override {
    const char* only = std::getenv("NEXADB_CRASH_SEED");
    uint64_t first = only != nullptr ? std::strtoull(only, nullptr, 10) : 1;
    const char* count = std::getenv("NEXADB_CRASH_SEEDS");
    uint64_t seeds = count != nullptr ? std::strtoull(count, nullptr, 10) : kDefaultSeeds;
    uint64_t last = only != nullptr ? first : seeds;
    for (uint64_t seed = first; seed <= last && !HasFailure(); ++seed) {
      SCOPED_TRACE("NEXADB_CRASH_SEED=" + std::to_string(seed));
      Machine machine(library_, config_, seed);
      law_(machine);
    }
  }

 private:
  const std::string library_, config_;
  const Law law_;
};

}  // namespace

void RegisterStorageCrashSuite(const std::string& name, const std::string& library,
                               const std::string& config) {
  struct Named {
    const char* name;
    Law law;
  };
  static constexpr Named kLaws[] = {
      {"AcknowledgedWritesSurviveEveryPowerCut", AcknowledgedWritesSurviveEveryPowerCut},
      {"OnlyWhatWasSyncedIsReliedOn", OnlyWhatWasSyncedIsReliedOn},
      {"AKilledProcessLosesNothingWritten", AKilledProcessLosesNothingWritten},
      {"ConcurrentCommitsSurviveEveryPowerCut", ConcurrentCommitsSurviveEveryPowerCut},
      {"AFailingDiskLosesNothingAcknowledged", AFailingDiskLosesNothingAcknowledged}};
  for (const Named& named : kLaws) {
    Law law = named.law;
    ::testing::RegisterTest(
        (name + "Crash").c_str(), named.name, nullptr, nullptr, __FILE__, __LINE__,
        [=]() -> ::testing::Test* { return new CrashTest(library, config, law); });
  }
}

}  // namespace nexadb::testkit
