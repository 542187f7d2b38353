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

Counter& FailedHandshakes(MetricsRegistry& registry, StringView reason) {
  MetricSpec spec =
      Spec("nexadb_http_tls_handshake_failures_total", "TLS handshakes that failed, by reason.");
  spec.label_name = "reason";
  spec.label_value = reason;
  return registry.NewCounter(spec);
}

}  // namespace

TlsMetrics::TlsMetrics(MetricsRegistry& registry)
    : handshakes(
          registry.NewCounter(Spec("nexadb_http_tls_handshakes_total", "TLS handshakes done."))),
      failed_protocol(FailedHandshakes(registry, "protocol")),
      failed_plain(FailedHandshakes(registry, "plain_http")),
      failed_closed(FailedHandshakes(registry, "closed")),
      failed_timeout(FailedHandshakes(registry, "timeout")),
      certificate_expires(
          registry.NewGauge(Spec("nexadb_http_tls_certificate_expiry_timestamp_seconds",
                                 "When the served certificate expires, in Unix time."))) {}

ServerMetrics::ServerMetrics(MetricsRegistry& registry, Tls with_tls)
    : connections(
          registry.NewCounter(Spec("nexadb_http_connections_total", "Connections accepted."))),
      open_connections(
          registry.NewGauge(Spec("nexadb_http_open_connections", "Connections open now."))),
      rejected_connections(registry.NewCounter(
          Spec("nexadb_http_rejected_connections_total", "Connections refused by a limit."))),
      running(registry.NewGauge(
          Spec("nexadb_http_running_requests", "Requests that a handler works on."))),
      waiting(registry.NewGauge(
          Spec("nexadb_http_waiting_requests", "Requests that wait for a thread."))),
      bytes_in(registry.NewCounter(
          Spec("nexadb_http_received_bytes_total", "Bytes read from clients."))),
      bytes_out(
          registry.NewCounter(Spec("nexadb_http_sent_bytes_total", "Bytes written to clients."))),
      body_bytes(registry.NewGauge(
          Spec("nexadb_http_buffered_body_bytes", "Memory in buffered request bodies."))),
      tls(with_tls == Tls::kOn ? std::make_unique<const TlsMetrics>(registry) : nullptr),
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
