#include "bench/storage/measure.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

namespace nexadb::bench {
namespace {

// A thread that runs for a time looks at the clock once in so many calls.
constexpr uint64_t kClockEvery = 16;
constexpr uint64_t kDiskBlockBytes = 512;  // of st_blocks
constexpr size_t kLatenciesReserved = 1u << 20;

double OwnCpuSeconds() {
  struct rusage usage {};
  ::getrusage(RUSAGE_SELF, &usage);
  auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Busy CPU seconds of the whole machine: user, nice, system, irq, softirq, steal.
double MachineCpuSeconds() {
  std::ifstream file("/proc/stat");
  std::string name;
  double ticks[8] = {};
  file >> name;
  for (double& t : ticks) file >> t;
  const double busy = ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6] + ticks[7];
  return busy / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

struct Usage {
  double wall = NowSeconds();
  double own = OwnCpuSeconds();
  double machine = MachineCpuSeconds();
};

void Account(const Usage& before, Measurement& out) {
  const Usage after;
  out.seconds = after.wall - before.wall;
  out.cpu_seconds = after.own - before.own;
  const double others = after.machine - before.machine - out.cpu_seconds;
  out.others_cores = std::max(0.0, others / std::max(out.seconds, 1e-9));
}

// Counts the calls of one thread by windows.
class Windows {
 public:
  explicit Windows(double start) : end_(start + kWindowSeconds) {}
  // A call that takes longer than a window leaves the ones that it covers empty.
  void Note(double now, uint64_t calls) {
    for (; now >= end_; end_ += kWindowSeconds) {
      rates_.push_back(static_cast<double>(calls - counted_) / kWindowSeconds);
      counted_ = calls;
    }
  }
  // Adds them to those of other threads.
  void AddTo(std::vector<double>& sums) const {
    if (sums.size() < rates_.size()) sums.resize(rates_.size());
    for (size_t i = 0; i < rates_.size(); ++i) sums[i] += rates_[i];
  }

 private:
  double end_;
  uint64_t counted_ = 0;
  std::vector<double> rates_;
};

uint64_t ThreadLoop(Session& session, uint64_t thread, Until until, uint64_t sample_every,
                    const Body& body, std::vector<float>& latencies, Windows& windows) {
  const double start = NowSeconds();
  windows = Windows(start);
  uint64_t call = 0;
  auto over = [&] {
    if (until.seconds <= 0) return call >= until.calls;
    if (call % kClockEvery != 0) return false;
    const double now = NowSeconds();
    windows.Note(now, call);
    return now - start >= until.seconds;
  };
  for (; !over(); ++call) {
    if (call % sample_every == 0) {
      const double before = NowSeconds();
      body(session, thread, call);
      latencies.push_back(static_cast<float>(NowSeconds() - before));
    } else {
      body(session, thread, call);
    }
  }
  return call;
}

// Members of the line for the windows; nothing when there was no whole one.
std::string WindowMembers(const Measurement& m) {
  if (m.window_rates.empty()) return {};
  std::vector<double> sorted = m.window_rates;
  std::sort(sorted.begin(), sorted.end());
  const size_t half = sorted.size() / 2;
  const double median =
      sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  char text[128];
  std::snprintf(text, sizeof(text),
                ",\"windows\":%zu,\"window_min_ops_s\":%.1f,\"window_median_ops_s\":%.1f",
                sorted.size(), sorted.front(), median);
  return text;
}

double Quantile(const std::vector<float>& sorted, double q) {
  if (sorted.empty()) return 0;
  const auto at = static_cast<size_t>(q * static_cast<double>(sorted.size()));
  return static_cast<double>(sorted[std::min(at, sorted.size() - 1)]) * 1e6;
}

}  // namespace

double NowSeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Measurement Run(Peer& peer, uint64_t threads, Until until, uint64_t sample_every,
                const Body& body) {
  struct Worker {
    std::unique_ptr<Session> session;
    std::vector<float> latencies;
    Windows windows{0};
    uint64_t calls = 0;
    std::thread thread;
  };
  std::vector<Worker> workers(threads);
  std::atomic<uint64_t> ready{0};
  std::atomic<bool> go{false};
  for (uint64_t t = 0; t < threads; ++t) {
    workers[t].thread = std::thread([&, t] {
      Worker& worker = workers[t];
      worker.session = peer.NewSession();
      worker.latencies.reserve(std::min(kLatenciesReserved, until.seconds > 0
                                                                ? kLatenciesReserved
                                                                : until.calls / sample_every + 1));
      ready.fetch_add(1);
      while (!go.load(std::memory_order_acquire)) std::this_thread::yield();
      worker.calls = ThreadLoop(*worker.session, t, until, sample_every, body, worker.latencies,
                                worker.windows);
    });
  }
  while (ready.load() < threads) std::this_thread::yield();
  const Usage before;
  go.store(true, std::memory_order_release);
  for (Worker& worker : workers) worker.thread.join();
  Measurement all;
  Account(before, all);
  for (Worker& worker : workers) {
    all.operations += worker.calls;
    worker.windows.AddTo(all.window_rates);
    all.latencies_s.insert(all.latencies_s.end(), worker.latencies.begin(), worker.latencies.end());
  }
  return all;
}

void Extend(Measurement& measurement, const std::function<double()>& more) {
  const Usage before;
  const double idle = more();
  Measurement extra;
  Account(before, extra);
  measurement.seconds += extra.seconds - idle;
  measurement.cpu_seconds += extra.cpu_seconds;
}

uint64_t DiskBytes(const std::string& directory) {
  uint64_t bytes = 0;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory, ignored)) {
    struct stat info {};
    if (::stat(entry.path().c_str(), &info) == 0 && S_ISREG(info.st_mode)) {
      bytes += static_cast<uint64_t>(info.st_blocks) * kDiskBlockBytes;
    }
  }
  return bytes;
}

uint64_t ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  uint64_t total = 0;
  uint64_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

uint64_t WrittenBytes() {
  std::ifstream file("/proc/self/io");
  std::string name;
  uint64_t value = 0;
  while (file >> name >> value) {
    if (name == "write_bytes:") return value;
  }
  return 0;
}

void Print(const Subject& subject, std::string_view workload, uint64_t threads,
           const Measurement& m, Effect effect) {
  std::vector<float> sorted = m.latencies_s;
  std::sort(sorted.begin(), sorted.end());
  const double operations = static_cast<double>(m.operations);
  const std::string_view durability =
      effect == Effect::kWrites ? NameOf(subject.durability) : std::string_view();
  std::printf(
      "{\"suite\":\"storage\",\"engine\":\"%s\",\"workload\":\"%.*s\",\"value_bytes\":%llu,"
      "\"threads\":%llu,\"round\":%llu,\"ops_s\":%.1f,\"p50_us\":%.2f,\"p99_us\":%.2f,"
      "\"p999_us\":%.2f,\"cpu_us_op\":%.3f,\"disk_bytes\":%llu,\"rss_bytes\":%llu,"
      "\"durability\":\"%.*s\",\"others_cores\":%.2f%s}\n",
      subject.engine.c_str(), static_cast<int>(workload.size()), workload.data(),
      static_cast<unsigned long long>(subject.value_bytes),
      static_cast<unsigned long long>(threads), static_cast<unsigned long long>(subject.round),
      operations / m.seconds, Quantile(sorted, .5), Quantile(sorted, .99), Quantile(sorted, .999),
      m.cpu_seconds / operations * 1e6,
      static_cast<unsigned long long>(DiskBytes(subject.directory)),
      static_cast<unsigned long long>(ResidentBytes()), static_cast<int>(durability.size()),
      durability.data(), m.others_cores, WindowMembers(m).c_str());
  std::fflush(stdout);
}

}  // namespace nexadb::bench
