#include "core/kernel/plan.h"

#include <gtest/gtest.h>

namespace nexadb::kernel {
namespace {

using loader::Cardinality;
using loader::InterfaceName;

class WiringTest : public ::testing::Test {
 protected:
  WiringTest() { Add("kernel", {"info"}).library = ""; }

  PlannedInstance& Add(const std::string& name, const std::vector<std::string>& provides) {
    PlannedInstance instance;
    instance.name = name;
    instance.where = "f:" + name;
    instance.library = name;
    instance.file.manifest.id = "id." + name;
    for (const std::string& p : provides) instance.file.manifest.provides.push_back({p, 0, 1});
    plan_.instances.push_back(std::move(instance));
    return plan_.instances.back();
  }
  static void Slot(PlannedInstance& instance, const std::string& slot, const std::string& interface,
                   Cardinality cardinality = Cardinality::kOne) {
    instance.file.manifest.requirements.push_back({slot, {interface, 0, 1}, cardinality});
  }
  static void Use(PlannedInstance& instance, const std::string& slot,
                  const std::vector<std::string>& names) {
    instance.use.push_back({slot, "u", names});
  }
  std::vector<std::string> Mistakes() {
    config::Problems problems;
    Wire(plan_, problems);
    return problems.lines();
  }
  std::vector<std::string> Order() {
    std::vector<std::string> names;
    for (size_t index : plan_.start_order) names.push_back(plan_.instances[index].name);
    return names;
  }
  using Lines = std::vector<std::string>;

  Plan plan_;
};

TEST_F(WiringTest, ProvidersStartBeforeTheirConsumers) {
  Slot(Add("rest", {}), "database", "db");
  Slot(Add("docs", {"db"}), "storage", "store");
  Slot(plan_.instances.back(), "kernel", "info");
  Add("lsm", {"store"});
  EXPECT_EQ(Mistakes(), Lines{});
  EXPECT_EQ(Order(), (Lines{"lsm", "docs", "rest"}));
}

TEST_F(WiringTest, AnAmbiguousSlotNamesItsCandidates) {
  Add("a", {"store"});
  Add("b", {"store"});
  Slot(Add("docs", {}), "storage", "store");
  EXPECT_EQ(Mistakes(), Lines{"f:docs: plugins.docs.use: slot \"storage\" fits 2 instances; write "
                              "use = { storage = \"a\" } or { storage = \"b\" }"});
}

TEST_F(WiringTest, UseDecides) {
  Add("a", {"store"});
  Add("b", {"store"});
  Slot(Add("docs", {}), "storage", "store");
  Use(plan_.instances.back(), "storage", {"b"});
  EXPECT_EQ(Mistakes(), Lines{});
  EXPECT_EQ(plan_.instances[3].bindings[0].providers, std::vector<size_t>{2});
}

TEST_F(WiringTest, ManyTakesAllThatFitAndOptionalMayBeEmpty) {
  Add("a", {"store"});
  Add("b", {"store"});
  PlannedInstance& docs = Add("docs", {});
  Slot(docs, "all", "store", Cardinality::kMany);
  Slot(docs, "text", "text", Cardinality::kOptional);
  EXPECT_EQ(Mistakes(), Lines{});
  EXPECT_EQ(plan_.instances[3].bindings[0].providers, (std::vector<size_t>{1, 2}));
  EXPECT_TRUE(plan_.instances[3].bindings[1].providers.empty());
}

TEST_F(WiringTest, EveryWrongUseIsReported) {
  Add("lsm", {"store"});
  PlannedInstance& docs = Add("docs", {});
  Slot(docs, "storage", "store");
  Slot(docs, "spare", "store");
  Slot(docs, "info", "info");
  Use(docs, "storag", {"lsm"});
  Use(docs, "storage", {"lsn"});
  Use(docs, "spare", {"lsm", "lsm"});
  Use(docs, "info", {"lsm"});
  EXPECT_EQ(Mistakes(),
            (Lines{"u: plugins.docs.use.storag: unknown slot (did you mean \"storage\"?); id.docs "
                   "has these: storage, spare, info",
                   "u: plugins.docs.use.storage: no instance \"lsn\" (did you mean \"lsm\"?)",
                   "u: plugins.docs.use.spare: takes one instance, got 2",
                   "u: plugins.docs.use.info: \"lsm\" does not provide info/0.1; these do: "
                   "\"kernel\""}));
}

TEST_F(WiringTest, AMissingProviderIsNamedWithItsOtherVersions) {
  Add("lsm", {}).file.manifest.provides.push_back({"store", 0, 2});
  Slot(Add("docs", {}), "storage", "store");
  EXPECT_EQ(Mistakes(), Lines{"f:docs: plugins.docs: slot \"storage\" needs an instance that "
                              "provides store/0.1; add one (lsm provides store/0.2)"});
}

TEST_F(WiringTest, ACycleIsNamed) {
  Slot(Add("a", {"x"}), "next", "y");
  Slot(Add("b", {"y"}), "next", "x");
  EXPECT_EQ(Mistakes(), Lines{"f:a: plugins.a: these need one another: a -> b -> a; break the "
                              "cycle with `use`"});
}

TEST_F(WiringTest, AnInstanceNeverFillsItsOwnSlot) {
  Slot(Add("cache", {"store"}), "storage", "store");
  EXPECT_EQ(Mistakes().size(), 1u);
}

TEST_F(WiringTest, AnUnreadableLibraryCausesNoFurtherMistakes) {
  Add("lsm", {}).readable = false;
  Slot(Add("docs", {}), "storage", "store");
  Slot(Add("more", {}), "storage", "store");
  Use(plan_.instances.back(), "storage", {"lsm"});
  EXPECT_EQ(Mistakes(), Lines{});
}

}  // namespace
}  // namespace nexadb::kernel
