// Limits: what this machine can do at most, printed beside the table, as lines of an engine named
// `machine`: operations are bytes of memory, or syncs.
#pragma once
#include "bench/storage/measure.h"

namespace nexadb::bench {

void PrintLimits(const Subject& subject, double seconds);

}  // namespace nexadb::bench
