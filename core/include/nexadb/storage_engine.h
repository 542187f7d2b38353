// nexadb.storage_engine: ordered bytes to bytes, with atomic batches, snapshots and transactions.
//
// Small enough to be implemented by an LSM tree, an in-memory tree, and a remote engine that many
// kernels share. Keys are 0 to kStorageKeyBytesMax bytes and order as memcmp, shorter first; values
// are 0 to kStorageValueBytesMax bytes. Every committed batch gets a sequence, a number that grows;
// a snapshot sees exactly the batches up to its own. The engine expires nothing by itself.
//
// Handles (snapshots, cursors, transactions) go back before the engine's Stop; a cursor or a
// transaction may outlive neither. Buffers may outlive their snapshot, not the engine's Stop.
#pragma once
#include "nexadb/abi.h"

namespace nexadb {

constexpr uint32_t kStorageKeyBytesMax = 65535;
constexpr uint32_t kStorageValueBytesMax = 64u << 20;
// A versionstamp: the commit's sequence, 8 bytes big-endian, then the order of the mutation among
// the stamped ones of its batch, 2 bytes big-endian. Unique, and sorts in commit order.
constexpr uint32_t kVersionstampBytes = 10;

struct Mutation {
  enum class Op : uint32_t {
    kPut = 1,
    kDelete = 2,
    kDeleteRange = 3,  // [key, value); an empty value reaches to the end
    // Adds the 8-byte little-endian signed integer in `value` to the one stored (missing is 0;
    // wraps). Two adds never conflict. kInvalidArgument when the stored value is not 8 bytes long.
    kAdd = 4,
    // Puts, with the kVersionstampBytes at `stamp_offset` of the key (or of the value) overwritten
    // by the commit's versionstamp.
    kPutStampedKey = 5,
    kPutStampedValue = 6,
  };
  Op op = Op::kPut;
  uint32_t stamp_offset = 0;
  BytesView key;
  BytesView value;
};

struct Row {
  BytesView key;
  BytesView value;
};

// What an acknowledged write survives. Each level includes the ones before.
enum class Durability : uint32_t {
  kDefault = 0,   // as the engine is configured
  kProcess = 1,   // buffered: a killed process may lose the last 100 ms
  kOs = 2,        // a kill of the process
  kInterval = 3,  // as kOs, and a power cut but for the last 100 ms
  kDisk = 4,      // a power cut
};

struct WriteOptions {
  uint32_t struct_size = sizeof(WriteOptions);
  Durability durability = Durability::kDefault;
};

struct ReadOptions {
  uint32_t struct_size = sizeof(ReadOptions);
  // kWouldBlock instead of touching the disk. What is in memory is found all the same.
  uint32_t nonblocking = 0;
};

struct ScanOptions {
  uint32_t struct_size = sizeof(ScanOptions);
  uint32_t reverse = 0;      // from the last row of the range down to its first
  BytesView begin, end;      // [begin, end); an empty end means past the last key
  uint32_t nonblocking = 0;  // as in ReadOptions, on Next and Seek
  uint32_t keys_only = 0;    // values may come empty
};

// [serial]
class Cursor {
 public:
  // Fills `rows` with the next rows of the range; 0 at its end, for good. Rows stay pinned until
  // the next call. Ask for hundreds: a call costs more than a row.
  virtual Result<uint64_t> Next(Span<Row> rows) noexcept = 0;
  // Moves to the first row at or after `key` (reverse: at or before), within the range; forwards
  // or backwards.
  virtual Status Seek(BytesView key) noexcept = 0;
  virtual void Release() noexcept = 0;

 protected:
  ~Cursor() = default;
};

struct Lookup {
  Buffer value;
  uint32_t found = 0;
  uint32_t reserved = 0;
};

class Reader {
 public:
  // kNotFound when absent. The buffer pins the stored bytes where it can, and copies nothing.
  virtual Result<Buffer> Get(BytesView key, const ReadOptions& options) noexcept = 0;
  // One Lookup for each key, in order. REQUIRES: out.size() == keys.size().
  virtual Status GetMany(Span<const BytesView> keys, const ReadOptions& options,
                         Span<Lookup> out) noexcept = 0;
  virtual Result<Handle<Cursor>> Scan(const ScanOptions& options) noexcept = 0;

 protected:
  ~Reader() = default;
};

// [any] An unmoving view of the store.
class Snapshot : public Reader {
 public:
  virtual uint64_t Sequence() noexcept = 0;  // [nonblocking]
  virtual void Release() noexcept = 0;

 protected:
  ~Snapshot() = default;
};

enum class Isolation : uint32_t {
  kSnapshot = 0,      // conflicts: a key this transaction writes or guards was written meanwhile
  kSerializable = 1,  // as well: any key or range it has read
};

struct TransactionOptions {
  uint32_t struct_size = sizeof(TransactionOptions);
  Isolation isolation = Isolation::kSnapshot;
};

// [serial] Reads its own writes over the snapshot taken by Begin. (A stamped hole reads as zeros,
// an add as the sum so far.) Its open cursors do not see writes made after they were opened.
class Transaction : public Reader {
 public:
  virtual uint64_t Sequence() noexcept = 0;  // of the snapshot
  // Adds mutations to the write set; keys and values are copied. Nothing of the call is added when
  // it fails.
  virtual Status Write(Span<const Mutation> mutations) noexcept = 0;
  // The key is validated on commit as if it had been written, whatever the isolation; yet two
  // transactions that only guard it do not conflict.
  virtual Status Guard(BytesView key) noexcept = 0;
  // A mark to which RollbackTo returns the write set. Guards and reads stay.
  virtual Result<uint64_t> Savepoint() noexcept = 0;
  virtual Status RollbackTo(uint64_t savepoint) noexcept = 0;
  // All or nothing. The sequence, or kConflict: run the whole transaction again. After any answer
  // the transaction is over: only Release is legal. With nothing to write, validates nothing and
  // returns the snapshot's sequence.
  virtual Result<uint64_t> Commit(const WriteOptions& options) noexcept = 0;
  virtual void Release() noexcept = 0;  // rolls back when not committed

 protected:
  ~Transaction() = default;
};

struct RangeEstimate {
  uint64_t rows = 0;
  uint64_t bytes = 0;
};

struct StorageCapabilities {
  uint32_t struct_size = sizeof(StorageCapabilities);
  uint32_t durable = 0;                          // survives a restart at all
  Durability durability = Durability::kProcess;  // what kDefault means here
  uint32_t shared = 0;                           // other kernels may write too
};

class StorageEngine {  // [any]
 public:
  static constexpr InterfaceId kInterface{"nexadb.storage_engine", 0, 1};
  // Applies a batch, all or nothing, later mutations over earlier ones; returns its sequence once
  // it has the durability asked for and is visible to new snapshots. [worker]
  virtual Result<uint64_t> Write(Span<const Mutation> batch,
                                 const WriteOptions& options) noexcept = 0;
  virtual Result<Handle<Snapshot>> OpenSnapshot() noexcept = 0;  // [nonblocking]
  virtual Result<Handle<Transaction>> Begin(const TransactionOptions& options) noexcept = 0;
  // What [begin, end) holds, about; from metadata, without reading data. [nonblocking]
  virtual Result<RangeEstimate> EstimateRange(BytesView begin, BytesView end) noexcept = 0;
  // Everything acknowledged is durable on return. [worker]
  virtual Status Flush() noexcept = 0;
  virtual StorageCapabilities Capabilities() noexcept = 0;  // [nonblocking]
  // An optional part by id, or null. This header's: StorageStatistics, StorageCheckpoint,
  // StorageBackup, StorageCompaction, StorageIngest, StorageChanges, StorageNonblocking.
  virtual void* Facet(const InterfaceId& id) noexcept = 0;

 protected:
  ~StorageEngine() = default;
};

class StorageStatistics {  // [any] facet
 public:
  static constexpr InterfaceId kInterface{"nexadb.storage.statistics", 0, 1};
  // BSON; member names are the engine's, listed in its README.
  virtual Result<Buffer> Statistics() noexcept = 0;
  // How a get of `key` would be answered: the places looked at, in order. BSON.
  virtual Result<Buffer> ExplainGet(BytesView key) noexcept = 0;
  // Reads everything and checks it against its checksums; kCorruption names file and offset.
  virtual Status Verify() noexcept = 0;

 protected:
  ~StorageStatistics() = default;
};

class StorageCheckpoint {  // [worker] facet
 public:
  static constexpr InterfaceId kInterface{"nexadb.storage.checkpoint", 0, 1};
  // A consistent copy in a directory that must not exist yet, without stopping writers; returns
  // its sequence. Opening the directory with the same engine gives the store as of then.
  virtual Result<uint64_t> Checkpoint(StringView directory) noexcept = 0;

 protected:
  ~StorageCheckpoint() = default;
};

// Writes for threads that must not wait, such as those that serve many sockets.
class StorageNonblocking {  // [any][nonblocking] facet
 public:
  static constexpr InterfaceId kInterface{"nexadb.storage.nonblocking", 0, 1};
  // A transaction whose calls answer kWouldBlock instead of waiting: for the disk, for room, for
  // another commit. The one that does has no effect, a commit ends the transaction as ever: run it
  // again by StorageEngine::Begin, where waiting is allowed. kWouldBlock already here when commits
  // of the default durability wait for the disk.
  virtual Result<Handle<Transaction>> BeginNonblocking(
      const TransactionOptions& options) noexcept = 0;

 protected:
  ~StorageNonblocking() = default;
};

struct BackupInfo {
  uint32_t struct_size = sizeof(BackupInfo);
  uint32_t reserved = 0;
  uint64_t sequence = 0;  // of the state it holds
  int64_t created_ms = 0;
  uint64_t files = 0;
  uint64_t bytes = 0;         // of all its files: what a restore needs
  uint64_t bytes_copied = 0;  // what making it has written; the rest it shares by hard link
};

// Told from time to time how far a long call is, in bytes read. Return a failure to end the call
// with it; what the call had made is removed.
struct BackupWatch {
  Status (*progress)(void* state, uint64_t done, uint64_t total) noexcept = nullptr;
  void* state = nullptr;
};

// Receives each backup of a folder, oldest first. `status` tells why `info` is empty, when it is.
struct BackupSink {
  void (*backup)(void* state, StringView name, const BackupInfo& info,
                 const Status& status) noexcept = nullptr;
  void* state = nullptr;
};

// Backups: directories, each complete by itself, that stand side by side in one folder. A backup
// opens as a store of the same engine, and is a backup no more once it was opened. One whose making
// was cut off stands under its name with ".partial" behind it, is no backup, and goes when the next
// one of that name is made. Damage is kCorruption, and the message names the file.
class StorageBackup {  // [worker] facet
 public:
  static constexpr InterfaceId kInterface{"nexadb.storage.backup", 0, 1};
  // A consistent copy of the store in `directory`, while writers go on: holds all that was
  // acknowledged before the call. Files that another backup beside it has as well, or that can be
  // shared with the store itself, are hard links; the others are copied. kConflict: it exists.
  virtual Result<BackupInfo> Backup(StringView directory, const BackupWatch& watch) noexcept = 0;
  virtual Status List(StringView folder, const BackupSink& sink) noexcept = 0;
  // kNotFound: no such directory. kInvalidArgument: it is no backup.
  virtual Result<BackupInfo> Describe(StringView directory) noexcept = 0;
  // Reads every file and checks it.
  virtual Status VerifyBackup(StringView directory, const BackupWatch& watch) noexcept = 0;
  // Copies a backup, checking every file, into `target`, which must not exist or be empty, for the
  // engine to be opened there. `target` appears whole or not at all.
  virtual Status Restore(StringView directory, StringView target,
                         const BackupWatch& watch) noexcept = 0;
  // As Restore, but the copy takes the place of this store when it is opened next; the former
  // contents are then kept beside it, under its name with ".replaced" behind it. Until then the
  // store goes on, and writes made meanwhile are not in what replaces it.
  virtual Status RestoreAtNextOpen(StringView directory, const BackupWatch& watch) noexcept = 0;
  virtual Status Remove(StringView directory) noexcept = 0;

 protected:
  ~StorageBackup() = default;
};

class StorageCompaction {  // [worker] facet
 public:
  static constexpr InterfaceId kInterface{"nexadb.storage.compaction", 0, 1};
  // Rewrites [begin, end) to its smallest form. Returns when done.
  virtual Status Compact(BytesView begin, BytesView end) noexcept = 0;

 protected:
  ~StorageCompaction() = default;
};

class StorageIngest {  // [worker] facet
 public:
  static constexpr InterfaceId kInterface{"nexadb.storage.ingest", 0, 1};
  // Takes rows in strictly increasing key order, from a cursor, into an empty range of the store,
  // as one atomic write. For index builds and restores.
  virtual Result<uint64_t> Ingest(Cursor& rows) noexcept = 0;

 protected:
  ~StorageIngest() = default;
};

// Receives batches in commit order. Return a failure to stop.
struct ChangeSink {
  Status (*batch)(void* state, uint64_t sequence,
                  Span<const Mutation> mutations) noexcept = nullptr;
  void* state = nullptr;
};

class StorageChanges {  // [worker] facet, for followers and backup
 public:
  static constexpr InterfaceId kInterface{"nexadb.storage.changes", 0, 1};
  // Batches with a sequence above `after`. kNotFound when some of them are gone already.
  virtual Status ChangesSince(uint64_t after, const ChangeSink& sink) noexcept = 0;

 protected:
  ~StorageChanges() = default;
};

}  // namespace nexadb
