// Metrics: counters, gauges and histograms of all instances, and their text for Prometheus.
//
// Counters and histograms are sharded by thread, each shard on cache lines of its own, so that
// counting never makes two cores fight; reading adds the shards up. Gauges are single numbers.
// MetricStore outlives its InstanceMetrics, an InstanceMetrics everything it has handed out.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "nexadb/log.h"
#include "nexadb/metrics.h"

namespace nexadb::runtime {

enum class MetricKind : uint8_t { kCounter, kGauge, kHistogram };

class InstanceMetrics;
struct Series;

// All metrics of the process. [any]
class MetricStore {
 public:
  MetricStore();
  ~MetricStore();
  MetricStore(const MetricStore&) = delete;
  MetricStore& operator=(const MetricStore&) = delete;

  // Prometheus' text exposition format, with the process's own numbers.
  std::string Text();

 private:
  friend class InstanceMetrics;
  void Attach(InstanceMetrics* metrics);
  void Detach(InstanceMetrics* metrics);
  // False when the name is taken by another kind.
  bool Claim(const std::string& name, MetricKind kind);

  std::mutex mutex_;
  std::map<std::string, MetricKind> kinds_;
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
  // The series of that name and label, made when missing; null when it cannot count.
  Series* Find(const MetricSpec& spec, MetricKind kind, Span<const double> buckets);
  Series* FindOrNull(const MetricSpec& spec, MetricKind kind, Span<const double> buckets) noexcept;

  const std::string instance_;
  MetricStore& store_;
  Logger& log_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Series>> series_;
};

}  // namespace nexadb::runtime
