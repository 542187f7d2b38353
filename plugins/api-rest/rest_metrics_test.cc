#include "plugins/api-rest/rest_metrics.h"

#include <gtest/gtest.h>

#include "core/document/json.h"

namespace nexadb::rest {
namespace {

std::string Shown(std::string_view json) {
  auto stats = JsonToBson(json);
  EXPECT_TRUE(stats.ok());
  std::string out;
  AppendEngineMetrics(out, AsBytes(*stats));
  std::string values;
  for (size_t at = 0; at < out.size();) {
    const size_t end = out.find('\n', at);
    if (out[at] != '#') values += out.substr(at, end - at) + ";";
    at = end + 1;
  }
  return values;
}

TEST(EngineMetricsTest, NumbersAreGaugesUnderTheirNames) {
  EXPECT_EQ(Shown(R"({"wal_bytes":5,"cache":{"hits":2.5},"engine":"lsm","levels":[1]})"),
            "nexadb_storage_wal_bytes 5.0;nexadb_storage_cache_hits 2.5;");
}

TEST(EngineMetricsTest, TimesAreInSeconds) {
  EXPECT_EQ(Shown(R"({"stall_us":1500000,"delay_ms":20})"),
            "nexadb_storage_stall_seconds 1.5;nexadb_storage_delay_seconds 0.02;");
}

TEST(EngineMetricsTest, NamesThatMeanSomethingElseAreLeftOut) {
  EXPECT_EQ(Shown(R"({"rows_total":1,"rows_count":1,"Bad-Name":1,"x_sum":2,)"
                  R"("delay_ns_per_byte":3})"),
            "");
}

}  // namespace
}  // namespace nexadb::rest
