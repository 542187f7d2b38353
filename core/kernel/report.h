// Report: a plan, or a plugin's file, as text for people. Pure functions.
#pragma once
#include <string>

#include "core/kernel/plan.h"

namespace nexadb::kernel {

std::string WiringText(const Plan& plan);                  // --print-wiring
std::string ConfigText(const Plan& plan);                  // --print-config: valid TOML
std::string InspectText(const loader::LibraryFile& file);  // --inspect

}  // namespace nexadb::kernel
