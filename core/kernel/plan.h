// Plan: all that is known before any plugin code runs: which instances there are, from which
// libraries, with which configuration, wired how, started in which order. Immutable once made.
#pragma once
#include <string>
#include <vector>

#include "core/kernel/settings.h"
#include "core/loader/library.h"

namespace nexadb::kernel {

// A slot of an instance and the instances that fill it, as indexes into Plan::instances.
struct Binding {
  loader::Requirement requirement;
  std::vector<size_t> providers;
};

// What the configuration says of it, validated, and what follows. `library` is empty for the
// kernel's own instance.
struct PlannedInstance : InstanceSettings {
  loader::LibraryFile file;
  std::vector<Binding> bindings;
  bool readable = true;  // false: its library could not be read, so nothing else is known

  bool IsKernel() const { return library.empty(); }
};

struct Plan {
  Settings settings;
  std::vector<PlannedInstance> instances;  // [0] is the kernel's own
  std::vector<size_t> start_order;         // without the kernel's own
  std::vector<std::string> warnings;       // what may be a mistake
};

// Reads the configuration and every library it names; every mistake of every kind goes to
// `problems`, and a plan with problems must not be run.
Plan MakePlan(const Options& options, config::Problems& problems);

// Wiring: fills the bindings and start_order of `plan`.
//
// A slot is filled by the instances that provide its interface. `use` decides where more than one
// fits; it is needed nowhere else. A slot of cardinality many takes all that fit, in the file's
// order, unless `use` names some. An instance never fills its own slot.
void Wire(Plan& plan, config::Problems& problems);

}  // namespace nexadb::kernel
