// RestMetrics: what this instance counts, made once in Start. Labels are bounded by the route table
// and the table of errors. [any]
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nexadb/abi.h"
#include "nexadb/metrics.h"

namespace nexadb::rest {

struct RouteSpec;

class RestMetrics {
 public:
  explicit RestMetrics(MetricsRegistry& registry);

  // A request that a handler has answered, or that failed with `outcome`.
  void Count(const RouteSpec& route, const Status& outcome, double seconds);
  void CountSlow() { slow_.Add(1); }
  // As of now, before they are shown.
  void Show(size_t transactions, size_t streams, size_t running);

 private:
  Histogram* DurationsOf(std::string_view group) const;
  Counter& ErrorCounter(std::string_view code);

  MetricsRegistry& registry_;
  std::vector<std::pair<std::string_view, Histogram*>> durations_;  // by the routes' tag
  Counter& slow_;
  Gauge& transactions_;
  Gauge& streams_;
  Gauge& running_;
};

// engine_stats of the database as gauges in Prometheus' text form, appended to `out`: numbers
// alone, members of members joined by '_', named nexadb_storage_….
void AppendEngineMetrics(std::string& out, BytesView engine_stats);

}  // namespace nexadb::rest
