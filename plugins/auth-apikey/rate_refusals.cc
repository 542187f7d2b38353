#include "plugins/auth-apikey/rate_refusals.h"

namespace nexadb::auth {

RateRefusals::Series& RateRefusals::SeriesOf(std::string_view id) {
  auto found = series_.find(id);
  if (found == series_.end() && series_.size() >= kKeysShown) {
    id = "other";
    found = series_.find(id);
  }
  if (found != series_.end()) return found->second;
  MetricSpec spec;
  spec.name = "nexadb_auth_rate_limited_total";
  spec.help = "Requests answered 429 because their key had sent as many as it may, by key.";
  spec.label_name = "key";
  spec.label_value = id;
  const Series made{&metrics_.NewCounter(spec), -kToldEveryMs};
  return series_.emplace(std::string(id), made).first->second;
}

void RateRefusals::Note(std::string_view id, std::string_view name, int64_t now_ms) {
  std::lock_guard lock(mutex_);
  Series& series = SeriesOf(id);
  series.counter->Add(1);
  if (now_ms - series.told_ms < kToldEveryMs) return;
  series.told_ms = now_ms;
  const LogField fields[] = {{"id", id}, {"name", name}};
  log_.Write(LogLevel::kWarning, "audit: a key sent more requests than it may", {fields, 2});
}

}  // namespace nexadb::auth
