// Metrics: counters, gauges and histograms of all instances, and their text for Prometheus.
//
// MetricStore outlives its InstanceMetrics, an InstanceMetrics everything it has handed out.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "nexadb/log.h"
#include "nexadb/metrics.h"

namespace prometheus {
enum class MetricType;
}

namespace nexadb::runtime {

class InstanceMetrics;
struct Series;

// All metrics of the process. [any]
class MetricStore {
 public:
  // Prometheus' text exposition format, with the process's own numbers.
  std::string Text();

 private:
  friend class InstanceMetrics;
  // False when the name is taken by another type.
  bool Claim(const std::string& name, prometheus::MetricType type);

  std::mutex mutex_;
  std::map<std::string, prometheus::MetricType> types_;
  std::vector<InstanceMetrics*> instances_;
};

// The registry handed to one instance. [any]
class InstanceMetrics final : public MetricsRegistry {
 public:
  InstanceMetrics(std::string instance, MetricStore& store, Logger& log);
  ~InstanceMetrics();

  nexadb::Counter& NewCounter(const MetricSpec& spec) noexcept override;
  nexadb::Gauge& NewGauge(const MetricSpec& spec) noexcept override;
  nexadb::Histogram& NewHistogram(const MetricSpec& spec,
                                  Span<const double> buckets) noexcept override;

 private:
  friend class MetricStore;
  // The instrument of that name and label, made when missing, or one that nobody reads when it
  // cannot be kept.
  template <class Instrument, class... Arguments>
  Instrument& New(prometheus::MetricType type, const MetricSpec& spec,
                  const Arguments&... arguments) noexcept;
  template <class Instrument, class... Arguments>
  Instrument* Find(prometheus::MetricType type, const MetricSpec& spec,
                   const Arguments&... arguments);
  void Refuse(const MetricSpec& spec, std::string_view why);

  const std::string instance_;
  MetricStore& store_;
  Logger& log_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Series>> series_;
};

}  // namespace nexadb::runtime
