// lsm_crash [--seeds=N] [--first=S] [--clients=C] [--batches=B] [--cycles=Y]
//
// Plays N histories of storage-lsm on the simulated machine, from seed S on, and exits with 1 when
// one breaks a law. A failure prints its seed: run it alone with --first=SEED --seeds=1.
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tests/crash/lsm_history.h"

int main(int argc, char** argv) {
  uint64_t seeds = 200;
  uint64_t first = 1;
  uint64_t clients = 2;
  uint64_t batches = 60;
  uint64_t cycles = 3;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument(argv[i]);
    auto option = [&](std::string_view name, uint64_t* value) {
      if (!argument.starts_with(name)) return false;
      *value = std::strtoull(argv[i] + name.size(), nullptr, 10);
      return true;
    };
    if (!option("--seeds=", &seeds) && !option("--first=", &first) &&
        !option("--clients=", &clients) && !option("--batches=", &batches) &&
        !option("--cycles=", &cycles)) {
      std::fprintf(stderr, "unknown argument %s\n", argv[i]);
      return 2;
    }
  }
  int broken = 0;
  for (uint64_t seed = first; seed < first + seeds; ++seed) {
    nexadb::crash::HistoryOptions options;
    options.seed = seed;
    options.clients = static_cast<uint32_t>(clients);
    options.batches = static_cast<uint32_t>(batches);
    options.cycles = static_cast<uint32_t>(cycles);
    const std::string wrong = nexadb::crash::RunHistory(options);
    if (wrong.empty()) continue;
    std::printf("BROKEN: %s\n", wrong.c_str());
    ++broken;
  }
  std::printf("%llu histories from seed %llu, %d broken\n", static_cast<unsigned long long>(seeds),
              static_cast<unsigned long long>(first), broken);
  return broken == 0 ? 0 : 1;
}
