// Executor, logger and metrics that PluginHost hands to its plugin. Internal to the test kit.
#pragma once
#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "nexadb/env.h"
#include "nexadb/executor.h"
#include "nexadb/log.h"
#include "nexadb/metrics.h"
#include "nexadb/testkit/plugin_host.h"

namespace nexadb::testkit {

// A pool of Env's threads, so that it runs under the simulator too. [any]
class HostExecutor final : public Executor {
 public:
  HostExecutor(Env& env, uint32_t blocking_threads, uint32_t compute_threads);
  ~HostExecutor() { Stop(); }

  Status Post(const Task& task) noexcept override { return PostAfter(0, task); }
  Status PostAfter(uint64_t delay_ms, const Task& task) noexcept override;
  void ParallelFor(uint64_t count, void (*body)(void* state, uint64_t i) noexcept,
                   void* state) noexcept override;
  uint32_t BlockingThreads() noexcept override { return threads_wanted_; }
  uint32_t ComputeThreads() noexcept override { return compute_threads_; }

  // Drops what is queued and joins. Idempotent.
  void Stop();

 private:
  void EnsureThreads();
  void Run();

  Env& env_;
  const uint32_t threads_wanted_;
  const uint32_t compute_threads_;
  Handle<Mutex> mutex_;
  Handle<CondVar> changed_;
  // By the time they are due; guarded by mutex_, as all below.
  std::multimap<uint64_t, Task> queue_;
  std::vector<Handle<Thread>> threads_;
  bool stopping_ = false;
};

// Keeps its lines. [any]
class HostLogger final : public Logger {
 public:
  bool Enabled(LogLevel) noexcept override { return true; }
  void Write(LogLevel level, StringView message, Span<const LogField> fields) noexcept override;
  std::vector<LogLine> Take();

 private:
  std::mutex mutex_;
  std::vector<LogLine> lines_;
};

// [any]
class HostMetrics final : public MetricsRegistry {
 public:
  nexadb::Counter& NewCounter(const MetricSpec& spec) noexcept override;
  nexadb::Gauge& NewGauge(const MetricSpec& spec) noexcept override;
  nexadb::Histogram& NewHistogram(const MetricSpec& spec,
                                  Span<const double> buckets) noexcept override;
  double Sum(const std::string& name) const;

 private:
  struct Value {
    std::atomic<double> value{0};
    void Add(double amount) noexcept {
      double old = value.load(std::memory_order_relaxed);
      while (!value.compare_exchange_weak(old, old + amount, std::memory_order_relaxed)) {
      }
    }
  };
  struct CounterValue final : nexadb::Counter, Value {
    void Add(uint64_t amount) noexcept override { Value::Add(static_cast<double>(amount)); }
  };
  struct GaugeValue final : nexadb::Gauge, Value {
    void Set(double to) noexcept override { value.store(to, std::memory_order_relaxed); }
    void Add(double amount) noexcept override { Value::Add(amount); }
  };
  struct HistogramValue final : nexadb::Histogram, Value {
    void Observe(double) noexcept override { Value::Add(1); }
  };
  // Name and label, then the object, which never moves.
  template <class T>
  using Series = std::map<std::pair<std::string, std::string>, T>;

  mutable std::mutex mutex_;
  Series<CounterValue> counters_;
  Series<GaugeValue> gauges_;
  Series<HistogramValue> histograms_;
};

}  // namespace nexadb::testkit
