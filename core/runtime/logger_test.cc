#include "core/runtime/logger.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "core/base/system_env.h"

namespace nexadb::runtime {
namespace {

constexpr int64_t kTimeMs = 1767225600123;  // 2026-01-01T00:00:00.123Z

TEST(Logger, TextLinesCannotBeForged) {
  const LogField fields[] = {{"path", "/a b"}, {"n", "3"}};
  EXPECT_EQ(FormatLogLine(LogFormat::kText, kTimeMs, LogLevel::kWarning, "lsm", "a\nb\x1b[0m",
                          {fields, 2}),
            "2026-01-01T00:00:00.123Z warn  [lsm] a\\nb\\u001b[0m  path=\"/a b\" n=3\n");
}

TEST(Logger, JsonLinesAreJson) {
  const LogField fields[] = {{"q", "\"x\\"}};
  EXPECT_EQ(FormatLogLine(LogFormat::kJson, kTimeMs, LogLevel::kInfo, "lsm", "hi\t", {fields, 1}),
            "{\"time\":\"2026-01-01T00:00:00.123Z\",\"level\":\"info\",\"instance\":\"lsm\","
            "\"message\":\"hi\\t\",\"fields\":{\"q\":\"\\\"x\\\\\"}}\n");
}

TEST(Logger, WritesOnlyWhatItsLevelLetsThrough) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  InstanceLogger log("x", {LogLevel::kWarning, LogFormat::kText, ends[1]},
                     base::SystemEnv().Clock());
  log.Info("quiet");
  log.Error("loud");
  ::close(ends[1]);
  char text[256];
  const ssize_t size = ::read(ends[0], text, sizeof(text));
  ::close(ends[0]);
  ASSERT_GT(size, 0);
  const std::string line(text, static_cast<size_t>(size));
  EXPECT_EQ(line.find("quiet"), std::string::npos);
  EXPECT_NE(line.find(" error [x] loud\n"), std::string::npos);
}

}  // namespace
}  // namespace nexadb::runtime
