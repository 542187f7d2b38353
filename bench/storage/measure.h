// Measure: runs one workload on a number of threads and prints one line of JSON for it.
//
// CPU is that of the whole process, background threads included: on a machine that others use it
// is the steadier figure. Latencies are taken from a sample of the calls.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "bench/storage/peer.h"

namespace nexadb::bench {

// Long enough that one flush or compaction makes no window, short enough that a bad minute shows.
constexpr double kWindowSeconds = 30;

struct Measurement {
  uint64_t operations = 0;
  double seconds = 0;
  double cpu_seconds = 0;
  double others_cores = 0;  // what other processes used meanwhile
  std::vector<float> latencies_s;
  // Of a workload that runs for a time: the rate in each whole window of kWindowSeconds.
  std::vector<double> window_rates;
};

// When a thread is done: after so many calls, or so many seconds.
struct Until {
  uint64_t calls = 0;
  double seconds = 0;
  static Until Calls(uint64_t calls) { return {calls, 0}; }
  static Until Seconds(double seconds) { return {0, seconds}; }
};

// One call of the workload: the thread's session, its number, and how many calls it made before.
using Body = std::function<void(Session&, uint64_t thread, uint64_t call)>;

Measurement Run(Peer& peer, uint64_t threads, Until until, uint64_t sample_every, const Body& body);

// Adds the time and the CPU of what `more` does, a settling for instance; `more` returns the part
// of the time that does not count.
void Extend(Measurement& measurement, const std::function<double()>& more);

// What all lines of one program run share.
struct Subject {
  std::string engine;
  DurabilityClass durability = DurabilityClass::kOs;
  std::string directory;
  uint64_t value_bytes = 0;
  size_t memory_bytes = kMemoryBytes;
  uint64_t round = 0;
};

enum class Effect { kReadsOnly, kWrites };

void Print(const Subject& subject, std::string_view workload, uint64_t threads,
           const Measurement& measurement, Effect effect);

double NowSeconds();
uint64_t DiskBytes(const std::string& directory);
uint64_t ResidentBytes();
// What this process has had written to the storage layer since it began.
uint64_t WrittenBytes();

}  // namespace nexadb::bench
