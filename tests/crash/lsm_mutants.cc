// lsm_mutants [--seeds=N] [--first=S] [--must-catch=M]
//
// Plants one fault after the other into storage-lsm and plays crash histories until one of them
// breaks a law: do the histories notice? Prints a table; exits with 1 when fewer than M faults are
// caught within N seeds each, or when the engine without any fault fails one.
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "plugins/storage-lsm/util/mutant.h"
#include "tests/crash/lsm_history.h"
#include "tests/crash/planted_files.h"

namespace nexadb::lsm {
Mutant planted_mutant = Mutant::kNone;
}  // namespace nexadb::lsm

namespace nexadb::crash {
namespace {

using lsm::Mutant;

BrokenPromise broken_promise = BrokenPromise::kNone;

struct Fault {
  const char* name;
  Mutant mutant = Mutant::kNone;
  BrokenPromise promise = BrokenPromise::kNone;
};

constexpr Fault kFaults[] = {
    {"the log is never synced", Mutant::kNone, BrokenPromise::kNoSyncOfLogs},
    {"a write is acknowledged before its sync", Mutant::kNone, BrokenPromise::kLateSyncOfLogs},
    {"tables are not synced", Mutant::kNone, BrokenPromise::kNoSyncOfTables},
    {"the manifest is not synced", Mutant::kNone, BrokenPromise::kNoSyncOfManifests},
    {"CURRENT is renamed unsynced", Mutant::kNone, BrokenPromise::kNoSyncOfCurrent},
    {"directories are not synced", Mutant::kNone, BrokenPromise::kNoSyncOfDirectories},
    {"a failed sync is tried again", Mutant::kNone, BrokenPromise::kSyncTriedAgain},
    {"torn records are believed", Mutant::kBelieveTornRecords},
    {"deletes are dropped too early", Mutant::kDropDeletesEarly},
    {"a merge loses range deletes", Mutant::kLoseRangeDeletes},
    {"a merge keeps every version", Mutant::kKeepDeletedRows},
    {"recovery gives wrong sequences", Mutant::kWrongSequenceInRecovery},
    {"recovery loses a batch's last entry", Mutant::kLoseTheLastEntry},
    {"recovery reads the last log only", Mutant::kReplayTheLastLogOnly},
    {"a flush forgets the waiting logs", Mutant::kForgetWaitingLogs},
};

// The seed that catches the fault, or 0.
uint64_t Catch(const Fault& fault, uint64_t first, uint64_t seeds, std::string* how) {
  lsm::planted_mutant = fault.mutant;
  broken_promise = fault.promise;
  for (uint64_t seed = first; seed < first + seeds; ++seed) {
    HistoryOptions options;
    options.seed = seed;
    options.machine = [](base::SimEnv& env) { return Planted(env, broken_promise); };
    *how = RunHistory(options);
    if (!how->empty()) return seed;
  }
  return 0;
}

int Run(uint64_t first, uint64_t seeds, uint64_t must_catch) {
  std::string how;
  if (Catch({"none"}, first, seeds, &how) != 0) {
    std::printf("without any fault: %s\n", how.c_str());
    return 1;
  }
  uint64_t caught = 0;
  uint64_t planted = 0;
  std::printf("%-42s %8s  %s\n", "fault", "histories", "what the history said");
  for (const Fault& fault : kFaults) {
    ++planted;
    const uint64_t seed = Catch(fault, first, seeds, &how);
    caught += seed != 0 ? 1 : 0;
    const std::string after = seed == 0 ? "missed" : std::to_string(seed - first + 1);
    std::printf("%-42s %8s  %.90s\n", fault.name, after.c_str(), how.c_str());
    std::fflush(stdout);
  }
  std::printf("caught=%llu planted=%llu seeds=%llu first=%llu\n",
              static_cast<unsigned long long>(caught), static_cast<unsigned long long>(planted),
              static_cast<unsigned long long>(seeds), static_cast<unsigned long long>(first));
  return caught >= must_catch ? 0 : 1;
}

}  // namespace
}  // namespace nexadb::crash

int main(int argc, char** argv) {
  uint64_t seeds = 60;
  uint64_t first = 1;
  uint64_t must_catch = 11;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument(argv[i]);
    auto option = [&](std::string_view name, uint64_t* value) {
      if (!argument.starts_with(name)) return false;
      *value = std::strtoull(argv[i] + name.size(), nullptr, 10);
      return true;
    };
    if (!option("--seeds=", &seeds) && !option("--first=", &first) &&
        !option("--must-catch=", &must_catch)) {
      std::fprintf(stderr, "unknown argument %s\n", argv[i]);
      return 2;
    }
  }
  return nexadb::crash::Run(first, seeds, must_catch);
}
