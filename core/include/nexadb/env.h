// Env: everything an engine asks of the operating system. Engine code calls nothing else, so the
// same code runs on the real system (core/base/system_env.h) and in the simulator
// (core/base/sim_env.h), whose disk drops unsynced data, tears writes and fails on command, and
// whose threads run one at a time, handing on a baton by seed.
//
// Paths are UTF-8. Every failing call names its path in the message; codes: kNotFound (no such
// file), kConflict (exists already, or locked by another process), kResourceExhausted (disk full),
// kIoError (anything else).
#pragma once
#include "nexadb/abi.h"

namespace nexadb {

enum class FileMode : uint32_t {
  kRead = 0,       // must exist
  kReadWrite = 1,  // must exist
  kCreateNew = 2,  // read and write; kConflict when it exists
  kCreate = 3,     // read and write; made when missing, kept as it is otherwise
  kTruncate = 4,   // read and write; made when missing, emptied otherwise
};

class File {
 public:
  // [any] Reads up to out.size() bytes at `offset`; fewer only at the end of the file.
  virtual Result<uint64_t> ReadAt(uint64_t offset, Span<uint8_t> out) noexcept = 0;
  // [any] Writes all of `data` at `offset`, growing the file as needed. Survives a kill of the
  // process once returned, a power cut only after Sync.
  virtual Status WriteAt(uint64_t offset, BytesView data) noexcept = 0;
  // [any] fdatasync: data and size are durable on return. After a failure the file's unsynced
  // bytes are in doubt for ever: never retry on the same file.
  virtual Status Sync() noexcept = 0;
  // [any] Reserves and zeroes disk space up to `size`, so that later writes below it need no
  // metadata commit.
  virtual Status Allocate(uint64_t size) noexcept = 0;
  virtual Status Truncate(uint64_t size) noexcept = 0;
  virtual Result<uint64_t> Size() noexcept = 0;
  virtual void Release() noexcept = 0;  // closes
  // Many small writes will go to [begin, end), which Allocate has covered: WriteAt may copy them
  // into memory that the file shares instead of calling the system for each. What WriteAt promises
  // stays as it is. A hint, which takes the place of the one before. Not beside WriteAt.
  virtual void ExpectWrites(uint64_t /*begin*/, uint64_t /*end*/) noexcept {}

 protected:
  ~File() = default;
};

// An exclusive lock on a file, held until released or the process ends.
class FileLock {
 public:
  virtual void Release() noexcept = 0;

 protected:
  ~FileLock() = default;
};

// Receives the entries of a directory, in no order.
struct DirectorySink {
  void (*entry)(void* state, StringView name) noexcept = nullptr;
  void* state = nullptr;
};

class FileSystem {  // [any]
 public:
  virtual Result<Handle<File>> Open(StringView path, FileMode mode) noexcept = 0;
  virtual Status Remove(StringView path) noexcept = 0;
  // Atomic; replaces `to`. Durable after SyncDirectory of the parent.
  virtual Status Rename(StringView from, StringView to) noexcept = 0;
  virtual Status Link(StringView from, StringView to) noexcept = 0;
  // Makes the directory and its parents; fine when it exists. Mode 0700.
  virtual Status CreateDirectories(StringView path) noexcept = 0;
  virtual Status RemoveDirectory(StringView path) noexcept = 0;
  virtual Status SyncDirectory(StringView path) noexcept = 0;
  virtual Status List(StringView path, const DirectorySink& sink) noexcept = 0;
  virtual bool Exists(StringView path) noexcept = 0;
  virtual Result<uint64_t> FileSize(StringView path) noexcept = 0;
  virtual Result<uint64_t> FreeBytes(StringView path) noexcept = 0;
  // kConflict when another process (or another lock of this one) holds it.
  virtual Result<Handle<FileLock>> Lock(StringView path) noexcept = 0;

 protected:
  ~FileSystem() = default;
};

class Clock {  // [any][nonblocking]
 public:
  virtual uint64_t MonotonicNs() noexcept = 0;
  virtual int64_t UnixMs() noexcept = 0;

 protected:
  ~Clock() = default;
};

class Random {
 public:
  // [any] Fills from a cryptographic generator (the simulator: from its seed).
  virtual void Fill(Span<uint8_t> out) noexcept = 0;

 protected:
  ~Random() = default;
};

class Mutex {
 public:
  virtual void Lock() noexcept = 0;
  virtual bool TryLock() noexcept = 0;
  virtual void Unlock() noexcept = 0;
  virtual void Release() noexcept = 0;

 protected:
  ~Mutex() = default;
};

class CondVar {
 public:
  // REQUIRES: the calling thread holds `mutex`. May wake without a notify.
  virtual void Wait(Mutex& mutex) noexcept = 0;
  // False when `timeout_ns` passed first.
  virtual bool WaitFor(Mutex& mutex, uint64_t timeout_ns) noexcept = 0;
  virtual void NotifyOne() noexcept = 0;
  virtual void NotifyAll() noexcept = 0;
  virtual void Release() noexcept = 0;

 protected:
  ~CondVar() = default;
};

class Thread {
 public:
  // Waits for the thread's end. Called once, before Release.
  virtual void Join() noexcept = 0;
  virtual void Release() noexcept = 0;

 protected:
  ~Thread() = default;
};

class Env {  // [any]
 public:
  virtual FileSystem& Files() noexcept = 0;
  virtual nexadb::Clock& Clock() noexcept = 0;
  virtual nexadb::Random& Random() noexcept = 0;
  virtual Handle<Mutex> NewMutex() noexcept = 0;
  virtual Handle<CondVar> NewCondVar() noexcept = 0;
  // Runs `body` on a new thread. `name` shows in debuggers, first 15 bytes.
  virtual Result<Handle<Thread>> StartThread(StringView name, const Callback& body) noexcept = 0;
  virtual void SleepNs(uint64_t duration_ns) noexcept = 0;

 protected:
  ~Env() = default;
};

}  // namespace nexadb
