// Every limit of the server: one table says its name, default, unit, error and whether the
// configuration may raise it. Read from the configuration once, then immutable.
#pragma once
#include <cstdint>
#include <string>

#include "nexadb/abi.h"
#include "nexadb/config.h"
#include "plugins/http-server/request_gate.h"

namespace nexadb::http {

struct Limits {
  uint64_t connections_max = 20'000;
  uint64_t connections_per_address_max = 15'000;
  uint64_t request_line_bytes_max = 8 * 1024;
  uint64_t header_bytes_max = 16 * 1024;
  uint64_t header_count_max = 100;
  uint64_t body_bytes_max = 64ull * 1024 * 1024;
  uint64_t body_memory_bytes_max = 0;  // 0: an eighth of the machine's memory
  uint64_t header_timeout_ms = 10'000;
  uint64_t idle_timeout_ms = 75'000;
  uint64_t slow_body_window_ms = 10'000;
  uint64_t write_timeout_ms = 30'000;
  uint64_t waiting_requests_max = 10'000;

  bool operator==(const Limits&) const = default;
  HeadLimits head() const { return {request_line_bytes_max, header_bytes_max, header_count_max}; }
};

// A body must bring this much a second, averaged over slow_body_window_ms.
constexpr uint64_t kSlowBodyBytesPerSecond = 1024;

// kInvalidArgument names the key, its place and the largest value.
Result<Limits> ReadLimits(const ConfigView& config);
// BSON {name: {value, unit, error}}.
std::string LimitsDocument(const Limits& limits);

}  // namespace nexadb::http
