// RateRefusals: says in the metrics and the log which keys sent more than they may.
//
// The metric has a series for each of the first kKeysShown keys that it happens to and one,
// "other", for all that come later, so that neither many keys nor many lives of keys can fill the
// registry. The log tells of a key once a minute at most. Any thread; called for refused requests
// alone.
#pragma once
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "nexadb/log.h"
#include "nexadb/metrics.h"

namespace nexadb::auth {

class RateRefusals {
 public:
  static constexpr size_t kKeysShown = 100;
  static constexpr int64_t kToldEveryMs = 60'000;

  RateRefusals(MetricsRegistry& metrics, Logger& log) : metrics_(metrics), log_(log) {}
  void Note(std::string_view id, std::string_view name, int64_t now_ms);

 private:
  struct Series {
    Counter* counter;
    int64_t told_ms;
  };
  Series& SeriesOf(std::string_view id);

  MetricsRegistry& metrics_;
  Logger& log_;
  std::mutex mutex_;
  std::map<std::string, Series, std::less<>> series_;  // guarded by mutex_
};

}  // namespace nexadb::auth
