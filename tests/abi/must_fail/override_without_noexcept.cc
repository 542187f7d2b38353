// gcc: looser exception specification
// clang: more lax
#include "nexadb/log.h"

#ifdef BREAK_THE_RULE
#define MARK
#else
#define MARK noexcept
#endif

struct Quiet final : nexadb::Logger {
  bool Enabled(nexadb::LogLevel) MARK override { return false; }
  void Write(nexadb::LogLevel, nexadb::StringView,
             nexadb::Span<const nexadb::LogField>) noexcept override {}
};
