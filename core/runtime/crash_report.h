// Crash report: on SIGSEGV, SIGABRT, SIGBUS, SIGFPE or SIGILL, says on stderr which plugin's code
// was running, then lets the signal take its course (core dump, exit status).
//
// The handler allocates nothing and takes no lock: NameLibrary has put the names into a fixed
// table, and _dl_find_object, which exists for unwinders, finds the library of an address. Under a
// sanitizer nothing is installed, since its own report is better.
#pragma once
#include <string_view>

namespace nexadb::runtime {

// [control] Once, early, from the main thread.
void InstallCrashReport();

// [control] Code of the library mapped from `path` will be reported as `label`. Call after loading.
void NameLibrary(const char* path, std::string_view label);

// The label of the library that holds `address`, or "" when none was named.
std::string_view LabelOf(const void* address);

}  // namespace nexadb::runtime
