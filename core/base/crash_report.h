// Crash report: on SIGSEGV, SIGABRT, SIGBUS, SIGFPE or SIGILL, says on stderr which plugin's code
// was running, then lets the signal take its course (core dump, exit status).
//
// The handler allocates nothing and takes no lock: NameLibrary has put the names into a fixed
// table, and _dl_find_object, which exists for unwinders, finds the library of an address. Under a
// sanitizer nothing is installed, since its own report is better. The table is the process's, as
// signal handlers are: this is the one part of core/base that has state.
#pragma once
#include <string_view>

namespace nexadb::base {

// [control] Once, early, from the main thread.
// `program` stands before the message and lives as long as the process.
void InstallCrashReport(const char* program);

// [control] Code of the library that holds `address` will be reported as `label`. The first name of
// a library stays, as the library does.
void NameLibrary(const void* address, std::string_view label);

// The label of the library that holds `address`, or "" when none was named.
std::string_view LabelOf(const void* address);

}  // namespace nexadb::base
