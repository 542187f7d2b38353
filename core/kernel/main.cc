// nexadb-kernel: reads a configuration, loads the plugins it names, and runs them until told to
// stop. It knows plugins, services and wiring; it knows no database.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "core/base/crash_report.h"
#include "core/base/directory_lock.h"
#include "core/base/service_manager.h"
#include "core/base/system_env.h"
#include "core/kernel/kernel.h"
#include "core/kernel/options.h"
#include "core/kernel/report.h"
#include "core/kernel/signals.h"
#include "core/loader/fingerprint.h"

namespace nexadb::kernel {
namespace {

int Fail(int exit_code, std::string_view message) {
  fmt::print(stderr, "nexadb-kernel: {}\n", message);
  return exit_code;
}

int Inspect(const std::string& path) {
  auto file = loader::InspectLibrary(path);
  if (!file.ok()) return Fail(kExitUsage, file.status().message());
  fmt::print("{}", InspectText(*file));
  return kExitOk;
}

int ReportProblems(const Options& options, const config::Problems& problems) {
  for (const std::string& line : problems.lines()) fmt::print(stderr, "{}\n", line);
  const size_t count = problems.lines().size();
  return Fail(kExitUsage, fmt::format("{} {} in {}; nothing was started", count,
                                      count == 1 ? "mistake" : "mistakes", options.config_path));
}

void LogStarted(Kernel& kernel, uint64_t took_ms) {
  std::string names;
  for (const auto& instance : kernel.instances()) {
    names += (names.empty() ? "" : ", ") + instance->plan().name;
  }
  kernel.Log().Info(fmt::format("NexaDB {} is running: {} (started in {} ms, data in {}, pid {})",
                                NEXADB_VERSION, names, took_ms, kernel.plan().settings.data_dir,
                                ::getpid()));
}

// A service manager that cannot be told may give the kernel up, which is worth a line in the log.
void Tell(Kernel& kernel, std::string_view message) {
  if (Status s = base::NotifyServiceManager(message); !s.ok()) kernel.Log().Warning(s.message());
}

void Reload(Kernel& kernel, const Options& options) {
  config::Problems problems;
  auto next = std::make_unique<const Plan>(MakePlan(options, problems));
  if (problems.empty()) return kernel.Reload(std::move(next));
  for (const std::string& line : problems.lines()) kernel.Log().Error("reload: " + line);
  kernel.Log().Error("reload: the configuration has mistakes; nothing was applied");
}

int Run(const Plan& plan, const Options& options) {
  Env& env = base::SystemEnv();
  const uint64_t began_ns = env.Clock().MonotonicNs();
  base::InstallCrashReport("nexadb-kernel");
  base::RaiseDescriptorLimit();
  const auto lock = base::LockDirectory(env.Files(), plan.settings.data_dir);
  if (!lock.ok()) return Fail(kExitFailure, lock.status().message());
  WatchSignals();
  Kernel kernel(plan, env);
  for (const std::string& warning : plan.warnings) kernel.Log().Warning(warning);
  if (::geteuid() == 0) kernel.Log().Warning("running as root; a user of its own is safer");
  if (Status s = kernel.Start(&StopRequested); !s.ok()) {
    if (StopRequested()) return kExitOk;
    return Fail(kExitFailure, fmt::format("{}; what had started was stopped again", s.message()));
  }
  LogStarted(kernel, (env.Clock().MonotonicNs() - began_ns) / 1000000);
  Tell(kernel, base::kServiceReady);
  while (WaitForRequest() == Request::kReload) {
    Tell(kernel, base::ServiceReloading(env.Clock().MonotonicNs()));
    Reload(kernel, options);
    Tell(kernel, base::kServiceReady);
  }
  Tell(kernel, base::kServiceStopping);
  kernel.Log().Info(fmt::format("draining, for {} ms at most; a second signal stops at once",
                                plan.settings.drain_ms));
  kernel.Stop();
  kernel.Log().Info("stopped");
  return kExitOk;
}

int Main(int argc, const char* const* argv) {
  auto options = ParseOptions(argc, argv);
  if (!options.ok()) return Fail(kExitUsage, options.status().message());
  switch (options->command) {
    case Command::kHelp: fmt::print("{}", HelpText()); return kExitOk;
    case Command::kVersion:
      fmt::print("nexadb-kernel {}\nfingerprint {}\n", NEXADB_VERSION, loader::KernelFingerprint());
      return kExitOk;
    case Command::kInspect: return Inspect(options->inspect_path);
    default: break;
  }
  config::Problems problems;
  const Plan plan = MakePlan(*options, problems);
  if (!problems.empty()) return ReportProblems(*options, problems);
  switch (options->command) {
    case Command::kCheck:
      for (const std::string& warning : plan.warnings) fmt::print(stderr, "warning: {}\n", warning);
      fmt::print("{}: no mistakes; {} instances\n", options->config_path, plan.start_order.size());
      return kExitOk;
    case Command::kPrintWiring: fmt::print("{}", WiringText(plan)); return kExitOk;
    case Command::kPrintConfig: fmt::print("{}", ConfigText(plan)); return kExitOk;
    default: return Run(plan, *options);
  }
}

}  // namespace
}  // namespace nexadb::kernel

int main(int argc, char** argv) {
  try {
    return nexadb::kernel::Main(argc, argv);
  } catch (const std::exception& error) {
    return nexadb::kernel::Fail(nexadb::kernel::kExitFailure, error.what());
  }
}
