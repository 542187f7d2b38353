#include "core/runtime/logger.h"

#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include "core/base/escape.h"
#include "nexadb/sdk/guard.h"

namespace nexadb::runtime {
namespace {

std::string_view LevelName(LogLevel level) {
  static constexpr std::string_view kNames[] = {"debug", "info", "warn", "error"};
  return kNames[static_cast<size_t>(level)];
}

std::string Timestamp(int64_t unix_ms) {
  const time_t seconds = static_cast<time_t>(unix_ms / 1000);
  struct tm utc {};
  ::gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900,
                     utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                     unix_ms % 1000);
}

std::string FormatText(int64_t unix_ms, LogLevel level, std::string_view instance,
                       std::string_view message, Span<const LogField> fields) {
  std::string line = fmt::format("{} {:<5} [{}] {}", Timestamp(unix_ms), LevelName(level), instance,
                                 base::Escaped(message));
  std::string_view gap = "  ";
  for (const LogField& field : fields) {
    const std::string_view value = field.value;
    const bool is_word = !value.empty() && value.find_first_of(" =\"") == std::string_view::npos;
    line += fmt::format("{}{}={}", gap, base::Escaped(field.name),
                        is_word ? base::Escaped(value) : base::Quoted(value));
    gap = " ";
  }
  return line + "\n";
}

std::string FormatJson(int64_t unix_ms, LogLevel level, std::string_view instance,
                       std::string_view message, Span<const LogField> fields) {
  std::string members;
  for (const LogField& field : fields) {
    members += members.empty() ? ",\"fields\":{" : ",";
    members += base::Quoted(field.name) + ":" + base::Quoted(field.value);
  }
  if (!members.empty()) members += "}";
  return fmt::format("{{\"time\":\"{}\",\"level\":\"{}\",\"instance\":{},\"message\":{}{}}}\n",
                     Timestamp(unix_ms), LevelName(level), base::Quoted(instance),
                     base::Quoted(message), members);
}

}  // namespace

std::string FormatLogLine(LogFormat format, int64_t unix_ms, LogLevel level,
                          std::string_view instance, std::string_view message,
                          Span<const LogField> fields) {
  return format == LogFormat::kJson ? FormatJson(unix_ms, level, instance, message, fields)
                                    : FormatText(unix_ms, level, instance, message, fields);
}

InstanceLogger::InstanceLogger(std::string instance, const LogSettings& settings, Clock& clock)
    : instance_(std::move(instance)), settings_(settings), clock_(clock) {}

bool InstanceLogger::Enabled(LogLevel level) noexcept { return level >= settings_.level; }

void InstanceLogger::Write(LogLevel level, StringView message,
                           Span<const LogField> fields) noexcept {
  if (!Enabled(level)) return;
  // Without memory for a line there is nobody to tell either.
  [[maybe_unused]] const Status status = sdk::Guard([&]() -> Status {
    const std::string line =
        FormatLogLine(settings_.format, clock_.UnixMs(), level, instance_, message, fields);
    std::string_view rest = line;
    while (!rest.empty()) {
      const ssize_t written = ::write(settings_.fd, rest.data(), rest.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) break;  // a closed log must not stop the database
      rest.remove_prefix(static_cast<size_t>(written));
    }
    return {};
  });
}

}  // namespace nexadb::runtime
