#include "plugins/database-document/session/settings.h"

namespace nexadb::database {

Result<Settings> Settings::Read(const ConfigView& config) noexcept {
  Settings s;
  auto take = [](Result<uint64_t> value, uint64_t& out) -> Status {
    if (value.ok()) out = *value;
    return value.status();
  };
  auto cursors = config.Integer("cursors_max");
  if (!cursors.ok()) return cursors.status();
  s.cursors_max = static_cast<uint64_t>(*cursors);
  auto threads = config.Integer("query_threads");
  if (!threads.ok()) return threads.status();
  s.query_threads = static_cast<uint64_t>(*threads);
  auto scan_max = config.Integer("query_scan_max");
  if (!scan_max.ok()) return scan_max.status();
  s.query_scan_max = static_cast<uint64_t>(*scan_max);
  const std::pair<const char*, uint64_t*> durations[] = {
      {"default_time_limit", &s.default_time_limit_ms},
      {"cursor_idle", &s.cursor_idle_ms},
      {"ttl_sweep", &s.ttl_sweep_ms},
      {"slow_query", &s.slow_query_ms}};
  for (const auto& [key, out] : durations) {
    if (Status status = take(config.Milliseconds(key), *out); !status.ok()) return status;
  }
  const std::pair<const char*, uint64_t*> sizes[] = {
      {"query_memory", &s.query_memory_bytes}, {"transaction_memory", &s.transaction_bytes_max}};
  for (const auto& [key, out] : sizes) {
    if (Status status = take(config.Bytes(key), *out); !status.ok()) return status;
  }
  return s;
}

}  // namespace nexadb::database
