// Settings: the plugin's configuration, read once by Configure. Defaults stand in plugin.json.
#pragma once
#include <cstdint>

#include "nexadb/config.h"

namespace nexadb::database {

struct Settings {
  uint64_t default_time_limit_ms = 30'000;
  uint64_t query_memory_bytes = 64u << 20;
  uint64_t transaction_bytes_max = 64u << 20;
  uint64_t cursor_idle_ms = 600'000;
  uint64_t cursors_max = 1000;
  uint64_t ttl_sweep_ms = 1000;
  uint64_t slow_query_ms = 100;  // 0: no query is
  uint64_t query_threads = 4;    // that a query may be divided among
  uint64_t query_scan_max = 0;   // documents and entries looked at for a batch; 0: any number

  // Fails when a key is missing or of another type, which the kernel's schema check rules out.
  static Result<Settings> Read(const ConfigView& config) noexcept;
};

}  // namespace nexadb::database
