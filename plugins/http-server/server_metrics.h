// The server's metrics, made once at Configure. Any thread.
#pragma once
#include "nexadb/metrics.h"

namespace nexadb::http {

class ServerMetrics {
 public:
  explicit ServerMetrics(MetricsRegistry& registry);

  void CountRequest(uint16_t status, uint64_t duration_ns);
  Counter& connections;
  Gauge& open_connections;
  Counter& rejected_connections;
  Gauge& running;  // exchanges that a handler holds
  Counter& bytes_in;
  Counter& bytes_out;
  Gauge& body_bytes;  // in buffered bodies

 private:
  Counter* by_class_[6];
  Histogram& durations_;
};

}  // namespace nexadb::http
