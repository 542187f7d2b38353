#include "plugins/http-server/server_metrics.h"

namespace nexadb::http {
namespace {

MetricSpec Spec(StringView name, StringView help) {
  MetricSpec spec;
  spec.name = name;
  spec.help = help;
  return spec;
}

Counter& ByClass(MetricsRegistry& registry, StringView status_class) {
  MetricSpec spec = Spec("nexadb_http_requests_total", "Requests answered, by class of status.");
  spec.label_name = "status";
  spec.label_value = status_class;
  return registry.NewCounter(spec);
}

}  // namespace

ServerMetrics::ServerMetrics(MetricsRegistry& registry)
    : connections(
          registry.NewCounter(Spec("nexadb_http_connections_total", "Connections accepted."))),
      open_connections(
          registry.NewGauge(Spec("nexadb_http_open_connections", "Connections open now."))),
      rejected_connections(registry.NewCounter(
          Spec("nexadb_http_rejected_connections_total", "Connections refused by a limit."))),
      running(registry.NewGauge(
          Spec("nexadb_http_running_requests", "Requests that a handler works on."))),
      bytes_in(registry.NewCounter(
          Spec("nexadb_http_received_bytes_total", "Bytes read from clients."))),
      bytes_out(
          registry.NewCounter(Spec("nexadb_http_sent_bytes_total", "Bytes written to clients."))),
      body_bytes(registry.NewGauge(
          Spec("nexadb_http_buffered_body_bytes", "Memory in buffered request bodies."))),
      by_class_{nullptr,
                &ByClass(registry, "1xx"),
                &ByClass(registry, "2xx"),
                &ByClass(registry, "3xx"),
                &ByClass(registry, "4xx"),
                &ByClass(registry, "5xx")},
      durations_(registry.NewHistogram(
          Spec("nexadb_http_request_seconds", "From a request's head to the end of its answer."),
          {})) {}

void ServerMetrics::CountRequest(uint16_t status, uint64_t duration_ns) {
  const unsigned status_class = status / 100u;
  if (status_class >= 1 && status_class <= 5) by_class_[status_class]->Add(1);
  durations_.Observe(static_cast<double>(duration_ns) * 1e-9);
}

}  // namespace nexadb::http
