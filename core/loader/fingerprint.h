// Fingerprint: what a plugin was built for, compared with what this kernel is.
//
// "linux-x86_64,itanium,ptr=8,abi=0.1,san=none|12.2.0;libstdc++": left of '|' must be equal, the
// right says compiler and standard library and is shown in reports only. Pure functions.
#pragma once
#include <string>
#include <string_view>

#include "nexadb/abi.h"

namespace nexadb::loader {

// What this kernel was built as.
std::string_view KernelFingerprint();

// OK when a plugin with `fingerprint` can be loaded; otherwise kUnsupported with both sides of
// every field that differs.
Status CompareFingerprint(std::string_view fingerprint);

// "12.2.0;libstdc++": the part that is recorded only.
std::string_view Toolchain(std::string_view fingerprint);

}  // namespace nexadb::loader
