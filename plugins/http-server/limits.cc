#include "plugins/http-server/limits.h"

#include <unistd.h>

#include "core/document/errors.h"
#include "nexadb/bson.h"

namespace nexadb::http {
namespace {

enum class Unit { kCount, kBytes, kMilliseconds };
enum class Raise { kNever, kAllowed };

struct Row {
  const char* key;
  uint64_t Limits::*value;
  Unit unit;
  Raise raise;
  const char* error;
};

constexpr Row kRows[] = {
    {"connections_max", &Limits::connections_max, Unit::kCount, Raise::kNever,
     "too_many_connections"},
    {"connections_per_address_max", &Limits::connections_per_address_max, Unit::kCount,
     Raise::kNever, "too_many_connections"},
    {"request_line_bytes_max", &Limits::request_line_bytes_max, Unit::kBytes, Raise::kNever,
     "uri_too_long"},
    {"header_bytes_max", &Limits::header_bytes_max, Unit::kBytes, Raise::kNever,
     "headers_too_large"},
    {"header_count_max", &Limits::header_count_max, Unit::kCount, Raise::kNever,
     "headers_too_large"},
    {"body_bytes_max", &Limits::body_bytes_max, Unit::kBytes, Raise::kAllowed, "body_too_large"},
    {"body_memory_bytes_max", &Limits::body_memory_bytes_max, Unit::kBytes, Raise::kAllowed,
     "busy"},
    {"header_timeout", &Limits::header_timeout_ms, Unit::kMilliseconds, Raise::kNever,
     "client_timeout"},
    {"idle_timeout", &Limits::idle_timeout_ms, Unit::kMilliseconds, Raise::kNever, ""},
    {"slow_body_window", &Limits::slow_body_window_ms, Unit::kMilliseconds, Raise::kNever,
     "client_timeout"},
    {"write_timeout", &Limits::write_timeout_ms, Unit::kMilliseconds, Raise::kNever, ""},
    {"waiting_requests_max", &Limits::waiting_requests_max, Unit::kCount, Raise::kNever, "busy"},
};

constexpr const char* UnitName(Unit unit) {
  switch (unit) {
    case Unit::kCount: return "count";
    case Unit::kBytes: return "bytes";
    case Unit::kMilliseconds: return "ms";
  }
  return "";
}

Result<uint64_t> ReadRow(const Row& row, const ConfigView& config) {
  if (row.unit == Unit::kBytes) return config.Bytes(row.key);
  if (row.unit == Unit::kMilliseconds) return config.Milliseconds(row.key);
  auto number = config.Integer(row.key);
  if (!number.ok()) return number.status();
  return static_cast<uint64_t>(*number < 0 ? 0 : *number);
}

uint64_t MachineMemoryBytes() {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page_bytes = ::sysconf(_SC_PAGE_SIZE);
  return static_cast<uint64_t>(pages) * static_cast<uint64_t>(page_bytes);
}

}  // namespace

Result<Limits> ReadLimits(const ConfigView& config) {
  const Limits defaults;
  Limits limits;
  for (const Row& row : kRows) {
    if (!config.Has(row.key)) continue;
    auto value = ReadRow(row, config);
    if (!value.ok()) return value.status();
    const uint64_t largest = defaults.*row.value;
    if (row.raise == Raise::kNever && (*value > largest || *value == 0)) {
      std::string where(std::string_view(config.Where(row.key)));
      return Status::Error(Code::kInvalidArgument,
                           where + ": " + row.key + " is " + std::to_string(*value) +
                               "; it can be 1 to " + std::to_string(largest) + " " +
                               UnitName(row.unit));
    }
    limits.*row.value = *value;
  }
  if (limits.body_memory_bytes_max == 0) {
    constexpr uint64_t kMemoryShare = 8;
    limits.body_memory_bytes_max = MachineMemoryBytes() / kMemoryShare;
  }
  return limits;
}

std::string LimitsDocument(const Limits& limits) {
  bson::Builder out;
  for (const Row& row : kRows) {
    out.OpenObject(row.key);
    out.Int64("value", static_cast<int64_t>(limits.*row.value));
    out.Text("unit", UnitName(row.unit)).Text("error", row.error);
    out.Close();
  }
  return out.Finish();
}

}  // namespace nexadb::http
