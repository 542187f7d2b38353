// Workloads: what is done to a peer, in the order in which the table has it.
#pragma once
#include <algorithm>
#include <iterator>
#include <set>
#include <string>

#include "bench/storage/measure.h"

namespace nexadb::bench {

struct Plan {
  Subject subject;
  uint64_t rows = 0;
  double seconds = 3;                       // of each workload that runs for a time
  double overwrite_seconds = 0;             // 0: every row once
  std::set<std::string, std::less<>> only;  // empty: all

  bool Wants(std::string_view workload) const { return only.empty() || only.contains(workload); }
  template <class Workloads>
  bool WantsAny(const Workloads& workloads) const {
    return std::any_of(std::begin(workloads), std::end(workloads),
                       [&](std::string_view workload) { return Wants(workload); });
  }
};

// Runs what the plan wants and prints a line for each. Ends the program on a wrong answer.
void RunWorkloads(const Plan& plan);

}  // namespace nexadb::bench
