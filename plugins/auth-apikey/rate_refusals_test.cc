#include "plugins/auth-apikey/rate_refusals.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace nexadb::auth {
namespace {

struct FakeCounter final : Counter {
  void Add(uint64_t amount) noexcept override { total += amount; }
  uint64_t total = 0;
};

// Knows counters alone: nothing else is asked of it.
class FakeRegistry final : public MetricsRegistry {
 public:
  Counter& NewCounter(const MetricSpec& spec) noexcept override {
    return counters[std::string(std::string_view(spec.label_value))];
  }
  Gauge& NewGauge(const MetricSpec&) noexcept override { std::abort(); }
  Histogram& NewHistogram(const MetricSpec&, Span<const double>) noexcept override { std::abort(); }

  std::map<std::string, FakeCounter> counters;
};

struct FakeLogger final : Logger {
  bool Enabled(LogLevel) noexcept override { return true; }
  void Write(LogLevel, StringView, Span<const LogField> fields) noexcept override {
    told.emplace_back(std::string_view(fields.data()[0].value));
  }
  std::vector<std::string> told;
};

TEST(RateRefusals, CountsByKeyAndTellsOfEachOnceAMinute) {
  FakeRegistry registry;
  FakeLogger log;
  RateRefusals refusals(registry, log);
  for (int64_t ms = 0; ms < RateRefusals::kToldEveryMs; ms += 1000) refusals.Note("a", "A", ms);
  refusals.Note("b", "B", 1);
  EXPECT_EQ(registry.counters["a"].total, 60u);
  EXPECT_EQ(registry.counters["b"].total, 1u);
  EXPECT_EQ(log.told, (std::vector<std::string>{"a", "b"}));
  refusals.Note("a", "A", RateRefusals::kToldEveryMs);
  EXPECT_EQ(log.told.size(), 3u);
}

TEST(RateRefusals, TheSeriesAreBounded) {
  FakeRegistry registry;
  FakeLogger log;
  RateRefusals refusals(registry, log);
  constexpr size_t kKeys = 5000;
  for (size_t i = 0; i < kKeys; ++i) refusals.Note("key" + std::to_string(i), "n", 0);
  EXPECT_EQ(registry.counters.size(), RateRefusals::kKeysShown + 1);
  EXPECT_EQ(registry.counters["other"].total, kKeys - RateRefusals::kKeysShown);
  // Those that were first keep their own.
  refusals.Note("key0", "n", 0);
  EXPECT_EQ(registry.counters["key0"].total, 2u);
  // Of all the others the log tells once.
  EXPECT_EQ(log.told.size(), RateRefusals::kKeysShown + 1);
}

}  // namespace
}  // namespace nexadb::auth
