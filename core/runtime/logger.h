// Logger: what plugins and the kernel have to say, one line each, to a file descriptor.
//
//   2026-01-31T12:00:00.000Z info  [lsm] opened  tables=12 took_ms=3
//   {"time":"2026-01-31T12:00:00.000Z","level":"info","instance":"lsm","message":"opened",…}
//
// A line leaves in one write(2), so lines of several threads never mix. Control characters in
// messages and values are escaped: nobody who sends us text can forge a line.
#pragma once
#include <cstdint>
#include <string>

#include "nexadb/env.h"
#include "nexadb/log.h"

namespace nexadb::runtime {

enum class LogFormat : uint8_t { kText, kJson };

struct LogSettings {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kText;
  int fd = 2;  // borrowed
};

// The lines of one instance. [any]
class InstanceLogger final : public Logger {
 public:
  InstanceLogger(std::string instance, const LogSettings& settings, Clock& clock);
  bool Enabled(LogLevel level) noexcept override;
  void Write(LogLevel level, StringView message, Span<const LogField> fields) noexcept override;

 private:
  const std::string instance_;
  const LogSettings settings_;
  Clock& clock_;
};

// One line, newline included. `unix_ms` is its time.
std::string FormatLogLine(LogFormat format, int64_t unix_ms, LogLevel level,
                          std::string_view instance, std::string_view message,
                          Span<const LogField> fields);

}  // namespace nexadb::runtime
