// The server's metrics, made once at Configure. Any thread.
#pragma once
#include <memory>

#include "nexadb/metrics.h"

namespace nexadb::http {

// Of a server that speaks TLS.
struct TlsMetrics {
  explicit TlsMetrics(MetricsRegistry& registry);
  Counter& handshakes;
  // Handshakes that failed, by what was wrong.
  Counter& failed_protocol;  // no common version or cipher, or bytes that are not TLS
  Counter& failed_plain;     // HTTP without TLS
  Counter& failed_closed;    // the client went
  Counter& failed_timeout;
  Gauge& certificate_expires;
};

class ServerMetrics {
 public:
  enum class Tls { kOff, kOn };
  ServerMetrics(MetricsRegistry& registry, Tls tls);

  void CountRequest(uint16_t status, uint64_t duration_ns);
  Counter& connections;
  Gauge& open_connections;
  Counter& rejected_connections;
  Gauge& running;  // exchanges that a handler holds
  Gauge& waiting;  // for a thread of the pool
  Counter& bytes_in;
  Counter& bytes_out;
  Gauge& body_bytes;                            // in buffered bodies
  const std::unique_ptr<const TlsMetrics> tls;  // null without TLS

 private:
  Counter* by_class_[6];
  Histogram& durations_;
};

}  // namespace nexadb::http
