// Metrics: counters, gauges and histograms of one instance, exported by the kernel in Prometheus'
// text form with the label instance="…". Names follow its conventions: nexadb_<area>_<what>_<unit>,
// counters end in _total. An object returned here lives until the plugin's Release.
#pragma once
#include "nexadb/abi.h"

namespace nexadb {

struct MetricSpec {
  uint32_t struct_size = sizeof(MetricSpec);
  uint32_t reserved = 0;
  StringView name;
  StringView help;
  // One optional label with a value from a bounded set known at registration.
  StringView label_name;
  StringView label_value;
};

class Counter {
 public:
  virtual void Add(uint64_t amount) noexcept = 0;  // [any][nonblocking]
 protected:
  ~Counter() = default;
};

class Gauge {
 public:
  virtual void Set(double value) noexcept = 0;   // [any][nonblocking]
  virtual void Add(double amount) noexcept = 0;  // [any][nonblocking]
 protected:
  ~Gauge() = default;
};

class Histogram {
 public:
  virtual void Observe(double value) noexcept = 0;  // [any][nonblocking]
 protected:
  ~Histogram() = default;
};

class MetricsRegistry {
 public:
  // [any] The same name and label give the same object. A name used with another kind, or over
  // kMetricSeriesMax series in an instance, gives an object that counts nowhere and a log line.
  virtual nexadb::Counter& NewCounter(const MetricSpec& spec) noexcept = 0;
  virtual nexadb::Gauge& NewGauge(const MetricSpec& spec) noexcept = 0;
  // Buckets are upper bounds in increasing order; empty takes 0.1 ms to 10 s, in seconds.
  virtual nexadb::Histogram& NewHistogram(const MetricSpec& spec,
                                          Span<const double> buckets) noexcept = 0;

 protected:
  ~MetricsRegistry() = default;
};

constexpr uint32_t kMetricSeriesMax = 1000;

}  // namespace nexadb
