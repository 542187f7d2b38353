// SimDisk: a disk in memory that keeps what was written apart from what is durable, so that a power
// cut can be played at any operation. The disk under SimEnv.
//
// Model
//  * A file has live bytes (the page cache) and durable bytes. Writes and truncations since the
//  last
//    Sync wait in a list. Crash gives every 4 KiB block, on its own, the state after any number of
//    the writes that touched it, and may cut the last one at a 512-byte sector; the size is that
//    after any of the pending operations, and what was not written below it reads as zeros.
//  * A name (create, remove, rename, link) waits until SyncDirectory of its directory. Crash keeps
//    either a prefix of the waiting operations, as a journal would, or any subset of them. One
//    rename is never split. CreateDirectories is durable on return, as SystemEnv's.
//  * What was synced is never damaged, except by FlipBits.
//  * A failed Sync is the kernel's: the waiting bytes still read back, yet any of them may never
//    reach the disk, and the next Sync says OK.
//  * A failed write may have written a part.
//
// Every call that changes something counts as an operation. CrashAt(n) lets operation n happen
// without its answer; it and every later call fail until Crash. Handles opened before a Crash fail
// for ever.
//
// [serial]: SimEnv calls it with the baton held. The control part is for tests.
#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/base/prng.h"
#include "nexadb/env.h"

namespace nexadb::base {

enum class FileOp : uint32_t {
  kAny,
  kOpen,
  kRead,
  kWrite,
  kSync,
  kAllocate,
  kTruncate,
  kRemove,
  kRename,
  kLink,
  kCreateDirectories,
  kRemoveDirectory,
  kSyncDirectory,
  kList,
  kLock,
};
const char* FileOpName(FileOp op) noexcept;

enum class FaultTimes : uint32_t { kOnce, kAlways };

// Fails matching operations with `code`: kIoError, or kResourceExhausted for a full disk.
struct Fault {
  FileOp op = FileOp::kAny;
  uint64_t skip = 0;  // so many matching operations pass first
  FaultTimes times = FaultTimes::kOnce;
  Code code = Code::kIoError;
  std::string path_contains = {};  // empty: every path
};

enum class CrashStyle : uint32_t {
  kRandom,   // by the seed: anything the model allows
  kLoseAll,  // exactly what was synced
  kKeepAll,  // a killed process: the machine goes on, nothing is lost
};

class SimDisk {
 public:
  struct Inode;
  using InodeRef = std::shared_ptr<Inode>;
  struct OpenFile {
    InodeRef inode;
    std::string path;
    uint64_t boot = 0;
    FileMode mode = FileMode::kRead;
  };

  explicit SimDisk(uint64_t seed);
  ~SimDisk();

  Result<OpenFile> Open(std::string_view path, FileMode mode);
  Result<uint64_t> ReadAt(const OpenFile& file, uint64_t offset, Span<uint8_t> out);
  Status WriteAt(const OpenFile& file, uint64_t offset, BytesView data);
  Status Sync(const OpenFile& file);
  Status Allocate(const OpenFile& file, uint64_t size);
  Status Truncate(const OpenFile& file, uint64_t size);
  Result<uint64_t> Size(const OpenFile& file);
  Status Remove(std::string_view path);
  Status Rename(std::string_view from, std::string_view to);
  Status Link(std::string_view from, std::string_view to);
  Status CreateDirectories(std::string_view path);
  Status RemoveDirectory(std::string_view path);
  Status SyncDirectory(std::string_view path);
  Status List(std::string_view path, std::vector<std::string>* names);
  bool Exists(std::string_view path);
  Result<uint64_t> FileSize(std::string_view path);
  Result<uint64_t> FreeBytes();
  Result<OpenFile> Lock(std::string_view path);
  void Unlock(const OpenFile& file);

  // ---- Control ----
  // The machine loses power and starts again: what is left is chosen by `seed`. Faults and a
  // CrashAt in force are over; the operation count goes on.
  void Crash(uint64_t seed, CrashStyle style = CrashStyle::kRandom);
  // Operations so far; the next one has this index.
  uint64_t operations() const noexcept { return operations_; }
  void CrashAt(uint64_t operation) noexcept { cut_at_ = operation; }
  // True once CrashAt's operation has come.
  bool cut() const noexcept { return cut_; }
  void Inject(Fault fault) { faults_.push_back(std::move(fault)); }
  void ClearFaults() noexcept { faults_.clear(); }
  // How often an injected fault has struck.
  uint64_t faults_struck() const noexcept { return faults_struck_; }
  void LimitCapacity(uint64_t bytes) noexcept { capacity_bytes_ = bytes; }
  // Damages stored bytes, cached and durable alike. kNotFound, or kInvalidArgument past the end.
  Status FlipBits(std::string_view path, uint64_t offset, uint8_t mask);

 private:
  struct NameChange;
  struct NameOp;
  struct Place;
  struct Verdict {
    Status status;
    bool apply = false;  // the operation happens all the same: only its answer is lost
  };

  enum class Effect { kReads, kChanges };
  Verdict Enter(FileOp op, std::string_view path, Effect effect);
  Status CheckOpen(const OpenFile& file, FileOp op, Effect effect) const;
  InodeRef Find(std::string_view path) const;
  Place FindPlace(std::string_view path) const;
  void Rewire(const NameOp& op);
  void CommitNames(const InodeRef& directory);
  uint64_t LiveBytes() const;
  void CrashNames(Prng& prng, CrashStyle style);
  void CrashTree(const InodeRef& inode, Prng& prng, CrashStyle style, std::set<Inode*>* seen);

  InodeRef root_;
  std::vector<NameOp> pending_names_;
  std::set<const Inode*> locked_;
  std::vector<Fault> faults_;
  Prng prng_;
  uint64_t boot_ = 1;
  uint64_t operations_ = 0;
  uint64_t cut_at_ = UINT64_MAX;
  uint64_t faults_struck_ = 0;
  uint64_t capacity_bytes_ = UINT64_MAX;
  bool cut_ = false;
};

}  // namespace nexadb::base
