// Logger: structured, levelled lines under the instance's name. Never put a secret in one.
#pragma once
#include "nexadb/abi.h"

namespace nexadb {

enum class LogLevel : uint32_t { kDebug = 0, kInfo = 1, kWarning = 2, kError = 3 };

struct LogField {
  StringView name;
  StringView value;
};

class Logger {
 public:
  virtual bool Enabled(LogLevel level) noexcept = 0;  // [any][nonblocking]
  // [any] Writes one line. May block briefly on the log's file.
  virtual void Write(LogLevel level, StringView message, Span<const LogField> fields) noexcept = 0;

  void Info(StringView message) noexcept { Write(LogLevel::kInfo, message, {}); }
  void Warning(StringView message) noexcept { Write(LogLevel::kWarning, message, {}); }
  void Error(StringView message) noexcept { Write(LogLevel::kError, message, {}); }

 protected:
  ~Logger() = default;
};

}  // namespace nexadb
