// Signals: SIGTERM, SIGINT and SIGHUP ask the kernel to drain; a second one ends it at once.
//
// A thread of its own waits for them, so that they are heard while plugins start or drain, and no
// other thread's system calls are interrupted. The thread lives until the process ends.
#pragma once

namespace nexadb::kernel {

// [control] Once, before any other thread is started.
void WatchSignals();

// [any] True once a signal has come.
bool StopRequested();

// [control] Returns when a signal has come.
void WaitForStopRequest();

}  // namespace nexadb::kernel
