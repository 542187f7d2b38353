#include "core/runtime/logger.h"

#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include "nexadb/sdk/guard.h"

namespace nexadb::runtime {
namespace {

std::string_view LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return "debug";
    case LogLevel::kInfo: return "info";
    case LogLevel::kWarning: return "warn";
    case LogLevel::kError: return "error";
  }
  return "info";
}

std::string Timestamp(int64_t unix_ms) {
  const time_t seconds = static_cast<time_t>(unix_ms / 1000);
  struct tm utc {};
  ::gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900,
                     utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                     unix_ms % 1000);
}

// Control characters as \n, \t or \u00XX; for JSON also quotes and backslashes.
void AppendEscaped(std::string& out, std::string_view text, LogFormat format) {
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      out += fmt::format("\\u{:04x}", byte);
    } else if (format == LogFormat::kJson && (c == '"' || c == '\\')) {
      out.append(1, '\\').append(1, c);
    } else {
      out.push_back(c);
    }
  }
}

void AppendJsonText(std::string& out, std::string_view text) {
  out.push_back('"');
  AppendEscaped(out, text, LogFormat::kJson);
  out.push_back('"');
}

std::string FormatText(int64_t unix_ms, LogLevel level, std::string_view instance,
                       std::string_view message, Span<const LogField> fields) {
  std::string line = fmt::format("{} {:<5} [{}] ", Timestamp(unix_ms), LevelName(level), instance);
  AppendEscaped(line, message, LogFormat::kText);
  bool first = true;
  for (const LogField& field : fields) {
    line += first ? "  " : " ";
    first = false;
    AppendEscaped(line, field.name, LogFormat::kText);
    line.push_back('=');
    const std::string_view value = field.value;
    if (value.find_first_of(" =\"") == std::string_view::npos && !value.empty()) {
      AppendEscaped(line, value, LogFormat::kText);
    } else {
      AppendJsonText(line, value);
    }
  }
  return line + "\n";
}

std::string FormatJson(int64_t unix_ms, LogLevel level, std::string_view instance,
                       std::string_view message, Span<const LogField> fields) {
  std::string line = "{\"time\":\"" + Timestamp(unix_ms) + "\",\"level\":\"" +
                     std::string(LevelName(level)) + "\",\"instance\":";
  AppendJsonText(line, instance);
  line += ",\"message\":";
  AppendJsonText(line, message);
  if (!fields.empty()) {
    line += ",\"fields\":{";
    for (size_t i = 0; i < fields.size(); ++i) {
      if (i != 0) line.push_back(',');
      AppendJsonText(line, fields[i].name);
      line.push_back(':');
      AppendJsonText(line, fields[i].value);
    }
    line.push_back('}');
  }
  return line + "}\n";
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
