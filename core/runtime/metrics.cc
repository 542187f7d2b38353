#include "core/runtime/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <sstream>

#include "core/base/instruments.h"
#include "nexadb/sdk/guard.h"

namespace nexadb::runtime {

using base::AtomicGauge;
using base::ShardedCounter;
using base::ShardedHistogram;
using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

// One name with one label value of one instance.
struct Series {
  explicit Series(MetricType type_in) : type(type_in) {}
  virtual ~Series() = default;
  virtual void Read(ClientMetric& out) const = 0;

  const MetricType type;
  std::string name;
  std::string help;
  std::string label_name;
  std::string label_value;
};

namespace {

void Fill(const ShardedCounter& counter, ClientMetric& out) {
  out.counter.value = static_cast<double>(counter.Sum());
}

void Fill(const AtomicGauge& gauge, ClientMetric& out) { out.gauge.value = gauge.Value(); }

void Fill(const ShardedHistogram& histogram, ClientMetric& out) {
  const ShardedHistogram::Totals totals = histogram.Read();
  std::vector<double> bounds = histogram.bounds();
  bounds.push_back(std::numeric_limits<double>::infinity());
  for (size_t i = 0; i < bounds.size(); ++i) {
    out.histogram.bucket.push_back({totals.up_to[i], bounds[i]});
  }
  out.histogram.sample_count = totals.up_to.back();
  out.histogram.sample_sum = totals.sum;
}

template <class Instrument>
struct SeriesOf final : Series {
  template <class... Arguments>
  explicit SeriesOf(MetricType type_in, const Arguments&... arguments)
      : Series(type_in), instrument(arguments...) {}
  void Read(ClientMetric& out) const override { Fill(instrument, out); }

  Instrument instrument;
};

bool IsName(std::string_view name) {
  constexpr std::string_view kLetters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:";
  return !name.empty() && (name[0] < '0' || name[0] > '9') &&
         name.find_first_not_of(kLetters) == std::string_view::npos;
}

std::vector<MetricFamily> ProcessFamilies() {
  struct rusage usage {};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  ClientMetric cpu;
  cpu.counter.value = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  uint64_t pages = 0;
  uint64_t resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  ClientMetric memory;
  memory.gauge.value = static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  return {
      {"process_cpu_seconds_total", "CPU time used, user and system", MetricType::Counter, {cpu}},
      {"process_resident_memory_bytes", "Memory held in RAM", MetricType::Gauge, {memory}}};
}

}  // namespace

bool MetricStore::Claim(const std::string& name, MetricType type) {
  std::lock_guard lock(mutex_);
  return types_.emplace(name, type).first->second == type;
}

std::string MetricStore::Text() {
  std::map<std::string, MetricFamily> by_name;
  {
    std::lock_guard lock(mutex_);
    for (auto it = instances_.begin(); it != instances_.end(); ++it) {
      InstanceMetrics* const instance = *it;
      // One that is being replaced no longer speaks for its name.
      const auto same = [&](const auto* later) { return later->instance_ == instance->instance_; };
      if (std::any_of(it + 1, instances_.end(), same)) continue;
      std::lock_guard instance_lock(instance->mutex_);
      for (const auto& series : instance->series_) {
        MetricFamily& family = by_name[series->name];
        family.name = series->name;
        if (family.help.empty()) family.help = series->help;
        family.type = series->type;
        ClientMetric& metric = family.metric.emplace_back();
        metric.label.push_back({"instance", instance->instance_});
        if (!series->label_name.empty()) {
          metric.label.push_back({series->label_name, series->label_value});
        }
        series->Read(metric);
      }
    }
  }
  std::vector<MetricFamily> families = ProcessFamilies();
  for (auto& [name, family] : by_name) families.push_back(std::move(family));
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  return std::move(out).str();
}

InstanceMetrics::InstanceMetrics(std::string instance, MetricStore& store, Logger& log)
    : instance_(std::move(instance)), store_(store), log_(log) {
  std::lock_guard lock(store_.mutex_);
  store_.instances_.push_back(this);
}

InstanceMetrics::~InstanceMetrics() {
  std::lock_guard lock(store_.mutex_);
  std::erase(store_.instances_, this);
}

void InstanceMetrics::Refuse(const MetricSpec& spec, std::string_view why) {
  log_.Error("metric " + std::string(std::string_view(spec.name)) +
             " is not counted: " + std::string(why));
}

template <class Instrument, class... Arguments>
Instrument* InstanceMetrics::Find(MetricType type, const MetricSpec& spec,
                                  const Arguments&... arguments) {
  const std::string name(std::string_view(spec.name));
  const std::string_view label_name = spec.label_name;
  const std::string_view label_value = spec.label_value;
  // Claimed before our own lock: Text() takes the store's lock first.
  if (!IsName(name) || !(label_name.empty() || IsName(label_name)) || !store_.Claim(name, type)) {
    Refuse(spec, "a malformed name, or one in use for another kind of metric");
    return nullptr;
  }
  std::lock_guard lock(mutex_);
  for (const auto& series : series_) {
    if (series->name == name && series->label_name == label_name &&
        series->label_value == label_value) {
      return &static_cast<SeriesOf<Instrument>&>(*series).instrument;
    }
  }
  if (series_.size() >= kMetricSeriesMax) {
    Refuse(spec, "the instance has " + std::to_string(kMetricSeriesMax) + " series already");
    return nullptr;
  }
  auto made = std::make_unique<SeriesOf<Instrument>>(type, arguments...);
  made->name = name;
  made->help = std::string_view(spec.help);
  made->label_name = label_name;
  made->label_value = label_value;
  Instrument* instrument = &made->instrument;
  series_.push_back(std::move(made));
  return instrument;
}

template <class Instrument, class... Arguments>
Instrument& InstanceMetrics::New(MetricType type, const MetricSpec& spec,
                                 const Arguments&... arguments) noexcept {
  const Result<Instrument*> found = sdk::Guard(
      [&]() -> Result<Instrument*> { return Find<Instrument>(type, spec, arguments...); });
  if (found.ok() && *found != nullptr) return **found;
  static auto* unread = new Instrument();
  return *unread;
}

nexadb::Counter& InstanceMetrics::NewCounter(const MetricSpec& spec) noexcept {
  return New<ShardedCounter>(MetricType::Counter, spec);
}

nexadb::Gauge& InstanceMetrics::NewGauge(const MetricSpec& spec) noexcept {
  return New<AtomicGauge>(MetricType::Gauge, spec);
}

nexadb::Histogram& InstanceMetrics::NewHistogram(const MetricSpec& spec,
                                                 Span<const double> buckets) noexcept {
  return New<ShardedHistogram>(MetricType::Histogram, spec, buckets);
}

}  // namespace nexadb::runtime
