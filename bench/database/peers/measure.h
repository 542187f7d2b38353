// What the drivers share: options, timing, and one line of JSON for each measurement (the members
// are those of scripts/bench.sh, then `documents`, `items` a call and `answer`: what the calls
// found, which must be the same for every engine). Header-only, for single-threaded drivers.
#pragma once
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

namespace nexadb::bench {

[[noreturn]] inline void Die(const std::string& message) {
  std::fprintf(stderr, "bench: %s\n", message.c_str());
  std::exit(1);
}

inline double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

inline double OwnCpuSeconds() {
  rusage r{};
  getrusage(RUSAGE_SELF, &r);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(r.ru_utime) + seconds(r.ru_stime);
}

// CPU time that the whole machine has used.
inline double MachineCpuSeconds() {
  FILE* stat = std::fopen("/proc/stat", "r");
  if (stat == nullptr) return 0;
  double user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, soft = 0;
  const int read = std::fscanf(stat, "cpu %lf %lf %lf %lf %lf %lf %lf", &user, &nice, &system,
                               &idle, &wait, &irq, &soft);
  std::fclose(stat);
  return read == 7 ? (user + nice + system + irq + soft) / 100 : 0;
}

struct Run {
  std::string engine;
  std::string durability;  // of its writes: process, os or disk
  uint64_t documents = 0;
  int round = 1;
  double seconds_max = 5;  // of one workload
  // CPU seconds used so far on the engine's behalf; a server's processes count.
  std::function<double()> cpu_seconds = OwnCpuSeconds;
  std::function<uint64_t()> disk_bytes = [] { return uint64_t{0}; };
};

enum class Kind { kRead, kWrite };

// Calls body(i) up to `calls` times, or until the time is over; each handles `items` documents.
// body says what it found.
inline void Measure(const Run& run, const char* workload, Kind kind, uint64_t calls, uint64_t items,
                    const std::function<uint64_t(uint64_t)>& body) {
  std::vector<double> latencies;
  latencies.reserve(calls);
  uint64_t answer = 0;
  const double cpu_before = run.cpu_seconds();
  const double machine_before = MachineCpuSeconds();
  const double begin = Now();
  for (uint64_t i = 0; i < calls && (i == 0 || Now() - begin < run.seconds_max); ++i) {
    const double before = Now();
    answer = body(i);
    latencies.push_back(Now() - before);
  }
  const double seconds = Now() - begin;
  const double cpu = run.cpu_seconds() - cpu_before;
  const double others = (MachineCpuSeconds() - machine_before - cpu) / seconds;
  std::sort(latencies.begin(), latencies.end());
  const auto at = [&](double share) {
    const auto i = static_cast<size_t>(share * static_cast<double>(latencies.size() - 1));
    return latencies[i] * 1e6;
  };
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const double done = static_cast<double>(latencies.size()) * static_cast<double>(items);
  std::printf(
      "{\"suite\":\"database\",\"engine\":\"%s\",\"workload\":\"%s\",\"value_bytes\":300,"
      "\"threads\":1,\"round\":%d,\"ops_s\":%.1f,\"p50_us\":%.2f,\"p99_us\":%.2f,\"p999_us\":%.2f,"
      "\"cpu_us_op\":%.4f,\"disk_bytes\":%llu,\"rss_bytes\":%llu,\"durability\":\"%s\","
      "\"others_cores\":%.2f,\"documents\":%llu,\"items\":%llu,\"answer\":%llu}\n",
      run.engine.c_str(), workload, run.round, done / seconds, at(0.5), at(0.99), at(0.999),
      cpu / done * 1e6, static_cast<unsigned long long>(run.disk_bytes()),
      static_cast<unsigned long long>(usage.ru_maxrss) * 1024,
      kind == Kind::kWrite ? run.durability.c_str() : "", others,
      static_cast<unsigned long long>(run.documents), static_cast<unsigned long long>(items),
      static_cast<unsigned long long>(answer));
  std::fflush(stdout);
}

// How often each workload is called at most.
constexpr uint64_t kBatch = 1000;
constexpr uint64_t kSingleInsertsMax = 50'000;
constexpr uint64_t kPointCalls = 200'000;
constexpr uint64_t kRangeCalls = 20'000;
constexpr uint64_t kUpdateCalls = 50'000;
constexpr uint64_t kScanCalls = 9;
// The i-th range query asks for [low, low + kRangeWidth) of balance, and kRangeLimit documents.
constexpr uint64_t kRangeWidth = 1000;
constexpr uint64_t kRangeLimit = 100;
inline uint64_t RangeLow(uint64_t i) {
  uint64_t state = i * 0x9E3779B97F4A7C15ull;
  state ^= state >> 29;
  return state % ((uint64_t{1} << 20) - kRangeWidth);
}

}  // namespace nexadb::bench
