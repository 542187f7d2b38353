// Signals: SIGTERM, SIGINT and a terminal that hangs up ask the kernel to drain; a second one ends
// it at once. SIGHUP that a process sends asks for a reload.
//
// A thread of its own waits for them, so that they are heard while plugins start or drain, and no
// other thread's system calls are interrupted. The thread lives until the process ends.
#pragma once

namespace nexadb::kernel {

enum class Request { kStop, kReload };

// [control] Once, before any other thread is started.
void WatchSignals();

// [any] True once a signal has asked for the end.
bool StopRequested();

// [control] Returns when a signal has come; kStop when both were asked for.
Request WaitForRequest();

}  // namespace nexadb::kernel
