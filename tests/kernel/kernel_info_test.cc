// What a running kernel says of itself through nexadb.kernel_info.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "core/base/system_env.h"
#include "core/kernel/info.h"
#include "core/kernel/kernel.h"
#include "nexadb/bson.h"

namespace nexadb::kernel {
namespace {

class KernelInfoTest : public ::testing::Test {
 protected:
  KernelInfoTest() {
    char name[] = "/tmp/nexadb-info-XXXXXX";
    directory_ = ::mkdtemp(name);
    std::ofstream(directory_ + "/n.toml")
        << "[kernel]\nlog_level = \"error\"\nplugin_path = [\"" NEXADB_PROBES "\"]\n"
        << "[plugins.one]\nlibrary = \"probe-source\"\nconfig = { password = \"hunter2\" }\n"
        << "[plugins.sink]\nlibrary = \"probe-sink\"\n";
    Options options;
    options.config_path = directory_ + "/n.toml";
    options.data_dir = directory_ + "/data";
    plan_ = MakePlan(options, problems_);
  }
  ~KernelInfoTest() override { std::filesystem::remove_all(directory_); }

  static std::string Text(bson::Document doc, const char* name) {
    return std::string(doc[name].value().Text());
  }

  std::string directory_;
  config::Problems problems_;
  Plan plan_;
};

TEST_F(KernelInfoTest, ShowsInstancesWiringAndStates) {
  ASSERT_TRUE(problems_.empty()) << problems_.lines().front();
  Kernel kernel(plan_, base::SystemEnv());
  InfoService info(kernel);
  EXPECT_EQ(std::string_view(info.State()), "starting");
  const Status started = kernel.Start([] { return false; });
  ASSERT_TRUE(started.ok()) << started.message();
  EXPECT_EQ(std::string_view(info.State()), "running");
  auto shown = info.Instances();
  ASSERT_TRUE(shown.ok());
  ASSERT_EQ(bson::Validate(shown->bytes()), nullptr);
  std::vector<bson::Document> instances;
  for (const auto& e : bson::Document(shown->bytes())["instances"].value().Doc()) {
    instances.push_back(e.value().Doc());
  }
  ASSERT_EQ(instances.size(), 3u);
  EXPECT_EQ(Text(instances[0], "name"), "kernel");
  EXPECT_EQ(Text(instances[1], "name"), "one");
  EXPECT_EQ(Text(instances[1], "id"), "test.probe-source");
  EXPECT_EQ(Text(instances[2], "name"), "sink");
  for (const bson::Document& instance : instances) EXPECT_EQ(Text(instance, "state"), "started");
  const bson::Document slots = instances[2]["slots"].value().Doc();
  const bson::Document slot = slots["0"].value().Doc();
  EXPECT_EQ(Text(slot, "slot"), "source");
  EXPECT_EQ(Text(slot, "cardinality"), "one");
  EXPECT_EQ(Text(slot["instances"].value().Doc(), "0"), "one");
  kernel.Stop();
  EXPECT_EQ(std::string_view(info.State()), "stopping");
  EXPECT_EQ(kernel.instances()[0]->State(), InstanceState::kReleased);
}

TEST_F(KernelInfoTest, KeepsSecrets) {
  Kernel kernel(plan_, base::SystemEnv());
  InfoService info(kernel);
  for (const auto& shown : {info.Instances(), info.Config()}) {
    ASSERT_TRUE(shown.ok());
    EXPECT_EQ(shown->text().find("hunter2"), std::string_view::npos);
    EXPECT_NE(shown->text().find("(secret)"), std::string_view::npos);
  }
}

TEST_F(KernelInfoTest, MetricsAreInPrometheusForm) {
  Kernel kernel(plan_, base::SystemEnv());
  InfoService info(kernel);
  auto text = info.MetricsText();
  ASSERT_TRUE(text.ok());
  EXPECT_NE(text->text().find("# TYPE process_resident_memory_bytes gauge\n"),
            std::string_view::npos);
}

TEST_F(KernelInfoTest, AFailedInstanceGivesItsReason) {
  for (PlannedInstance& instance : plan_.instances) {
    if (instance.name == "sink")
      *instance.config.Find("fail_in") = config::Value::Text("start", "");
  }
  Kernel kernel(plan_, base::SystemEnv());
  const Status status = kernel.Start([] { return false; });
  EXPECT_EQ(status.code(), Code::kInternal);
  EXPECT_EQ(kernel.instances()[1]->State(), InstanceState::kFailed);
  EXPECT_EQ(kernel.instances()[1]->Reason(), "Start: an exception that is not a std::exception");
  EXPECT_EQ(kernel.instances()[0]->State(), InstanceState::kReleased);
}

}  // namespace
}  // namespace nexadb::kernel
