// Laws of every plugin's life, whatever it provides.
#include <atomic>
#include <filesystem>

#include "core/base/system_env.h"
#include "core/loader/library.h"
#include "law.h"

namespace nexadb::testkit {
namespace {

// What a process holds of the system.
struct Holdings {
  size_t threads = 0;
  size_t descriptors = 0;
  bool operator==(const Holdings&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Holdings& held) {
  return out << held.threads << " threads, " << held.descriptors << " descriptors";
}

size_t EntriesOf(const char* directory) {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(directory)) ++count;
  return count;
}

Holdings Now() { return {EntriesOf("/proc/self/task"), EntriesOf("/proc/self/fd")}; }

// A joined thread leaves the list a moment after its join.
Holdings NowOrSoon(const Holdings& expected) {
  constexpr int kLooks = 2000;
  constexpr uint64_t kPauseNs = 1'000'000;
  Holdings held = Now();
  for (int i = 0; i < kLooks && held != expected; ++i) {
    base::SystemEnv().SleepNs(kPauseNs);
    held = Now();
  }
  return held;
}

void LiveOnce(LawBench& bench, const std::string& name) {
  auto assembly = bench.Started(name);
  assembly->Stop();
}

void StartsAndStops(LawBench& bench) {
  LiveOnce(bench, "data");
  Status reported = bench.Opened("other")->plugin().ReportedFailure();
  EXPECT_TRUE(reported.ok()) << reported.message();
}

void ReleaseWithoutConfigureIsLegal(LawBench& bench) {
  const auto file = Must(loader::InspectLibrary(bench.suite().plugin.library));
  const PluginDescriptor* descriptor = Must(loader::LoadLibrary(file));
  Plugin* plugin = descriptor->create();
  ASSERT_NE(plugin, nullptr);
  plugin->Release();
}

void ReleaseWithoutStartIsLegal(LawBench& bench) {
  for (int i = 0; i < 3; ++i) EXPECT_NE(bench.Opened(), nullptr);
}

void StartsAndStopsFiveTimes(LawBench& bench) {
  for (int i = 0; i < 5; ++i) {
    SCOPED_TRACE("life " + std::to_string(i + 1) + " over the same directory");
    LiveOnce(bench, "data");
  }
}

void TwoInstancesLiveSideBySide(LawBench& bench) {
  auto first = bench.Started("first");
  auto second = bench.Started("second");
  first->Stop();
  first.reset();
  // The one that is left goes on, and a third may join it.
  auto third = bench.Started("third");
  for (Assembly* one : {second.get(), third.get()}) {
    Status reported = one->plugin().ReportedFailure();
    EXPECT_TRUE(reported.ok()) << reported.message();
    one->Stop();
  }
}

// What a library sets up once for its process (a pool of its own) is there after the first life.
void StopLeavesNoThreadAndNoDescriptor(LawBench& bench) {
  LiveOnce(bench, "data");
  Holdings settled = Now();
  settled = NowOrSoon(settled);
  LiveOnce(bench, "data");
  const Holdings second = NowOrSoon(settled);
  LiveOnce(bench, "data");
  EXPECT_EQ(NowOrSoon(second), second) << "each life leaves something behind";
}

// Starts that fail at each operation in turn: files, directories, threads.
void StopWorksAfterAFailedStart(LawBench& bench) {
  constexpr uint64_t kOperationsTried = 40;
  LiveOnce(bench, "first");
  for (uint64_t n = 0; n < kOperationsTried; ++n) {
    const std::string name = "data" + std::to_string(n);
    SCOPED_TRACE("operation " + std::to_string(n) + " of Start and all later ones fail");
    auto assembly = bench.Opened(name);
    bench.env().FailFrom(n);
    const Status started = assembly->Start();
    bench.env().Heal();
    assembly->Stop();
    assembly.reset();
    if (!started.ok()) {
      EXPECT_FALSE(started.message().empty()) << "a refusal says why";
    }
    // What the failed start has left must not be in the way of the next.
    LiveOnce(bench, name);
    if (!bench.env().HasFailed()) return;
  }
}

// The same, for plugins that need others: nothing fills their slots.
void AnEmptySlotIsAFailedStart(LawBench& bench) {
  const auto file = Must(loader::InspectLibrary(bench.suite().plugin.library));
  const bool needs_others =
      std::any_of(file.manifest.requirements.begin(), file.manifest.requirements.end(),
                  [](const auto& r) { return r.cardinality == loader::Cardinality::kOne; });
  HostOptions options;
  options.data_directory = bench.directory();
  options.config = bench.suite().plugin.config;
  auto host = Must(PluginHost::Open(bench.suite().plugin.library, options));
  const Status started = host->Start();
  EXPECT_EQ(started.ok(), !needs_others) << started.message();
  host->Stop();
}

void AFailedStartLeavesNothing(LawBench& bench) {
  LiveOnce(bench, "data");
  auto fail = [&] {
    auto assembly = bench.Opened("data");
    bench.env().FailFrom(0);
    static_cast<void>(assembly->Start().ok());
    bench.env().Heal();
    assembly->Stop();
  };
  fail();
  const Holdings settled = NowOrSoon(Now());
  fail();
  const Holdings second = NowOrSoon(settled);
  fail();
  EXPECT_EQ(NowOrSoon(second), second) << "each failed start leaves something behind";
}

void AnIdlePluginDrainsAtOnce(LawBench& bench) {
  constexpr uint64_t kDeadlineMs = 60'000;
  constexpr uint64_t kAtOnceNs = 10'000'000'000;
  auto assembly = bench.Started();
  const uint64_t began_ns = base::SystemEnv().Clock().MonotonicNs();
  assembly->plugin().Plugin().Drain(kDeadlineMs);
  EXPECT_LT(base::SystemEnv().Clock().MonotonicNs() - began_ns, kAtOnceNs);
  assembly->Stop();
}

void UnheardOfFacetsAreNull(LawBench& bench) {
  auto assembly = bench.Opened();
  Plugin& plugin = assembly->plugin().Plugin();
  EXPECT_EQ(plugin.Facet({"com.example.unheard_of", 0, 1}), nullptr);
  EXPECT_EQ(plugin.Facet({"", 0, 0}), nullptr);
}

// The same configuration again: applied, or refused without harm.
void ReconfigureAnswers(LawBench& bench) {
  auto assembly = bench.Started();
  const Status same = assembly->plugin().Reconfigure(bench.suite().plugin.config);
  EXPECT_TRUE(same.ok() || same.code() == Code::kUnsupported) << same.message();
  assembly->Stop();
}

}  // namespace

void RegisterEveryPluginSuite(const PluginSuite& suite) {
  RegisterLaws(suite, {{"StartsAndStops", StartsAndStops},
                       {"ReleaseWithoutConfigureIsLegal", ReleaseWithoutConfigureIsLegal},
                       {"ReleaseWithoutStartIsLegal", ReleaseWithoutStartIsLegal},
                       {"StartsAndStopsFiveTimes", StartsAndStopsFiveTimes},
                       {"TwoInstancesLiveSideBySide", TwoInstancesLiveSideBySide},
                       {"StopLeavesNoThreadAndNoDescriptor", StopLeavesNoThreadAndNoDescriptor},
                       {"StopWorksAfterAFailedStart", StopWorksAfterAFailedStart},
                       {"AnEmptySlotIsAFailedStart", AnEmptySlotIsAFailedStart},
                       {"AFailedStartLeavesNothing", AFailedStartLeavesNothing},
                       {"AnIdlePluginDrainsAtOnce", AnIdlePluginDrainsAtOnce},
                       {"UnheardOfFacetsAreNull", UnheardOfFacetsAreNull},
                       {"ReconfigureAnswers", ReconfigureAnswers}});
}

}  // namespace nexadb::testkit
