// CommitQueue: the one way into the store.
//
// Writers queue up; the first leads: it takes those behind it as a group, validates and resolves
// each, encodes each batch once into the log, writes and syncs the log once as the strictest
// member asks, fills the memtable, and only then makes the group visible. So a reader never sees
// what the durability asked for could still lose.
//
// A failed write or sync of the log, or a failure between log and memtable, poisons the queue:
// that group and all later ones fail, reads go on, and only opening the store again helps. Nobody
// tries a sync twice: after a failed one the kernel may have dropped the pages and report success.
#pragma once
#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "nexadb/env.h"
#include "plugins/storage-lsm/commit/group_overlay.h"
#include "plugins/storage-lsm/commit/request.h"
#include "plugins/storage-lsm/log/log_writer.h"
#include "plugins/storage-lsm/read/read_view.h"

namespace nexadb::lsm {

// What the queue's leader needs of the store.
class CommitHost {
 public:
  // Waits for room, slows down while compaction is behind, rotates memtable and log when they are
  // full. `bytes` is the group's size. [leader]
  virtual Status MakeRoom(uint64_t bytes) = 0;
  // Fails while the disk is too full to take more; deletes are let through. [leader]
  virtual Status CheckDisk() = 0;
  virtual ReadViewPointer View() = 0;
  virtual Memtable& ActiveMemtable() = 0;  // [leader]
  virtual LogWriter& Wal() = 0;            // [leader]
  virtual Mutex& WalSyncMutex() = 0;       // held around every sync of the log
  // Everything up to `sequence` is in the memtable. [leader]
  virtual void Publish(Sequence sequence) = 0;

 protected:
  ~CommitHost() = default;
};

struct CommitStatistics {
  std::atomic<uint64_t> groups{0};
  std::atomic<uint64_t> batches{0};
  std::atomic<uint64_t> conflicts{0};
  std::atomic<uint64_t> wal_syncs{0};
  std::atomic<uint64_t> wal_bytes{0};
};

class CommitQueue {
 public:
  // The first commit gets the sequence after `last`.
  CommitQueue(Env& env, CommitHost& host, Sequence last, uint64_t interval_ns);

  // [any] Returns once done. An empty request makes what was written before as durable as it asks.
  Result<Sequence> Commit(const CommitRequest& request);
  // Runs `body` as a leader of its own, with no other commit under way. [any]
  Status RunExclusive(Status (*body)(void* state), void* state);

  // Writes what is only buffered, unless a commit is under way: then its leader sees to that. So
  // this never waits for a writer that waits for room. [any]
  void WriteBufferedIfIdle();
  // All later commits fail with `cause`. [any]
  void Poison(const Status& cause);

  const CommitStatistics& statistics() const { return statistics_; }
  // What poisoned the queue, or Ok. [any]
  Status failure();

 private:
  struct Writer {
    const CommitRequest* request = nullptr;
    Status (*exclusive)(void*) = nullptr;
    void* exclusive_state = nullptr;
    Handle<CondVar> wake;
    bool done = false;
    Status status;
    Sequence sequence = 0;
    std::vector<Entry> entries;  // resolved; views of the caller's memory or the group's
  };
  using Group = std::vector<Writer*>;

  enum class Join { kAlways, kIfIdle };
  void Enqueue(Writer& writer, Join join = Join::kAlways);
  Group TakeGroup();
  void Lead(const Group& group);
  Status LeadBatches(const Group& group);
  // Fills writer.entries, stamps and sums included.
  Status Resolve(Writer& writer, const ReadView& view, GroupOverlay* overlay, Sequence first);
  // `batch`: what earlier mutations of the same batch have made.
  Status ResolveAdd(const Mutation& m, const ReadView& view, const GroupOverlay& overlay,
                    const GroupOverlay& batch, Entry* entry);
  Status Validate(const Validation& validation, const ReadView& view, const GroupOverlay& overlay);
  void Encode(const Writer& writer, Sequence first);
  Status MakeDurable(Durability durability);
  // Whether buffered bytes have waited for long enough, or are too many.
  bool BufferDue(const LogWriter& wal);
  std::string_view Keep(std::string bytes);

  Env& env_;
  CommitHost& host_;
  Handle<Mutex> mutex_;
  std::deque<Writer*> queue_;               // under mutex_
  std::vector<Handle<CondVar>> wake_pool_;  // under mutex_
  Status failure_;                          // under mutex_
  Sequence next_;                           // [leader]
  std::deque<std::string> kept_;            // [leader] what the group's entries point to
  std::atomic<bool> has_buffered_{false};
  const uint64_t interval_ns_;
  uint64_t written_ns_ = 0;  // [leader] when the log's buffer was last empty
  CommitStatistics statistics_;
};

}  // namespace nexadb::lsm
