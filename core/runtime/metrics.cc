#include "core/runtime/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <fstream>
#include <sstream>

#include "nexadb/sdk/guard.h"

namespace nexadb::runtime {
namespace {

// Enough that threads seldom share one; a counter then takes 1 KiB.
constexpr size_t kShards = 16;
constexpr size_t kBucketsMax = 64;
constexpr double kDefaultBuckets[] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                      0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};

size_t ShardOfThread() {
  static std::atomic<size_t> next{0};
  thread_local const size_t shard = next.fetch_add(1, std::memory_order_relaxed) % kShards;
  return shard;
}

void AddDouble(std::atomic<double>& target, double amount) {
  target.fetch_add(amount, std::memory_order_relaxed);
}

class ShardedCounter final : public Counter {
 public:
  void Add(uint64_t amount) noexcept override {
    shards_[ShardOfThread()].count.fetch_add(amount, std::memory_order_relaxed);
  }
  uint64_t Sum() const {
    uint64_t sum = 0;
    for (const Shard& shard : shards_) sum += shard.count.load(std::memory_order_relaxed);
    return sum;
  }

 private:
  struct alignas(64) Shard {
    std::atomic<uint64_t> count{0};
  };
  std::array<Shard, kShards> shards_;
};

class AtomicGauge final : public Gauge {
 public:
  void Set(double value) noexcept override { value_.store(value, std::memory_order_relaxed); }
  void Add(double amount) noexcept override { AddDouble(value_, amount); }
  double Value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

class ShardedHistogram final : public Histogram {
 public:
  explicit ShardedHistogram(Span<const double> buckets) : bounds_(buckets.begin(), buckets.end()) {
    for (Shard& shard : shards_) {
      shard.counts = std::make_unique<std::atomic<uint64_t>[]>(bounds_.size() + 1);
    }
  }
  void Observe(double value) noexcept override {
    Shard& shard = shards_[ShardOfThread()];
    const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
    shard.counts[static_cast<size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
    AddDouble(shard.sum, value);
  }
  prometheus::ClientMetric::Histogram Read() const {
    prometheus::ClientMetric::Histogram out;
    for (size_t i = 0; i <= bounds_.size(); ++i) {
      for (const Shard& shard : shards_) {
        out.sample_count += shard.counts[i].load(std::memory_order_relaxed);
      }
      const bool is_last = i == bounds_.size();
      out.bucket.push_back(
          {out.sample_count, is_last ? std::numeric_limits<double>::infinity() : bounds_[i]});
    }
    for (const Shard& shard : shards_) out.sample_sum += shard.sum.load(std::memory_order_relaxed);
    return out;
  }

 private:
  struct alignas(64) Shard {
    std::unique_ptr<std::atomic<uint64_t>[]> counts;  // one for each bound, and one above
    std::atomic<double> sum{0};
  };
  std::vector<double> bounds_;
  std::array<Shard, kShards> shards_;
};

// What is handed out when a metric cannot be kept.
struct Nowhere {
  ShardedCounter counter;
  AtomicGauge gauge;
  ShardedHistogram histogram{Span<const double>(kDefaultBuckets, 1)};
};

Nowhere& CountNowhere() {
  static auto* nowhere = new Nowhere();
  return *nowhere;
}

bool IsName(std::string_view name) {
  constexpr std::string_view kLetters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:";
  return !name.empty() && (name[0] < '0' || name[0] > '9') &&
         name.find_first_not_of(kLetters) == std::string_view::npos;
}

prometheus::MetricFamily ProcessGauge(const char* name, const char* help, double value) {
  prometheus::ClientMetric metric;
  metric.gauge.value = value;
  return {name, help, prometheus::MetricType::Gauge, {metric}};
}

void AddProcess(std::vector<prometheus::MetricFamily>& families) {
  struct rusage usage {};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  auto cpu = ProcessGauge("process_cpu_seconds_total", "CPU time used, user and system", 0);
  cpu.type = prometheus::MetricType::Counter;
  cpu.metric[0].counter.value = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  families.push_back(std::move(cpu));
  uint64_t pages = 0;
  uint64_t resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  const auto page_bytes = static_cast<double>(::sysconf(_SC_PAGESIZE));
  families.push_back(ProcessGauge("process_resident_memory_bytes", "Memory held in RAM",
                                  static_cast<double>(resident) * page_bytes));
}

}  // namespace

// One name with one label value of one instance.
struct Series {
  MetricKind kind;
  std::string name;
  std::string help;
  std::string label_name;
  std::string label_value;
  std::unique_ptr<ShardedCounter> counter;
  std::unique_ptr<AtomicGauge> gauge;
  std::unique_ptr<ShardedHistogram> histogram;

  prometheus::ClientMetric Read(const std::string& instance) const {
    prometheus::ClientMetric metric;
    metric.label.push_back({"instance", instance});
    if (!label_name.empty()) metric.label.push_back({label_name, label_value});
    if (counter) metric.counter.value = static_cast<double>(counter->Sum());
    if (gauge) metric.gauge.value = gauge->Value();
    if (histogram) metric.histogram = histogram->Read();
    return metric;
  }
};

MetricStore::MetricStore() = default;
MetricStore::~MetricStore() = default;

void MetricStore::Attach(InstanceMetrics* metrics) {
  std::lock_guard lock(mutex_);
  instances_.push_back(metrics);
}

void MetricStore::Detach(InstanceMetrics* metrics) {
  std::lock_guard lock(mutex_);
  std::erase(instances_, metrics);
}

bool MetricStore::Claim(const std::string& name, MetricKind kind) {
  std::lock_guard lock(mutex_);
  return kinds_.emplace(name, kind).first->second == kind;
}

std::string MetricStore::Text() {
  std::map<std::string, prometheus::MetricFamily> by_name;
  {
    std::lock_guard lock(mutex_);
    for (InstanceMetrics* instance : instances_) {
      std::lock_guard instance_lock(instance->mutex_);
      for (const auto& series : instance->series_) {
        prometheus::MetricFamily& family = by_name[series->name];
        family.name = series->name;
        if (family.help.empty()) family.help = series->help;
        family.type = series->kind == MetricKind::kCounter ? prometheus::MetricType::Counter
                      : series->kind == MetricKind::kGauge ? prometheus::MetricType::Gauge
                                                           : prometheus::MetricType::Histogram;
        family.metric.push_back(series->Read(instance->instance_));
      }
    }
  }
  std::vector<prometheus::MetricFamily> families;
  AddProcess(families);
  for (auto& [name, family] : by_name) families.push_back(std::move(family));
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  return std::move(out).str();
}

InstanceMetrics::InstanceMetrics(std::string instance, MetricStore& store, Logger& log)
    : instance_(std::move(instance)), store_(store), log_(log) {
  store_.Attach(this);
}

InstanceMetrics::~InstanceMetrics() { store_.Detach(this); }

Series* InstanceMetrics::Find(const MetricSpec& spec, MetricKind kind, Span<const double> buckets) {
  const std::string_view name = spec.name;
  const std::string_view label_name = spec.label_name;
  const std::string_view label_value = spec.label_value;
  // Before our own lock: Text() takes the store's lock first.
  const bool claimed = IsName(name) && (label_name.empty() || IsName(label_name)) &&
                       store_.Claim(std::string(name), kind);
  if (!claimed) {
    log_.Error("metric " + std::string(name) +
               " is not counted: a malformed name, or one in use for another kind of metric");
    return nullptr;
  }
  std::lock_guard lock(mutex_);
  for (const auto& series : series_) {
    if (series->name == name && series->label_name == label_name &&
        series->label_value == label_value) {
      return series.get();
    }
  }
  if (series_.size() >= kMetricSeriesMax) {
    log_.Error("metric " + std::string(name) + " is not counted: the instance has " +
               std::to_string(kMetricSeriesMax) + " series already");
    return nullptr;
  }
  auto series = std::make_unique<Series>(
      Series{kind, std::string(name), std::string(std::string_view(spec.help)),
             std::string(label_name), std::string(label_value), nullptr, nullptr, nullptr});
  switch (kind) {
    case MetricKind::kCounter: series->counter = std::make_unique<ShardedCounter>(); break;
    case MetricKind::kGauge: series->gauge = std::make_unique<AtomicGauge>(); break;
    case MetricKind::kHistogram:
      if (buckets.empty()) buckets = {kDefaultBuckets, std::size(kDefaultBuckets)};
      buckets = buckets.Sub(0, std::min(buckets.size(), kBucketsMax));
      series->histogram = std::make_unique<ShardedHistogram>(buckets);
      break;
  }
  series_.push_back(std::move(series));
  return series_.back().get();
}

Series* InstanceMetrics::FindOrNull(const MetricSpec& spec, MetricKind kind,
                                    Span<const double> buckets) noexcept {
  Result<Series*> found =
      sdk::Guard([&]() -> Result<Series*> { return Find(spec, kind, buckets); });
  return found.ok() ? *found : nullptr;
}

nexadb::Counter& InstanceMetrics::NewCounter(const MetricSpec& spec) noexcept {
  Series* series = FindOrNull(spec, MetricKind::kCounter, {});
  return series != nullptr ? *series->counter : CountNowhere().counter;
}

nexadb::Gauge& InstanceMetrics::NewGauge(const MetricSpec& spec) noexcept {
  Series* series = FindOrNull(spec, MetricKind::kGauge, {});
  return series != nullptr ? *series->gauge : CountNowhere().gauge;
}

nexadb::Histogram& InstanceMetrics::NewHistogram(const MetricSpec& spec,
                                                 Span<const double> buckets) noexcept {
  Series* series = FindOrNull(spec, MetricKind::kHistogram, buckets);
  return series != nullptr ? *series->histogram : CountNowhere().histogram;
}

}  // namespace nexadb::runtime
