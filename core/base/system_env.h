// The operating system as an Env: POSIX files, clock, getrandom, pthreads.
//
// One immortal object without state, so any number of engines may share it from any thread. Beyond
// what nexadb/env.h says:
//  * files are made with mode 0600, directories with 0700, and every descriptor is close-on-exec;
//  * a Lock is flock(2) on a file that it makes when missing: it conflicts with other processes and
//    with other locks of this one, and the system drops it when the process dies;
//  * CreateDirectories is durable on return: each parent of a new directory is synced;
//  * kResourceExhausted stands for ENOSPC, EDQUOT and EFBIG.
#pragma once
#include "nexadb/env.h"

namespace nexadb::base {

// Never destroyed. [any]
Env& SystemEnv() noexcept;

// Lets this process open as many files as the system allows it to ask for; shells and service
// managers start programs with far fewer.
void RaiseDescriptorLimit();

}  // namespace nexadb::base
