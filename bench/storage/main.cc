// storage-bench: one engine, one durability class, one value size, one round: a line of JSON on
// standard output for each workload. run.sh calls it for all of them and prints the table.
//
//   storage-bench ENGINE [--durability process|os|disk] [--rows N] [--value-bytes N] [--round N]
//                 [--memory-mib M] [--seconds S] [--overwrite-seconds S] [--directory DIR]
//                 [--only WORKLOAD,...]
//   storage-bench machine [--seconds S]        the physical limits
//   storage-bench --engines                    names the engines of this build
//
// M: of caches, 2048 where nothing is said. The directory is emptied before and after. The engine
// nexadb-encrypted is this one with encryption; tables leave it out.
#include <cstdio>
#include <sstream>
#include <string>
#include <vector>

#include "bench/storage/cost_curve.h"
#include "bench/storage/limits.h"
#include "bench/storage/workloads.h"

namespace nexadb::bench {
namespace {

DurabilityClass ClassOf(std::string_view name) {
  for (DurabilityClass durability :
       {DurabilityClass::kProcess, DurabilityClass::kOs, DurabilityClass::kDisk}) {
    if (NameOf(durability) == name) return durability;
  }
  Fail("--durability", "expected process, os or disk");
}

Plan ParsePlan(const std::vector<std::string>& arguments) {
  Plan plan;
  plan.subject.engine = arguments[0];
  plan.subject.value_bytes = 100;
  plan.subject.directory = "/var/tmp/nexadb-bench-storage";
  plan.rows = 1'000'000;
  for (size_t i = 1; i < arguments.size(); i += 2) {
    const std::string& flag = arguments[i];
    if (i + 1 == arguments.size()) Fail(flag, "needs a value");
    const std::string& value = arguments[i + 1];
    if (flag == "--durability") {
      plan.subject.durability = ClassOf(value);
    } else if (flag == "--rows") {
      plan.rows = std::stoull(value);
    } else if (flag == "--value-bytes") {
      plan.subject.value_bytes = std::stoull(value);
    } else if (flag == "--memory-mib") {
      plan.subject.memory_bytes = std::stoull(value) << 20;
    } else if (flag == "--round") {
      plan.subject.round = std::stoull(value);
    } else if (flag == "--seconds") {
      plan.seconds = std::stod(value);
    } else if (flag == "--overwrite-seconds") {
      plan.overwrite_seconds = std::stod(value);
    } else if (flag == "--directory") {
      plan.subject.directory = value;
    } else if (flag == "--only") {
      std::stringstream names(value);
      for (std::string name; std::getline(names, name, ',');) plan.only.insert(name);
    } else {
      Fail(flag, "no such option; see the top of bench/storage/main.cc");
    }
  }
  if (plan.rows < 1000) Fail("--rows", "at least 1000");
  return plan;
}

int Main(const std::vector<std::string>& arguments) {
  if (arguments.empty()) Fail("storage-bench", "name an engine, or machine, or --engines");
  if (arguments[0] == "--engines") {
    for (std::string_view name : PeerNames()) std::puts(std::string(name).c_str());
    return 0;
  }
  const Plan plan = ParsePlan(arguments);
  if (plan.subject.engine == "machine") {
    PrintLimits(plan.subject, plan.seconds);
  } else if (plan.only.contains("curve")) {
    RunCostCurve(plan);
  } else {
    RunWorkloads(plan);
  }
  return 0;
}

}  // namespace
}  // namespace nexadb::bench

int main(int argc, char** argv) { return nexadb::bench::Main({argv + 1, argv + argc}); }
