// CostCurve: what a store costs as it grows: write amplification, the CPU of a read and of a seek,
// memory, and the time to open it again. One line of JSON for a size.
#pragma once
#include "bench/storage/workloads.h"

namespace nexadb::bench {

void RunCostCurve(const Plan& plan);

}  // namespace nexadb::bench
