// Wiring: which instance fills which slot, and the order that follows from it.
//
// A slot is filled by the instances that provide its interface. `use` decides where more than one
// fits; it is needed nowhere else. A slot of cardinality many takes all that fit, in the file's
// order, unless `use` names some. An instance never fills its own slot.
#pragma once
#include "core/config/problems.h"
#include "core/kernel/plan.h"

namespace nexadb::kernel {

// Fills the bindings and start_order of `plan`.
void Wire(Plan& plan, config::Problems& problems);

}  // namespace nexadb::kernel
