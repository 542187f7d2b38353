#include "plugins/api-rest/rest_metrics.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/document/error.h"
#include "core/document/json.h"
#include "nexadb/bson.h"
#include "plugins/api-rest/routes.h"

namespace nexadb::rest {
namespace {

std::string Label(std::string_view tag) {
  std::string label(tag);
  for (char& c : label) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == '-' || c == ' ') c = '_';
  }
  return label;
}

MetricSpec Spec(std::string_view name, std::string_view help) {
  MetricSpec spec;
  spec.name = name;
  spec.help = help;
  return spec;
}

}  // namespace

RestMetrics::RestMetrics(MetricsRegistry& registry)
    : registry_(registry),
      slow_(registry.NewCounter(Spec("nexadb_rest_slow_requests_total",
                                     "Requests on data that took longer than slow_query."))),
      transactions_(registry.NewGauge(
          Spec("nexadb_rest_open_transactions", "Transactions over several requests."))),
      streams_(registry.NewGauge(
          Spec("nexadb_rest_event_streams", "Clients that follow a collection's changes."))),
      running_(registry.NewGauge(
          Spec("nexadb_rest_running_requests", "Requests on data that run now."))) {
  for (const RouteSpec& route : Routes()) {
    if (DurationsOf(route.tag) != nullptr) continue;
    const std::string label = Label(route.tag);
    MetricSpec spec = Spec("nexadb_rest_request_seconds",
                           "From a request's head to its answer, by group of routes.");
    spec.label_name = "group";
    spec.label_value = label;
    durations_.emplace_back(route.tag, &registry.NewHistogram(spec, {}));
  }
}

Histogram* RestMetrics::DurationsOf(std::string_view group) const {
  for (const auto& [name, durations] : durations_) {
    if (name == group) return durations;
  }
  return nullptr;
}

Counter& RestMetrics::ErrorCounter(std::string_view code) {
  MetricSpec spec = Spec("nexadb_rest_errors_total", "Requests that failed, by code.");
  spec.label_name = "code";
  spec.label_value = code;
  return registry_.NewCounter(spec);
}

void RestMetrics::Count(const RouteSpec& route, const Status& outcome, double seconds) {
  DurationsOf(route.tag)->Observe(seconds);
  if (!outcome.ok()) ErrorCounter(ErrorOf(outcome).name).Add(1);
}

void RestMetrics::Show(size_t transactions, size_t streams, size_t running) {
  transactions_.Set(static_cast<double>(transactions));
  streams_.Set(static_cast<double>(streams));
  running_.Set(static_cast<double>(running));
}

namespace {

// Prometheus' conventions leave these to counters and histograms, and want units in full: those at
// the end become seconds, others cannot be told.
bool IsReserved(std::string_view name) {
  for (const std::string_view unit : {"_ns_", "_us_", "_ms_"}) {
    if (name.find(unit) != std::string_view::npos) return true;
  }
  for (const std::string_view suffix : {"_total", "_count", "_sum", "_bucket", "_info"}) {
    if (name.ends_with(suffix)) return true;
  }
  return false;
}

bool NumberOf(const bson::Value& value, double& out) {
  switch (value.type()) {
    case bson::Type::kInt32: out = value.Int32(); return true;
    case bson::Type::kInt64: out = static_cast<double>(value.Int64()); return true;
    case bson::Type::kDouble: out = value.Double(); return std::isfinite(out);
    default: return false;
  }
}

// In seconds, where the engine counts in parts of them.
void AppendGauge(std::string& out, std::string name, double number) {
  constexpr std::pair<std::string_view, double> kUnits[] = {
      {"_us", 1e-6}, {"_ms", 1e-3}, {"_ns", 1e-9}};
  for (const auto& [unit, seconds] : kUnits) {
    if (!name.ends_with(unit)) continue;
    name.resize(name.size() - unit.size());
    name += "_seconds";
    number *= seconds;
  }
  out += "# HELP " + name + " As the storage engine's README says.\n";
  out += "# TYPE " + name + " gauge\n" + name + " ";
  AppendJsonDouble(out, number);
  out += "\n";
}

void AppendMembers(std::string& out, const std::string& prefix, bson::Document members) {
  for (const bson::Element& element : members) {
    const std::string name = prefix + "_" + std::string(element.name());
    if (element.type() == bson::Type::kObject) {
      AppendMembers(out, name, element.value().Doc());
      continue;
    }
    const bool plain =
        name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
    double number = 0;
    if (!plain || IsReserved(name) || !NumberOf(element.value(), number)) continue;
    AppendGauge(out, name, number);
  }
}

}  // namespace

void AppendEngineMetrics(std::string& out, BytesView engine_stats) {
  AppendMembers(out, "nexadb_storage", bson::Document(engine_stats));
}

}  // namespace nexadb::rest
