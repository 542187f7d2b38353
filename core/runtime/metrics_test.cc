#include "core/runtime/metrics.h"

#include <gtest/gtest.h>

#include <thread>

#include "core/base/system_env.h"
#include "core/runtime/logger.h"

namespace nexadb::runtime {
namespace {

class MetricsTest : public ::testing::Test {
 protected:
  static MetricSpec Spec(const char* name, const char* label = "", const char* value = "") {
    MetricSpec spec;
    spec.name = name;
    spec.help = "help";
    spec.label_name = label;
    spec.label_value = value;
    return spec;
  }
  bool TextHas(const std::string& line) {
    return ("\n" + store_.Text()).find("\n" + line + "\n") != std::string::npos;
  }

  InstanceLogger log_{"x", {LogLevel::kError, LogFormat::kText, -1}, base::SystemEnv().Clock()};
  MetricStore store_;
};

TEST_F(MetricsTest, CountsOfAllThreadsAddUp) {
  InstanceMetrics metrics("lsm", store_, log_);
  Counter& counter = metrics.NewCounter(Spec("nexadb_x_total"));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) counter.Add(2);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(TextHas("nexadb_x_total{instance=\"lsm\"} 8000")) << store_.Text();
  EXPECT_TRUE(TextHas("# TYPE nexadb_x_total counter"));
}

TEST_F(MetricsTest, TheSameNameAndLabelIsTheSameObject) {
  InstanceMetrics metrics("lsm", store_, log_);
  EXPECT_EQ(&metrics.NewGauge(Spec("g", "kind", "a")), &metrics.NewGauge(Spec("g", "kind", "a")));
  metrics.NewGauge(Spec("g", "kind", "a")).Set(2.5);
  metrics.NewGauge(Spec("g", "kind", "b")).Add(-1);
  EXPECT_TRUE(TextHas("g{instance=\"lsm\",kind=\"a\"} 2.5")) << store_.Text();
  EXPECT_TRUE(TextHas("g{instance=\"lsm\",kind=\"b\"} -1"));
}

TEST_F(MetricsTest, InstancesShareAFamily) {
  InstanceMetrics a("a", store_, log_);
  InstanceMetrics b("b", store_, log_);
  a.NewCounter(Spec("n_total")).Add(1);
  b.NewCounter(Spec("n_total")).Add(2);
  const std::string text = store_.Text();
  EXPECT_EQ(text.find("# TYPE n_total"), text.rfind("# TYPE n_total"));
  EXPECT_TRUE(TextHas("n_total{instance=\"b\"} 2"));
}

TEST_F(MetricsTest, HistogramsAreCumulative) {
  InstanceMetrics metrics("lsm", store_, log_);
  const double bounds[] = {1, 10};
  Histogram& histogram = metrics.NewHistogram(Spec("h"), {bounds, 2});
  for (double value : {0.5, 1.0, 5.0, 100.0}) histogram.Observe(value);
  EXPECT_TRUE(TextHas("h_bucket{instance=\"lsm\",le=\"1\"} 2")) << store_.Text();
  EXPECT_TRUE(TextHas("h_bucket{instance=\"lsm\",le=\"10\"} 3"));
  EXPECT_TRUE(TextHas("h_bucket{instance=\"lsm\",le=\"+Inf\"} 4"));
  EXPECT_TRUE(TextHas("h_count{instance=\"lsm\"} 4"));
  EXPECT_TRUE(TextHas("h_sum{instance=\"lsm\"} 106.5"));
}

TEST_F(MetricsTest, WhatCannotBeKeptCountsNowhere) {
  InstanceMetrics metrics("lsm", store_, log_);
  metrics.NewCounter(Spec("taken")).Add(1);
  metrics.NewGauge(Spec("taken")).Set(770077);
  metrics.NewCounter(Spec("not a name")).Add(770077);
  for (uint32_t i = 0; i < kMetricSeriesMax + 5; ++i) {
    metrics.NewGauge(Spec("many", "i", std::to_string(i).c_str())).Set(1);
  }
  const std::string text = store_.Text();
  EXPECT_EQ(text.find("770077"), std::string::npos);
  EXPECT_NE(text.find("i=\"998\""), std::string::npos);
  EXPECT_EQ(text.find("i=\"999\""), std::string::npos);
}

}  // namespace
}  // namespace nexadb::runtime
