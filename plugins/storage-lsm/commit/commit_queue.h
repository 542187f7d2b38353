// CommitQueue: the one way into the store.
//
// Writers queue up; the first leads: it takes those behind it as a group, validates and resolves
// each, encodes each batch once into the log, writes the log and fills the memtable. Then it gives
// the lead to the next group, and only then waits, where a member asked for it, for the sync of the
// log. One of those who wait syncs for all groups written by then, so the next groups fill while
// the disk works, and none of them costs a sync of its own.
//
// A group becomes visible, in order, once it has what its strictest member asked for, and what came
// before has it too: a reader never sees what the durability asked for could still lose.
//
// A failed write or sync of the log, or a failure between log and memtable, poisons the queue:
// that group and all later ones fail, reads go on, and only opening the store again helps. Nobody
// tries a sync twice: after a failed one the kernel may have dropped the pages and report success.
// A log that has no room is no such failure: the group is refused, nothing of it is in the
// memtable, and the next group tries anew, in another log if this one may have a torn end.
#pragma once
#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "nexadb/env.h"
#include "plugins/storage-lsm/commit/batch_resolver.h"
#include "plugins/storage-lsm/commit/sync_pacer.h"
#include "plugins/storage-lsm/log/log_writer.h"
#include "plugins/storage-lsm/util/latency_histogram.h"
#include "plugins/storage-lsm/util/sync.h"

namespace nexadb::lsm {

// What the queue's leader needs of the store.
class CommitHost {
 public:
  // Waits for room, slows down while compaction is behind, rotates memtable and log when they are
  // full. `bytes` is the group's size. [leader]
  virtual Status MakeRoom(uint64_t bytes) = 0;
  // Whether that would wait or work for long. [leader]
  virtual bool MakesWait() = 0;
  // Fails while the disk is too full to take more; deletes are let through. [leader]
  virtual Status CheckDisk(uint64_t bytes) = 0;
  virtual ReadViewPointer View() = 0;
  virtual Memtable& ActiveMemtable() = 0;               // [leader]
  virtual const std::shared_ptr<LogWriter>& Wal() = 0;  // [leader]
  virtual Mutex& WalSyncMutex() = 0;                    // held around every sync of the log
  // The memtable has taken a group. [leader]
  virtual void Applied() = 0;
  // Everything up to `sequence` may be seen. One caller at a time, in order.
  virtual void Publish(Sequence sequence) = 0;

 protected:
  ~CommitHost() = default;
};

struct CommitStatistics {
  std::atomic<uint64_t> groups{0};
  std::atomic<uint64_t> batches{0};
  std::atomic<uint64_t> user_bytes{0};  // keys and values, and 16 bytes an entry
  std::atomic<uint64_t> conflicts{0};
  std::atomic<uint64_t> refused{0};  // groups, for want of room in the log
  std::atomic<uint64_t> wal_bytes{0};
  std::atomic<uint64_t> wal_syncs{0};
  LatencyHistogram sync_latency;
};

class CommitQueue {
 public:
  // The first commit gets the sequence after `last`.
  CommitQueue(Env& env, CommitHost& host, Sequence last);

  // [any] Returns once done, or at once with kWouldBlock when the request says so. An empty request
  // makes what was written before as durable as it asks.
  Result<Sequence> Commit(const CommitRequest& request);
  // Runs `body` as a leader of its own, with no other commit under way. [any]
  Status RunExclusive(Status (*body)(void* state), void* state);
  // The same unless a commit is under way. A failure is left to the next commit to meet. [any]
  void RunIfIdle(Status (*body)(void* state), void* state);

  // Writes what is only buffered; while a commit is under way, its leader does. So this never waits
  // for a writer that waits for room. [any]
  void WriteBuffered();
  // All later commits fail with `cause`. [any]
  void Poison(const Status& cause);

  // Within RunExclusive: the last sequence given out, and to go on behind a later one.
  Sequence last() const { return next_ - 1; }
  void SkipTo(Sequence last) { next_ = last + 1; }

  const CommitStatistics& statistics() const { return statistics_; }
  // What poisoned the queue, or Ok. [any]
  Status failure();

 private:
  enum class State : uint8_t { kQueued, kFlying, kDone };
  struct Writer {
    const CommitRequest* request = nullptr;
    Status (*exclusive)(void*) = nullptr;
    void* exclusive_state = nullptr;
    Handle<CondVar> wake;
    State state = State::kQueued;  // under mutex_
    Status status;
    Sequence sequence = 0;
    size_t entries = 0;  // resolved
  };
  // A group from its lead until it is visible. Lives on its leader's stack.
  struct Flight {
    std::vector<Writer*> group;  // the leader first
    std::shared_ptr<LogWriter> wal;
    Sequence last = 0;    // 0: nothing to show
    bool syncs = false;   // a member asked for a sync
    bool landed = false;  // under mutex_
  };
  using Wakes = std::vector<CondVar*>;

  // kIfIdle: only while nobody leads. kAtOnce: only where nobody before it may wait.
  enum class Join { kAlways, kIfIdle, kAtOnce };
  static bool NeverWaits(const Writer* writer);
  bool PassesAtOnce() const;  // under mutex_
  void Enqueue(Writer& writer, Join join = Join::kAlways);
  void Sleep(Writer& writer);
  std::vector<Writer*> TakeGroup();

  // The leader's part, without mutex_.
  void Lead(Flight& flight);
  Status LeadBatches(Flight& flight);
  // Resolves what passes its checks; the others get their status.
  Durability ResolveGroup(Flight& flight, const Status& disk);
  void Encode(const Flight& flight, Sequence first);
  Status Apply(Sequence first);
  Status WriteLog(Durability durability);

  // From the log to visibility, with mutex_ held but for the sync itself.
  void LeadAndLand(Writer& writer, MutexLock& lock);
  void SyncFlights(Writer& writer, MutexLock& lock);
  void Gather(Writer& writer);
  void Land(Flight& flight, Wakes* wakes);
  static void Notify(const Wakes& wakes, MutexLock& lock);

  Env& env_;
  CommitHost& host_;
  Handle<Mutex> mutex_;
  std::deque<Writer*> queue_;               // under mutex_: the leader and those behind it
  std::deque<Flight*> flights_;             // under mutex_: written, waiting for a sync
  uint64_t flying_batches_ = 0;             // under mutex_
  bool syncing_ = false;                    // under mutex_: one of flights_' leaders syncs
  Writer* gathering_ = nullptr;             // under mutex_: it waits for more flights
  SyncPacer pacer_;                         // under mutex_
  std::vector<Handle<CondVar>> wake_pool_;  // under mutex_
  std::vector<std::vector<Writer*>>
      group_pool_;          // under mutex_: empty, their memory is what counts
  Status failure_;          // under mutex_
  Sequence next_;           // [leader]
  BatchResolver resolver_;  // [leader]
  std::atomic<bool> has_buffered_{false};
  std::atomic<bool> write_due_{false};  // what is buffered has waited for long enough
  CommitStatistics statistics_;
};

}  // namespace nexadb::lsm
